//! Single flight in an isolate, as a lease.
//!
//! A promise made in one request must never be awaited in another (the second one hangs), so an
//! isolate cannot share a future between requests. What it can share is plain data: who asks now,
//! and since when. A lease whose holder was cancelled is stolen after its term.

use crate::version::UnixMillis;

/// The right to make the isolate's one call, or the absence of it.
#[derive(Debug, Default)]
pub struct Lease {
    holder: Option<Holder>,
    last_ticket: u64,
}

/// Proof of holding the lease; give it back with [`Lease::release`].
#[derive(Debug, PartialEq, Eq)]
pub struct Ticket(u64);

#[derive(Debug)]
struct Holder {
    ticket: u64,
    since: UnixMillis,
}

impl Lease {
    /// Takes the lease when it is free, or when its holder has had it for `term_ms` or more.
    /// A holder from the future (the clock went back) is taken to have started now, so that its
    /// term still ends.
    pub fn take(&mut self, now: UnixMillis, term_ms: u64) -> Option<Ticket> {
        if let Some(holder) = &mut self.holder {
            holder.since = holder.since.min(now);
            if now.since(holder.since) < term_ms {
                return None;
            }
        }
        self.last_ticket = self.last_ticket.wrapping_add(1);
        self.holder = Some(Holder {
            ticket: self.last_ticket,
            since: now,
        });
        Some(Ticket(self.last_ticket))
    }

    /// Gives the lease back. A ticket whose lease was stolen meanwhile changes nothing.
    pub fn release(&mut self, ticket: &Ticket) {
        if self
            .holder
            .as_ref()
            .is_some_and(|holder| holder.ticket == ticket.0)
        {
            self.holder = None;
        }
    }

    /// Whether somebody holds the lease now.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.holder.is_some()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn at(ms: u64) -> UnixMillis {
        UnixMillis(ms)
    }

    #[test]
    fn one_holder_at_a_time() {
        let mut lease = Lease::default();
        let ticket = lease.take(at(0), 100).unwrap();
        assert!(lease.is_held());
        assert_eq!(lease.take(at(50), 100), None);
        lease.release(&ticket);
        assert!(!lease.is_held());
        assert!(lease.take(at(50), 100).is_some());
    }

    #[test]
    fn a_lease_is_stolen_at_its_term_and_not_before() {
        let mut lease = Lease::default();
        let first = lease.take(at(1_000), 100).unwrap();
        assert_eq!(lease.take(at(1_099), 100), None);
        let second = lease.take(at(1_100), 100).unwrap();
        lease.release(&first);
        assert!(
            lease.is_held(),
            "a stolen ticket must not free the thief's lease"
        );
        lease.release(&second);
        assert!(!lease.is_held());
    }

    #[test]
    fn a_clock_that_goes_back_does_not_hold_the_lease_for_ever() {
        let mut lease = Lease::default();
        lease.take(at(1_000_000), 100).unwrap();
        assert_eq!(lease.take(at(5), 100), None);
        assert_eq!(lease.take(at(104), 100), None);
        assert!(lease.take(at(105), 100).is_some());
    }
}
