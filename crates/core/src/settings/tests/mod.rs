#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod readers;
mod sources;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::guard::{Guards, KeyLoss};

fn parse(value: Value) -> Settings {
    Settings::parse(Some(&value))
}

/// The settings of a space `s` that holds `fields`.
fn space(fields: Value) -> (SpaceSettings, Vec<SettingsError>) {
    let settings = parse(json!({ "spaces": { "s": fields } }));
    (settings.space("s").unwrap().1.clone(), settings.errors)
}

fn reader(fields: Value) -> (ReaderSettings, Vec<SettingsError>) {
    let settings = parse(json!({ "reader": fields }));
    assert_eq!(
        settings.spaces,
        Settings::default().spaces,
        "the reader's mistakes are its own"
    );
    (settings.reader, settings.errors)
}

fn is_unusable(space: &SpaceSettings) -> bool {
    matches!(space.source, SourceSettings::Unusable { .. })
}

#[test]
fn everything_has_a_default() {
    let defaults = Settings::parse(None);
    for value in [
        json!({}),
        json!({ "spaces": {} }),
        json!({ "spaces": { "default": {} }, "reader": {} }),
    ] {
        assert_eq!(parse(value), defaults);
    }
    assert!(defaults.errors.is_empty());
    let (name, space) = defaults.space("default").unwrap();
    assert_eq!((name.as_str(), defaults.spaces.len()), ("default", 1));
    assert_eq!(
        space.describe(),
        json!({
            "source": { "kind": "kv", "binding": "CONFIG_KV", "key": "config" },
            "refresh_interval": "5m",
            "backoff_max": "30m",
            "ttl": "30s",
            "stale_while_revalidate": "5m",
            "source_timeout": "10s",
            "guard": { "empty": true, "max_key_loss": 50 },
            "keep_versions": 100,
            "keep_for": null,
            "publish": false,
        })
    );
    assert_eq!(
        defaults.reader.describe(),
        json!({
            "cold_start": { "wait": "50ms" },
            "on_expired": "serve",
            "revalidate_timeout": "5s",
            "colo_cache": false,
            "transport": { "object": "COORDINATOR" },
        })
    );
}

#[test]
fn every_field_is_read() {
    let settings = parse(json!({
        "spaces": {
            "one": {
                "source": { "url": "https://example.com/c.json?key=hidden", "token_secret": "ORIGIN_TOKEN" },
                "refresh_interval": "1m",
                "backoff_max": "2m",
                "ttl": "1s",
                "stale_while_revalidate": "0s",
                "source_timeout": "250ms",
                "guard": { "empty": false, "max_key_loss": 10 },
                "keep_versions": 7,
                "keep_for": "90d",
                "publish": true,
            },
            "two": { "source": "none" },
        },
        "reader": {
            "cold_start": "base",
            "on_expired": { "wait": "1s" },
            "revalidate_timeout": "2s",
            "transport": { "service": "UPSTREAM", "token_secret": "EDGE_TOKEN" },
        },
    }));
    assert_eq!(settings.errors, []);
    assert_eq!(
        settings.space("one").unwrap().1,
        &SpaceSettings {
            source: SourceSettings::Url {
                url: "https://example.com/c.json?key=hidden".to_owned(),
                token_secret: Some("ORIGIN_TOKEN".to_owned()),
            },
            refresh_interval_ms: 60_000,
            backoff_max_ms: 120_000,
            ttl_ms: 1_000,
            stale_while_revalidate_ms: 0,
            source_timeout_ms: 250,
            guard: Guards {
                empty: false,
                max_key_loss: KeyLoss::new(10).unwrap()
            },
            keep_versions: 7,
            keep_for_ms: Some(90 * 86_400_000),
            publish: true,
        }
    );
    assert_eq!(
        settings.space("two").unwrap().1.source,
        SourceSettings::None
    );
    assert!(settings.space("default").is_none());
    assert_eq!(
        settings.reader,
        ReaderSettings {
            cold_start: ColdStart::Base,
            on_expired: OnExpired::Wait { deadline_ms: 1_000 },
            revalidate_timeout_ms: 2_000,
            transport: TransportSettings::Service {
                binding: "UPSTREAM".to_owned(),
                token_secret: "EDGE_TOKEN".to_owned(),
            },
            colo_cache: false,
        }
    );
}

#[test]
fn durations_at_their_bounds() {
    for (field, least, most) in [
        (
            "refresh_interval",
            ["999ms", "1s", "1001ms"],
            ["2591999999ms", "30d", "2592000001ms"],
        ),
        (
            "backoff_max",
            ["999ms", "1s", "1001ms"],
            ["86399999ms", "1d", "86400001ms"],
        ),
        (
            "ttl",
            ["99ms", "100ms", "101ms"],
            ["86399999ms", "1d", "86400001ms"],
        ),
        (
            "stale_while_revalidate",
            ["-1ms", "0s", "1ms"],
            ["2591999999ms", "30d", "2592000001ms"],
        ),
        (
            "source_timeout",
            ["99ms", "100ms", "101ms"],
            ["24999ms", "25s", "25001ms"],
        ),
    ] {
        for (text, fits) in least
            .into_iter()
            .zip([false, true, true])
            .chain(most.into_iter().zip([true, true, false]))
        {
            let (space, errors) = space(json!({ field: text }));
            assert_eq!(errors.is_empty(), fits, "{field} {text}: {errors:?}");
            assert_eq!(is_unusable(&space), !fits, "{field} {text}");
            if !fits {
                assert_eq!(errors[0].pointer, format!("/spaces/s/{field}"));
                let source = space.source;
                assert_eq!(
                    SpaceSettings {
                        source,
                        ..SpaceSettings::default()
                    },
                    self::space(json!({ field: text })).0
                );
            }
        }
    }
    for (text, fits) in [
        ("0ms", false),
        ("1ms", true),
        ("2ms", true),
        ("24999ms", true),
        ("25s", true),
        ("25001ms", false),
    ] {
        for fields in [
            json!({ "revalidate_timeout": text }),
            json!({ "cold_start": { "wait": text } }),
            json!({ "on_expired": { "wait": text } }),
        ] {
            assert_eq!(reader(fields.clone()).1.is_empty(), fits, "{fields}");
        }
    }
}

#[test]
fn numbers_at_their_bounds() {
    for (number, fits) in [
        (0, false),
        (1, true),
        (2, true),
        (999, true),
        (1_000, true),
        (1_001, false),
    ] {
        assert_eq!(
            space(json!({ "keep_versions": number })).1.is_empty(),
            fits,
            "{number}"
        );
    }
    for (percent, fits) in [
        (-1, false),
        (0, true),
        (1, true),
        (99, true),
        (100, true),
        (101, false),
    ] {
        assert_eq!(
            space(json!({ "guard": { "max_key_loss": percent } }))
                .1
                .is_empty(),
            fits,
            "{percent}"
        );
    }
    for odd in [
        json!(1.5),
        json!(1e300),
        json!(-1e300),
        json!(u64::MAX),
        json!(i64::MIN),
        json!("1"),
        json!([1]),
        json!(null),
    ] {
        for fields in [
            json!({ "keep_versions": odd }),
            json!({ "guard": { "max_key_loss": odd } }),
        ] {
            let (space, errors) = space(fields.clone());
            assert_eq!(errors.len(), 1, "{fields}");
            assert!(is_unusable(&space), "{fields}");
        }
    }
}

#[test]
fn a_mistake_touches_its_own_space_only() {
    let settings = parse(json!({
        "spaces": {
            "bad": { "tll": "5s", "refresh_interval": 5, "guard": { "emty": false }, "keep_versions": "x" },
            "good": { "ttl": "5s" },
            "Wrong Name": {},
            "not-an-object": [],
        },
        "reader": { "cold_start": "bas" },
    }));
    let found: Vec<String> = settings.errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "/spaces/bad/tll: unknown field \"tll\": did you mean \"ttl\"?",
            "/spaces/bad/refresh_interval: found a number, expected a duration such as \"250ms\", \"30s\" or \"5m\", from 1s to 30d",
            "/spaces/bad/guard/emty: unknown field \"emty\": did you mean \"empty\"?",
            "/spaces/bad/keep_versions: found a string, expected a whole number from 1 to 1000",
            "/spaces/Wrong Name: not a space name, expected 1 to 64 of a-z, 0-9, \"_\" and \"-\", beginning with a letter or digit",
            "/spaces/not-an-object: found an array, expected an object",
            "/reader/cold_start: found another string: did you mean \"base\"? (or { wait = \"50ms\" })",
        ]
    );
    let names: Vec<&str> = settings.spaces.keys().map(SpaceName::as_str).collect();
    assert_eq!(names, ["bad", "good", "not-an-object"]);
    let unusable: Vec<bool> = settings.spaces.values().map(is_unusable).collect();
    assert_eq!(unusable, [true, false, true]);
    assert_eq!(settings.space("good").unwrap().1.ttl_ms, 5_000);
    assert_eq!(settings.reader, ReaderSettings::default());
}

#[test]
fn a_mistake_at_the_top_stops_every_source() {
    for (value, pointer) in [
        (json!("text"), ""),
        (json!([]), ""),
        (json!(null), ""),
        (json!({ "space": { "default": {} } }), "/space"),
        (json!({ "spaces": [] }), "/spaces"),
        (json!({ "spaces": null }), "/spaces"),
        (json!({ "spaces": { "Default": {} } }), "/spaces/Default"),
        (
            json!({ "spaces": {}, "refresh_interval": "5s" }),
            "/refresh_interval",
        ),
    ] {
        let settings = parse(value.clone());
        assert_eq!(settings.errors[0].pointer, pointer, "{value}");
        let (_, space) = settings.space("default").unwrap();
        assert!(is_unusable(space), "{value}");
    }
    let settings = parse(json!({ "spaces": { "a": {}, "b": {} }, "raeder": {} }));
    assert!(settings.spaces.values().all(is_unusable));
    assert!(settings.errors[0].message.contains("\"reader\""));
}

/// Any JSON, with names that settings know mixed in.
fn any_json() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        proptest::sample::select(vec![
            "spaces",
            "reader",
            "default",
            "source",
            "kv",
            "key",
            "prefix",
            "url",
            "r2",
            "token_secret",
            "ttl",
            "guard",
            "empty",
            "max_key_loss",
            "keep_versions",
            "cold_start",
            "on_expired",
            "wait",
            "transport",
            "object",
            "service",
        ])
        .prop_map(str::to_owned),
        ".{0,8}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "[0-9]{1,25}(ms|s|m|h|d)".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((name.clone(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn never_panics_and_always_serves_a_space(value in any_json()) {
        let settings = parse(value);
        prop_assert!(!settings.spaces.is_empty());
        for space in settings.spaces.values() {
            let _ = (space.describe(), space.source.fingerprint());
        }
        let _ = settings.reader.describe();
    }
}
