//! Keeps the questions of the last day in a file of the data folder, on a thread of its own: no
//! answer waits for the disk, except the first question of an hour.
//!
//! The file is written before its questions are asked, a lease of them at a time, and at least once
//! a minute if there were any. At the end it is written without leases. A process that is killed
//! loses its leases: a hundredth of each consumer's quota.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use super::data_file::{read_regular, remove_drafts};
use crate::server::{QuotaCounts, Service};

/// Interval in which the file is written if there were questions.
const INTERVAL: Duration = Duration::from_secs(60);

/// Largest file that is read, 16 MiB: a consumer takes at most 360 bytes. A longer one is cut, and
/// cannot be parsed.
const MAX_BYTES: u64 = 16 << 20;

/// Name in the data folder.
const NAME: &str = "quota-counts";

/// The thread writes the file until this is ended or dropped.
pub(super) struct QuotaFile {
    service: Arc<Service>,
    /// `None` once it is waited for.
    ended: Option<oneshot::Receiver<()>>,
}

impl QuotaFile {
    /// Continues the counts of the file, and writes it from now on.
    ///
    /// # Errors
    /// The system starts no thread.
    pub fn start(service: &Arc<Service>, data: &Path) -> io::Result<Self> {
        let file = data.join(NAME);
        remove_drafts(data, NAME);
        service.rate_limits().keep_counts(&service.active_config().register, read(&file));
        let (end, ended) = oneshot::channel();
        let writing = Arc::clone(service);
        thread::Builder::new().name("quota-file".into()).spawn(move || {
            write_until_end(&writing, &file);
            // Fails if the application was dropped meanwhile.
            let _ = end.send(());
        })?;
        Ok(Self { service: Arc::clone(service), ended: Some(ended) })
    }

    /// Has the file written a last time; the receiver gets a message when it is. It is closed if the
    /// thread panicked: then the file has its last leases.
    pub fn end(mut self) -> Option<oneshot::Receiver<()>> {
        self.service.rate_limits().end_requests();
        self.ended.take()
    }
}

impl Drop for QuotaFile {
    fn drop(&mut self) {
        self.service.rate_limits().end_requests();
    }
}

fn write_until_end(service: &Service, file: &Path) {
    let limits = service.rate_limits();
    let mut written = None;
    let mut is_failing = false;
    while limits.await_request(INTERVAL) {
        let planned = limits.plan_counts();
        if !written.as_ref().is_some_and(|last| planned.says_the_same(last)) {
            let is_written = write(file, &planned.counts, &mut is_failing);
            written = is_written.then(|| planned.clone());
        }
        // If the disk fails, the counts in memory still hold; only a crash would lose them.
        limits.note_written(&planned);
    }
    write(file, &limits.plan_end(), &mut is_failing);
}

/// Writes the file. Logs when writing begins to fail.
fn write(file: &Path, counts: &QuotaCounts, is_failing: &mut bool) -> bool {
    let replaced = durable_file::replace(file, counts.to_text().as_bytes(), 0o600);
    if let Err(error) = &replaced
        && !*is_failing
    {
        tracing::error!(%error, "cannot write the quota counts; a crash would lose the questions of this day");
    }
    *is_failing = replaced.is_err();
    replaced.is_ok()
}

/// The counts of the file; `None` without one.
fn read(file: &Path) -> Option<QuotaCounts> {
    match read_text(file) {
        Ok(text) => {
            let counts = QuotaCounts::parse(&text);
            if counts.is_none() {
                let file = file.display();
                tracing::error!(%file, "the quota counts cannot be parsed; the questions of the last day are not counted");
            }
            counts
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            let file = file.display();
            tracing::error!(%file, %error, "cannot read the quota counts; the questions of the last day are not counted");
            None
        }
    }
}

/// Reads the text of the file.
fn read_text(file: &Path) -> io::Result<String> {
    String::from_utf8(read_regular(file, MAX_BYTES)?).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}
