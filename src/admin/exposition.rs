//! The Prometheus text exposition format, version 0.0.4. It needs no library: each sample is one
//! line.
//!
//! Values are integers, except for seconds, which have a fraction.

use std::fmt::{Display, Write};
use std::time::Duration;

/// Prefix of every metric.
const PREFIX: &str = "ehealth_attributes_";

/// Type of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricType {
    /// Only rises, except at a restart.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Counts observations in buckets.
    Histogram,
}

impl MetricType {
    /// Name in a `# TYPE` line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// Labels of a sample: name and value.
pub(super) type Labels<'a> = &'a [(&'a str, &'a str)];

/// The text of an exposition.
pub(super) struct Exposition(String);

impl Exposition {
    pub(super) fn new() -> Self {
        Self(String::with_capacity(32 * 1_024))
    }

    /// Begins a family: all samples of one metric.
    pub(super) fn family(&mut self, name: &str, metric_type: MetricType, help: &str) {
        let metric_type = metric_type.name();
        self.0.push_str(&format!("# HELP {PREFIX}{name} {help}\n# TYPE {PREFIX}{name} {metric_type}\n"));
    }

    pub(super) fn sample(&mut self, name: &str, labels: Labels<'_>, value: impl Display) {
        self.0.push_str(PREFIX);
        self.0.push_str(name);
        for (index, (label, text)) in labels.iter().enumerate() {
            self.0.push_str(if index == 0 { "{" } else { "," });
            // Writing to a String cannot fail.
            let _ = write!(self.0, "{label}=\"{}\"", escape(text));
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }
}

/// Escapes backslash, quote and line feed in a label's value.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// Seconds with nine decimals.
pub(super) fn seconds(duration: Duration) -> String {
    format!("{}.{:09}", duration.as_secs(), duration.subsec_nanos())
}

/// Microseconds as seconds, without trailing zeros.
pub(super) fn micros_as_seconds(micros: u64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_seconds_have_no_trailing_zeros() {
        let mut out = Exposition::new();
        out.sample("a", &[("b", "\"\\\n"), ("c", "d")], 7);
        assert_eq!(out.into_text(), "ehealth_attributes_a{b=\"\\\"\\\\\\n\",c=\"d\"} 7\n");
        assert_eq!(
            [50, 1_000_000, 2_500_000, 10_000_000].map(micros_as_seconds),
            ["0.00005", "1", "2.5", "10"].map(str::to_owned)
        );
    }
}
