use serde_json::json;

use super::super::*;
use super::reader;

#[test]
fn policies() {
    for (value, expected) in [
        (json!("base"), Some(ColdStart::Base)),
        (json!("wait"), Some(ColdStart::Wait { deadline_ms: 50 })),
        (
            json!({ "wait": "2s" }),
            Some(ColdStart::Wait { deadline_ms: 2_000 }),
        ),
        (json!("serve"), None),
        (json!({}), None),
        (json!({ "wiat": "2s" }), None),
        (json!({ "wait": 50 }), None),
        (json!(50), None),
        (json!(null), None),
    ] {
        let (reader, errors) = reader(json!({ "cold_start": value }));
        assert_eq!(errors.is_empty(), expected.is_some(), "{value}: {errors:?}");
        assert_eq!(
            reader.cold_start,
            expected.unwrap_or(ColdStart::Wait { deadline_ms: 50 }),
            "{value}"
        );
    }
    for (value, expected) in [
        (json!("serve"), Some(OnExpired::Serve)),
        (json!("error"), Some(OnExpired::Error)),
        (json!("wait"), Some(OnExpired::Wait { deadline_ms: 50 })),
        (
            json!({ "wait": "1ms" }),
            Some(OnExpired::Wait { deadline_ms: 1 }),
        ),
        (json!("base"), None),
        (json!(["serve"]), None),
    ] {
        let (reader, errors) = reader(json!({ "on_expired": value }));
        assert_eq!(errors.is_empty(), expected.is_some(), "{value}: {errors:?}");
        if let Some(expected) = expected {
            assert_eq!(reader.on_expired, expected, "{value}");
        }
    }
}

#[test]
fn transports() {
    let text = str::to_owned;
    for (value, expected) in [
        (
            json!({ "object": "C" }),
            TransportSettings::Object { binding: text("C") },
        ),
        (
            json!({ "service": "S", "token_secret": "T" }),
            TransportSettings::Service {
                binding: text("S"),
                token_secret: text("T"),
            },
        ),
        (
            json!({ "url": "http://127.0.0.1:8787/", "token_secret": "T" }),
            TransportSettings::Url {
                url: text("http://127.0.0.1:8787"),
                token_secret: text("T"),
            },
        ),
    ] {
        assert_eq!(
            reader(json!({ "transport": value })),
            (
                ReaderSettings {
                    transport: expected,
                    ..ReaderSettings::default()
                },
                vec![]
            )
        );
    }
    for (value, pointer) in [
        (json!("object"), ""),
        (json!({}), ""),
        (json!({ "object": "C", "url": "http://h" }), ""),
        (
            json!({ "object": "C", "token_secret": "T" }),
            "/token_secret",
        ),
        (json!({ "service": "S" }), "/token_secret"),
        (json!({ "url": "http://h" }), "/token_secret"),
        (
            json!({ "url": "http://h?hidden", "token_secret": "T" }),
            "/url",
        ),
        (
            json!({ "url": "http://h", "token_secret": "hidden token" }),
            "/token_secret",
        ),
        (json!({ "urll": "http://h", "token_secret": "T" }), "/urll"),
        (json!({ "object": 1 }), "/object"),
    ] {
        let (reader, errors) = reader(json!({ "transport": value }));
        assert_eq!(
            errors[0].pointer,
            format!("/reader/transport{pointer}"),
            "{value}"
        );
        let TransportSettings::Unusable { reason } = &reader.transport else {
            panic!("{value}")
        };
        assert!(reason.contains(&errors[0].to_string()), "{value}");
        assert!(
            !format!("{reader:?}{errors:?}").contains("hidden"),
            "{errors:?}"
        );
    }
}

#[test]
fn the_colo_tier_is_a_flag_and_needs_a_coordinator_with_a_name() {
    let url = json!({ "url": "https://h", "token_secret": "T" });
    let service = json!({ "service": "S", "token_secret": "T" });
    for (fields, on, wrong) in [
        (json!({}), false, None),
        (json!({ "colo_cache": false }), false, None),
        (json!({ "colo_cache": true }), true, None),
        (json!({ "colo_cache": true, "transport": url }), true, None),
        (
            json!({ "colo_cache": false, "transport": service }),
            false,
            None,
        ),
        (
            json!({ "colo_cache": true, "transport": service }),
            false,
            Some("colo_cache: does not go with"),
        ),
        (
            json!({ "colo_cache": "yes" }),
            false,
            Some("colo_cache: found a string"),
        ),
        (json!({ "colo_cash": true }), false, Some("\"colo_cache\"")),
    ] {
        let (reader, errors) = reader(fields.clone());
        assert_eq!(reader.colo_cache, on, "{fields}");
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(errors.len(), usize::from(wrong.is_some()), "{errors:?}");
        let says = |wrong| errors.iter().any(|error| error.contains(wrong));
        assert!(wrong.is_none_or(says), "{fields}: {errors:?}");
    }
}
