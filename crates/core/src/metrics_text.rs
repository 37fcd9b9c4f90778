//! Prometheus text, format 0.0.4.
//!
//! Our own writer because `prometheus-client` writes OpenMetrics, where a counter's family is named
//! without `_total`; `promtool check metrics` reads that as 0.0.4 and complains of every counter.

use std::fmt::Write as _;

/// A sample's value. Without floats: their formatting costs the bundle 6 KB gzipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricValue {
    /// A count.
    Whole(u64),
    /// A time in milliseconds, written in seconds as Prometheus wants it.
    Millis(u64),
}

/// Collects samples, in any order, and writes them family by family. Names come from code, so they
/// are not checked; label values and help may be anything. The caller adds a label set once.
#[derive(Debug, Default)]
pub struct Metrics {
    families: Vec<Family>,
}

impl Metrics {
    /// Nothing collected yet.
    pub fn new() -> Metrics {
        Metrics::default()
    }

    /// Adds a sample of a counter, whose name ends in `_total`.
    pub fn counter(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &[(&str, &str)],
        value: MetricValue,
    ) -> &mut Metrics {
        self.sample("counter", name, help, labels, value)
    }

    /// Adds a sample of a gauge.
    pub fn gauge(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &[(&str, &str)],
        value: MetricValue,
    ) -> &mut Metrics {
        self.sample("gauge", name, help, labels, value)
    }

    /// The exposition: `HELP` and `TYPE` once per family, its samples below, families in the order
    /// of their first sample. Its media type is [`crate::names::media::PROMETHEUS_TEXT`].
    pub fn render(&self) -> String {
        let mut text = String::new();
        for Family {
            name,
            help,
            kind,
            samples,
        } in &self.families
        {
            let _ = write!(text, "# HELP {name} ");
            push_escaped(&mut text, help, false);
            let _ = write!(text, "\n# TYPE {name} {kind}\n{samples}");
        }
        text
    }

    fn sample(
        &mut self,
        kind: &'static str,
        name: &'static str,
        help: &'static str,
        labels: &[(&str, &str)],
        value: MetricValue,
    ) -> &mut Metrics {
        let line = sample_line(name, labels, value);
        match self.families.iter_mut().find(|family| family.name == name) {
            Some(family) => family.samples.push_str(&line),
            None => self.families.push(Family {
                name,
                help,
                kind,
                samples: line,
            }),
        }
        self
    }
}

#[derive(Debug)]
struct Family {
    name: &'static str,
    help: &'static str,
    kind: &'static str,
    /// Lines, each with its line feed.
    samples: String,
}

fn sample_line(name: &str, labels: &[(&str, &str)], value: MetricValue) -> String {
    let mut line = name.to_owned();
    for (index, (label, text)) in labels.iter().enumerate() {
        let _ = write!(line, "{}{label}=\"", if index == 0 { '{' } else { ',' });
        push_escaped(&mut line, text, true);
        line.push('"');
    }
    if !labels.is_empty() {
        line.push('}');
    }
    line.push(' ');
    push_value(&mut line, value);
    line.push('\n');
    line
}

fn push_value(line: &mut String, value: MetricValue) {
    // Writing to a String cannot fail.
    let _ = match value {
        MetricValue::Whole(value) => write!(line, "{value}"),
        MetricValue::Millis(ms) => write!(line, "{}.{:03}", ms / 1_000, ms % 1_000),
    };
}

/// Help text escapes backslash and line feed; label values the double quote as well.
fn push_escaped(text: &mut String, raw: &str, quoted: bool) {
    for character in raw.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '"' if quoted => text.push_str("\\\""),
            _ => text.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_grouped_however_samples_come() {
        let mut metrics = Metrics::new();
        for space in ["default", "other"] {
            let version = MetricValue::Whole(if space == "default" { 12 } else { 3 });
            metrics
                .gauge(
                    "bellwether_head_version",
                    "Version served now.",
                    &[("space", space)],
                    version,
                )
                .counter(
                    "bellwether_adoptions_total",
                    "Adoptions.",
                    &[("space", space)],
                    version,
                )
                .counter(
                    "bellwether_refreshes_total",
                    "Refreshes by outcome.",
                    &[("space", space), ("outcome", "failed")],
                    MetricValue::Whole(0),
                );
        }
        metrics.gauge(
            "bellwether_up",
            "No labels.",
            &[],
            MetricValue::Millis(1_500),
        );
        assert_eq!(
            metrics.render(),
            "# HELP bellwether_head_version Version served now.\n\
             # TYPE bellwether_head_version gauge\n\
             bellwether_head_version{space=\"default\"} 12\n\
             bellwether_head_version{space=\"other\"} 3\n\
             # HELP bellwether_adoptions_total Adoptions.\n\
             # TYPE bellwether_adoptions_total counter\n\
             bellwether_adoptions_total{space=\"default\"} 12\n\
             bellwether_adoptions_total{space=\"other\"} 3\n\
             # HELP bellwether_refreshes_total Refreshes by outcome.\n\
             # TYPE bellwether_refreshes_total counter\n\
             bellwether_refreshes_total{space=\"default\",outcome=\"failed\"} 0\n\
             bellwether_refreshes_total{space=\"other\",outcome=\"failed\"} 0\n\
             # HELP bellwether_up No labels.\n\
             # TYPE bellwether_up gauge\n\
             bellwether_up 1.500\n"
        );
    }

    #[test]
    fn nothing_collected_is_an_empty_text() {
        assert_eq!(Metrics::new().render(), "");
    }

    #[test]
    fn help_and_labels_are_escaped() {
        let mut metrics = Metrics::new();
        metrics.gauge(
            "a",
            "b\\c\n\"d\"",
            &[("l", "x\\y\n\"z\" é")],
            MetricValue::Whole(0),
        );
        assert_eq!(
            metrics.render(),
            "# HELP a b\\\\c\\n\"d\"\n# TYPE a gauge\na{l=\"x\\\\y\\n\\\"z\\\" é\"} 0\n"
        );
    }

    #[test]
    fn values() {
        let written = |value: MetricValue| {
            let mut text = String::new();
            push_value(&mut text, value);
            text
        };
        for (value, expected) in [
            (MetricValue::Whole(0), "0"),
            (MetricValue::Whole(u64::MAX), "18446744073709551615"),
            (MetricValue::Millis(0), "0.000"),
            (MetricValue::Millis(1), "0.001"),
            (MetricValue::Millis(999), "0.999"),
            (MetricValue::Millis(1_000), "1.000"),
            (MetricValue::Millis(1_700_000_000_123), "1700000000.123"),
            (MetricValue::Millis(u64::MAX), "18446744073709551.615"),
        ] {
            assert_eq!(written(value), expected);
        }
    }
}
