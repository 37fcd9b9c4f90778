//! What the Rust reader makes of its Worker's vars in JavaScript (`crates/reader/src/setup.js`), beside what core makes of
//! them for the coordinator.

use std::fs;
use std::process::Command;

use bellwether_core::document::Document;
use bellwether_core::merge::Layers;
use bellwether_core::settings::{
    ColdStart, OnExpired, ReaderSettings, Settings, TransportSettings,
};
use bellwether_tests::Paths;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Random cases in one run.
const CASES: usize = 4_000;

#[derive(Debug, Serialize)]
struct Case {
    /// The settings var.
    settings: Value,
    /// The defaults, as text.
    base: String,
    /// The vars layer, as text.
    vars: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    lines: String,
    as_text: String,
    base: String,
}

#[test]
fn it_means_what_core_makes_of_it() {
    let cases = cases();
    let outcomes = outcomes(&cases);
    assert_eq!(outcomes.len(), cases.len());
    for (case, outcome) in cases.iter().zip(outcomes) {
        assert_settings(&case.settings, &outcome.lines);
        // A var that is text is JSON all the same, so a text is read again.
        if !case.settings.is_string() {
            assert_eq!(outcome.lines, outcome.as_text, "{}", case.settings);
        }
        assert_base(case, &outcome.base);
    }
}

fn assert_settings(var: &Value, lines: &str) {
    let core = Settings::parse(Some(var));
    let mut told = lines.split('\n');
    let found: Vec<&str> = told.by_ref().take(7).collect();
    let expected = described(&core.reader);
    if expected[4] == "unusable" {
        let place = |text: &str| text.split(": ").next().map(str::to_owned);
        assert_eq!(
            (found[4], place(found[5])),
            ("unusable", place(&expected[5])),
            "{var}"
        );
        assert_eq!(found[..4], expected[..4], "{var}");
    } else {
        assert_eq!(found, expected, "{var}");
    }
    let mistakes = core.errors.iter().map(|error| &error.pointer);
    let mut mistakes: Vec<String> = mistakes
        .filter(|pointer| !pointer.starts_with("/spaces"))
        .map(|pointer| {
            if pointer.is_empty() {
                "the whole".to_owned()
            } else {
                pointer.clone()
            }
        })
        .collect();
    let mut told: Vec<String> = told
        .map(|line| line.split(": ").next().unwrap_or_default().to_owned())
        .collect();
    mistakes.sort();
    told.sort();
    assert_eq!(told, mistakes, "{var}");
}

/// As `setup.js` writes settings.
fn described(settings: &ReaderSettings) -> [String; 7] {
    let text = str::to_owned;
    let (kind, named, secret) = match &settings.transport {
        TransportSettings::Object { binding } => ("object", binding.clone(), String::new()),
        TransportSettings::Service {
            binding,
            token_secret,
        } => ("service", binding.clone(), token_secret.clone()),
        TransportSettings::Url { url, token_secret } => ("url", url.clone(), token_secret.clone()),
        TransportSettings::Unusable { reason } => ("unusable", reason.clone(), String::new()),
    };
    [
        match settings.cold_start {
            ColdStart::Base => text("base"),
            ColdStart::Wait { deadline_ms } => deadline_ms.to_string(),
        },
        match settings.on_expired {
            OnExpired::Serve => text("serve"),
            OnExpired::Error => text("error"),
            OnExpired::Wait { deadline_ms } => deadline_ms.to_string(),
        },
        settings.revalidate_timeout_ms.to_string(),
        text(if settings.colo_cache { "1" } else { "" }),
        text(kind),
        named,
        secret,
    ]
}

fn assert_base(case: &Case, found: &str) {
    let object =
        |text: &str| Document::parse(text.as_bytes()).map(|document| document.object().clone());
    let Ok(vars) = object(&case.vars) else {
        assert!(!found.starts_with('{'), "{case:?}: {found}");
        return;
    };
    let defaults = object(&case.base).expect("a base");
    let layers = Layers {
        defaults: Some(&defaults),
        vars: Some(&vars),
        source: None,
        override_: None,
    };
    let merged = layers.merged().expect("small documents");
    let found = object(found).expect("a document");
    assert_eq!(
        Value::Object(found),
        Value::Object(merged.object().clone()),
        "{case:?}"
    );
}

fn outcomes(cases: &[Case]) -> Vec<Outcome> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("cases.json");
    fs::write(&file, serde_json::to_vec(cases).expect("JSON")).expect("a file");
    let paths = Paths::get();
    let output = Command::new(paths.node())
        .arg("tests/readers/setup.mjs")
        .arg(&file)
        .current_dir(paths.root())
        .output()
        .expect("Node starts");
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{err}");
    serde_json::from_slice(&output.stdout).expect("outcomes")
}

fn cases() -> Vec<Case> {
    let mut runner = TestRunner::default();
    let settings = prop_oneof![
        4 => transport().prop_map(|transport| json!({ "reader": { "transport": transport } })),
        4 => reader().prop_map(|reader| json!({ "reader": reader, "spaces": {} })),
        1 => anything(),
        1 => anything().prop_map(|reader| json!({ "reader": reader })),
    ];
    let random = (
        settings,
        document(),
        prop_oneof![8 => document(), 1 => anything()],
    );
    let mut cases: Vec<Case> = (0..CASES)
        .map(|_| {
            let (settings, base, vars) = random.new_tree(&mut runner).expect("a case").current();
            Case {
                settings,
                base: base.to_string(),
                vars: vars.to_string(),
            }
        })
        .collect();
    for (base, vars) in [
        ("{}", r#"{"a":null}"#),
        (r#"{"a":null}"#, "{}"),
        (
            r#"{"a":18446744073709551615,"b":0.1,"c":-0.0}"#,
            r#"{"d":9007199254740993}"#,
        ),
        (
            r#"{"__proto__":{"x":1}}"#,
            r#"{"__proto__":{"y":2},"constructor":3}"#,
        ),
        ("{}", "{"),
        ("{}", "[]"),
    ] {
        cases.push(Case {
            settings: json!({}),
            base: base.to_owned(),
            vars: vars.to_owned(),
        });
    }
    cases
}

fn reader() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(vec![
        "cold_start",
        "colo_cache",
        "on_expired",
        "revalidate_timeout",
        "cold_starts",
        "a/b~c",
    ]);
    let waits = prop_oneof![
        duration().prop_map(|wait| json!({ "wait": wait })),
        Just(json!({})),
        duration().prop_map(|wait| json!({ "wait": wait, "more": 1 })),
    ];
    let value = prop_oneof![
        prop::sample::select(vec!["base", "wait", "serve", "error", "other"]).prop_map(Value::from),
        duration(),
        waits,
        any::<bool>().prop_map(Value::from),
        anything(),
    ];
    let fields = prop::collection::btree_map(name.prop_map(str::to_owned), value, 0..5);
    (fields, prop::option::of(transport())).prop_map(|(fields, transport)| {
        let transport = transport.map(|transport| ("transport".to_owned(), transport));
        Value::Object(fields.into_iter().chain(transport).collect())
    })
}

fn duration() -> impl Strategy<Value = Value> {
    prop_oneof![
        "(0|1|50|250|24999|25000|25001|99999999999999999999)(ms|s|m|h|d|x|)".prop_map(Value::from),
        "[ +-]?[0-9]{1,3}(ms|s) ?".prop_map(Value::from),
        any::<u8>().prop_map(Value::from),
    ]
}

fn transport() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "[A-Za-z_0-9-]{0,3}",
        "(https?://|ftp://|HTTPS://|//)?(a|a-b[.]c|[.]a|_|\\[::1\\]|\\[1\\]|\\[::g\\]|u@h|h:p|é|)(:0|:00|:1|:080|:65535|:65536|:99999|:|:8x)?(/|//|/a/|/a@b|/a?b|/a#b|/\\\\|/ |/é|\\?x)?",
        "https://h/[!-~]{0,3}",
        "[A-Z]{126,130}",
        "https://h/a{2036,2040}",
    ];
    let value = prop_oneof![9 => text.prop_map(Value::from), 1 => anything()];
    let name = prop::sample::select(vec!["object", "service", "url", "token_secret", "uri"]);
    let fields = prop::collection::btree_map(name.prop_map(str::to_owned), value, 0..4);
    prop_oneof![
        9 => fields.prop_map(|fields| Value::Object(fields.into_iter().collect())),
        1 => anything(),
    ]
}

fn anything() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z\\n\"]{0,4}".prop_map(Value::from),
        Just(json!([1, {}])),
        document(),
    ]
}

fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[é\\n]{0,2}".prop_map(Value::from),
    ];
    let name = prop::sample::select(vec!["a", "b", "c", "1", "0", "__proto__", "toString"]);
    let object = |value: BoxedStrategy<Value>| {
        prop::collection::btree_map(name.clone().prop_map(str::to_owned), value, 0..4)
            .prop_map(|members| Value::Object(members.into_iter().collect()))
            .boxed()
    };
    let inner = object(leaf.clone().boxed());
    let middle = object(prop_oneof![leaf.clone(), inner, Just(json!([{ "a": null }]))].boxed());
    object(prop_oneof![leaf, middle].boxed())
}
