//! Other Unix systems: no Landlock, no abstract sockets. The simulator and the commands of
//! integrators need neither.

use std::io;
use std::os::unix::net::SocketAddr;
use std::time::Duration;

use durable_file::Directory;
use rustix::time::{ClockId, clock_gettime};

use super::reach::{Confined, Reach};
use crate::admin::ProcessReport;

/// Address of an abstract socket: none.
pub(in crate::app) fn abstract_address(_: &[u8]) -> Option<SocketAddr> {
    None
}

/// Time since the start of the machine.
pub(in crate::app) fn uptime() -> Duration {
    let uptime = clock_gettime(ClockId::Monotonic);
    let (seconds, nanos) = (u64::try_from(uptime.tv_sec), u32::try_from(uptime.tv_nsec));
    Duration::new(seconds.unwrap_or(0), nanos.unwrap_or(0))
}

/// Nothing beyond the limit of core dumps.
pub(in crate::app) fn forbid_dumps() -> io::Result<()> {
    Ok(())
}

/// No confinement.
pub(in crate::app) fn restrict(_: &Reach) -> io::Result<Confined> {
    Ok(Confined::Not)
}

/// Version of Landlock: unknown.
pub(in crate::app) fn landlock_version() -> Option<u32> {
    None
}

/// No confinement.
pub(in crate::app) fn restrict_to_folder(_: &Directory) -> io::Result<Confined> {
    Ok(Confined::Not)
}

/// What says how much of the machine the process uses: nothing here.
#[derive(Debug, Default)]
pub struct ProcessFiles;

impl ProcessFiles {
    /// Opens nothing.
    #[must_use]
    pub fn open() -> Self {
        Self
    }

    pub(in crate::app) fn read(&mut self) -> ProcessReport {
        ProcessReport::default()
    }
}
