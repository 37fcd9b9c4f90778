//! wrangler.toml against the code's names, and wrangler's own opinion of it.
use std::fs;
use std::path::{Path, PathBuf};

use bellwether_core::names;
use bellwether_core::settings::Settings;
use bellwether_tests::{Paths, Token, Wrangler};
use serde_json::{Value, json};

use crate::support::{first_document, from_source, marked, quiet};

fn wrangler_toml() -> toml::Table {
    toml_of(&Paths::get().wrangler_toml())
}

/// Every example that follows from a script of its own.
const EXAMPLES: [&str; 5] = [
    "follower",
    "lean-rust",
    "openfeature-ts",
    "video-rust",
    "video-ts",
];

fn example_toml(name: &str) -> toml::Table {
    toml_of(&Paths::get().example(name).join("wrangler.toml"))
}

fn toml_of(path: &Path) -> toml::Table {
    let text = fs::read_to_string(path).unwrap();
    text.parse()
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_object_is_bound_and_its_class_is_declared_with_sqlite() {
    let table = wrangler_toml();
    let bindings = table["durable_objects"]["bindings"].as_array().unwrap();
    let names: Vec<_> = bindings
        .iter()
        .map(|one| (one["name"].as_str(), one["class_name"].as_str()))
        .collect();
    assert_eq!(
        names,
        [(
            Some(names::COORDINATOR_BINDING),
            Some(names::COORDINATOR_CLASS)
        )]
    );
    let declared = table["migrations"]
        .as_array()
        .unwrap()
        .iter()
        .any(|migration| {
            migration
                .get("new_sqlite_classes")
                .and_then(toml::Value::as_array)
                .is_some_and(|classes| {
                    classes
                        .iter()
                        .any(|class| class.as_str() == Some(names::COORDINATOR_CLASS))
                })
        });
    assert!(declared, "{:?}", table["migrations"]);
}

#[test]
fn the_sample_sources_namespace_is_bound() {
    let table = wrangler_toml();
    let namespaces = table["kv_namespaces"].as_array().unwrap();
    let names: Vec<_> = namespaces
        .iter()
        .map(|one| one["binding"].as_str().unwrap())
        .collect();
    assert_eq!(names, [names::CONFIG_KV_BINDING]);
}

#[test]
fn the_settings_are_valid_and_name_bindings_that_exist() {
    let table = wrangler_toml();
    let vars = table["vars"].as_table().unwrap();
    let settings: Value = serde_json::to_value(&vars[names::SETTINGS_VAR]).unwrap();
    let parsed = Settings::parse(Some(&settings));
    assert!(parsed.errors.is_empty(), "{:?}", parsed.errors);
    let source = &settings["spaces"][names::DEFAULT_SPACE]["source"];
    assert_eq!(source["kv"], names::CONFIG_KV_BINDING);
    assert_eq!(source["key"], names::CONFIG_KV_KEY);
    let known = [names::SETTINGS_VAR, names::VARS_LAYER_VAR];
    for name in vars.keys() {
        assert!(
            known.contains(&name.as_str()),
            "the code knows no var {name}"
        );
    }
}

#[test]
fn no_secret_stands_in_it() {
    let text = fs::read_to_string(Paths::get().wrangler_toml()).unwrap();
    let set = text.lines().any(|line| {
        let line = line.trim_start();
        !line.starts_with('#') && line.contains(names::TOKENS_SECRET)
    });
    assert!(!set, "{} belongs in a secret", names::TOKENS_SECRET);
}

#[test]
fn wrangler_deploy_dry_run_passes() {
    let said = dry_run(wrangler_toml(), &worker());
    for name in [
        names::COORDINATOR_BINDING,
        names::CONFIG_KV_BINDING,
        names::SETTINGS_VAR,
    ] {
        assert!(said.contains(name), "{name} is not in\n{said}");
    }
}

#[test]
fn the_examples_wrangler_toml_binds_the_coordinators_object() {
    let leader = wrangler_toml();
    for name in EXAMPLES {
        let example = example_toml(name);
        let bindings = example["durable_objects"]["bindings"].as_array().unwrap();
        let [binding] = bindings.as_slice() else {
            panic!("{bindings:?}")
        };
        assert_eq!(binding["name"].as_str(), Some(names::COORDINATOR_BINDING));
        assert_eq!(
            binding["class_name"].as_str(),
            Some(names::COORDINATOR_CLASS)
        );
        assert_eq!(binding["script_name"], leader["name"]);
        assert_ne!(example["name"], leader["name"]);
        assert!(
            !example.contains_key("migrations"),
            "the class is declared once"
        );
    }
}

#[test]
fn the_rust_examples_settings_are_what_their_comments_say() {
    let reader = |name| {
        let settings = serde_json::to_value(&example_toml(name)["vars"][names::SETTINGS_VAR]);
        let parsed = Settings::parse(Some(&settings.unwrap()));
        assert!(parsed.errors.is_empty(), "{:?}", parsed.errors);
        parsed.reader
    };
    let defaults = Settings::parse(None).reader;
    assert_eq!(reader("follower"), defaults);
    let never_waiting = json!({ "reader": { "cold_start": "base" } });
    let never_waiting = Settings::parse(Some(&never_waiting)).reader;
    assert_eq!(reader("video-rust"), never_waiting);
}

#[test]
fn wrangler_takes_the_examples() {
    for name in EXAMPLES {
        let folder = Paths::get().example(name);
        let mut table = example_toml(name);
        // wrangler bundles TypeScript itself, from where the aliases lead.
        let is_typescript = name.ends_with("-ts");
        let main = if is_typescript {
            let aliases = table["alias"].as_table_mut().unwrap();
            for (_, to) in aliases.iter_mut() {
                let path = folder.join(to.as_str().unwrap()).canonicalize().unwrap();
                *to = path.to_str().unwrap().into();
            }
            folder.join(table["main"].as_str().unwrap())
        } else {
            Paths::get().example_build(name).join("worker/shim.mjs")
        };
        let said = dry_run(table, &main);
        assert!(said.contains("defined in bellwether"), "{name}: {said}");
    }
}

/// wrangler's own R2, so that the harness's is not the only one that agrees; bound by the example in wrangler.toml.
#[tokio::test]
async fn the_commented_bucket_works_as_a_source_on_wrangler_dev() {
    const STATE: [&str; 3] = ["--local", "--persist-to", "state"];
    let text = fs::read_to_string(Paths::get().wrangler_toml()).unwrap();
    let mut table: toml::Table = [
        "[[r2_buckets]]",
        "binding = \"CONFIG_BUCKET\"",
        "bucket_name",
    ]
    .iter()
    .fold(text, |text, line| text.replace(&format!("# {line}"), line))
    .parse()
    .unwrap();
    let bucket = &table["r2_buckets"][0];
    let object = format!("{}/conf/live.json", bucket["bucket_name"].as_str().unwrap());
    let source = json!({ "r2": bucket["binding"], "key": "conf/live.json" });
    let token = Token::new("operator", "operator-secret-51c0", &["read", "reload"]);
    table["vars"][names::SETTINGS_VAR] =
        toml::Value::try_from(quiet(json!({ "source": source }))).unwrap();
    let vars = table["vars"].as_table_mut().unwrap();
    let tokens = json!([token.entry()]).to_string();
    vars.insert(names::TOKENS_SECRET.to_owned(), tokens.into());
    let wrangler = Wrangler::on(table, &worker());
    let put = |document: &Value| {
        fs::write(wrangler.folder().join("object.json"), document.to_string()).unwrap();
        let put = ["r2", "object", "put", &object, "--file", "object.json"];
        wrangler.run(&[&put, &STATE[..]].concat());
    };

    put(&first_document());
    let dev = wrangler.dev(&STATE).await;
    let client = dev.client().with_token(&token.secret);
    assert_eq!(from_source(&client).await, 2);
    assert_eq!(client.snapshot().await.document, first_document());
    assert_eq!(client.reload().await["outcome"], "unchanged");
    put(&marked(2));
    assert_eq!(client.reload().await["outcome"], "adopted");
    assert_eq!(client.snapshot().await.document, marked(2));
    assert_eq!(client.reload().await["outcome"], "unchanged");
    let delete = ["r2", "object", "delete", &object];
    wrangler.run(&[&delete, &STATE[..]].concat());
    assert_eq!(client.reload().await["outcome"], "missing");
}

/// The built Worker's entry.
fn worker() -> PathBuf {
    let main = wrangler_toml()["main"].as_str().unwrap().to_owned();
    Paths::get().root().join(main)
}

/// What wrangler says of a deploy by this configuration.
fn dry_run(table: toml::Table, main: &Path) -> String {
    Wrangler::on(table, main).run(&["deploy", "--dry-run", "--outdir", "out"])
}
