//! The metrics of the process, which have the same names in every program (Prometheus, "Writing
//! client libraries", section "Process metrics"): a closed list, without the prefix of the service.

use std::fmt;
use std::time::Duration;

use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;

use super::exposition::{Description, Family};
use ehealth_core::closed_enum;

closed_enum! {
    /// A metric of the process. Its code is its name.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum ProcessMetric {
        /// Processor time.
        Cpu => "process_cpu_seconds_total",
        /// Memory that is in use.
        ResidentMemory => "process_resident_memory_bytes",
        /// Memory that is mapped.
        VirtualMemory => "process_virtual_memory_bytes",
        /// Open file descriptors.
        OpenDescriptors => "process_open_fds",
        /// Limit of open file descriptors.
        MaxDescriptors => "process_max_fds",
        /// Start of the process.
        StartTime => "process_start_time_seconds",
    }
}

/// What the system says about the process. What it does not say is `None`: only Linux says all of
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProcessReport {
    /// Processor time of all threads since the start.
    pub cpu: Option<Duration>,
    /// Bytes of memory that are in use.
    pub resident_bytes: Option<u64>,
    /// Bytes of memory that are mapped.
    pub virtual_bytes: Option<u64>,
    /// Open file descriptors.
    pub open_descriptors: Option<u64>,
    /// Limit of open file descriptors.
    pub max_descriptors: Option<u64>,
    /// Start of the process, since 1970.
    pub started: Option<Duration>,
}

impl ProcessMetric {
    fn description(self) -> Description {
        let metric_type = match self {
            Self::Cpu => MetricType::Counter,
            Self::ResidentMemory
            | Self::VirtualMemory
            | Self::OpenDescriptors
            | Self::MaxDescriptors
            | Self::StartTime => MetricType::Gauge,
        };
        Description { name: self.code(), metric_type, help: self.help() }
    }

    /// Help text of the exposition.
    #[must_use]
    pub const fn help(self) -> &'static str {
        match self {
            Self::Cpu => "Processor time of the process, in user and system mode.",
            Self::ResidentMemory => "Memory of the process that is in use.",
            Self::VirtualMemory => "Memory of the process that is mapped.",
            Self::OpenDescriptors => "Open file descriptors of the process.",
            Self::MaxDescriptors => "Limit of open file descriptors of the process.",
            Self::StartTime => "Start of the process, in seconds since 1970.",
        }
    }
}

/// Writes every family; what the system does not say has no sample.
pub(super) fn write_process_metrics(encoder: &mut DescriptorEncoder<'_>, process: &ProcessReport) -> fmt::Result {
    for metric in ProcessMetric::ALL {
        let mut family = Family::begin(encoder, metric.description())?;
        match metric {
            ProcessMetric::Cpu => family.optional(process.cpu.map(whole_milliseconds)),
            ProcessMetric::ResidentMemory => family.optional(process.resident_bytes),
            ProcessMetric::VirtualMemory => family.optional(process.virtual_bytes),
            ProcessMetric::OpenDescriptors => family.optional(process.open_descriptors),
            ProcessMetric::MaxDescriptors => family.optional(process.max_descriptors),
            ProcessMetric::StartTime => family.optional(process.started),
        }
        family.end()?;
    }
    Ok(())
}

/// Without the part below a millisecond. Two digits of seconds and nine of nanoseconds are eleven, as
/// the number of a person has: some of them would read as one.
fn whole_milliseconds(time: Duration) -> Duration {
    Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}
