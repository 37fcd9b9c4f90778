//! What a process printed, line by line.
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// Lines captured from a process, both output streams in the order they were written.
#[derive(Clone, Debug, Default)]
pub struct Logs {
    lines: Arc<Mutex<Vec<String>>>,
}

impl Logs {
    /// Everything printed so far.
    pub fn text(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }

    /// The structured log lines so far: every line that is a JSON object with an `event`.
    pub fn events(&self) -> Vec<Value> {
        self.lines
            .lock()
            .unwrap()
            .iter()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|value| value.get("event").is_some())
            .collect()
    }

    /// The structured log lines with this `event`.
    pub fn events_named(&self, event: &str) -> Vec<Value> {
        let mut events = self.events();
        events.retain(|value| value["event"] == event);
        events
    }

    pub(crate) fn push(&self, line: String) {
        self.lines.lock().unwrap().push(line);
    }

    /// Follows `stream` to its end on a thread of its own; the process never waits for the test to read.
    pub(crate) fn follow(&self, stream: impl Read + Send + 'static) {
        let logs = self.clone();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(stream);
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
                logs.push(String::from_utf8_lossy(&line).trim_end().to_owned());
                line.clear();
            }
        });
    }
}
