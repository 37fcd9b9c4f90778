//! `src/schema/`, which is JavaScript, by Node's own test runner, with the validator as the Worker
//! bundles it.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "test code: a broken expectation must stop the test, with its line"
)]

use std::process::Command;
use std::sync::OnceLock;

use bellwether_tests::Paths;

#[test]
fn checks() {
    passes("checks");
}

#[test]
fn patterns() {
    passes("patterns");
}

#[test]
fn quick() {
    passes("quick");
}

#[test]
fn words() {
    passes("words");
}

#[test]
fn secrets() {
    passes("secrets");
}

#[test]
fn limits() {
    passes("limits");
}

#[test]
fn suite() {
    passes("suite");
}

fn passes(name: &str) {
    static ADAPTED: OnceLock<()> = OnceLock::new();
    ADAPTED.get_or_init(|| run(&["scripts/adapt-validator.mjs".to_owned()]));
    run(&[
        "--test".to_owned(),
        // About what an isolate may have: V8 keeps pointers of half the size there.
        "--max-old-space-size=200".to_owned(),
        format!("tests/schema/{name}.test.mjs"),
    ]);
}

fn run(arguments: &[String]) {
    let paths = Paths::get();
    let output = Command::new(paths.node())
        .args(arguments)
        .current_dir(paths.root())
        .env("BELLWETHER_SCHEMA_SUITE", paths.schema_suite())
        .output()
        .expect("Node starts");
    let (out, err) = (&output.stdout, &output.stderr);
    let (out, err) = (String::from_utf8_lossy(out), String::from_utf8_lossy(err));
    assert!(output.status.success(), "{arguments:?}\n{out}\n{err}");
}
