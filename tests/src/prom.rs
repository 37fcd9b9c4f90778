//! Prometheus text, as far as the tests need it.
use std::io::Write;
use std::process::{Command, Stdio};

use crate::paths::Paths;

/// The samples of one scrape.
#[derive(Clone, Debug)]
pub struct Metrics {
    text: String,
    samples: Vec<Sample>,
}

#[derive(Clone, Debug)]
struct Sample {
    name: String,
    labels: String,
    value: f64,
}

impl Metrics {
    pub(crate) fn parse(text: &str) -> Self {
        let samples = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(|line| {
                let (series, value) = line
                    .rsplit_once(' ')
                    .unwrap_or_else(|| panic!("not a sample: {line}"));
                let (name, labels) = series.split_once('{').unwrap_or((series, ""));
                Sample {
                    name: name.to_owned(),
                    labels: labels.trim_end_matches('}').to_owned(),
                    value: value
                        .parse()
                        .unwrap_or_else(|_| panic!("not a number: {line}")),
                }
            })
            .collect();
        Self {
            text: text.to_owned(),
            samples,
        }
    }

    /// The text as scraped.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The sum of the samples of `name` that carry all of `labels` (each as `key="value"`); None when there is none.
    pub fn sum(&self, name: &str, labels: &[&str]) -> Option<f64> {
        let mut values = self
            .samples
            .iter()
            .filter(|sample| {
                sample.name == name && labels.iter().all(|label| sample.labels.contains(label))
            })
            .map(|sample| sample.value)
            .peekable();
        values.peek()?;
        Some(values.sum())
    }

    /// As [`Metrics::sum`], and the series must exist.
    pub fn must(&self, name: &str, labels: &[&str]) -> f64 {
        self.sum(name, labels)
            .unwrap_or_else(|| panic!("no sample {name} {labels:?} in\n{}", self.text))
    }
}

/// Lets `promtool check metrics` judge a scrape; gives what it complains of when it does.
pub fn promtool_check(text: &str) -> Result<(), String> {
    let mut child = Command::new(Paths::get().promtool())
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    if output.status.success() && said.trim().is_empty() {
        Ok(())
    } else {
        Err(said)
    }
}
