//! Messages between machines: delayed, overtaken, lost, doubled, broken off.

use std::cell::RefCell;
use std::rc::Rc;

use bellwether_core::coordinator::SnapshotAnswer;
use bellwether_core::reading::{Answer, Ask};
use bellwether_core::version::Version;
use futures_channel::oneshot;

use crate::chance::Fault;
use crate::executor::Owner;
use crate::host::Host;
use crate::requests::Request;
use crate::world::World;

/// What arrives at the asker.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    status: u16,
    fields: Vec<(&'static str, String)>,
    body: Option<Rc<str>>,
    /// What the check knows of it: when it was made, in true time, and with which version.
    pub(crate) made_at_ms: u64,
    pub(crate) about: Option<Version>,
}

impl Reply {
    pub(crate) fn error(status: u16) -> Self {
        Self {
            status,
            fields: Vec::new(),
            body: None,
            made_at_ms: 0,
            about: None,
        }
    }

    pub(crate) fn version(version: Version) -> Self {
        Self {
            about: Some(version),
            ..Self::error(200)
        }
    }

    /// Whether it may be asked again: nothing is known of what became of the request.
    pub(crate) fn is_transient(&self) -> bool {
        self.status >= 500
    }

    /// The object's answer as it travels: status, headers, body.
    pub(crate) fn snapshot(world: &World, answer: &SnapshotAnswer) -> Self {
        Self {
            status: answer.status(),
            fields: answer.fields(),
            body: (!answer.not_modified).then(|| Rc::clone(&answer.head.text)),
            made_at_ms: world.now_ms(),
            about: Some(answer.head.version),
        }
    }

    /// As a reader takes it apart.
    pub(crate) fn read(&self, ask: &Ask) -> Result<Answer<String>, String> {
        let field = |wanted: &str| {
            let found = self
                .fields
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.map(|(_, value)| value.clone())
        };
        let answer = Answer::parse(ask, self.status, &field)?;
        Ok(answer.with_body(self.body.as_deref().unwrap_or_default().to_owned()))
    }
}

type Asker = Rc<RefCell<Option<oneshot::Sender<Result<Reply, String>>>>>;

/// The way back to whoever asked. Dropped without a reply, the connection broke.
pub(crate) struct ReplyPath {
    world: Rc<World>,
    wire: Owner,
    asker: Asker,
}

impl ReplyPath {
    pub(crate) fn reply(self, host: &Host, reply: Reply) {
        let world = &host.world;
        if world.strikes(Fault::ReplyLost) {
            world.lose(Rc::clone(&self.asker));
            return;
        }
        let times = if world.strikes(Fault::ReplyTwice) {
            2
        } else {
            1
        };
        for _ in 0..times {
            self.carry(Ok(reply.clone()));
        }
    }

    fn carry(&self, reply: Result<Reply, String>) {
        let (world, asker) = (Rc::clone(&self.world), Rc::clone(&self.asker));
        let reply = match reply {
            Ok(_) if world.strikes(Fault::ReplyBroken) => Err("the answer broke off".to_owned()),
            Ok(mut reply) if world.strikes(Fault::ReplyMangled) => {
                // Of those that a reader needs.
                let lost = world.chance.between(Fault::ReplyMangled, 0, 3) as usize;
                if lost < reply.fields.len() {
                    reply.fields.remove(lost);
                }
                Ok(reply)
            }
            reply => reply,
        };
        let delay_ms = travel_ms(&world);
        let task = async move {
            world.executor.sleep(delay_ms).await;
            if let Some(sender) = asker.borrow_mut().take() {
                // Whoever gave up needs no reply.
                let _ = sender.send(reply);
            }
        };
        self.world.executor.spawn(self.wire, Box::pin(task));
    }
}

impl Drop for ReplyPath {
    fn drop(&mut self) {
        // The task that would have replied died with the object, unless a reply is under way.
        if Rc::strong_count(&self.asker) == 1 && self.asker.borrow().is_some() {
            self.carry(Err("the object was reset".to_owned()));
        }
    }
}

/// Sends a request; the answer comes, or an error, or nothing.
pub(crate) fn send(
    host: &Rc<Host>,
    wire: Owner,
    request: Request,
) -> oneshot::Receiver<Result<Reply, String>> {
    let (sender, receiver) = oneshot::channel();
    let asker: Asker = Rc::new(RefCell::new(Some(sender)));
    let world = &host.world;
    let times = if world.strikes(Fault::RequestLost) {
        world.lose(Rc::clone(&asker));
        0
    } else if world.strikes(Fault::RequestTwice) {
        2
    } else {
        1
    };
    for _ in 0..times {
        let path = ReplyPath {
            world: Rc::clone(world),
            wire,
            asker: Rc::clone(&asker),
        };
        let (host, request) = (Rc::clone(host), request.clone());
        let delay_ms = travel_ms(world);
        let task = async move {
            host.world.executor.sleep(delay_ms).await;
            host.receive(request, path);
        };
        world.executor.spawn(wire, Box::pin(task));
    }
    receiver
}

fn travel_ms(world: &World) -> u64 {
    if !world.strikes(Fault::SlowMessage) {
        return world.between(1, 40);
    }
    // Mostly within a reader's deadline, so that what is overtaken still counts.
    let longest_ms = if world.one_in(4) { 60_000 } else { 2_000 };
    world.chance.between(Fault::SlowMessage, 40, longest_ms)
}
