//! A reader built without the colo tier: every call is for the object.

use super::{Answer, Call, Isolate, Reader};

pub(super) type ToShare = ();

impl<T, R> Reader<T, R> {
    pub(super) async fn take_shared<I: Isolate>(&self, _: &I, _: &mut Call) -> bool {
        false
    }

    pub(super) fn to_share<I: Isolate>(&self, _: &I, _: &Call, _: &Answer<String>) -> ToShare {}

    pub(super) async fn share<I: Isolate>(&self, _: &I, (): ToShare, _: u64) {}
}
