//! The JSON Schema Test Suite's required tests for 2020-12.

use std::fs;

use bellwether_tests::Paths;
use serde_json::{Value, json};

use super::node::{answers, schema};

/// One line for each group whose schema is refused: `file: group; why`.
const REFUSED: &str = include_str!("refused.txt");

#[test]
fn all_verdicts_are_right_and_the_listed_schemas_refused() {
    let (mut schemas, mut tests, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for (file, group) in groups() {
        let name = format!("{file}: {}", text(&group, "description"));
        // A schema here is an object.
        let written = match &group["schema"] {
            Value::Bool(fits) => json!({ "allOf": [fits] }),
            other => other.clone(),
        };
        let schema = schema(&written);
        if schema.check().is_err() {
            refused.push(name);
            continue;
        }
        for test in group["tests"].as_array().expect("a group has tests") {
            tests.push((name.clone(), test.clone(), schemas.len()));
        }
        schemas.push(schema);
    }
    assert!(tests.len() > 1_000, "only {} tests", tests.len());
    let cases: Vec<_> = (tests.iter())
        .map(|(_, test, at)| (&schemas[*at], &test["data"]))
        .collect();
    for ((name, test, _), answer) in tests.iter().zip(answers(&cases)) {
        let what = text(test, "description");
        assert!(answer.starts_with('['), "{name}: {what}: {answer}");
        assert_eq!(answer == "[]", test["valid"], "{name}: {what}");
    }
    let listed: Vec<&str> = (REFUSED.lines())
        .map(|line| line.split_once("; ").expect("a line says why").0)
        .collect();
    assert_eq!(refused, listed, "refused now:\n{}\n", refused.join("\n"));
}

/// All groups with the name of their file, in order.
fn groups() -> Vec<(String, Value)> {
    let folder = fs::read_dir(Paths::get().schema_suite()).expect("the suite is there");
    let mut files: Vec<_> = folder
        .map(|entry| entry.expect("it can be listed").path())
        .collect();
    files.retain(|path| path.is_file());
    files.sort();
    let mut groups = Vec::new();
    for path in files {
        let name = path
            .file_stem()
            .expect("a file has a name")
            .to_string_lossy()
            .into_owned();
        let text = fs::read_to_string(&path).expect("it can be read");
        let list: Vec<Value> = serde_json::from_str(&text).expect("it is JSON");
        groups.extend(list.into_iter().map(|group| (name.clone(), group)));
    }
    groups
}

fn text<'v>(value: &'v Value, member: &str) -> &'v str {
    value[member].as_str().expect("it has one")
}
