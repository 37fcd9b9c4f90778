//! A reader that hears everything and forgets nothing.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use bellwether_core::coordinator::SnapshotAnswer;
use bellwether_core::version::Version;

use super::space::Space;

/// What was ever seen or announced under each number.
#[derive(Default)]
pub(crate) struct Witness {
    contents: RefCell<BTreeMap<u64, String>>,
    announced: RefCell<Vec<u64>>,
    highest: Cell<u64>,
}

impl Witness {
    /// Looks at the head and at what is announced, and checks what always holds: versions only grow,
    /// a number has one content for ever, and whoever switched to a number that was announced finds a
    /// head above it as soon as that number was taken back.
    pub(crate) fn look(&self, space: &Rc<Space>) -> SnapshotAnswer {
        let answer = space.snapshot();
        let head = answer.head.version.get();
        assert!(head >= self.highest.replace(head), "{head} went down");
        self.saw(head, &answer.head.text);
        if let Some(pending) = answer.pending {
            assert!(pending.version > answer.head.version, "{pending:?}");
            let ahead = space.fetch_ahead(pending.version.get()).unwrap();
            assert_eq!(ahead.head.version, pending.version);
            self.saw(pending.version.get(), &ahead.head.text);
            self.announced.borrow_mut().push(pending.version.get());
        }
        for number in &*self.announced.borrow() {
            let carried = format!("SELECT COUNT(*) FROM pending WHERE version = {number}");
            let waits = space.machine.database.number(&carried) > 0;
            assert!(
                waits || head >= *number,
                "{number} was taken back at {head}"
            );
        }
        answer
    }

    fn saw(&self, number: u64, text: &str) {
        let mut contents = self.contents.borrow_mut();
        let first = contents.entry(number).or_insert_with(|| text.to_owned());
        assert_eq!(first, text, "version {number}");
    }
}

impl Space {
    /// The snapshot that waits under this number.
    pub(crate) fn fetch_ahead(self: &Rc<Self>, version: u64) -> Option<SnapshotAnswer> {
        let version = Version::new(version).unwrap();
        self.wait(&self.call(move |object| async move { object.pending_snapshot(version).await }))
    }
}
