use proptest::prelude::*;

use super::schema;
use crate::json;
use crate::schema::Matched;
use crate::schema::ecma::compile;
use crate::schema::engine::MAX_SIZE;

fn matched(pattern: &str, text: &str) -> Matched {
    let written = json::text(&serde_json::Value::String(pattern.to_owned()));
    let schema = schema(&format!(r#"{{"pattern":{written}}}"#));
    let mut matcher = schema
        .matcher()
        .unwrap_or_else(|reasons| panic!("{pattern}: {reasons:?}"));
    matcher.matches(pattern, text)
}

#[test]
fn patterns_mean_what_ecma_says() {
    for (pattern, yes, no) in [
        ("", &["", "x"][..], &[][..]),
        ("b", &["abc"], &["ac"]),
        (
            "^a.c$",
            &["abc", "a😀c"],
            &["a\nc", "a\rc", "a\u{2028}c", "abcd", "abc\n"],
        ),
        ("^(a|bc)+$", &["abca"], &["", "ab"]),
        ("^(?:a|)$", &["a", ""], &["b"]),
        ("^(?<name>x)y$", &["xy"], &["x"]),
        ("^[a-c-]+$", &["a-b"], &["d"]),
        ("^[^a-c]$", &["d", "\n"], &["a", "dd"]),
        ("^[[&&~~<>-]+$", &["[&~-<>"], &["]"]),
        ("[]", &[], &["", "a"]),
        ("^[^]$", &["\n", "a"], &["", "aa"]),
        ("^\\d\\D$", &["5x", "5٣"], &["٣x", "55"]),
        ("^\\w\\W$", &["a-", "_é"], &["éa"]),
        (
            "^\\s$",
            &[" ", "\u{feff}", "\u{3000}", "\u{b}", "\u{a0}"],
            &["x", "\u{180e}"],
        ),
        ("^[\\S\\n]$", &["x", "\n"], &[" ", "\t", "\u{3000}"]),
        ("^[\\s\\d]+$", &["1 2\u{2003}"], &["x"]),
        ("\\bfoo\\b", &["a foo b"], &["foot"]),
        ("o\\B", &["oh"], &["no"]),
        (
            "^\\cJ\\x41\\u0042\\u{1F600}\\uD83D\\uDE00$",
            &["\nAB😀😀"],
            &["AB"],
        ),
        ("^[\\b]\\0$", &["\u{8}\0"], &["b0"]),
        ("^\\/\\.\\*\\[\\{\\|\\$\\^$", &["/.*[{|$^"], &["x"]),
        (
            "^a{2}b{1,}c{0,2}d{0}$",
            &["aab", "aabbbcc"],
            &["ab", "aabccc", "aabd"],
        ),
        ("^a+?b*?c??$", &["aab", "a"], &["b"]),
        (
            "^a<b>#c \"&'~`@%,;:=!-_$",
            &["a<b>#c \"&'~`@%,;:=!-_"],
            &["ab"],
        ),
        ("^ñ$", &["ñ"], &["n"]),
    ] {
        for text in yes {
            assert_eq!(matched(pattern, text), Matched::Yes, "{pattern:?} {text:?}");
        }
        for text in no {
            assert_eq!(matched(pattern, text), Matched::No, "{pattern:?} {text:?}");
        }
    }
}

#[test]
fn what_the_engine_lacks_or_ecma_refuses_is_refused() {
    for pattern in [
        "(?=a)",
        "(?!a)",
        "(?<=a)",
        "(?<!a)",
        "(a)\\1",
        "(?<n>a)\\k<n>",
        "\\p{L}",
        "\\P{Lu}",
        "[\\p{L}]",
        "(?i)a",
        "(?i:a)",
        "(?P<n>a)",
        "(?<>a)",
        "(?<n",
        "(?",
        "(",
        ")",
        "a)",
        "[",
        "[a",
        "]",
        "}",
        "{",
        "a{",
        "a{x}",
        "a{1,0}",
        "a{,2}",
        "a{1",
        "a{+1}",
        "*",
        "+a",
        "a**",
        "a{1}{2}",
        "^*",
        "|*",
        "(*)",
        "\\",
        "\\a",
        "\\e",
        "\\-",
        "\\A",
        "\\z",
        "\\<",
        "\\ ",
        "\\c",
        "\\c1",
        "\\x4",
        "\\xG1",
        "\\u12",
        "\\u{}",
        "\\u{110000}",
        "\\uD83D",
        "\\uD83Dx",
        "\\uD83D\\u0041",
        "\\uDE00",
        "\\01",
        "\\8",
        "[b-a]",
        "[a-\\d]",
        "[\\d-z]",
        "[\\B]",
        "a{1001}",
        "\\b{2}",
        "(a{50}){50}",
        "((((a{9}){9}){9}){9}){9}",
        "a{4294967296}",
    ] {
        assert!(compile(pattern).is_err(), "{pattern}");
    }
    let nested = format!("{}a{}", "(".repeat(10_000), ")".repeat(10_000));
    assert!(compile(&nested).is_err());
}

/// The engine takes linear time: these would not end in a lifetime where matching backtracks.
#[test]
fn no_pattern_takes_exponential_time() {
    for (pattern, bytes) in [
        ("^(a+)+$", 100_000),
        ("(a|a)*b", 100_000),
        ("^(([a-z])+.)+[A-Z]([a-z])+$", 10_000),
        ("(.*a){12}b", 10_000),
        ("(a?){30}a{30}b", 10_000),
    ] {
        let text = "a".repeat(bytes) + "!";
        assert_eq!(matched(pattern, &text), Matched::No, "{pattern}");
    }
    assert_eq!(matched("(a+)+$", &"a".repeat(100_000)), Matched::Yes);
}

#[test]
fn size_is_limited_with_repetitions_written_out() {
    // A step and a range each, and the one that says that it matches.
    let most = (MAX_SIZE - 1) / 2;
    assert!(compile(&format!("a{{{most}}}")).is_ok());
    assert!(compile(&format!("a{{{}}}", most + 1)).is_err());
    // Nothing is nothing, however often.
    assert_eq!(
        matched("^(?:){4000000000}(?:a{0}){4000000000}(?:)*$", ""),
        Matched::Yes
    );
    assert!(compile(&format!("{}a{}", "(".repeat(50), ")".repeat(50))).is_ok());
    assert!(compile(&format!("{}a{}", "(".repeat(51), ")".repeat(51))).is_err());
}

#[test]
fn a_validation_has_a_budget_for_matching() {
    let schema = schema(r#"{"pattern":"a{500}b"}"#);
    let mut matcher = schema.matcher().unwrap();
    let text = "a".repeat(40_000);
    let found: Vec<Matched> = (0..4).map(|_| matcher.matches("a{500}b", &text)).collect();
    assert_eq!(
        found,
        [Matched::No, Matched::No, Matched::Spent, Matched::Spent]
    );
    assert_eq!(matcher.matches("a{500}b", "a"), Matched::No);
    // The schema does not have it: nobody may take it for matched.
    assert_eq!(matcher.matches("other", "other"), Matched::Spent);
}

/// Patterns that mean the same to ECMA and to regex-lite.
fn common() -> impl Strategy<Value = String> {
    let atoms = vec![
        "a", "b", "ab", "[ab]", "[^a]", "[a-c_]", ".", "\\d", "\\W", "\\w", "^", "$", "\\b", "\\B",
        "é", "",
    ];
    let leaf = proptest::sample::select(atoms).prop_map(str::to_owned);
    leaf.prop_recursive(5, 24, 3, |inner| {
        let repeats = vec![
            "*", "+", "?", "*?", "{2}", "{1,}", "{0,2}", "{2,3}?", "{0}", "",
        ];
        let repeated = (
            proptest::collection::vec(inner.clone(), 1..4),
            proptest::sample::select(repeats),
        );
        prop_oneof![
            repeated.prop_map(|(parts, repeat)| format!("(?:{}){repeat}", parts.concat())),
            proptest::collection::vec(inner, 1..4)
                .prop_map(|parts| format!("({})", parts.join("|"))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_matches_is_what_regex_lite_matches(pattern in common(), text in "[abc1_ é-]{0,12}") {
        prop_assume!(compile(&pattern).is_ok());
        let expected = regex_lite::Regex::new(&pattern).unwrap().is_match(&text);
        prop_assert_eq!(matched(&pattern, &text) == Matched::Yes, expected);
    }

    #[test]
    fn whatever_comes_compiles_or_is_refused(pattern in "[a-c(){}|+*?.^$:=!<>,0-3\\[\\]\\\\dDsSwWbBuxk-]{0,16}", text in "[a-c0-3 ]{0,8}") {
        if let Ok(program) = compile(&pattern) {
            program.is_match(&text);
        }
    }

    #[test]
    fn literals_match_themselves(text in "\\PC{0,24}") {
        let escaped: String = text.chars().map(|c| format!("\\u{{{:x}}}", u32::from(c))).collect();
        prop_assert_eq!(matched(&format!("^{escaped}$"), &text), Matched::Yes);
    }
}
