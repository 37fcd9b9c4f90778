//! The API's description is whole: every route and problem, and nothing that is not there.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use bellwether_core::names::{header, spelled};
use bellwether_core::openapi;
use bellwether_core::problem::{Problem, ProblemKind};
use bellwether_core::routes::Route;
use serde_json::{Map, Value};

fn document() -> Value {
    serde_json::from_str(&openapi::document()).unwrap()
}

fn members(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap()
}

/// All operations: path, method in lower case, and what is said of it.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = members(&document["paths"]).iter();
    paths
        .flat_map(|(path, item)| {
            let methods = members(item).iter();
            let methods = methods.filter(|(name, _)| *name != "parameters");
            methods.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
        })
        .collect()
}

/// Every object in the document.
fn each<'v>(value: &'v Value, look: &mut impl FnMut(&'v Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            look(object);
            object.values().for_each(|value| each(value, look));
        }
        Value::Array(items) => items.iter().for_each(|value| each(value, look)),
        _ => {}
    }
}

fn references(document: &Value) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    each(document, &mut |object| {
        found.extend(object.get("$ref").and_then(Value::as_str));
    });
    found
}

#[test]
fn every_route_and_method_is_described_and_nothing_else() {
    let document = document();
    let described: BTreeSet<(String, String)> = operations(&document)
        .into_iter()
        .map(|(path, method, _)| (path.to_owned(), method.to_ascii_uppercase()))
        .collect();
    let routed: BTreeSet<(String, String)> = Route::all()
        .flat_map(|route| {
            let methods = route.methods().iter();
            let methods = methods.filter(|method| !matches!(**method, "HEAD" | "OPTIONS"));
            methods.map(move |method| (route.template(), (*method).to_owned()))
        })
        .collect();
    assert_eq!(described, routed);
}

#[test]
fn every_operation_says_what_it_is_and_how_it_ends() {
    let document = document();
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        let place = format!("{method} {path}");
        assert!(
            ids.insert(operation["operationId"].as_str().unwrap()),
            "{place}"
        );
        assert!(
            operation["summary"].as_str().unwrap().ends_with('.'),
            "{place}"
        );
        let statuses: Vec<&str> = members(&operation["responses"])
            .keys()
            .map(String::as_str)
            .collect();
        assert!(statuses.is_sorted(), "{place}: {statuses:?}");
        assert!(
            statuses.iter().any(|status| status.starts_with('2')),
            "{place}"
        );
        let guarded = operation["security"].as_array().unwrap().len() == 1;
        for status in ["401", "403"] {
            assert_eq!(statuses.contains(&status), guarded, "{place}");
        }
        let takes_body = operation.get("requestBody").is_some();
        assert_eq!(
            takes_body,
            matches!(method, "post" | "put" | "patch"),
            "{place}"
        );
        for status in ["413", "415"] {
            assert_eq!(statuses.contains(&status), takes_body, "{place}");
        }
        let writes = operation["security"][0]["token"][0] == "publish";
        for status in ["412", "428"] {
            assert_eq!(statuses.contains(&status), writes, "{place}");
        }
    }
}

#[test]
fn nothing_is_described_that_no_operation_has() {
    let document = document();
    let ids: BTreeSet<&str> = operations(&document)
        .into_iter()
        .map(|(_, _, operation)| operation["operationId"].as_str().unwrap())
        .collect();
    for link in members(&document["components"]["links"]).values() {
        assert!(
            ids.contains(link["operationId"].as_str().unwrap()),
            "{link}"
        );
    }
    let lines = include_str!("../src/openapi/operations.txt").lines();
    let told: BTreeSet<&str> = lines.map(|line| line.split('|').next().unwrap()).collect();
    assert_eq!(told, ids);
}

#[test]
fn references_resolve_and_components_are_used() {
    let document = document();
    let references = references(&document);
    for reference in &references {
        let place = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(place).is_some(), "{reference}");
    }
    for (section, components) in members(&document["components"]) {
        for name in members(components).keys() {
            let place = format!("#/components/{section}/{name}");
            // Schemes are used by name. A method that is not there has no operation.
            let elsewhere = section == "securitySchemes" || name == "405";
            let used = references.contains(&*place);
            assert!(used || elsewhere, "{place}");
        }
    }
}

#[test]
fn every_shorthand_is_written_out() {
    let document = document();
    let known: BTreeSet<&str> = [
        "null", "boolean", "string", "integer", "number", "array", "object",
    ]
    .into();
    each(&document["components"], &mut |object| {
        for (name, value) in object {
            assert!(!value.is_null(), "{name} in {object:?}");
            let text = value.as_str().unwrap_or_default();
            assert!(!text.contains('@'), "{text}");
        }
    });
    each(&document["components"]["schemas"], &mut |object| {
        if let Some(kind) = object.get("type").and_then(Value::as_str) {
            assert!(known.contains(kind), "{kind}");
        }
    });
}

#[test]
fn parameters_and_headers_have_the_codes_names() {
    let document = document();
    let known = [
        spelled::VERSION,
        spelled::STATE,
        spelled::FRESHNESS,
        spelled::PENDING,
        spelled::MIN_VERSION,
        spelled::REASON,
        spelled::IDEMPOTENCY_KEY,
        spelled::IF_MATCH,
        spelled::IF_NONE_MATCH,
        spelled::AGE,
        spelled::ETAG,
        spelled::SERVER_TIMING,
    ];
    let others = [
        header::REPLAYED,
        header::LAST_MODIFIED,
        header::CACHE_CONTROL,
        header::WWW_AUTHENTICATE,
        header::ALLOW,
        header::RETRY_AFTER,
    ];
    let is_known =
        |name: &str| known.contains(&name) || others.contains(&&*name.to_ascii_lowercase());
    let components = &document["components"];
    for name in members(&components["headers"]).keys() {
        assert!(is_known(name), "{name}");
    }
    let queries: BTreeSet<&str> = Route::all()
        .flat_map(|route| {
            let methods = route.methods().iter();
            methods.flat_map(move |method| route.query_names(method))
        })
        .copied()
        .collect();
    let paths: BTreeSet<&str> = Route::all()
        .flat_map(|route| route.parameters())
        .copied()
        .collect();
    for (key, parameter) in members(&components["parameters"]) {
        let name = parameter["name"].as_str().unwrap();
        assert_eq!(name, key);
        match parameter["in"].as_str().unwrap() {
            "query" => assert!(queries.contains(name), "{name}"),
            "path" => assert!(
                paths.contains(name) && parameter["required"] == true,
                "{name}"
            ),
            place => assert!(place == "header" && is_known(name), "{name}"),
        }
    }
}

#[test]
fn every_problem_is_an_example_in_the_response_with_its_status() {
    let document = document();
    let responses = members(&document["components"]["responses"]);
    let mut told = Vec::new();
    for (status, response) in responses {
        let content = &response["content"]["application/problem+json"];
        for (slug, example) in members(&content["examples"]) {
            assert_eq!(example["value"]["status"].to_string(), *status, "{slug}");
            told.push(example["value"].clone());
        }
    }
    assert_eq!(
        told,
        ProblemKind::ALL.map(|kind| Problem::bare(kind).to_json())
    );
    for problem in [
        Problem::bare(ProblemKind::Unauthenticated),
        Problem::bare(ProblemKind::Forbidden),
        Problem::method_not_allowed("GET".to_owned()),
        Problem::bare(ProblemKind::Unavailable).with_retry_after_s(1),
        Problem::bare(ProblemKind::Expired).with_retry_after_s(1),
    ] {
        let response = &responses[&problem.status().to_string()];
        let told: Vec<&str> = members(&response["headers"])
            .keys()
            .map(String::as_str)
            .collect();
        let headers = problem.headers();
        let of_all = ["content-type", "cache-control"];
        let own = headers.iter().map(|(name, _)| *name);
        let own: Vec<&str> = own.filter(|name| !of_all.contains(name)).collect();
        assert_eq!(told, own);
    }
}

#[test]
fn it_is_the_same_every_time() {
    let first = openapi::document();
    assert_eq!(first, openapi::document());
    assert!(first.starts_with(r#"{"openapi":"3.1.0","info":{"title":"Bellwether","version":""#));
}
