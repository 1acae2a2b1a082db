//! A buffer for log lines, so that a busy service writes about a hundred of them with one system
//! call.
//!
//! Warnings and errors are written at once, together with the lines before them: what explains a
//! crash is written before the crash. Nothing is buffered before the log thread is started, or when
//! the program ends. No line is dropped: when standard error blocks, the caller blocks, as without
//! this buffer.
//!
//! The log thread is started separately, and not with the log: the sandbox applies to threads that
//! start after it, and activating the sandbox is logged.

use std::io::{self, Write};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};
use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// Maximum time that a line is buffered, 20 ms: shorter than a reader notices.
const MAX_DELAY: Duration = Duration::from_millis(20);
/// Maximum size of the buffer, 256 KiB.
const MAX_BUFFERED: usize = 256 * 1_024;

/// The log on its way to standard error. Dropping it writes the buffered lines.
#[derive(Default)]
pub struct LogWriter {
    lines: Lines,
    thread: Option<JoinHandle<()>>,
}

/// Receives log lines.
#[derive(Clone, Default)]
pub struct Lines(Arc<Shared>);

#[derive(Default)]
struct Shared {
    buffer: Mutex<Buffer>,
    not_empty: Condvar,
}

#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    thread: LogThread,
}

/// State of the log thread. Lines are buffered only while it runs.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum LogThread {
    #[default]
    NotStarted,
    Running,
    Ending,
}

impl LogWriter {
    /// Starts the log thread: from now on lines may be buffered. Does nothing if the thread runs
    /// already.
    ///
    /// # Errors
    /// If the system starts no thread; lines are then written at once, as before.
    pub fn start(&mut self) -> io::Result<()> {
        if self.thread.is_none() {
            let shared = Arc::clone(&self.lines.0);
            self.thread = Some(thread::Builder::new().name("log".into()).spawn(move || shared.write_until_end())?);
            self.lines.0.lock().thread = LogThread::Running;
        }
        Ok(())
    }

    /// The receiver of log lines.
    #[must_use]
    pub fn lines(&self) -> Lines {
        self.lines.clone()
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        self.lines.0.lock().thread = LogThread::Ending;
        self.lines.0.not_empty.notify_one();
        // The thread cannot panic: it only waits and writes.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Buffer> {
        self.buffer.lock()
    }

    fn write_until_end(&self) {
        let is_running = |buffer: &mut Buffer| buffer.thread != LogThread::Ending;
        loop {
            let mut buffer = self.lock();
            self.not_empty.wait_while(&mut buffer, |buffer| buffer.bytes.is_empty() && is_running(buffer));
            // Let more lines join the first one, except at the end.
            self.not_empty.wait_while_for(&mut buffer, is_running, MAX_DELAY);
            write_out(&mut buffer.bytes);
            if buffer.thread == LogThread::Ending {
                return;
            }
        }
    }
}

/// Writes the buffer to standard error. A failure cannot be reported anywhere.
fn write_out(bytes: &mut Vec<u8>) {
    let _ = io::stderr().write_all(bytes);
    bytes.clear();
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { shared: &self.0, urgency: Urgency::Buffered }
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Line<'a> {
        let urgency = if *meta.level() <= Level::WARN { Urgency::Immediate } else { Urgency::Buffered };
        Line { shared: &self.0, urgency }
    }
}

/// One line that is being written.
pub struct Line<'a> {
    shared: &'a Shared,
    urgency: Urgency,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Urgency {
    Buffered,
    Immediate,
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut buffer = self.shared.lock();
        let is_first = buffer.bytes.is_empty();
        buffer.bytes.extend_from_slice(line);
        let is_full = buffer.bytes.len() >= MAX_BUFFERED;
        if self.urgency == Urgency::Immediate || is_full || buffer.thread != LogThread::Running {
            write_out(&mut buffer.bytes);
        } else if is_first {
            self.shared.not_empty.notify_one();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        write_out(&mut self.shared.lock().bytes);
        Ok(())
    }
}
