//! What changed between two documents, as a JSON Patch (RFC 6902).

use serde_json::Value;

use crate::document::{MAX_DOCUMENT_BYTES, Object};
use crate::json::Members;
use crate::pointer::push_token;

/// The most that the operations of one patch take beside their values, in bytes. A patch that would
/// take more says no more than the document: it becomes one replacement of the whole.
const MAX_OVERHEAD_BYTES: usize = MAX_DOCUMENT_BYTES;
/// About what `{"op":"replace","path":"","value":},` takes.
const OPERATION_BYTES: usize = 40;

/// The operations (`add`, `remove` and `replace`) that make `to` out of `from`: an array, empty
/// where the two are equal. Applied in their order; those of an array count its indices as the
/// operations before them left it.
///
/// Equal means equal as JSON: numbers as they are kept, objects whatever the order of their keys,
/// since no operation can tell a key its place. So two documents whose texts (and hashes) differ in
/// nothing but that order have an empty difference, and what a patch makes of `from` has the
/// members of `to`, perhaps in another order.
///
/// Of two arrays, what they begin and end with in common stays; what lies between is compared item
/// by item, and the surplus removed or added behind that. No longest common sequence is sought,
/// so that time and memory grow with the documents and not with their product. Recursion is as deep
/// as the documents nest, and their depth is bounded.
pub fn difference(from: &Object, to: &Object) -> Value {
    let mut pass = Pass {
        path: String::new(),
        operations: Vec::new(),
        room_bytes: MAX_OVERHEAD_BYTES,
    };
    if pass.objects(from, to).is_none() {
        pass.path.clear();
        pass.operations = vec![pass.operation("replace", Some(Value::Object(to.clone())))];
    }
    Value::Array(pass.operations)
}

/// The pass's state. Its methods answer `None` once there is no room for more operations.
struct Pass {
    /// Where the pass is.
    path: String,
    operations: Vec<Value>,
    room_bytes: usize,
}

impl Pass {
    fn objects(&mut self, from: &Object, to: &Object) -> Option<()> {
        for key in from.keys().filter(|key| !to.contains_key(*key)) {
            self.below(key, |pass| pass.push("remove", None))?;
        }
        for (key, value) in to {
            self.below(key, |pass| match from.get(key) {
                Some(before) => pass.values(before, value),
                None => pass.push("add", Some(value)),
            })?;
        }
        Some(())
    }

    fn arrays(&mut self, from: &[Value], to: &[Value]) -> Option<()> {
        let shorter = from.len().min(to.len());
        let same = |(before, after): &(&Value, &Value)| before == after;
        let start = from.iter().zip(to).take_while(same).count();
        let backwards = from.iter().rev().zip(to.iter().rev());
        let end = backwards.take(shorter - start).take_while(same).count();
        let paired = shorter - end;
        for (index, (before, after)) in from.iter().zip(to).enumerate().take(paired).skip(start) {
            self.below(&index.to_string(), |pass| pass.values(before, after))?;
        }
        // From behind, so that no removal moves what is still to be removed.
        for index in (paired..from.len() - end).rev() {
            self.below(&index.to_string(), |pass| pass.push("remove", None))?;
        }
        for (index, value) in to.iter().enumerate().take(to.len() - end).skip(paired) {
            self.below(&index.to_string(), |pass| pass.push("add", Some(value)))?;
        }
        Some(())
    }

    fn values(&mut self, from: &Value, to: &Value) -> Option<()> {
        match (from, to) {
            (Value::Object(from), Value::Object(to)) => self.objects(from, to),
            (Value::Array(from), Value::Array(to)) => self.arrays(from, to),
            _ if from == to => Some(()),
            _ => self.push("replace", Some(to)),
        }
    }

    /// Does something one token further down.
    fn below(&mut self, token: &str, work: impl FnOnce(&mut Pass) -> Option<()>) -> Option<()> {
        let here = self.path.len();
        push_token(&mut self.path, token);
        work(self)?;
        self.path.truncate(here);
        Some(())
    }

    fn push(&mut self, name: &str, value: Option<&Value>) -> Option<()> {
        let overhead_bytes = OPERATION_BYTES + self.path.len();
        self.room_bytes = self.room_bytes.checked_sub(overhead_bytes)?;
        let operation = self.operation(name, value.cloned());
        self.operations.push(operation);
        Some(())
    }

    fn operation(&self, name: &str, value: Option<Value>) -> Value {
        let mut members = Members::new();
        members.text("op", name).text("path", &self.path);
        if let Some(value) = value {
            members.value("value", value);
        }
        members.take()
    }
}
