//! Keeps the history of the service, on a thread of its own: reads the counters every 10 s, and replaces a
//! file of the data folder every 5 minutes and at the end. No answer waits for it.
//!
//! A process that is killed loses up to 5 minutes, which are a gap afterwards.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use durable_file::Directory;
use tokio::sync::{oneshot, watch};

use super::data_file::{read_regular, remove_drafts};
use super::observation::Observation;
use crate::admin::{FILE_BYTES, History, Reading, SharedHistory};
use crate::server::Service;
use crate::server::counters::{BUCKETS_MICROS, Totals};
use audit_log::AuditLog;
use ehealth_core::model::{Clock, Timestamp};

/// Interval between two readings.
const READ_INTERVAL: Duration = Duration::from_secs(10);

/// Interval in which the file is written.
const WRITE_INTERVAL: Duration = Duration::from_secs(300);

/// Name in the data folder.
const NAME: &str = "history";

/// Name under which a file that cannot be used is kept, unless one is kept already.
const KEPT: &str = "history.unusable";

/// What is read.
pub(super) struct Sources {
    pub service: Arc<Service>,
    pub audit_log: Arc<AuditLog>,
    pub clock: Arc<dyn Clock>,
    pub observations: watch::Receiver<Option<Arc<Observation>>>,
}

impl Sources {
    fn read(&self, now: Timestamp) -> Reading {
        let Totals { kinds, overloads, durations } = self.service.counters().totals();
        let counters = self.audit_log.counters();
        let age = |since: Option<Timestamp>| since.map(|since| now.since(since)).unwrap_or_default();
        let observation = self.observations.borrow().clone();
        let mut reading = Reading {
            kinds,
            overloads,
            durations,
            unsigned: age(counters.unsigned_since),
            uncopied: age(counters.uncopied_since),
            ..Reading::default()
        };
        for (place, status) in reading.ages.iter_mut().zip(observation.iter().flat_map(|seen| &seen.datasets)) {
            let state = status.as_ref().and_then(|status| status.state);
            *place = state.map(|state| now.since(state.created));
        }
        reading
    }
}

/// The thread keeps the history until this is ended or dropped.
pub(super) struct HistoryFile {
    history: SharedHistory,
    /// The thread ends when it is dropped.
    running: Sender<()>,
    ended: oneshot::Receiver<()>,
}

impl HistoryFile {
    /// Continues the history of the file, and keeps it from now on.
    ///
    /// # Errors
    /// The system starts no thread.
    pub fn start(sources: Sources, data: &Path) -> io::Result<Self> {
        let file = data.join(NAME);
        remove_drafts(data, NAME);
        let history = SharedHistory::new(read(&file, sources.clock.now()));
        let (running, stopped) = channel();
        let (end, ended) = oneshot::channel();
        let kept = history.clone();
        thread::Builder::new().name("history".into()).spawn(move || {
            keep_until_end(&sources, &kept, &file, &stopped);
            // Fails if the application was dropped meanwhile.
            let _ = end.send(());
        })?;
        Ok(Self { history, running, ended })
    }

    /// The history.
    pub fn history(&self) -> &SharedHistory {
        &self.history
    }

    /// Has the file written a last time; the receiver gets a message when it is, and is closed if the
    /// thread panicked.
    pub fn end(self) -> oneshot::Receiver<()> {
        drop(self.running);
        self.ended
    }
}

fn keep_until_end(sources: &Sources, history: &SharedHistory, file: &Path, stopped: &Receiver<()>) {
    let (mut last_read, mut last_written) = (Instant::now(), Instant::now());
    let mut is_failing = false;
    let mut add = || {
        let (now, elapsed) = (sources.clock.now(), last_read.elapsed());
        last_read = Instant::now();
        let reading = sources.read(now);
        history.with(|history| history.add(now, elapsed, reading));
    };
    add();
    while stopped.recv_timeout(READ_INTERVAL) == Err(RecvTimeoutError::Timeout) {
        add();
        if last_written.elapsed() >= WRITE_INTERVAL {
            write(file, history, &mut is_failing);
            last_written = Instant::now();
        }
    }
    add();
    write(file, history, &mut is_failing);
}

/// Writes the file. Logs when writing begins to fail.
fn write(file: &Path, history: &SharedHistory, is_failing: &mut bool) {
    // The copy keeps the lock short.
    let copy = history.with(|history| history.clone());
    let replaced = durable_file::replace(file, &copy.encode(), 0o600);
    if let Err(error) = &replaced
        && !*is_failing
    {
        tracing::warn!(%error, "cannot write the history of the admin page; a restart would lose it");
    }
    *is_failing = replaced.is_err();
}

/// The history of the file; an empty one without a file, or of a file that cannot be used.
fn read(file: &Path, now: Timestamp) -> History {
    let limit = u64::try_from(FILE_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let reason = match read_regular(file, limit) {
        Ok(bytes) => match History::decode(&bytes, &BUCKETS_MICROS, now) {
            Ok(history) => return history,
            Err(error) => error.to_string(),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => return History::new(&BUCKETS_MICROS),
        Err(error) => error.to_string(),
    };
    let kept = keep(file).unwrap_or_else(|error| error.to_string());
    let file = file.display();
    tracing::warn!(%file, %reason, %kept, "cannot use the history of the admin page; it begins again");
    History::new(&BUCKETS_MICROS)
}

/// Keeps an unusable file under another name, unless that name is taken.
fn keep(file: &Path) -> io::Result<String> {
    let folder = Directory::open(file.parent().unwrap_or(Path::new(".")))?;
    let name = file.file_name().unwrap_or(OsStr::new(NAME));
    match folder.link(name, OsStr::new(KEPT)) {
        Ok(()) => folder.remove(name).map(|()| format!("kept as {KEPT}")),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(format!("not kept: {KEPT} exists")),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn now() -> Timestamp {
        Timestamp::parse("2026-01-15T09:30:00Z").expect("a moment")
    }

    /// A history with two exchanges.
    fn some() -> History {
        let mut history = History::new(&BUCKETS_MICROS);
        history.add(now(), Duration::ZERO, Reading::default());
        let reading = Reading { kinds: [2, 0, 0, 0], ..Reading::default() };
        history.add(now(), Duration::from_secs(10), reading);
        history
    }

    #[test]
    fn the_file_is_replaced_and_read_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join(NAME);
        let empty = History::new(&BUCKETS_MICROS).encode();
        assert_eq!(read(&file, now()).encode(), empty, "without a file it is empty");
        let mut is_failing = true;
        write(&file, &SharedHistory::new(some()), &mut is_failing);
        assert!(!is_failing);
        assert_eq!(read(&file, now()).encode(), some().encode());
        assert_eq!(fs::metadata(&file).expect("a file").len(), FILE_BYTES as u64);
        write(&folder.path().join("absent/history"), &SharedHistory::new(some()), &mut is_failing);
        assert!(is_failing);
    }

    #[test]
    fn an_unusable_file_is_kept_once_and_the_history_begins_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, kept) = (folder.path().join(NAME), folder.path().join(KEPT));
        let empty = History::new(&BUCKETS_MICROS).encode();
        for content in [b"first".to_vec(), b"second".to_vec()] {
            fs::write(&file, content).expect("written");
            assert_eq!(read(&file, now()).encode(), empty);
            assert_eq!(fs::read(&kept).expect("kept"), b"first");
        }
        let future = Timestamp::parse("2026-01-15T09:00:00Z").expect("a moment");
        write(&file, &SharedHistory::new(some()), &mut false);
        assert_eq!(read(&file, future).encode(), empty, "data of a time that has not come");
    }

    #[test]
    fn endless_files_links_and_pipes_do_not_stop_the_start() {
        let folder = tempfile::tempdir().expect("a folder");
        let empty = History::new(&BUCKETS_MICROS).encode();
        let file = folder.path().join(NAME);
        for target in ["/dev/zero", "/etc/passwd"] {
            symlink(target, &file).expect("a link");
            assert_eq!(read(&file, now()).encode(), empty, "{target}");
            let _ = fs::remove_file(&file);
        }
        fs::create_dir(&file).expect("a folder");
        assert_eq!(read(&file, now()).encode(), empty);
        fs::remove_dir(&file).expect("removed");
        let large = fs::File::create(&file).expect("a file");
        large.set_len(1 << 40).expect("sparse");
        assert_eq!(read(&file, now()).encode(), empty);
    }
}
