//! What the samples of a metric are written with, over the encoders of `prometheus-client`.
//!
//! Timestamps and counts are whole numbers; durations are seconds with a fraction.

use std::fmt;
use std::time::Duration;

use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use ehealth_core::model::Timestamp;

/// Labels of a sample: name and value.
pub(super) type Labels<'a> = &'a [(&'a str, &'a str)];

/// Description of a metric.
#[derive(Debug, Clone, Copy)]
pub(super) struct Description {
    /// Name of the samples without the registry's prefix; of a histogram, without `_bucket`.
    pub name: &'static str,
    pub metric_type: MetricType,
    pub help: &'static str,
}

impl Description {
    /// The name as the library takes it, without what it appends: the suffix of the type, the unit.
    fn split(self) -> (&'static str, Option<&'static Unit>) {
        let suffix = match self.metric_type {
            MetricType::Counter => "_total",
            MetricType::Info => "_info",
            MetricType::Gauge | MetricType::Histogram | MetricType::Unknown => "",
        };
        let name = self.name.strip_suffix(suffix).unwrap_or(self.name);
        let units: [(_, &Unit); 2] = [("_seconds", &Unit::Seconds), ("_bytes", &Unit::Bytes)];
        let unit = units.into_iter().find_map(|(suffix, unit)| Some((name.strip_suffix(suffix)?, unit)));
        unit.map_or((name, None), |(name, unit)| (name, Some(unit)))
    }
}

/// Value of a sample.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value {
    Count(u64),
    /// Seconds since 1970.
    Moment(i64),
    Seconds(Duration),
}

impl From<u64> for Value {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<bool> for Value {
    fn from(is_so: bool) -> Self {
        Self::Count(u64::from(is_so))
    }
}

impl From<usize> for Value {
    fn from(count: usize) -> Self {
        Self::Count(u64::try_from(count).unwrap_or(u64::MAX))
    }
}

impl From<Timestamp> for Value {
    fn from(at: Timestamp) -> Self {
        Self::Moment(at.as_millis().div_euclid(1_000))
    }
}

impl From<Duration> for Value {
    fn from(duration: Duration) -> Self {
        Self::Seconds(duration)
    }
}

/// The family that is being written: all samples of one metric.
pub(super) struct Family<'a> {
    encoder: MetricEncoder<'a>,
    metric_type: MetricType,
    result: fmt::Result,
}

impl<'a> Family<'a> {
    /// Begins a family.
    pub fn begin(encoder: &'a mut DescriptorEncoder<'_>, description: Description) -> Result<Self, fmt::Error> {
        let (name, unit) = description.split();
        let encoder = encoder.encode_descriptor(name, description.help, unit, description.metric_type)?;
        Ok(Self { encoder, metric_type: description.metric_type, result: Ok(()) })
    }

    /// Writes a sample.
    pub fn sample(&mut self, labels: Labels<'_>, value: impl Into<Value>) {
        let written = self.write(labels, value.into());
        self.result = self.result.and(written);
    }

    /// Writes the only sample of a metric without labels.
    pub fn single(&mut self, value: impl Into<Value>) {
        self.sample(&[], value);
    }

    /// Writes the only sample of a metric without labels, if there is a value.
    pub fn optional(&mut self, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.single(value);
        }
    }

    /// Writes a histogram: the ends of its buckets in seconds, infinity last, and their counts.
    pub fn histogram(&mut self, labels: Labels<'_>, sum: Duration, buckets: &[(f64, u64)]) {
        let count = buckets.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
        let written = self
            .encoder
            .encode_family(&labels)
            .and_then(|mut encoder| encoder.encode_histogram::<NoLabelSet>(sum.as_secs_f64(), count, buckets, None));
        self.result = self.result.and(written);
    }

    /// Ends the family.
    pub fn end(self) -> fmt::Result {
        self.result
    }

    fn write(&mut self, labels: Labels<'_>, value: Value) -> fmt::Result {
        if self.metric_type == MetricType::Info {
            return self.encoder.encode_info(&labels);
        }
        let mut encoder = self.encoder.encode_family(&labels)?;
        match (self.metric_type == MetricType::Counter, value) {
            (true, Value::Count(count)) => encoder.encode_counter::<NoLabelSet, _, u64>(&count, None),
            (true, Value::Moment(at)) => {
                encoder.encode_counter::<NoLabelSet, _, u64>(&u64::try_from(at).unwrap_or(0), None)
            }
            (true, Value::Seconds(duration)) => {
                encoder.encode_counter::<NoLabelSet, _, u64>(&duration.as_secs_f64(), None)
            }
            // The library fails for what is beyond i64.
            (false, Value::Count(count)) => encoder.encode_gauge(&i64::try_from(count).unwrap_or(i64::MAX)),
            (false, Value::Moment(at)) => encoder.encode_gauge(&at),
            (false, Value::Seconds(duration)) => encoder.encode_gauge(&duration.as_secs_f64()),
        }
    }
}
