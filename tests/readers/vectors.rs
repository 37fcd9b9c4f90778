//! The traces that are written down, over the Rust reader. `BLESS_VECTORS=1` writes what it does into them: read the
//! difference before you keep it, for it is the contract of both readers.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use bellwether_tests::Paths;
use serde_json::{Value, json};

use crate::scene::Scene;

#[test]
fn the_rust_reader_does_what_the_vectors_say() {
    let bless = std::env::var_os("BLESS_VECTORS").is_some();
    let mut count = 0;
    for file in files() {
        let text = fs::read_to_string(&file).expect("a readable file");
        let mut vectors: Vec<Value> = serde_json::from_str(&text).expect("an array of vectors");
        for vector in &mut vectors {
            count += 1;
            let told = vector.clone();
            replay(vector);
            assert!(
                bless || *vector == told,
                "{}: {}",
                file.display(),
                difference(&told, vector)
            );
        }
        if bless {
            fs::write(&file, written(&vectors)).expect("a writable file");
        }
    }
    assert!(count >= 60, "only {count} vectors");
}

/// The files of vectors, in order.
pub(crate) fn files() -> Vec<PathBuf> {
    let folder = Paths::get().root().join("tests/vectors");
    let entries = fs::read_dir(folder).expect("tests/vectors");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> = paths.filter(|path| is_json(path)).collect();
    files.sort();
    files
}

/// One line a step: short enough to read, and to compare.
pub(crate) fn written(vectors: &[Value]) -> String {
    let mut text = "[".to_owned();
    for (nth, vector) in vectors.iter().enumerate() {
        let comma = if nth == 0 { "" } else { "," };
        let (name, reader) = (&vector["name"], &vector["reader"]);
        let _ = write!(
            text,
            "{comma}\n  {{\n    \"name\": {name},\n    \"reader\": {reader},\n    \"steps\": ["
        );
        for (nth, step) in steps(vector).iter().enumerate() {
            let comma = if nth == 0 { "" } else { "," };
            let _ = write!(text, "{comma}\n      {step}");
        }
        text.push_str("\n    ]\n  }");
    }
    text.push_str("\n]\n");
    text
}

/// Puts what the reader does in the place of what the steps expect.
fn replay(vector: &mut Value) {
    let scene = Scene::new(&vector["reader"]);
    for step in vector["steps"].as_array_mut().expect("steps") {
        let came = scene.step(&step["do"]);
        *step = json!({ "do": step["do"], "then": came });
    }
}

fn difference(told: &Value, done: &Value) -> String {
    let mut pairs = steps(told).iter().zip(steps(done));
    let place = pairs
        .position(|(told, done)| told != done)
        .unwrap_or_default();
    format!(
        "{}, step {place}\n  expected {}\n  does     {}",
        told["name"],
        steps(told)[place],
        steps(done)[place]
    )
}

fn steps(vector: &Value) -> &[Value] {
    vector["steps"].as_array().expect("steps")
}

fn is_json(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "json")
}
