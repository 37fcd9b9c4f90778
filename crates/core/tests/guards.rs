//! Guards: the share of keys at its edge, and each guard waived by its name.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use bellwether_core::document::Object;
use bellwether_core::guard::{Guards, KeyLoss, Waivers, check};
use bellwether_core::reason::ReasonCode;
use proptest::prelude::*;
use serde_json::{Value, json};

fn keys(range: std::ops::Range<usize>) -> Object {
    range.map(|n| (format!("k{n}"), json!(n))).collect()
}

fn percent(share: u64) -> Guards {
    Guards {
        max_key_loss: KeyLoss::new(share).unwrap(),
        ..Guards::default()
    }
}

fn codes(result: Result<(), Vec<bellwether_core::reason::Reason>>) -> Vec<ReasonCode> {
    result
        .err()
        .unwrap_or_default()
        .into_iter()
        .map(|reason| reason.code)
        .collect()
}

const NONE: Waivers = Waivers {
    empty_document: false,
    key_loss: false,
};

#[test]
fn a_share_is_0_to_100_percent() {
    assert_eq!(Guards::default().max_key_loss.percent(), 50);
    assert!(Guards::default().empty);
    for (share, allowed) in [
        (0, true),
        (99, true),
        (100, true),
        (101, false),
        (256, false),
        (u64::MAX, false),
    ] {
        assert_eq!(KeyLoss::new(share).is_some(), allowed, "{share}");
    }
}

#[test]
fn key_loss_at_the_limit() {
    for (total, share, lost_allowed) in [
        (4, 50, 2),
        (5, 50, 2),
        (3, 33, 0),
        (3, 34, 1),
        (100, 1, 1),
        (100, 99, 99),
        (7, 0, 0),
        (2, 50, 1),
        (1, 50, 0),
    ] {
        for (lost, fits) in [
            (lost_allowed - 1, true),
            (lost_allowed, true),
            (lost_allowed + 1, false),
        ] {
            let Ok(lost) = usize::try_from(lost) else {
                continue;
            };
            let mut candidate = keys(lost..total);
            // A new key makes up for none that is lost, and keeps the other guard out of it.
            candidate.insert("new".to_owned(), json!(1));
            let found = codes(check(
                &candidate,
                Some(&keys(0..total)),
                percent(share),
                NONE,
            ));
            assert_eq!(
                found,
                if fits {
                    vec![]
                } else {
                    vec![ReasonCode::KeyLoss]
                },
                "{lost} of {total} at {share} %"
            );
        }
    }
}

#[test]
fn the_extremes() {
    let other = keys(10..11);
    assert_eq!(check(&other, Some(&keys(0..3)), percent(100), NONE), Ok(()));
    assert_eq!(
        codes(check(&other, Some(&keys(0..3)), percent(0), NONE)),
        [ReasonCode::KeyLoss]
    );
    assert_eq!(
        check(&other, Some(&Object::new()), percent(0), NONE),
        Ok(())
    );
    assert_eq!(check(&other, None, percent(0), NONE), Ok(()));
    assert!(
        KeyLoss::new(99)
            .unwrap()
            .is_exceeded_by(usize::MAX, usize::MAX)
    );
    assert!(
        !KeyLoss::new(100)
            .unwrap()
            .is_exceeded_by(usize::MAX, usize::MAX)
    );
}

#[test]
fn an_empty_document() {
    let empty = Object::new();
    assert_eq!(
        codes(check(&empty, None, Guards::default(), NONE)),
        [ReasonCode::EmptyDocument]
    );
    assert_eq!(
        check(
            &empty,
            None,
            Guards {
                empty: false,
                ..Guards::default()
            },
            NONE
        ),
        Ok(())
    );
    assert_eq!(
        codes(check(&empty, Some(&keys(0..4)), Guards::default(), NONE)),
        [ReasonCode::EmptyDocument, ReasonCode::KeyLoss]
    );
}

#[test]
fn nulls_count_as_absent() {
    let nulls: Object = keys(0..4)
        .into_iter()
        .map(|(key, _)| (key, Value::Null))
        .collect();
    assert_eq!(
        codes(check(&nulls, Some(&keys(0..4)), Guards::default(), NONE)),
        [ReasonCode::EmptyDocument, ReasonCode::KeyLoss]
    );
    let mut current = nulls.clone();
    current.insert("kept".to_owned(), json!(1));
    assert_eq!(check(&current, Some(&current), percent(0), NONE), Ok(()));
    assert_eq!(check(&keys(7..8), Some(&nulls), percent(0), NONE), Ok(()));
}

#[test]
fn each_guard_is_waived_by_its_own_name() {
    let (empty, current) = (Object::new(), keys(0..4));
    let [empty_document, key_loss] = Waivers::NAMES.map(|name| Waivers::parse_name(name).unwrap());
    assert_eq!(
        codes(check(
            &empty,
            Some(&current),
            Guards::default(),
            empty_document
        )),
        [ReasonCode::KeyLoss]
    );
    assert_eq!(
        codes(check(&empty, Some(&current), Guards::default(), key_loss)),
        [ReasonCode::EmptyDocument]
    );
    assert_eq!(
        check(
            &empty,
            Some(&current),
            Guards::default(),
            empty_document.union(key_loss)
        ),
        Ok(())
    );
    assert_eq!(NONE.union(NONE), NONE);
    assert_eq!(Waivers::NAMES, ["empty_document", "key_loss"]);
    for unknown in ["", "empty", "Key_Loss", "key_loss ", "keyloss"] {
        assert_eq!(Waivers::parse_name(unknown), None, "{unknown}");
    }
}

#[test]
fn a_reason_names_a_few_of_the_lost_keys() {
    let reasons = check(&keys(8..9), Some(&keys(0..9)), Guards::default(), NONE).unwrap_err();
    assert_eq!(
        reasons[0].message,
        "8 of 9 top-level keys are gone: \"k0\", \"k1\", \"k2\", \"k3\", \"k4\" and 3 more; expected at most 50 % (guard key_loss)"
    );
    let long: Object = [("k".repeat(500), json!(1))].into_iter().collect();
    let reasons = check(&keys(0..1), Some(&long), Guards::default(), NONE).unwrap_err();
    assert_eq!(
        reasons[0].message,
        format!(
            "1 of 1 top-level keys are gone: \"{}…\"; expected at most 50 % (guard key_loss)",
            "k".repeat(39)
        )
    );
}

proptest! {
    #[test]
    fn a_candidate_that_keeps_all_keys_passes(current in 1..40usize, more in 0..5usize, share in 0..=100u64) {
        prop_assert_eq!(check(&keys(0..current + more), Some(&keys(0..current)), percent(share), NONE), Ok(()));
    }

    #[test]
    fn a_looser_guard_never_refuses_what_a_stricter_one_passes(total in 1..40usize, lost in 0..40usize, a in 0..=100u64, b in 0..=100u64) {
        let candidate = keys(lost.min(total)..total + 1);
        let passes = |share| check(&candidate, Some(&keys(0..total)), percent(share), NONE).is_ok();
        prop_assert!(!passes(a.min(b)) || passes(a.max(b)));
    }
}
