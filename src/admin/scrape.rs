//! The metrics as one text, in the format that the client accepts.

use std::fmt;
use std::sync::Arc;

use hyper::HeaderMap;
use hyper::header::ACCEPT;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, prometheus_text, text};
use prometheus_client::registry::Registry;

use super::cluster::metrics::write_cluster_metrics;
use super::exemplars::add_exemplars;
use super::process_metrics::write_process_metrics;
use super::report::Report;
use super::samples::write_service_metrics;

/// Prefix of every metric but those of the process.
const PREFIX: &str = "ehealth_attributes";

/// Text format of the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricsFormat {
    /// The Prometheus text exposition format, version 0.0.4.
    Prometheus,
    /// OpenMetrics 1.0, which has exemplars.
    OpenMetrics,
}

impl MetricsFormat {
    /// The format that a request accepts: OpenMetrics if `Accept` names it with a weight that is
    /// not less than that of `text/plain` (RFC 9110, section 12.5.1).
    pub(super) fn accepted(headers: &HeaderMap) -> Self {
        let fields = headers.get_all(ACCEPT).iter().filter_map(|field| field.to_str().ok());
        let (mut open, mut plain) = (0, 0);
        for range in fields.flat_map(|field| field.split(',')) {
            let mut parts = range.split(';').map(str::trim);
            let media_type = parts.next().unwrap_or_default();
            let parameters: Vec<_> = parts.filter_map(|part| part.split_once('=')).collect();
            let value = |name: &str| parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| *v);
            let weight = value("q").map_or(1_000, thousandths);
            let is_known = value("version").is_none_or(|version| version.trim_matches('"') == "1.0.0");
            if media_type.eq_ignore_ascii_case("application/openmetrics-text") && is_known {
                open = open.max(weight);
            } else if media_type.eq_ignore_ascii_case("text/plain") {
                plain = plain.max(weight);
            }
        }
        if open > 0 && open >= plain { Self::OpenMetrics } else { Self::Prometheus }
    }

    /// Value of `Content-Type`.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => prometheus_text::CONTENT_TYPE,
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// Thousandths of a weight, `0.125` or `1`; 0 for anything else.
fn thousandths(weight: &str) -> u32 {
    let (whole, decimals) = weight.split_once('.').unwrap_or((weight, ""));
    let is_weight = matches!(whole, "0" | "1") && decimals.len() <= 3;
    let digits = format!("{whole}{decimals:0<3}");
    digits.parse().ok().filter(|thousandths| is_weight && *thousandths <= 1_000).unwrap_or(0)
}

/// Writes the metrics.
///
/// # Errors
/// If the library refuses a value. None of those that a report has is refused.
pub fn write_metrics(report: Report, format: MetricsFormat) -> Result<String, fmt::Error> {
    let report = Arc::new(report);
    let mut registry = Registry::default();
    registry.register_collector(Box::new(OfProcess(Arc::clone(&report))));
    registry.sub_registry_with_prefix(PREFIX).register_collector(Box::new(OfService(Arc::clone(&report))));
    let mut written = String::with_capacity(64 * 1_024);
    match format {
        MetricsFormat::Prometheus => {
            prometheus_text::encode(&mut written, &registry)?;
            Ok(written)
        }
        MetricsFormat::OpenMetrics => {
            text::encode(&mut written, &registry)?;
            Ok(add_exemplars(&written, PREFIX, &report.traffic))
        }
    }
}

#[derive(Debug)]
struct OfProcess(Arc<Report>);

impl Collector for OfProcess {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        write_process_metrics(&mut encoder, &self.0.process)
    }
}

#[derive(Debug)]
struct OfService(Arc<Report>);

impl Collector for OfService {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        write_service_metrics(&mut encoder, &self.0)?;
        write_cluster_metrics(&mut encoder, self.0.cluster.as_ref(), self.0.now)
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn open_metrics_is_written_for_who_prefers_it() {
        let format = |fields: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for field in fields {
                headers.append(ACCEPT, HeaderValue::from_static(field));
            }
            MetricsFormat::accepted(&headers)
        };
        for accepted in [
            // Prometheus 2.43, and 3.
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
            "application/openmetrics-text",
            "text/plain, Application/OpenMetrics-Text; Version=\"1.0.0\"",
        ] {
            assert_eq!(format(&[accepted]), MetricsFormat::OpenMetrics, "{accepted}");
        }
        for accepted in [
            "",
            "*/*",
            "text/plain;version=0.0.4",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;q=2",
            "application/openmetrics-text;q=x",
            "application/openmetrics-text;version=2.0.0",
            "application/openmetrics-text;q=0.4, text/plain;q=0.5",
        ] {
            assert_eq!(format(&[accepted]), MetricsFormat::Prometheus, "{accepted}");
        }
        assert_eq!(format(&[]), MetricsFormat::Prometheus);
        assert_eq!(format(&["text/plain;q=0.5", "application/openmetrics-text"]), MetricsFormat::OpenMetrics);
    }
}
