//! Node, with the module.

use std::io::Write as _;
use std::process::{Command, Stdio};

use bellwether_core::schema::Schema;
use bellwether_tests::Paths;
use serde_json::{Value, json};

/// The module's answers for these schemas and documents, in this order. One process validates all, so
/// schemas meet the cache.
pub(crate) fn answers(cases: &[(&Schema, &Value)]) -> Vec<String> {
    let mut input = String::new();
    for (schema, document) in cases {
        let line = json!({
            "key": schema.hash().to_string(),
            "schema": schema.lowered().expect("the schema can be used"),
            "document": document.to_string(),
        });
        input.push_str(&line.to_string());
        input.push('\n');
    }
    let paths = Paths::get();
    let script = paths.root().join("tests/schema/validate.mjs");
    let mut node = Command::new(paths.node())
        // About what an isolate may have: V8 keeps pointers of half the size there.
        .arg("--max-old-space-size=200")
        .arg(script)
        .arg(paths.schema_module())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Node starts");
    let mut stdin = node.stdin.take().expect("it is piped");
    stdin.write_all(input.as_bytes()).expect("Node reads");
    drop(stdin);
    let output = node.wait_with_output().expect("Node ends");
    assert!(output.status.success(), "Node failed: {}", output.status);
    let output = String::from_utf8(output.stdout).expect("it is text");
    let answers: Vec<String> = output.lines().map(str::to_owned).collect();
    assert_eq!(answers.len(), cases.len());
    answers
}

pub(crate) fn schema(json: &Value) -> Schema {
    Schema::parse(json.to_string().as_bytes()).expect("it is a document")
}
