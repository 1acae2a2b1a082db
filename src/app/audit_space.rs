//! Watches the free space on the disk of the audit log, on a thread of its own: a disk that hangs
//! delays no request.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use crate::server::Service;
use audit_log::free_bytes;

/// Interval between two looks at the disk. Meanwhile the rate limits bound what is written.
const INTERVAL: Duration = Duration::from_secs(1);

/// The thread watches until this is dropped.
pub(super) struct SpaceWatch {
    _stop: Option<Sender<()>>,
}

/// Tells the service the free space on the disk of this folder, at once and then every second. If
/// the system does not report it, the last value stays.
pub(super) fn watch_space(folder: PathBuf, service: Arc<Service>) -> SpaceWatch {
    let (stop, stopped) = mpsc::channel::<()>();
    let watch = move || {
        loop {
            if let Ok(free) = free_bytes(&folder) {
                service.see_audit_space(free);
            }
            if stopped.recv_timeout(INTERVAL) != Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
    };
    match thread::Builder::new().name("audit-space".into()).spawn(watch) {
        Ok(_) => SpaceWatch { _stop: Some(stop) },
        Err(error) => {
            tracing::error!(%error, "cannot watch the free space of the audit log; audit_log.reserve has no effect");
            SpaceWatch { _stop: None }
        }
    }
}
