use serde_json::json;

use super::super::*;
use super::space;

#[test]
fn sources() {
    let text = str::to_owned;
    for (source, expected) in [
        (
            json!({ "kv": "A", "key": "k" }),
            SourceSettings::Kv {
                binding: text("A"),
                key: text("k"),
            },
        ),
        (
            json!({ "kv": "A", "prefix": "p/" }),
            SourceSettings::KvPrefix {
                binding: text("A"),
                prefix: text("p/"),
            },
        ),
        (
            json!({ "url": "http://h/" }),
            SourceSettings::Url {
                url: text("http://h/"),
                token_secret: None,
            },
        ),
        (
            json!({ "r2": "B", "key": "./a key" }),
            SourceSettings::R2 {
                binding: text("B"),
                key: text("./a key"),
            },
        ),
        (json!("none"), SourceSettings::None),
    ] {
        let (space, errors) = space(json!({ "source": source }));
        assert_eq!((space.source, errors), (expected, vec![]), "{source}");
    }
}

#[test]
fn bad_sources_are_unusable_and_named() {
    for (source, pointer, part) in [
        (json!({}), "", "expected \"none\" or one of"),
        (json!(null), "", "found null"),
        (json!("None"), "", "found another string"),
        (json!({ "kv": "A" }), "", "either \"key\" or \"prefix\""),
        (
            json!({ "kv": "A", "key": "k", "prefix": "p/" }),
            "",
            "either \"key\" or \"prefix\"",
        ),
        (
            json!({ "kv": "A", "url": "https://h" }),
            "",
            "expected \"none\" or one of",
        ),
        (
            json!({ "kv": "A", "key": 1 }),
            "/key",
            "found a number, expected a string",
        ),
        (
            json!({ "kv": "A-B", "key": "k" }),
            "/kv",
            "expected the name of a binding",
        ),
        (
            json!({ "kv": "A", "key": "k", "token_secret": "T" }),
            "/token_secret",
            "does not go with \"kv\"",
        ),
        (
            json!({ "kv": "A", "prefix": "p" }),
            "/prefix",
            "expected a KV prefix",
        ),
        (
            json!({ "kv": "A", "kye": "k" }),
            "/kye",
            "did you mean \"key\"?",
        ),
        (json!({ "key": "k" }), "", "expected \"none\" or one of"),
        (json!({ "url": "ftp://h" }), "/url", "https://"),
        (
            json!({ "url": "https://user:hidden@h/" }),
            "/url",
            "without user and password",
        ),
        (
            json!({ "url": "https://h", "token_secret": "a hidden token" }),
            "/token_secret",
            "expected the name",
        ),
        (
            json!({ "url": "https://h", "key": "k" }),
            "/key",
            "does not go with \"url\"",
        ),
        (json!({ "r2": "B" }), "/key", "expected a string"),
        (
            json!({ "r2": "B", "key": "" }),
            "/key",
            "expected an R2 key",
        ),
        (
            json!({ "r2": "a hidden name", "key": "k" }),
            "/r2",
            "expected the name of a binding",
        ),
        (
            json!({ "r2": "B", "prefix": "p/" }),
            "/prefix",
            "does not go with \"r2\"",
        ),
        (
            json!({ "kv": "A", "r2": "B", "key": "k" }),
            "",
            "expected \"none\" or one of",
        ),
    ] {
        let (space, errors) = space(json!({ "source": source }));
        let first = &errors[0];
        assert_eq!(
            first.pointer,
            format!("/spaces/s/source{pointer}"),
            "{source} {errors:?}"
        );
        assert!(first.message.contains(part), "{source} {errors:?}");
        let SourceSettings::Unusable { reason } = &space.source else {
            panic!("{source}")
        };
        assert!(reason.contains(&first.to_string()), "{source}: {reason}");
        assert!(
            !format!("{space:?}{errors:?}").contains("hidden"),
            "{errors:?}"
        );
    }
}

#[test]
fn fingerprints_tell_sources_apart_and_nothing_else() {
    let url = |url: &str, token_secret: Option<&str>| SourceSettings::Url {
        url: url.to_owned(),
        token_secret: token_secret.map(str::to_owned),
    };
    let kv = |binding: &str, key: &str| SourceSettings::Kv {
        binding: binding.to_owned(),
        key: key.to_owned(),
    };
    let r2 = |binding: &str, key: &str| SourceSettings::R2 {
        binding: binding.to_owned(),
        key: key.to_owned(),
    };
    let all = [
        kv("A", "B/"),
        kv("AB", "/"),
        r2("A", "B/"),
        r2("A", "B"),
        SourceSettings::KvPrefix {
            binding: "A".to_owned(),
            prefix: "B/".to_owned(),
        },
        url("https://h/?key=hidden", None),
        url("https://h/?key=other", None),
        url("https://h/?key=hidden", Some("T")),
        SourceSettings::None,
        SourceSettings::Unusable {
            reason: "hidden".to_owned(),
        },
    ];
    let prints: std::collections::BTreeSet<String> =
        all.iter().map(SourceSettings::fingerprint).collect();
    assert_eq!(prints.len(), all.len());
    assert!(
        prints
            .iter()
            .all(|print| !print.contains("hidden") && print.len() < 50)
    );
    assert_eq!(kv("A", "k").fingerprint(), kv("A", "k").fingerprint());
}

#[test]
fn descriptions_tell_the_kind_and_the_place_and_hide_the_query() {
    for (source, expected) in [
        (
            json!({ "url": "https://h/a?key=hidden", "token_secret": "T" }),
            json!({ "kind": "url", "url": "https://h/a", "token_secret": "T" }),
        ),
        (
            json!({ "kv": "A", "prefix": "p/" }),
            json!({ "kind": "kv_prefix", "binding": "A", "prefix": "p/" }),
        ),
        (
            json!({ "r2": "B", "key": "conf/a.json" }),
            json!({ "kind": "r2", "binding": "B", "key": "conf/a.json" }),
        ),
    ] {
        let (space, _) = space(json!({ "source": source }));
        assert_eq!(space.source.describe(), expected);
    }
}
