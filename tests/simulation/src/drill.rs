//! All is well, and everybody is to switch at one moment.

use std::rc::Rc;

use bellwether_core::document::{Document, Object};
use bellwether_core::reading::colo::COLO_CLOCKS_APART_MS;
use bellwether_core::version::UnixMillis;
use serde_json::Value;

use crate::simulation::Simulation;
use crate::upstream::MISFIT;

/// The longest that a message is under way while nothing is broken: by so much an isolate may be late,
/// for it counts from the arrival of what it heard.
const WAY_MS: u64 = 40;

/// More than a write, a read's call and the one behind it take together.
const CALLS_MS: u64 = 1_000;

impl Simulation {
    /// An override begins at one moment and ends at another; whoever has heard of it switches there,
    /// by itself.
    pub(crate) async fn drill(self: &Rc<Self>) {
        let (world, host) = (&self.world, &self.host);
        // Everybody asks once in a TTL, and hears of the second moment only after the first.
        let lead_ms = 2 * host.deployment.borrow().settings.ttl_ms + 4 * CALLS_MS;
        let begin = host.now().plus(lead_ms);
        let end = begin.plus(lead_ms);
        let number = self.operators.get();
        let mut patch = Object::new();
        patch.insert("drill".to_owned(), number.into());
        patch.insert(MISFIT.to_owned(), Value::Null);
        let patch = Document::from_object(patch).unwrap();
        self.submit(self.for_later(patch, begin, Some(end)));
        world.executor.sleep(CALLS_MS).await;
        for at in [begin, end] {
            self.switch_together(at, lead_ms).await;
        }
    }

    async fn switch_together(self: &Rc<Self>, at: UnixMillis, lead_ms: u64) {
        let (world, host) = (&self.world, &self.host);
        let first = host.ledger.pendings().first().map(|first| first.at_ms);
        let told = host.ledger.announced(host);
        let Some(told) = told.filter(|_| first == Some(at.0)) else {
            // Refused, for it does not fit, or something else comes first.
            world.reach("drill called off");
            let rest_ms = at.since(host.now()) + CALLS_MS;
            world.executor.sleep(rest_ms).await;
            return;
        };
        let before = host.ledger.head().map(|head| head.number);
        while at.since(host.now()) > CALLS_MS {
            self.everyone_reads();
            let rest_ms = at.since(host.now()) - CALLS_MS;
            world.executor.sleep(rest_ms.min(lead_ms / 12) + 1).await;
        }
        world.executor.sleep(at.since(host.now()) - 1).await;
        let same = host.ledger.head().map(|head| head.number) == before
            && host.ledger.announced(host) == Some(told);
        self.everyone_reads();
        let late_ms = if self.has_shelves {
            2 * COLO_CLOCKS_APART_MS
        } else {
            0
        };
        world.executor.sleep(1 + WAY_MS + late_ms).await;
        let moment_ms = world.now_ms();
        self.everyone_reads();
        world.executor.sleep(1).await;
        if same {
            self.check_switched(told, moment_ms);
        } else {
            world.reach("drill disturbed");
        }
        world.executor.sleep(CALLS_MS).await;
    }

    fn check_switched(&self, told: u64, moment_ms: u64) {
        let (world, host) = (&self.world, &self.host);
        let ttl_ms = host.deployment.borrow().settings.ttl_ms;
        let unfit = host
            .ledger
            .head()
            .is_some_and(|head| head.text.contains(MISFIT));
        for member in self.members.borrow().iter() {
            // One that was told a longer TTL before a deploy need not have asked.
            let told_longer = member.watch.told_ttl_ms() > ttl_ms;
            // Who waits for an answer reads later.
            let read = member.last_read().filter(|(_, at_ms)| *at_ms == moment_ms);
            let told_wrong = told_longer || member.watch.is_misled();
            let Some((version, _)) = read.filter(|_| !unfit && !told_wrong) else {
                continue;
            };
            world.reach("switched together");
            world.check(version >= told, "everybody switches at the moment", || {
                format!("one is on version {version}, {told} was announced")
            });
        }
    }
}
