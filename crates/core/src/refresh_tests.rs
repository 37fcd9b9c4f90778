#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use super::*;
use crate::document::{MAX_DEPTH, MAX_DOCUMENT_BYTES};
use crate::guard::KeyLoss;

#[path = "refresh_tests/properties.rs"]
mod properties;

const DEFAULTS: &str = r#"{"debug":false,"cache":{"ttl":60}}"#;
const VARS: &str = r#"{"debug":true}"#;
const HELD: &str = r#"{"a":1,"b":2,"c":3}"#;

const NONE_WAIVED: Waivers = Waivers {
    empty_document: false,
    key_loss: false,
};

/// What a space holds when the source answers.
struct Holding {
    defaults: Object,
    vars: Object,
    source: Option<StoredLayer>,
    override_patch: Option<Object>,
    head_hash: ContentHash,
    pinned: bool,
}

impl Holding {
    fn new(source: Option<&str>, override_patch: Option<&str>) -> Self {
        let source_object = source.map(object);
        let mut holding = Self {
            defaults: object(DEFAULTS),
            vars: object(VARS),
            source: source.map(stored),
            override_patch: override_patch.map(object),
            head_hash: ContentHash::of(b""),
            pinned: false,
        };
        holding.head_hash = *holding.merged(source_object.as_ref()).hash();
        holding
    }

    fn merged(&self, source: Option<&Object>) -> Document {
        let layers = Layers {
            defaults: Some(&self.defaults),
            vars: Some(&self.vars),
            source,
            override_: self.override_patch.as_ref(),
        };
        layers.merged().unwrap()
    }

    fn decide_with(&self, fetched: Fetched, guards: Guards, waivers: Waivers) -> Decision {
        let current = Current {
            head_hash: &self.head_hash,
            head_is_base: self.source.is_none(),
            source: self.source.as_ref(),
            pulled: self.source.as_ref().map(|source| &source.hash),
            pinned: self.pinned,
            rules: &|merged| match merged.object().get("forbidden") {
                None => Ok(()),
                Some(_) => Err(vec![Reason::new(ReasonCode::Unknown, "/forbidden", "")]),
            },
            defaults: &self.defaults,
            vars: &self.vars,
            override_patch: self.override_patch.as_ref(),
        };
        decide(fetched, &current, guards, waivers)
    }

    fn decide(&self, fetched: Fetched) -> Decision {
        self.decide_with(fetched, Guards::default(), NONE_WAIVED)
    }
}

fn base() -> Holding {
    Holding::new(None, None)
}

fn held() -> Holding {
    Holding::new(Some(HELD), None)
}

fn object(json: &str) -> Object {
    serde_json::from_str(json).unwrap()
}

fn stored(json: &str) -> StoredLayer {
    StoredLayer {
        hash: ContentHash::of(json.as_bytes()),
        text: json.to_owned(),
        version: None,
    }
}

fn body(json: &str) -> Fetched {
    Fetched::Body {
        bytes: json.as_bytes().to_vec(),
        etag: Some("\"e\"".to_owned()),
    }
}

fn part(path: &[&str], json: &str) -> Part {
    Part {
        path: path.iter().map(|step| (*step).to_owned()).collect(),
        bytes: json.as_bytes().to_vec(),
    }
}

/// A decision in one word, with its reasons' codes.
fn word(decision: &Decision) -> String {
    match decision {
        Decision::Adopt { merged, .. } => format!("adopt {}", merged.text()),
        Decision::Unchanged { source: None, .. } => "unchanged".to_owned(),
        Decision::Unchanged {
            source: Some(layer),
            ..
        } => format!("layer {}", layer.text()),
        Decision::Reject(reasons) => {
            let codes: Vec<_> = reasons.iter().map(|reason| reason.code.as_str()).collect();
            format!("reject {}", codes.join(" "))
        }
        Decision::Hold { .. } => "hold".to_owned(),
        Decision::Missing => "missing".to_owned(),
        Decision::Fail(failure) => format!("fail {}", failure.cause.as_str()),
    }
}

#[test]
fn the_whole_table() {
    let deep = format!(
        "{{\"a\":{}{}}}",
        "[".repeat(MAX_DEPTH),
        "]".repeat(MAX_DEPTH)
    );
    let failure = || Fetched::Failed(Failure::new(Cause::Status, "503"));
    let bytes = |bytes: &[u8]| Fetched::Body {
        bytes: bytes.to_vec(),
        etag: None,
    };
    let rows: Vec<(Fetched, &str, &str)> = vec![
        // answer, over a base head, over a document
        (
            body(HELD),
            r#"adopt {"debug":true,"cache":{"ttl":60},"a":1,"b":2,"c":3}"#,
            "unchanged",
        ),
        (
            body(r#"{"a":1,"b":2,"c":4}"#),
            r#"adopt {"debug":true,"cache":{"ttl":60},"a":1,"b":2,"c":4}"#,
            r#"adopt {"debug":true,"cache":{"ttl":60},"a":1,"b":2,"c":4}"#,
        ),
        (
            body(" {\"a\": 1,\n \"b\": 2, \"c\": 3} "),
            r#"adopt {"debug":true,"cache":{"ttl":60},"a":1,"b":2,"c":3}"#,
            "unchanged",
        ),
        (
            body(r#"{"a":1,"b":2,"c":3,"debug":true}"#),
            r#"adopt {"debug":true,"cache":{"ttl":60},"a":1,"b":2,"c":3}"#,
            r#"layer {"a":1,"b":2,"c":3,"debug":true}"#,
        ),
        (
            body(r#"{"debug":null,"cache":null,"a":1,"b":2}"#),
            r#"adopt {"a":1,"b":2}"#,
            r#"adopt {"a":1,"b":2}"#,
        ),
        (Fetched::NotModified, "fail protocol", "unchanged"),
        (Fetched::Missing, "missing", "missing"),
        (Fetched::Parts(vec![]), "missing", "missing"),
        (
            Fetched::Oversized { at_least: 9 },
            "reject too_large",
            "reject too_large",
        ),
        (failure(), "fail status", "fail status"),
        (bytes(b""), "reject empty", "reject empty"),
        (bytes(b" \r\n\t"), "reject empty", "reject empty"),
        (
            bytes(b"null"),
            "reject not_an_object",
            "reject not_an_object",
        ),
        (bytes(b"[]"), "reject not_an_object", "reject not_an_object"),
        (
            bytes(b"\"text\""),
            "reject not_an_object",
            "reject not_an_object",
        ),
        (bytes(b"{\"a\":1"), "reject syntax", "reject syntax"),
        (bytes(b"{} {}"), "reject syntax", "reject syntax"),
        (
            bytes(b"{\"a\":\"\xff\"}"),
            "reject not_utf8",
            "reject not_utf8",
        ),
        (
            bytes(b"\xef\xbb\xbf{}"),
            "reject byte_order_mark",
            "reject byte_order_mark",
        ),
        (
            body(r#"{"a":1,"a":1}"#),
            "reject duplicate_key",
            "reject duplicate_key",
        ),
        (
            body(r#"{"a":1e400}"#),
            "reject number_out_of_range",
            "reject number_out_of_range",
        ),
        (body(&deep), "reject too_deep", "reject too_deep"),
        (
            body("{}"),
            "reject empty_document",
            "reject empty_document key_loss",
        ),
        (
            body(r#"{"a":null}"#),
            "reject empty_document",
            "reject empty_document key_loss",
        ),
        (
            body(r#"{"a":1}"#),
            r#"adopt {"debug":true,"cache":{"ttl":60},"a":1}"#,
            "reject key_loss",
        ),
        (
            Fetched::Parts(vec![
                part(&["a"], r#"{"x":1}"#),
                part(&["b"], "{}"),
                part(&[], r#"{"c":3}"#),
            ]),
            r#"adopt {"debug":true,"cache":{"ttl":60},"a":{"x":1},"b":{},"c":3}"#,
            r#"adopt {"debug":true,"cache":{"ttl":60},"a":{"x":1},"b":{},"c":3}"#,
        ),
        (
            Fetched::Parts(vec![part(&[], HELD)]),
            r#"adopt {"debug":true,"cache":{"ttl":60},"a":1,"b":2,"c":3}"#,
            "unchanged",
        ),
        (
            Fetched::Parts(vec![part(&["a"], "{}"), part(&["b"], "[1]")]),
            "reject not_an_object",
            "reject not_an_object",
        ),
        (
            Fetched::Parts(vec![
                part(&["a"], r#"{"x":1}"#),
                part(&[], r#"{"a":{"x":2}}"#),
            ]),
            "reject path_conflict",
            "reject path_conflict",
        ),
    ];
    for (fetched, over_base, over_document) in rows {
        assert_eq!(
            word(&base().decide(fetched.clone())),
            over_base,
            "base, {fetched:?}"
        );
        assert_eq!(
            word(&held().decide(fetched.clone())),
            over_document,
            "document, {fetched:?}"
        );
    }
}

#[test]
fn a_document_equal_to_the_base_is_adopted_since_the_source_was_heard() {
    let decision = base().decide(body(r#"{"debug":true}"#));
    let Decision::Adopt {
        merged,
        source,
        etag,
    } = decision
    else {
        panic!("{decision:?}");
    };
    assert_eq!(merged.hash(), &base().head_hash);
    assert_eq!(&**source.text(), r#"{"debug":true}"#);
    assert_eq!(etag.as_deref(), Some("\"e\""));
}

#[test]
fn an_override_stays_on_top() {
    let holding = Holding::new(Some(HELD), Some(r#"{"a":100,"cache":null}"#));
    assert_eq!(
        word(&holding.decide(body(r#"{"a":9,"b":2,"c":3}"#))),
        r#"layer {"a":9,"b":2,"c":3}"#,
        "what the override hides changes the layer only"
    );
    assert_eq!(
        word(&holding.decide(body(r#"{"a":9,"b":8,"c":3}"#))),
        r#"adopt {"debug":true,"a":100,"b":8,"c":3}"#
    );
}

#[test]
fn the_sources_validator_comes_with_the_decision() {
    for (json, etag) in [(HELD, Some("\"x\"")), (HELD, None)] {
        let etag = etag.map(str::to_owned);
        let fetched = Fetched::Body {
            bytes: json.into(),
            etag: etag.clone(),
        };
        let Decision::Unchanged {
            source: None,
            etag: told,
        } = held().decide(fetched)
        else {
            panic!("the same document");
        };
        assert_eq!(told, etag);
    }
    let Decision::Unchanged { etag: None, .. } = held().decide(Fetched::NotModified) else {
        panic!("nothing new is known of the validator");
    };
}

#[test]
fn a_waiver_lets_pass_what_it_names_and_nothing_else() {
    let waive = |empty_document, key_loss| Waivers {
        empty_document,
        key_loss,
    };
    for (json, waivers, expected) in [
        ("{}", waive(true, false), "reject key_loss"),
        ("{}", waive(false, true), "reject empty_document"),
        (
            "{}",
            waive(true, true),
            r#"adopt {"debug":true,"cache":{"ttl":60}}"#,
        ),
        (r#"{"a":1}"#, waive(true, false), "reject key_loss"),
        (
            r#"{"a":1}"#,
            waive(false, true),
            r#"adopt {"debug":true,"cache":{"ttl":60},"a":1}"#,
        ),
        ("null", waive(true, true), "reject not_an_object"),
        (
            r#"{"a":1,"a":2}"#,
            waive(true, true),
            "reject duplicate_key",
        ),
    ] {
        let decision = held().decide_with(body(json), Guards::default(), waivers);
        assert_eq!(word(&decision), expected, "{json} {waivers:?}");
    }
}

#[test]
fn guards_are_the_spaces_own() {
    let loses_one = r#"{"a":1,"b":2}"#;
    for (percent, adopts) in [(0, false), (33, false), (34, true), (100, true)] {
        let guards = Guards {
            empty: true,
            max_key_loss: KeyLoss::new(percent).unwrap(),
        };
        let decision = held().decide_with(body(loses_one), guards, NONE_WAIVED);
        assert_eq!(word(&decision).starts_with("adopt"), adopts, "{percent} %");
    }
    let guards = Guards {
        empty: false,
        max_key_loss: KeyLoss::new(100).unwrap(),
    };
    assert!(word(&held().decide_with(body("{}"), guards, NONE_WAIVED)).starts_with("adopt"));
}

#[test]
fn layers_that_fit_alone_and_not_together_are_rejected() {
    let filler = |bytes: usize| format!(r#"{{"x":"{}"}}"#, "x".repeat(bytes));
    // `{"debug":true,"cache":{"ttl":60},"x":"…"}`
    let around = r#"{"debug":true,"cache":{"ttl":60},"x":""}"#.len();
    for (extra, expected) in [(-1, "adopt"), (0, "adopt"), (1, "reject too_large")] {
        let bytes = (MAX_DOCUMENT_BYTES - around)
            .checked_add_signed(extra)
            .unwrap();
        let decision = base().decide(body(&filler(bytes)));
        assert!(word(&decision).starts_with(expected), "{extra}");
    }
}

#[test]
fn a_stored_layer_that_no_longer_parses_does_not_stop_the_source() {
    let mut holding = held();
    holding.source = Some(stored(r#"{"a":1,"a":2}"#));
    assert!(word(&holding.decide(body(r#"{"z":1}"#))).starts_with("adopt"));
}

#[test]
fn an_oversized_body_tells_sizes_only() {
    let Decision::Reject(reasons) = base().decide(Fetched::Oversized {
        at_least: 2_097_152,
    }) else {
        panic!("not rejected");
    };
    assert_eq!(reasons[0].pointer, "");
    assert!(
        reasons[0].message.contains("2097152"),
        "{}",
        reasons[0].message
    );
}

#[test]
fn names_are_stored_as_they_are_shown() {
    for outcome in Outcome::ALL {
        assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.as_str());
        assert_eq!(
            outcome.is_success(),
            ["adopted", "unchanged", "held"].contains(&outcome.as_str())
        );
    }
    for cause in [
        Cause::Timeout,
        Cause::Network,
        Cause::Status,
        Cause::Redirect,
        Cause::Binding,
        Cause::Secret,
        Cause::Settings,
        Cause::Protocol,
        Cause::Storage,
    ] {
        assert_eq!(serde_json::to_value(cause).unwrap(), cause.as_str());
    }
}

#[test]
fn a_pinned_space_checks_and_holds() {
    let pinned = Holding {
        pinned: true,
        ..held()
    };
    for (fetched, expected) in [
        (body(HELD), "unchanged"),
        (body(r#"{"new":1,"a":2}"#), "hold"),
        (body(r#"{"forbidden":1,"a":2}"#), "reject unknown"),
        (body("["), "reject syntax"),
        (Fetched::Missing, "missing"),
        (Fetched::NotModified, "unchanged"),
    ] {
        let decision = pinned.decide_with(fetched, Guards::default(), Waivers::ALL);
        assert_eq!(word(&decision), expected);
    }
}

#[test]
fn a_source_that_says_the_same_does_not_undo_what_was_published_since() {
    let mut published = held();
    published.source = Some(stored(r#"{"published":true}"#));
    let pulled = ContentHash::of(HELD.as_bytes());
    let rules = |_: &Document| Ok(());
    let current = Current {
        head_hash: &published.head_hash,
        head_is_base: false,
        source: published.source.as_ref(),
        pulled: Some(&pulled),
        pinned: false,
        rules: &rules,
        defaults: &published.defaults,
        vars: &published.vars,
        override_patch: None,
    };
    let decision = |json| decide(body(json), &current, Guards::default(), Waivers::ALL);
    assert_eq!(word(&decision(HELD)), "unchanged");
    assert!(word(&decision(r#"{"moved":1}"#)).starts_with("adopt"));
}
