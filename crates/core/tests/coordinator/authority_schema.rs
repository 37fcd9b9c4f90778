//! A schema beside what waits: what breaks it is taken back, refused at its moment, or put off.

use std::rc::Rc;

use bellwether_core::coordinator::POSTPONE_MS;
use bellwether_core::refresh::Outcome;
use bellwether_core::routes::Leaf;
use serde_json::json;

use crate::support::{
    Space, Witness, body, built_in, delete, document, object, patch, publish, published, put,
    rollback, settings, soon, version, with_base,
};

const HOUR_MS: u64 = 3_600_000;

/// Asks for a string where there is a number until now.
const STRICT: &str = r#"{"properties":{"c":{"type":"string"}}}"#;

fn lived_in() -> Rc<Space> {
    let space = Space::new(published());
    space.does(publish(r#"{"a":1,"b":1}"#));
    space
}

#[test]
fn a_schema_that_what_is_announced_breaks_takes_it_back() {
    let (space, witness) = (lived_in(), Witness::default());
    space.does(patch(r#"{"c":1}"#).query("activate_in=1h"));
    assert_eq!(witness.look(&space).pending.unwrap().version.get(), 3);
    let ask = put(Leaf::Schema, STRICT).key("key");
    let answer = space.does(ask.clone());
    let head = witness.look(&space);
    assert_eq!((version(&head), head.pending), (4, None));
    assert_eq!(
        (answer.version(), &answer.body["etag"]),
        (4, &json!(head.head.etag.as_str()))
    );
    assert_eq!(space.does(ask).body, answer.body);
    // Without it, it fits again, and is announced again.
    space.does(delete(Leaf::Schema));
    assert_eq!(witness.look(&space).pending.unwrap().version.get(), 5);
    space.does(put(Leaf::Schema, STRICT));
    witness.look(&space);
    space.run_for(HOUR_MS);
    assert!(
        space.last_audit(1)[0].starts_with("patch refused"),
        "{:?}",
        space.last_audit(1)
    );
    assert_eq!(
        document(&witness.look(&space)),
        with_base(json!({"a":1,"b":1}))
    );
    space.check_chain();
}

#[test]
fn every_origin_of_a_document_is_held_to_it() {
    let space = lived_in();
    space.does(publish(r#"{"a":1,"b":1,"c":1}"#));
    space.does(publish(r#"{"a":1,"b":1}"#));
    space.does(put(Leaf::Schema, STRICT));
    for restart in [false, true] {
        if restart {
            space.kill();
        }
        for ask in [
            publish(r#"{"a":1,"b":1,"c":2}"#),
            patch(r#"{"c":2}"#),
            patch(r#"{"c":2}"#).query("activate_in=1h"),
            put(Leaf::Override, r#"{"patch":{"c":2}}"#),
            rollback(3),
        ] {
            let refused = space.refuses(ask, "rejected");
            assert!(refused.body.to_string().contains("\"/c\""), "{refused:?}");
        }
        assert_eq!(version(&space.snapshot()), 4);
    }
    space.check_chain();
}

#[test]
fn a_candidate_and_a_deploy_that_break_it_leave_the_head() {
    let space = Space::new(settings());
    space.machine.source.then(soon(body(r#"{"a":1}"#)));
    space.machine.source.always(soon(body(r#"{"a":1,"c":1}"#)));
    space.snapshot();
    space.does(put(Leaf::Schema, STRICT));
    let report = space.reload();
    assert_eq!(
        (report.outcome, report.reasons[0].pointer.as_str()),
        (Outcome::Rejected, "/c")
    );
    let mut layers = built_in();
    layers.vars = object(r#"{"c":1}"#);
    space.deploy(settings(), layers);
    assert_eq!(document(&space.snapshot()), with_base(json!({"a":1})));
    space.check_chain();
}

#[test]
fn an_override_whose_end_breaks_it_stays_until_it_does_not() {
    let (space, witness) = (lived_in(), Witness::default());
    space.does(publish(r#"{"a":1,"b":1,"c":1}"#));
    space.does(put(
        Leaf::Override,
        r#"{"patch":{"c":"text"},"expires_in":"1h"}"#,
    ));
    witness.look(&space);
    space.does(put(Leaf::Schema, STRICT));
    assert_eq!(witness.look(&space).pending, None);
    space.run_for(2 * HOUR_MS);
    assert_eq!(document(&witness.look(&space))["c"], "text");
    space.does(publish(r#"{"a":1,"b":1,"c":"mended"}"#));
    space.run_for(POSTPONE_MS);
    assert_eq!(document(&witness.look(&space))["c"], "mended");
    assert_eq!(
        space.status().into_json()["operator"]["override"],
        json!(null)
    );
    space.check_chain();
}
