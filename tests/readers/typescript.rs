//! The TypeScript reader, by Node's own test runner, which reads TypeScript as it is.

use std::fs;
use std::process::Command;

use bellwether_tests::Paths;

use crate::{random, vectors};

/// Random traces in one run.
const TRACES: u64 = 400;

#[test]
fn it_does_what_the_vectors_say() {
    let files: Vec<String> = vectors::files()
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    // As it is written, and as it is published.
    for module in ["src/index.ts", "dist/index.js"] {
        node("vectors", module, &files.join(":"));
    }
}

/// A failure prints the seed: `READER_SEED=n cargo test -p bellwether-tests --test readers` shows it again.
#[test]
fn it_does_what_the_rust_reader_does_in_random_traces() {
    let seed = random::seed();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join(format!("seed-{seed}.json"));
    fs::write(&file, vectors::written(&random::traces(seed, TRACES))).expect("a file");
    node("vectors", "src/index.ts", &file.display().to_string());
}

#[test]
fn its_own_rules() {
    node("reader", "src/index.ts", "");
}

#[test]
fn headers() {
    node("wire", "src/index.ts", "");
}

/// By OpenFeature's own SDK.
#[test]
fn the_openfeature_provider() {
    let folder = Paths::get().root().join("clients/openfeature");
    for module in ["src/index.ts", "dist/index.js"] {
        let provider = folder.join(module);
        run("clients/openfeature/test/provider.test.ts", |node| {
            node.env("READER_MODULE", Paths::get().client("dist/index.js"))
                .env("PROVIDER_MODULE", provider)
        });
    }
}

fn node(name: &str, module: &str, vectors: &str) {
    let module = Paths::get().client(module);
    run(&format!("clients/ts/test/{name}.test.ts"), |node| {
        node.env("READER_MODULE", module)
            .env("READER_VECTORS", vectors)
    });
}

fn run(name: &str, set_up: impl FnOnce(&mut Command) -> &mut Command) {
    let paths = Paths::get();
    let mut node = Command::new(paths.node());
    node.args(["--test", name]).current_dir(paths.root());
    let output = set_up(&mut node).output().expect("Node starts");
    let (out, err) = (&output.stdout, &output.stderr);
    let (out, err) = (String::from_utf8_lossy(out), String::from_utf8_lossy(err));
    assert!(output.status.success(), "{name}\n{out}\n{err}");
}
