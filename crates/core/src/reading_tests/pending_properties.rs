//! What holds of scheduled versions over any order of schedules, cancellations and answers.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// The coordinator, as the reader ought to see it. Its versions are never given twice.
#[derive(Default)]
struct Coordinator {
    head: u64,
    last: u64,
    /// What becomes the head, and when.
    scheduled: Option<(u64, u64)>,
    /// When each version that was scheduled was to become the head.
    moments: BTreeMap<u64, u64>,
    /// When it ceased to be so.
    withdrawn: BTreeMap<u64, u64>,
}

impl Coordinator {
    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn advance(&mut self, now: u64) {
        if let Some((version, _)) = self.scheduled.take_if(|(_, moment)| *moment <= now) {
            self.head = version;
        }
    }

    fn cancel(&mut self, now: u64) -> Option<u64> {
        let (version, moment) = self.scheduled.take()?;
        self.withdrawn.insert(version, now);
        Some(moment)
    }

    fn schedule(&mut self, now: u64, moment: u64) {
        self.cancel(now);
        let version = self.next();
        self.scheduled = Some((version, moment));
        self.moments.insert(version, moment);
    }

    /// What is scheduled is made anew on the new head, under a number of its own.
    fn adopt(&mut self, now: u64) {
        let moment = self.cancel(now);
        self.head = self.next();
        if let Some(moment) = moment {
            self.schedule(now, moment);
        }
    }

    fn answer(&self, ask: &Ask, now: u64) -> Answer<String> {
        let announced = self.scheduled.map(|(version, moment)| Pending {
            version: Version::new(version).unwrap(),
            in_ms: moment - now,
        });
        let document = |version: u64| Answer::Snapshot {
            version: Version::new(version).unwrap(),
            etag: etag(version),
            terms: TERMS,
            pending: announced,
            body: version.to_string(),
        };
        match ask {
            Ask::Head { if_none_match } if *if_none_match == Some(etag(self.head)) => {
                Answer::NotModified {
                    terms: TERMS,
                    pending: announced,
                }
            }
            Ask::Pending { version } if self.head < version.get() => match self.scheduled {
                Some((scheduled, _)) if scheduled == version.get() => document(scheduled),
                _ => Answer::NotScheduled,
            },
            _ => document(self.head),
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Read,
    /// One of the calls that are out reaches the coordinator.
    Reach(usize),
    /// One of the answers arrives.
    Arrive(usize),
    /// One of the calls that are out is never answered.
    Fail(usize),
    Schedule(u64),
    Cancel,
    Adopt,
    Time(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Read),
        6 => any::<usize>().prop_map(Step::Reach),
        6 => any::<usize>().prop_map(Step::Arrive),
        1 => any::<usize>().prop_map(Step::Fail),
        2 => (0_u64..4_000).prop_map(Step::Schedule),
        1 => Just(Step::Cancel),
        1 => Just(Step::Adopt),
        6 => (0_u64..900).prop_map(Step::Time),
    ]
}

proptest! {
    #[test]
    fn a_reader_switches_at_the_moment_and_at_nothing_else(
        timeout_ms in 1_u64..2_000, steps in proptest::collection::vec(step(), 1..200),
    ) {
        let mut reader = Reader::new(ColdStart::Base, OnExpired::Serve);
        reader.policy.revalidate_timeout_ms = timeout_ms;
        let mut coordinator = Coordinator::default();
        coordinator.adopt(reader.now);
        // Steady time is nought here.
        let began = reader.now;
        let mut out: Vec<Call> = Vec::new();
        let mut answers: Vec<(Call, Answer<String>, u64)> = Vec::new();
        let (mut seen, mut seen_age_ms, mut heard_at) = (0, 0, 0);
        // The latest call that was answered about the head.
        let mut told = 0;
        for step in steps {
            let calls = reader.cache.counts().calls;
            let (ready, before) = (reader.pending(), reader.now);
            let mut told_now = false;
            match step {
                Step::Read => {
                    let fresh = reader.read().state == ReadState::Fresh;
                    let plan = reader.plan();
                    prop_assert!(!fresh || plan == Plan::Serve, "a fresh read plans no call");
                    out.extend(call_of(plan));
                }
                Step::Reach(which) if !out.is_empty() => {
                    let call = out.swap_remove(which % out.len());
                    let answer = coordinator.answer(&call.ask, reader.now);
                    answers.push((call, answer, reader.now));
                }
                Step::Arrive(which) if !answers.is_empty() => {
                    let (call, answer, made_at) = answers.swap_remove(which % answers.len());
                    reader.receive(&call, answer);
                    heard_at = heard_at.max(made_at);
                    told_now = true;
                    if matches!(call.ask, Ask::Head { .. }) {
                        told = told.max(call.sent.0);
                    }
                    out.extend(reader.ahead());
                }
                Step::Fail(which) if !out.is_empty() => {
                    let call = out.swap_remove(which % out.len());
                    reader.fail(&call);
                }
                Step::Schedule(in_ms) => coordinator.schedule(reader.now, reader.now + in_ms),
                Step::Cancel => _ = coordinator.cancel(reader.now),
                Step::Adopt => coordinator.adopt(reader.now),
                Step::Time(ms) => reader.now += ms,
                _ => {}
            }
            coordinator.advance(reader.now);
            let now = reader.now;
            let planned = reader.cache.counts().calls;
            let read = reader.read();
            prop_assert_eq!(reader.cache.counts().calls, planned, "a switch asks nobody");
            prop_assert!(matches!(step, Step::Read | Step::Arrive(_)) || planned == calls);

            let version = read.version.map_or(0, Version::get);
            prop_assert!(version >= seen, "{} went down to {}", seen, version);
            prop_assert!(version == 0 || *read.value == version.to_string());
            if let Some(moment) = coordinator.moments.get(&version) {
                prop_assert!(now >= *moment, "{} was shown {} ms early", version, moment - now);
            }
            if let Some(withdrawn) = coordinator.withdrawn.get(&version) && version > seen {
                prop_assert!(
                    told <= withdrawn - began,
                    "{} was withdrawn before the last call was sent", version
                );
            }
            if let Some(ready) = ready && !told_now {
                let due = now - before >= ready.in_ms;
                prop_assert_eq!(due, version == ready.version.get(), "{:?}", ready);
            }
            if version != 0 {
                prop_assert!(read.age_ms >= now - heard_at, "younger than any word");
                // Of what was withdrawn unheard no word came; what follows it was announced by one.
                let unvouched = coordinator.withdrawn.contains_key(&seen);
                let no_younger = read.age_ms >= seen_age_ms;
                prop_assert!(told_now || unvouched || no_younger, "a switch renews nothing");
                seen_age_ms = read.age_ms;
            }
            seen = version;
        }
    }
}
