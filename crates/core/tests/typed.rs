//! Documents parsed into a Worker's own types: as serde_json does it, but for what is said of misfits.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fmt::Debug;

use bellwether_core::strict::{Raw, Rejection, typed};
use proptest::prelude::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn float(text: &str) -> f64 {
    text.parse().unwrap()
}

fn parsed<T: DeserializeOwned>(text: &str) -> Result<T, Rejection> {
    typed(text, float)
}

/// Everything that serde's derive makes of types.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Shape {
    Unit,
    Newtype(Box<Fields>),
    Tuple(u8, String),
    Struct {
        width: u32,
        deep: Option<Box<Shape>>,
    },
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Fields {
    flag: bool,
    small: u8,
    signed: i16,
    wide: u64,
    long: i64,
    huge: u128,
    single: f32,
    double: f64,
    letter: Option<char>,
    text: String,
    maybe: Option<i32>,
    unit: (),
    list: Vec<u16>,
    pair: (u8, i8),
    by_number: BTreeMap<i32, bool>,
    by_flag: BTreeMap<bool, u8>,
    by_shape: BTreeMap<Name, u8>,
    newtype: Wrapped,
    shape: Option<Shape>,
    any: Value,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
enum Name {
    One,
    Two,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
struct Wrapped(u8);

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Strict {
    width: u8,
    #[serde(default)]
    name: Option<String>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Either {
    Number(u8),
    Text(String),
}

/// The same, or refused by both.
fn agrees<T: DeserializeOwned + Debug + PartialEq>(text: &str) {
    let theirs = serde_json::from_str::<T>(text);
    match (parsed::<T>(text), theirs) {
        (Ok(ours), Ok(theirs)) => assert_eq!(ours, theirs, "{text}"),
        (Err(_), Err(_)) => {}
        (ours, theirs) => panic!("{text}: {ours:?}, {theirs:?}"),
    }
}

fn all_agree(text: &str) {
    // With exact numbers serde_json gives what may be anything each number as its text.
    if !cfg!(feature = "exact_numbers") {
        agrees::<Value>(text);
        agrees::<Fields>(text);
        agrees::<Shape>(text);
        agrees::<Either>(text);
        agrees::<BTreeMap<Name, Value>>(text);
    }
    agrees::<Strict>(text);
    agrees::<Vec<u8>>(text);
    agrees::<(u8, u8)>(text);
    agrees::<Option<f64>>(text);
    agrees::<String>(text);
    agrees::<BTreeMap<u64, f32>>(text);
    agrees::<BTreeMap<Name, u8>>(text);
}

#[test]
fn what_serde_json_takes_is_taken_and_what_it_refuses_is_refused() {
    for text in [
        "",
        " ",
        "null",
        "true",
        "false",
        "nul",
        "truex",
        "1",
        "-1",
        "-0",
        "0.0",
        "01",
        "1.",
        ".5",
        "1e5",
        "1E+2",
        "1e400",
        "-1e-400",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775808",
        "-9223372036854775809",
        "0.30000000000000004",
        "[]",
        "[1]",
        "[1,2]",
        "[1,2,3]",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1",
        "{}",
        "{,}",
        r#"{"a":1,}"#,
        r#"{"a" 1}"#,
        r#"{"a":}"#,
        "{1:2}",
        r#""a""#,
        r#""a"#,
        r#""\n\u00e9\ud83d\ude00""#,
        r#""\ud83d""#,
        r#""\x""#,
        "\"\u{1}\"",
        r#""One""#,
        r#"{"One":1}"#,
        r#"{"1":2,"-1":3}"#,
        r#"{"1":3.5e38}"#,
        r#"{"1":3.4e38,"2":-1e39}"#,
        r#""unit""#,
        r#"{"unit":null}"#,
        r#"{"unit":1}"#,
        r#"{"newtype":{}}"#,
        r#"{"tuple":[1,"a"]}"#,
        r#"{"tuple":[1]}"#,
        r#"{"struct":{"width":1}}"#,
        r#"{"struct":{"width":1,"deep":"unit"}}"#,
        r#"{"struct":[1,null]}"#,
        r#"{"other":1}"#,
        r#"{"unit":null,"tuple":[1,"a"]}"#,
        r#"{"width":1}"#,
        r#"{"width":1,"width":2}"#,
        r#"{"width":1,"name":null}"#,
        r#"{"width":1,"more":2}"#,
        r#"[1,"a"]"#,
        r#"{"width":256}"#,
        r#"{"width":1.0}"#,
        r#"{"flag":true,"rest":{"x":[]}}"#,
        r#"{"by_number":{"-3":true},"by_flag":{"true":1},"by_shape":{"One":1},"newtype":7,"pair":[1,-1]}"#,
        r#"{"letter":"é","unit":null,"single":0.1,"double":1e300,"huge":3,"any":{"a":[1,2.5]}}"#,
        " { \"width\" : 1 } ",
        "1 1",
    ] {
        all_agree(text);
    }
}

#[test]
fn a_misfit_is_named_by_its_pointer_and_never_by_its_value() {
    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Config {
        video: Video,
        #[serde(default)]
        ids: Vec<u8>,
        #[serde(default)]
        shape: Option<Shape>,
        #[serde(default)]
        strict: Option<Strict>,
        #[serde(default)]
        either: Option<Either>,
        #[serde(default)]
        by_number: BTreeMap<u8, u8>,
    }

    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Video {
        width: u32,
    }

    for (document, pointer, message) in [
        (
            r#"{"video":{"width":"s3cret"}}"#,
            "/video/width",
            "invalid type: string, expected u32",
        ),
        (
            r#"{"video":{"width":-77}}"#,
            "/video/width",
            "invalid value: integer, expected u32",
        ),
        (
            r#"{"video":{"width":7.7}}"#,
            "/video/width",
            "invalid type: floating point, expected u32",
        ),
        (
            r#"{"video":{"width":null}}"#,
            "/video/width",
            "invalid type: null, expected u32",
        ),
        (r#"{"video":{}}"#, "/video", "missing field `width`"),
        (
            r#"{"video":{"width":1},"ids":[1,777]}"#,
            "/ids/1",
            "invalid value: integer, expected u8",
        ),
        (
            r#"{"video":{"width":1},"video":{"width":1}}"#,
            "",
            "duplicate field `video`",
        ),
        ("{}", "", "missing field `video`"),
        ("[1]", "/0", "invalid type: integer, expected struct Video"),
        (
            r#"{"video":{"width":1},"shape":"s3cret"}"#,
            "/shape",
            "unknown variant, expected one of `unit`, `newtype`, `tuple`, `struct`",
        ),
        (
            r#"{"video":{"width":1},"shape":{"struct":{"width":"s3cret"}}}"#,
            "/shape/struct/width",
            "invalid type: string, expected u32",
        ),
        (
            r#"{"video":{"width":1},"shape":{"tuple":[1]}}"#,
            "/shape/tuple",
            "invalid length, expected tuple variant Shape::Tuple with 2 elements",
        ),
        (
            r#"{"video":{"width":1},"shape":{"tuple":[1,"",3]}}"#,
            "/shape/tuple",
            "invalid length, expected fewer",
        ),
        (
            r#"{"video":{"width":1},"shape":{}}"#,
            "/shape",
            "invalid length, expected an object with one member",
        ),
        (
            r#"{"video":{"width":1},"strict":{"a/b~c":1}}"#,
            "/strict/a~1b~0c",
            "unknown field, expected one of `width`, `name`",
        ),
        (
            r#"{"video":{"width":1},"either":{"s3cret":77}}"#,
            "/either",
            "refused by the type's own check",
        ),
        (
            r#"{"video":{"width":1},"by_number":{"s3cret":7}}"#,
            "/by_number/s3cret",
            "invalid type: string, expected u8",
        ),
    ] {
        let rejection = parsed::<Config>(document).unwrap_err();
        assert_eq!(
            (&*rejection.pointer, &*rejection.message),
            (pointer, message),
            "{document}"
        );
    }
    for cut_off in [
        "",
        r#"{"video"#,
        r#"{"video":{"width":1}"#,
        r#"{"video":{"width":"#,
    ] {
        let rejection = parsed::<Config>(cut_off).unwrap_err();
        assert!(
            rejection.message.starts_with("the text ends too early"),
            "{rejection}"
        );
    }
}

#[test]
fn a_document_that_is_too_deep_is_refused_and_not_recursed_into() {
    let deep = |depth| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parsed::<Value>(&deep(20)).is_ok());
    let rejection = parsed::<Value>(&deep(100_000)).unwrap_err();
    assert!(rejection.message.contains("nested"), "{rejection}");
    // Beside one another, not in one another.
    let wide = format!("[{}1]", "[[]],".repeat(1_000));
    assert!(parsed::<Value>(&wide).is_ok());
}

#[test]
fn a_raw_value_is_its_text() {
    let document = r#" {"a": {"x": [1, "é\n"]} , "b":1.50,"c":null}"#;
    let raw: BTreeMap<String, Raw> = parsed(document).unwrap();
    let texts: Vec<&str> = raw.values().map(|raw| &*raw.0).collect();
    assert_eq!(texts, [r#"{"x": [1, "é\n"]}"#, "1.50", "null"]);
    let cut_off = parsed::<BTreeMap<String, Raw>>(r#"{"a": {"x": [1, }}"#).unwrap_err();
    assert!(cut_off.message.starts_with("not JSON"), "{cut_off}");
    assert_eq!(cut_off.pointer, "/a/x/1");
    assert!(serde_json::from_str::<Raw>("1").is_err());
}

fn values() -> impl Strategy<Value = Value> {
    let names = prop_oneof![
        Just("flag"),
        Just("small"),
        Just("wide"),
        Just("double"),
        Just("text"),
        Just("maybe"),
        Just("list"),
        Just("pair"),
        Just("by_number"),
        Just("shape"),
        Just("any"),
        Just("struct"),
        Just("width"),
        Just("deep"),
        Just("unit"),
        Just("tuple"),
        Just("newtype"),
        Just("é\"\\\u{1}"),
        Just("1"),
        Just("-7"),
        Just("One"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-300_i16..300).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
        Just(json!("unit")),
    ];
    leaf.prop_recursive(4, 32, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(names.clone().prop_map(str::to_owned), inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_value_is_read_as_serde_json_reads_it(value in values(), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        all_agree(&text.unwrap());
    }

    #[test]
    fn damaged_text_never_panics_and_is_refused_where_serde_json_refuses_it(
        value in values(), at in any::<prop::sample::Index>(), with in "[\\[\\]{},:\"\\\\0-9eE.ntf -]{0,2}",
    ) {
        let mut text = serde_json::to_string(&value).unwrap();
        let mut at = at.index(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        let width = text[at..].chars().next().map_or(0, char::len_utf8);
        text.replace_range(at..at + width, &with);
        all_agree(&text);
    }
}
