//! What holds over any answer.

use proptest::prelude::*;

use super::*;

fn fetched() -> impl Strategy<Value = Fetched> {
    let bytes = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        "\\{(\"[abc]\":[0-9],){0,3}\"[abcd]\":(1|null|\\{\\})\\}".prop_map(String::into_bytes),
        Just(HELD.as_bytes().to_vec()),
    ];
    let parts = proptest::collection::vec(
        (proptest::collection::vec("[ab]", 0..3), bytes.clone())
            .prop_map(|(path, bytes)| Part { path, bytes }),
        0..3,
    );
    prop_oneof![
        (bytes, any::<Option<bool>>()).prop_map(|(bytes, tagged)| Fetched::Body {
            bytes,
            etag: tagged.map(|_| "\"t\"".to_owned()),
        }),
        parts.prop_map(Fetched::Parts),
        Just(Fetched::NotModified),
        Just(Fetched::Missing),
        any::<u64>().prop_map(|at_least| Fetched::Oversized { at_least }),
        Just(Fetched::Failed(Failure::new(Cause::Network, "reset"))),
    ]
}

proptest! {
    #[test]
    fn only_a_valid_guarded_document_is_ever_adopted(
        fetched in fetched(), held_before: bool, override_patch: bool,
    ) {
        let patch = override_patch.then_some(r#"{"a":5}"#);
        let holding = Holding::new(held_before.then_some(HELD), patch);
        match holding.decide(fetched) {
            Decision::Adopt { source, merged, .. } => {
                prop_assert!(source.object().values().any(|value| !value.is_null()));
                prop_assert_eq!(Document::parse(source.text().as_bytes()).unwrap(), source.clone());
                let expected = holding.merged(Some(source.object()));
                prop_assert_eq!(merged.text(), expected.text());
                prop_assert!(!held_before || *merged.hash() != holding.head_hash);
            }
            Decision::Unchanged { source, .. } => {
                prop_assert!(held_before, "a base head is never confirmed");
                if let Some(source) = source {
                    prop_assert_eq!(*holding.merged(Some(source.object())).hash(), holding.head_hash);
                }
            }
            Decision::Reject(reasons) => prop_assert!(!reasons.is_empty()),
            Decision::Hold { .. } => prop_assert!(false, "nothing is pinned"),
            Decision::Missing | Decision::Fail(_) => {}
        }
    }

    #[test]
    fn the_same_answer_again_changes_nothing(fetched in fetched()) {
        if let Decision::Adopt { source, .. } = base().decide(fetched.clone()) {
            let holding = Holding::new(Some(source.text()), None);
            let again = holding.decide(fetched);
            prop_assert!(matches!(again, Decision::Unchanged { source: None, .. }), "{:?}", again);
        }
    }
}
