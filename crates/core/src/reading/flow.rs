//! The reader's flow: plan, call, wait no longer than the deadline, take the answer. It names no
//! platform type, so it runs in a simulator exactly as in an isolate.

use std::cell::{Cell, RefCell, RefMut};
use std::fmt::Display;
use std::future::{Future, ready};
use std::pin::pin;
use std::rc::Rc;

use futures_channel::oneshot;
use futures_util::future::{Either, LocalBoxFuture, select};

use super::colo::{CacheFailed, Entry, Shelved, Trust};
use super::colo_flow::ToShare;
use super::{Answer, Ask, Cache, Call, Identity, Misfit, Plan, Read};
use crate::log::Level;
use crate::platform::Task;
use crate::settings::ReaderSettings;
use crate::version::{UnixMillis, Version};

/// What the flow needs from the isolate it runs in. Made anew for each read: what it holds belongs
/// to one request.
pub trait Isolate: 'static {
    /// The machine's clock. It may go backwards, and stands still between I/O.
    fn now(&self) -> UnixMillis;
    /// Ends after so many milliseconds.
    fn sleep(&self, ms: u64) -> impl Future<Output = ()>;
    /// Who reports to the coordinator.
    fn identity(&self) -> Identity;
    /// Asks the coordinator, once, with a report ([`header::READER`](crate::names::header::READER))
    /// where there is one. Dropped when its deadline has passed.
    fn ask(
        &self,
        ask: &Ask,
        report: Option<&str>,
    ) -> impl Future<Output = Result<Answer<String>, String>>;
    /// The same, for so many milliseconds at most. Of its own where a platform's deadlines cost less
    /// than its [`sleep`](Self::sleep).
    fn ask_in_time(
        &self,
        ask: &Ask,
        report: Option<&str>,
        timeout_ms: u64,
    ) -> impl Future<Output = Result<Answer<String>, String>> {
        async move {
            let asked = pin!(self.ask(ask, report));
            match select(asked, pin!(self.sleep(timeout_ms))).await {
                Either::Left((answer, _)) => answer,
                Either::Right(_) => Err(format!("no answer within {timeout_ms} ms")),
            }
        }
    }
    /// The [`key`](super::colo::key) of what the isolates of a data centre share; `None` where they do not.
    fn colo_key(&self) -> Option<String> {
        None
    }
    /// What the data centre's cache has under a key. The flow gives it a deadline, as it does to `shelve`.
    fn look_up(&self, _key: &str) -> impl Future<Output = Result<Option<Shelved>, CacheFailed>> {
        ready(Ok(None))
    }
    /// Puts something into the data centre's cache.
    fn shelve(&self, _entry: &Entry) -> impl Future<Output = Result<(), CacheFailed>> {
        ready(Ok(()))
    }
    /// Writes one line of log.
    fn log(&self, level: Level, event: &'static str, detail: &str);
}

/// A read that the policy `on_expired = "error"` fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expired;

/// One isolate's reader of one space: plain data, and what to do with it. `R` is why a document
/// did not fit `T`.
#[derive(Debug)]
pub struct Reader<T, R> {
    pub(super) parse: fn(&str) -> Result<T, R>,
    cache: RefCell<Cache<T>>,
    trust: Cell<Trust>,
    pub(super) last_rejection: RefCell<Option<(Version, R)>>,
    last_failure: RefCell<Option<String>>,
}

impl<T, R> Reader<T, R> {
    /// What the isolate holds.
    pub fn cache(&self) -> RefMut<'_, Cache<T>> {
        self.cache.borrow_mut()
    }
}

impl<T: 'static, R: Clone + Display + Misfit + 'static> Reader<T, R> {
    /// A reader that holds nothing yet. `parse` runs once per version.
    #[must_use]
    pub fn new(parse: fn(&str) -> Result<T, R>) -> Self {
        Self {
            parse,
            cache: RefCell::default(),
            trust: Cell::default(),
            last_rejection: RefCell::new(None),
            last_failure: RefCell::new(None),
        }
    }

    /// The configuration, by `policy`; `base` where nothing is held. What must outlive the response
    /// is handed to `behind`.
    ///
    /// # Errors
    /// When what is held is expired, and the policy is to fail then.
    pub async fn read<I: Isolate>(
        self: &Rc<Self>,
        isolate: Rc<I>,
        behind: impl FnOnce(Task),
        policy: &ReaderSettings,
        base: &Rc<T>,
        at_least: Option<Version>,
    ) -> Result<Read<T>, Expired> {
        let plan = self.cache().plan(isolate.now(), policy, at_least);
        let perform = |call, done| {
            let (reader, isolate) = (Rc::clone(self), Rc::clone(&isolate));
            reader.perform(isolate, call, policy.revalidate_timeout_ms, done)
        };
        match plan {
            Plan::Serve => {}
            Plan::ServeAndCall(call) => behind(Box::pin(perform(call, None))),
            Plan::Wait { call, deadline_ms } => {
                let (done, called) = oneshot::channel();
                behind(Box::pin(perform(call, Some(done))));
                // The call ends by itself by then, if it does not look into a cache first; a timer costs
                // more than all that is decided here.
                if deadline_ms < policy.revalidate_timeout_ms || policy.colo_cache {
                    select(called, pin!(isolate.sleep(deadline_ms))).await;
                } else {
                    let _ = called.await;
                }
                if !self.cache().may_serve(isolate.now(), policy) {
                    self.cache().count_refusal();
                    return Err(Expired);
                }
            }
            Plan::Refuse => {
                self.cache().count_refusal();
                return Err(Expired);
            }
        }
        Ok(self.cache().read(isolate.now(), base))
    }

    /// Why the last document that did not fit was refused; `None` once a newer one is held.
    #[must_use]
    pub fn last_rejection(&self) -> Option<R> {
        let held = self.cache.borrow().version();
        let last = self.last_rejection.borrow();
        let (version, rejection) = last.as_ref()?;
        held.is_none_or(|held| held < *version)
            .then(|| rejection.clone())
    }

    /// Why the last call failed; `None` once one works.
    #[must_use]
    pub fn last_failure(&self) -> Option<String> {
        self.last_failure.borrow().clone()
    }

    /// What this isolate thinks of the data centre's cache.
    pub fn trust<O>(&self, with: impl FnOnce(&mut Trust) -> O) -> O {
        let mut trust = self.trust.get();
        let outcome = with(&mut trust);
        self.trust.set(trust);
        outcome
    }

    /// Makes one call and takes its answer, then fetches what that announced, and shares what it was
    /// told. Whoever waits, waits for the first only.
    async fn perform<I: Isolate>(
        self: Rc<Self>,
        isolate: Rc<I>,
        mut call: Call,
        timeout_ms: u64,
        done: Option<oneshot::Sender<()>>,
    ) {
        let answered = if self.take_shared(&*isolate, &mut call).await {
            Some(ToShare::default())
        } else {
            self.call(&*isolate, &call, timeout_ms).await
        };
        if let Some(done) = done {
            // Nobody waits any more when the deadline came first.
            let _ = done.send(());
        }
        let Some(to_share) = answered else {
            return;
        };
        let ahead = self.cache().plan_ahead(isolate.now(), timeout_ms);
        if let Some(call) = ahead {
            self.call(&*isolate, &call, timeout_ms).await;
        }
        self.share(&*isolate, to_share, timeout_ms).await;
    }

    /// Makes one call, and tells what to share of its answer; nothing if there was none. It has a deadline of its own, below the 30 s
    /// that the platform gives a `wait_until`; a second one that is cut off all the same is lost, and
    /// its lease taken over. Boxed, since it is awaited in two places, and its code would be there
    /// twice, for each new isolate to compile.
    fn call<'a, I: Isolate>(
        &'a self,
        isolate: &'a I,
        call: &'a Call,
        timeout_ms: u64,
    ) -> LocalBoxFuture<'a, Option<ToShare>> {
        Box::pin(async move {
            // What holds nothing yet has nothing to tell.
            let report = call
                .ask
                .if_none_match()
                .is_some()
                .then(|| self.report(isolate.identity(), isolate.now()));
            let asked = isolate.ask_in_time(&call.ask, report.as_deref(), timeout_ms);
            match asked.await {
                Ok(answer) => {
                    let to_share = self.to_share(isolate, call, &answer);
                    self.take(isolate, call, answer, None);
                    Some(to_share)
                }
                Err(detail) => {
                    self.cache().fail(call, isolate.now());
                    let event = match call.ask {
                        Ask::Head { .. } => "reader_call_failed",
                        Ask::Pending { .. } => "reader_pending_failed",
                    };
                    isolate.log(Level::Warn, event, &detail);
                    self.last_failure.replace(Some(detail));
                    None
                }
            }
        })
    }

    /// Takes an answer. What its document was parsed into already is not parsed again.
    pub(super) fn take<I: Isolate>(
        &self,
        isolate: &I,
        call: &Call,
        answer: Answer<String>,
        parsed: Option<T>,
    ) {
        let parse = self.parse;
        let (now, version) = (isolate.now(), answer.version());
        let parsed = |body: String| parsed.map_or_else(|| parse(&body), Ok);
        let (_, rejection) = self.cache().receive(call, answer, now, parsed);
        self.last_failure.replace(None);
        if let Some((version, rejection)) = version.zip(rejection) {
            isolate.log(Level::Warn, "reader_rejected", &rejection.to_string());
            self.last_rejection.replace(Some((version, rejection)));
        }
    }
}
