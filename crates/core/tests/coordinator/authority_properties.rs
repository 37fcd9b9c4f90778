//! Any order of writes, refreshes, deaths, deploys and clock steps: what always holds.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use bellwether_core::coordinator::BuiltIn;
use bellwether_core::document::Object;
use bellwether_core::guard::{Guards, KeyLoss};
use bellwether_core::merge::{Layers, merge_object};
use bellwether_core::routes::Leaf;
use bellwether_core::settings::SpaceSettings;
use proptest::prelude::*;
use serde_json::Value;

use crate::support::{
    Ask, Place, Space, Strike, Witness, body, built_in, delete, document, object, patch, post,
    publish, pulled_and_published, put, rollback, soon,
};

#[derive(Clone, Debug)]
enum Step {
    Write(What),
    /// A write during which the object dies, or its storage refuses.
    Struck(What, Place, u32, bool),
    /// The source says this from now on, and is asked at once or not.
    Source(String, bool),
    Deploy(u8),
    /// Dies, and its alarm is lost with it.
    Kill {
        loses_alarm: bool,
    },
    /// The clock steps by so many seconds.
    Jump(i32),
    /// So many seconds pass.
    Run(u32),
}

#[derive(Clone, Debug)]
enum What {
    Publish(String, Option<u32>),
    Patch(String, Option<u32>, Option<u8>),
    Override(String, Option<u32>, Option<u32>),
    EndOverride,
    /// To the version that is so far back, now or in so many minutes.
    Rollback(u8, Option<u32>),
    /// The pending change that comes so late.
    Cancel(u8),
    Unpin,
    Pace(bool),
}

fn members() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just("1"),
        Just("2"),
        Just("null"),
        Just(r#"{"x":1}"#),
        Just(r#"{"y":null}"#)
    ];
    proptest::collection::btree_map("[a-c]", value, 0..3).prop_map(|members| {
        let members = members
            .iter()
            .map(|(key, value)| format!("{key:?}:{value}"));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    })
}

fn minutes() -> impl Strategy<Value = Option<u32>> {
    proptest::option::of(1..90_u32)
}

fn whats() -> impl Strategy<Value = What> {
    prop_oneof![
        (members(), minutes()).prop_map(|(it, at)| What::Publish(it, at)),
        (members(), minutes(), proptest::option::of(0..3_u8))
            .prop_map(|(it, at, other)| What::Patch(it, at, other)),
        (members(), minutes(), minutes()).prop_map(|(it, at, ends)| What::Override(it, at, ends)),
        Just(What::EndOverride),
        (0..6_u8, minutes()).prop_map(|(back, at)| What::Rollback(back, at)),
        (0..3_u8).prop_map(What::Cancel),
        Just(What::Unpin),
        any::<bool>().prop_map(What::Pace),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    let places = prop_oneof![
        Just(Place::Statement),
        Just(Place::Commit),
        Just(Place::AfterCommit),
        Just(Place::AfterSetAlarm)
    ];
    prop_oneof![
        6 => whats().prop_map(Step::Write),
        2 => (whats(), places, 1..25_u32, any::<bool>())
            .prop_map(|(what, place, nth, dies)| Step::Struck(what, place, nth, dies)),
        3 => (members(), any::<bool>()).prop_map(|(text, asked)| Step::Source(text, asked)),
        1 => (0..3_u8).prop_map(Step::Deploy),
        1 => any::<bool>().prop_map(|loses_alarm| Step::Kill { loses_alarm }),
        1 => (-600..7_200_i32).prop_map(Step::Jump),
        3 => (1..7_200_u32).prop_map(Step::Run),
    ]
}

struct World {
    space: Rc<Space>,
    witness: Witness,
    built_in: BuiltIn,
    history: RefCell<BTreeMap<String, String>>,
}

impl World {
    fn new() -> Self {
        let space = Space::new(Self::settings());
        space.expects_alarm.set(false);
        Self {
            space,
            witness: Witness::default(),
            built_in: built_in(),
            history: RefCell::default(),
        }
    }

    fn settings() -> SpaceSettings {
        SpaceSettings {
            guard: Guards {
                empty: false,
                max_key_loss: KeyLoss::new(100).unwrap(),
            },
            keep_versions: 8,
            ..pulled_and_published()
        }
    }

    fn take(&mut self, step: Step) {
        let space = &self.space;
        match step {
            Step::Write(what) => _ = space.ask(self.ask(&what)),
            Step::Struck(what, place, nth, dies) => {
                let ask = self.ask(&what);
                // What was committed is never said to be refused.
                let dies = dies || !matches!(place, Place::Statement | Place::Commit);
                let strike = if dies { Strike::Crash } else { Strike::Once };
                space.machine.traps.set(place, nth, strike);
                drop(space.call_api(ask));
                // Longer than it takes until what was refused is tried again.
                space.run_for(3_000);
                space.machine.traps.clear();
            }
            Step::Source(text, asked) => {
                space.machine.source.always(soon(body(&text)));
                if asked {
                    space.reload();
                }
            }
            Step::Deploy(number) => {
                let vars = [r#"{"debug":true}"#, r#"{"a":7,"b":{"x":0}}"#, "{}"];
                self.built_in.vars = object(vars[usize::from(number)]);
                space.deploy(Self::settings(), self.built_in.clone());
            }
            Step::Kill { loses_alarm } => {
                space.kill();
                if loses_alarm {
                    space.machine.alarm.set(None);
                }
            }
            Step::Jump(seconds) => space.machine.jump_clock(i64::from(seconds) * 1_000),
            Step::Run(seconds) => space.run_for(u64::from(seconds) * 1_000),
        }
    }

    fn ask(&self, what: &What) -> Ask {
        let database = &self.space.machine.database;
        let later = |at: &Option<u32>| at.map_or(String::new(), |at| format!("activate_in={at}m"));
        let member = |name: &str, at: &Option<u32>| {
            at.map_or(String::new(), |at| format!(r#","{name}":"{at}m""#))
        };
        let pending = |nth: u8| {
            let rows = database.query("SELECT id FROM pending ORDER BY activate_at_ms, id");
            let row = rows.get(usize::from(nth));
            row.map_or(0, |row| row[0].parse::<u64>().unwrap())
        };
        match what {
            What::Publish(text, at) => publish(text).query(&later(at)),
            What::Patch(text, at, None) => patch(text).query(&later(at)),
            What::Patch(text, at, Some(nth)) => {
                patch(text).query(&format!("{}&replaces={}", later(at), pending(*nth)))
            }
            What::Override(text, at, ends) => {
                let times = member("activate_in", at) + &member("expires_in", ends);
                put(Leaf::Override, &format!(r#"{{"patch":{text}{times}}}"#))
            }
            What::EndOverride => delete(Leaf::Override),
            What::Rollback(back, at) => {
                let head = database.query("SELECT max(version) FROM history");
                let to = head[0][0]
                    .parse::<u64>()
                    .unwrap_or(1)
                    .saturating_sub((*back).into());
                match at {
                    None => rollback(to),
                    Some(at) => post(Leaf::Rollback(to), &format!(r#"{{"activate_in":"{at}m"}}"#)),
                }
            }
            What::Cancel(nth) => delete(Leaf::PendingChange(pending(*nth))),
            What::Unpin => delete(Leaf::Pin),
            What::Pace(paused) => put(Leaf::Schedule, &format!(r#"{{"paused":{paused}}}"#)),
        }
    }

    fn merged(&self, source: Option<&Object>, patch: Option<&Object>) -> Value {
        let layers = Layers {
            defaults: Some(&self.built_in.defaults),
            vars: Some(&self.built_in.vars),
            source,
            override_: patch,
        };
        Value::Object(layers.merged().unwrap().object().clone())
    }

    /// What the next pending change makes of these layers; a rollback is told by its own tests.
    fn after_next(&self, source: Option<Object>, patch: Option<&Object>) -> Option<Value> {
        let row = "SELECT kind, document FROM pending ORDER BY activate_at_ms, id LIMIT 1";
        let row = self.space.machine.database.query(row).pop()?;
        let change = || object(&row[1]);
        Some(match row[0].as_str() {
            "publish" => self.merged(Some(&change()), patch),
            "patch" => {
                let mut source = source.unwrap_or_default();
                merge_object(&mut source, &change());
                self.merged(Some(&source), patch)
            }
            "override" => self.merged(source.as_ref(), Some(&change())),
            "end_override" => self.merged(source.as_ref(), None),
            _ => return None,
        })
    }

    fn check(&self) {
        let (space, database) = (&self.space, &self.space.machine.database);
        // A refresh that a death or the clock set off is settled first.
        space.snapshot();
        space.run_for(100);
        let answer = self.witness.look(space);
        let layer = |name: &str| {
            let rows = database.query(&format!(
                "SELECT document FROM layers WHERE layer = '{name}'"
            ));
            rows.first().map(|row| object(&row[0]))
        };
        let (source, patch) = (layer("source"), layer("override"));
        let merged = self.merged(source.as_ref(), patch.as_ref());
        assert_eq!(
            document(&answer),
            merged,
            "the head is the merge of the layers"
        );
        if let Some(pending) = answer.pending {
            let ahead = space.fetch_ahead(pending.version.get()).unwrap();
            if let Some(expected) = self.after_next(source, patch.as_ref()) {
                assert_eq!(
                    document(&ahead),
                    expected,
                    "what is announced is what comes"
                );
            }
        }
        for row in database.query("SELECT version, hash FROM history") {
            let mut history = self.history.borrow_mut();
            let known = history.entry(row[0].clone()).or_insert(row[1].clone());
            assert_eq!(*known, row[1], "version {}", row[0]);
        }
        let stored = database.number("SELECT max(version) FROM versions");
        assert_eq!(answer.head.version.get(), stored);
        let (now, alarm) = (space.machine.now(), space.machine.alarm.get());
        for row in database.query("SELECT activate_at_ms, kind FROM pending ORDER BY 1 LIMIT 1") {
            let due: u64 = row[0].parse().unwrap();
            assert!(due > now.0, "{row:?} is overdue at {now:?}");
            assert!(
                alarm.is_some_and(|alarm| alarm.0 <= due.max(now.0 + 10)),
                "{alarm:?}"
            );
        }
        let patch = layer("override");
        let ends = database.number("SELECT COUNT(*) FROM pending WHERE kind = 'end_override'");
        assert!(ends <= u64::from(patch.is_some()), "an end of nothing");
        space.check_chain();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, max_shrink_iters: 400, ..ProptestConfig::default() })]
    #[test]
    fn what_always_holds_holds_after_every_step(steps in proptest::collection::vec(steps(), 1..40)) {
        let mut world = World::new();
        world.check();
        for step in steps {
            world.take(step);
            world.check();
        }
    }
}
