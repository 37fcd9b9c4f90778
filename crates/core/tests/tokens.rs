//! Tokens: who passes, and what a mistake in the secret tells.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use bellwether_core::ContentHash;
use bellwether_core::token::{Denied, Scope, Tokens};
use proptest::prelude::*;
use serde_json::{Value, json};

fn entry(name: &str, token: &str, scopes: &[&str]) -> Value {
    json!({ "name": name, "sha256": ContentHash::of(token.as_bytes()).hex(), "scopes": scopes })
}

fn tokens(entries: Value) -> Tokens {
    Tokens::parse(Some(&entries.to_string()))
}

fn some() -> Tokens {
    tokens(json!([
        entry("reader", "r-secret", &["read"]),
        entry("operator", "o-secret", &["read", "reload", "publish"]),
        entry("robot", "x-secret", &["reload"]),
    ]))
}

#[test]
fn a_known_token_with_the_scope_passes_under_its_name() {
    let tokens = some();
    assert_eq!((tokens.len(), tokens.problem.as_deref()), (3, None));
    for (header, scope, name) in [
        ("Bearer r-secret", Scope::Read, "reader"),
        ("bearer r-secret", Scope::Read, "reader"),
        ("BEARER   r-secret ", Scope::Read, "reader"),
        ("Bearer o-secret", Scope::Read, "operator"),
        ("Bearer o-secret", Scope::Reload, "operator"),
        ("Bearer o-secret", Scope::Publish, "operator"),
        ("Bearer x-secret", Scope::Reload, "robot"),
    ] {
        assert_eq!(tokens.authorise(Some(header), scope), Ok(name), "{header}");
    }
}

#[test]
fn no_scope_includes_another() {
    let tokens = some();
    for (header, scope) in [
        ("Bearer r-secret", Scope::Reload),
        ("Bearer r-secret", Scope::Publish),
        ("Bearer x-secret", Scope::Read),
    ] {
        assert_eq!(
            tokens.authorise(Some(header), scope),
            Err(Denied::Forbidden),
            "{header}"
        );
    }
}

#[test]
fn everything_else_is_unauthenticated() {
    let tokens = some();
    let hash = format!("Bearer {}", ContentHash::of(b"r-secret"));
    for header in [
        "",
        " ",
        "Bearer",
        "Bearer ",
        "r-secret",
        "Basic r-secret",
        "Bearerr-secret",
        "Bearer\tr-secret",
        "Bearer r-secre",
        "Bearer r-secrets",
        "Bearer R-SECRET",
        "Bearer r-secret, Bearer r-secret",
        "Bearer r-secret o-secret",
        "Bearer r-sécret",
        "Bearer r-secret\0",
        "Bearer \"r-secret\"",
        hash.as_str(),
    ] {
        let result = tokens.authorise(Some(header), Scope::Read);
        assert_eq!(result, Err(Denied::Unauthenticated), "{header}");
    }
    assert_eq!(
        tokens.authorise(None, Scope::Read),
        Err(Denied::Unauthenticated)
    );
}

#[test]
fn the_length_of_a_token_is_bounded() {
    for (length, passes) in [(1, true), (4_095, true), (4_096, true), (4_097, false)] {
        let token = "t".repeat(length);
        let tokens = tokens(json!([entry("long", &token, &["read"])]));
        let result = tokens.authorise(Some(&format!("Bearer {token}")), Scope::Read);
        assert_eq!(result.is_ok(), passes, "{length}");
    }
}

#[test]
fn without_tokens_nothing_passes() {
    for (secret, has_problem) in [(None, true), (Some("[]"), false), (Some(""), true)] {
        let tokens = Tokens::parse(secret);
        assert!(tokens.is_empty());
        assert_eq!(tokens.problem.is_some(), has_problem, "{secret:?}");
        for header in [None, Some(""), Some("Bearer x"), Some("Bearer ")] {
            assert_eq!(
                tokens.authorise(header, Scope::Read),
                Err(Denied::Unauthenticated)
            );
        }
    }
}

#[test]
fn one_mistake_closes_all_and_is_told_without_content() {
    let good = entry("reader", "r-secret", &["read"]);
    let digest = ContentHash::of(b"r-secret").hex();
    let with = |field: &str, value: Value| {
        let mut entry = entry("leaky", "other", &["read"]);
        entry
            .as_object_mut()
            .unwrap()
            .insert(field.to_owned(), value);
        json!([good, entry]).to_string()
    };
    let without = |field: &str| {
        let mut entry = entry("leaky", "other", &["read"]);
        entry.as_object_mut().unwrap().remove(field);
        json!([good, entry]).to_string()
    };
    for (secret, place) in [
        ("leaky".to_owned(), "not JSON"),
        ("{}".to_owned(), "not an array"),
        ("[1]".to_owned(), "/0:"),
        (format!("[{good}] leaky"), "not JSON"),
        (
            format!("[{good},{{\"leaky\":1,\"leaky\":1}}]"),
            "duplicate_key",
        ),
        (with("name", json!(1)), "/1/name"),
        (with("name", json!("")), "/1/name"),
        (with("name", json!("leaky\n")), "/1/name"),
        (with("sha256", json!("leaky")), "/1/sha256"),
        (with("sha256", json!(digest)), "/1/sha256"),
        (with("sha256", json!(format!("{digest}0"))), "/1/sha256"),
        (with("sha256", json!(&digest[1..])), "/1/sha256"),
        (with("sha256", json!(null)), "/1/sha256"),
        (with("scopes", json!("read")), "/1/scopes"),
        (with("scopes", json!([])), "/1/scopes"),
        (with("scopes", json!(["leaky"])), "/1/scopes"),
        (with("scopes", json!(["read", 1])), "/1/scopes"),
        (with("leaky", json!(1)), "/1:"),
        (without("name"), "/1/name"),
        (without("sha256"), "/1/sha256"),
        (without("scopes"), "/1/scopes"),
    ] {
        let tokens = Tokens::parse(Some(&secret));
        let problem = tokens.problem.as_deref().unwrap();
        assert!(problem.contains(place), "{secret}: {problem}");
        assert!(
            !problem.contains("leaky") && !problem.contains(&digest[..8]),
            "{problem}"
        );
        assert!(tokens.is_empty(), "{secret}");
        assert!(
            tokens
                .authorise(Some("Bearer r-secret"), Scope::Read)
                .is_err()
        );
    }
}

#[test]
fn nearest_names_are_told() {
    let problem = |entries: Value| tokens(entries).problem.unwrap();
    assert!(problem(json!([{ "name": "a", "sha265": "" }])).contains("did you mean \"sha256\"?"));
    assert!(problem(json!([entry("a", "b", &["raed"])])).contains("did you mean \"read\"?"));
}

#[test]
fn names_are_bounded_and_digests_may_be_upper_case() {
    for (length, passes) in [(63, true), (64, true), (65, false)] {
        let tokens = tokens(json!([entry(&"é".repeat(length), "t", &["read"])]));
        assert_eq!(tokens.problem.is_none(), passes, "{length}");
    }
    let digest = ContentHash::of(b"t").hex().to_uppercase();
    let tokens = tokens(json!([{ "name": "a", "sha256": digest, "scopes": ["read"] }]));
    assert_eq!(tokens.authorise(Some("Bearer t"), Scope::Read), Ok("a"));
}

#[test]
fn debug_shows_names_only() {
    assert_eq!(
        format!("{:?}", some()),
        "[\"reader\", \"operator\", \"robot\"]"
    );
}

#[test]
fn scopes_and_their_names_agree() {
    assert_eq!(Scope::ALL.map(Scope::as_str), ["read", "reload", "publish"]);
    for scope in Scope::ALL {
        assert_eq!(Scope::parse(scope.as_str()), Some(scope));
    }
    assert_eq!(Scope::parse("Read"), None);
}

proptest! {
    #[test]
    fn never_panics(secret in ".*", header in ".*") {
        let tokens = Tokens::parse(Some(&secret));
        prop_assert_eq!(tokens.authorise(Some(&header), Scope::Read), Err(Denied::Unauthenticated));
        prop_assert!(some().authorise(Some(&header), Scope::Read).is_err());
    }
}
