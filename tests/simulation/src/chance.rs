//! Everything that can break, how often it does in this world, and how often it did.

use std::cell::{Cell, RefCell};

use crate::rng::Rng;

macro_rules! faults {
    ($($fault:ident $name:literal $low:literal..$high:literal $what:literal,)*) => {
        /// One kind of fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Fault {
            $(#[doc = $what] $fault,)*
        }

        impl Fault {
            pub(crate) const ALL: &[Self] = &[$(Self::$fault,)*];

            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$fault => $name,)* }
            }

            /// What it does, for people.
            pub(crate) fn what(self) -> &'static str {
                match self { $(Self::$fault => $what,)* }
            }

            /// The range of its rate, per million occasions.
            fn range(self) -> (u64, u64) {
                match self { $(Self::$fault => ($low, $high),)* }
            }
        }
    };
}

// The occasion of a fault is a message, a statement, an await, an alarm, a pull; of those from
// `SourceFlaps` on, one turn of the director, who acts every few minutes, or a write, or the world's
// beginning. What is added comes last, so that the seeds of old failures keep their meaning.
faults! {
    SlowMessage "slow-message" 1_000..300_000 "a message takes up to a minute, and is overtaken",
    RequestLost "request-lost" 1_000..200_000 "a request never arrives",
    RequestTwice "request-twice" 1_000..200_000 "a request arrives twice",
    ReplyLost "reply-lost" 1_000..200_000 "a reply never arrives",
    ReplyTwice "reply-twice" 1_000..200_000 "a reply arrives twice",
    ReplyBroken "reply-broken" 1_000..200_000 "a reply breaks off",
    ReplyMangled "reply-mangled" 1_000..200_000 "a reply loses a header on its way",
    Overload "overload" 1_000..200_000 "the object answers that it is overloaded",
    CrashAtStatement "crash-at-statement" 50..5_000 "the object dies before a statement",
    CrashAtCommit "crash-at-commit" 500..50_000 "the object dies before a commit",
    CrashAtAwait "crash-at-await" 500..50_000 "the object dies at an await",
    StatementRefused "statement-refused" 50..10_000 "storage refuses one statement",
    SlowStorage "slow-storage" 1_000..200_000 "an alarm call takes up to a second",
    AlarmRefused "alarm-refused" 1_000..100_000 "storage refuses to set the alarm",
    AlarmUnreadable "alarm-unreadable" 1_000..200_000 "storage refuses to read the alarm",
    AlarmLate "alarm-late" 10_000..500_000 "the alarm rings up to a minute late",
    AlarmLost "alarm-lost" 1_000..50_000 "the alarm never rings",
    AlarmTwice "alarm-twice" 10_000..200_000 "the alarm rings twice",
    SourceSlow "source-slow" 10_000..300_000 "the source takes up to its deadline and beyond",
    SourceHangs "source-hangs" 1_000..200_000 "the source never answers",
    SourceFails "source-fails" 10_000..300_000 "the source answers with an error",
    SourceMissing "source-missing" 1_000..200_000 "the source says that there is no such key",
    SourceMalformed "source-malformed" 1_000..200_000 "the source's bytes are no document",
    SourceTruncated "source-truncated" 1_000..200_000 "the source's bytes are cut off",
    SourceEmpty "source-empty" 1_000..200_000 "the source's document has no keys",
    SourceLosesKeys "source-loses-keys" 1_000..200_000 "the source's document lost most keys",
    SourceOlder "source-older" 1_000..200_000 "the source says what it said before",
    SourceOversized "source-oversized" 1_000..100_000 "the source's document is too large",
    SourceAtLimit "source-at-limit" 100..5_000 "the source's document leaves no room for the other layers",
    SourceUnasked304 "source-unasked-304" 1_000..100_000 "the source says not modified, unasked",
    SourceMisfit "source-misfit" 1_000..200_000 "the source's document does not fit the readers' type",
    SourceFlaps "source-flaps" 10_000..200_000 "the source is down for a while",
    StorageFull "storage-full" 10_000..100_000 "storage refuses all writes for a while",
    ClockForward "clock-forward" 10_000..200_000 "a machine's clock jumps forward",
    ClockBack "clock-back" 10_000..200_000 "a machine's clock is set back",
    Evicted "evicted" 10_000..500_000 "the idle object is evicted",
    Killed "killed" 10_000..300_000 "the object is killed at any moment",
    IsolateKilled "isolate-killed" 10_000..500_000 "an isolate goes and another is born",
    IsolateFrozen "isolate-frozen" 10_000..500_000 "what an isolate does behind its responses is cancelled",
    Reload "reload" 10_000..500_000 "an operator reloads",
    ReloadWaiving "reload-waiving" 1_000..200_000 "an operator reloads and waives guards",
    Deploy "deploy" 10_000..200_000 "a deploy changes settings and vars, and restarts everything",
    BadVars "bad-vars" 1_000..100_000 "a deploy brings vars that cannot be read",
    VarsAtLimit "vars-at-limit" 10_000..200_000 "a deploy's vars leave no room for the source's document",
    Write "write" 30_000..600_000 "an operator publishes, overrides, rolls back, schedules, cancels, pauses or unpins",
    WriteStorm "write-storm" 1_000..100_000 "operators write at once",
    WriteAtLimit "write-at-limit" 1_000..100_000 "an operator's document leaves no room for the other layers",
    WriteMisfit "write-misfit" 1_000..100_000 "an operator's document does not fit the readers' type",
    KilledAtMoment "killed-at-moment" 10_000..500_000 "the object is killed about when a change is due",
    OldDatabase "old-database" 500_000..1_000_000 "the space was begun by the code before, which knew no operators",
    Denied "denied" 10_000..500_000 "somebody without the right to it tries to write, again and again",
    PendingStorm "pending-storm" 20..2_000 "operators schedule about as many changes as may wait",
    DeepLayers "deep-layers" 10_000..500_000 "a document or a deploy's vars hold nested objects and nulls",
    Drill "drill" 500_000..1_000_000 "in a calm, everybody is to switch at one moment, and back at another",
    SourceHidden "source-hidden" 30_000..300_000 "the source's document changes only where an override covers it",
    LimitLowered "limit-lowered" 10_000..500_000 "a deploy lowers a limit, and a change that waits cannot be read any more",
    Lies "lies" 10_000..300_000 "somebody who may read tells of isolates that there are not",
    ColoCache "colo-cache" 500_000..1_000_000 "the isolates of a data centre share its cache",
    CacheSlow "cache-slow" 1_000..300_000 "a data centre's cache is slow, or never answers",
    CacheFails "cache-fails" 1_000..300_000 "a data centre's cache fails",
    CacheForgets "cache-forgets" 1_000..500_000 "a data centre's cache keeps nothing of what is put there",
    CacheHoards "cache-hoards" 10_000..1_000_000 "a data centre's cache keeps something beyond its time",
    CacheEvicts "cache-evicts" 1_000..300_000 "a data centre's cache drops what it should keep, be it one entry of two",
    CacheRubbish "cache-rubbish" 1_000..300_000 "a data centre's cache has rubbish, or a part of what was put there",
    ClocksApart "clocks-apart" 10_000..300_000 "in a data centre with a cache, one clock steps by less than a TTL",
    ManyLies "many-lies" 10..300 "more isolates are told of than the view has room for",
}

/// The world's chances. Each kind draws from a stream of its own, so that leaving one out (which is
/// how a failure is made smaller) moves the others as little as possible.
pub(crate) struct Chance {
    streams: RefCell<Vec<Rng>>,
    rates: Vec<u64>,
    happened: RefCell<Vec<u64>>,
    quiet: Cell<bool>,
}

impl Chance {
    /// Each world has some kinds of faults and not others: bugs hide behind faults that are always there.
    pub(crate) fn new(seed: u64, without: &[Fault]) -> Self {
        let mut rng = Rng::stream(seed, 1);
        let calm_world = rng.one_in(20);
        let rates = Fault::ALL.iter().map(|fault| {
            let (low, high) = fault.range();
            let rate = rng.scaled(low, high);
            let left_out = rng.one_in(2) || calm_world || without.contains(fault);
            if left_out { 0 } else { rate }
        });
        let rates = rates.collect();
        let streams = (0..Fault::ALL.len() as u64).map(|kind| Rng::stream(seed, 100 + kind));
        Self {
            streams: RefCell::new(streams.collect()),
            rates,
            happened: RefCell::new(vec![0; Fault::ALL.len()]),
            quiet: Cell::new(false),
        }
    }

    /// Whether this world has it at all.
    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.rates[fault as usize] > 0
    }

    /// Whether it happens now. Counted when it does.
    pub(crate) fn strikes(&self, fault: Fault) -> bool {
        let kind = fault as usize;
        if self.quiet.get() || self.rates[kind] == 0 {
            return false;
        }
        let strikes = self.streams.borrow_mut()[kind].below(1_000_000) < self.rates[kind];
        if strikes {
            self.happened.borrow_mut()[kind] += 1;
        }
        strikes
    }

    /// A number that belongs to a fault: how long, how far, which.
    pub(crate) fn between(&self, fault: Fault, low: u64, high: u64) -> u64 {
        self.streams.borrow_mut()[fault as usize].between(low, high)
    }

    /// Faults off, or on again.
    pub(crate) fn set_quiet(&self, quiet: bool) {
        self.quiet.set(quiet);
    }

    pub(crate) fn happened(&self) -> Vec<u64> {
        self.happened.borrow().clone()
    }
}
