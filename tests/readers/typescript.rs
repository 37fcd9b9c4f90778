//! The TypeScript reader, by Node's own test runner, which reads TypeScript as it is.

use std::fs;
use std::process::Command;

use bellwether_tests::Paths;

use crate::{random, vectors};

/// Random traces in one run.
const TRACES: u64 = 400;

#[test]
fn it_does_what_the_vectors_say() {
    let files: Vec<String> = vectors::files().iter().map(|path| path.display().to_string()).collect();
    node("vectors", &files.join(":"));
}

/// A failure prints the seed: `READER_SEED=n cargo test -p bellwether-tests --test readers` shows it again.
#[test]
fn it_does_what_the_rust_reader_does_in_random_traces() {
    let seed = random::seed();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join(format!("seed-{seed}.json"));
    fs::write(&file, vectors::written(&random::traces(seed, TRACES))).expect("a file");
    node("vectors", &file.display().to_string());
}

#[test]
fn its_own_rules() {
    node("reader", "");
}

#[test]
fn headers() {
    node("wire", "");
}

fn node(name: &str, vectors: &str) {
    let paths = Paths::get();
    let output = Command::new(paths.node())
        .args(["--test", &format!("clients/ts/test/{name}.test.ts")])
        .current_dir(paths.root())
        .env("READER_VECTORS", vectors)
        .output()
        .expect("Node starts");
    let (out, err) = (&output.stdout, &output.stderr);
    let (out, err) = (String::from_utf8_lossy(out), String::from_utf8_lossy(err));
    assert!(output.status.success(), "{name} {vectors}\n{out}\n{err}");
}
