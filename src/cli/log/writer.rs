//! The log on its way to standard error: a bounded queue with a thread that writes it, so that a
//! busy service writes about a hundred lines with one system call, and a log that is not read stops
//! nothing.
//!
//! Once the log thread runs, no other thread writes to standard error: a pipe whose reader sleeps
//! would block it. Lines that find no space in the queue are dropped, counted
//! ([`LogWriter::dropped_lines`]) and reported as soon as the reader is awake. Before that, the
//! caller writes each line itself: a command that fails at its start has said why.
//!
//! The log thread is started separately, and not with the log: the sandbox applies to threads that
//! start after it, and activating the sandbox is logged.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, Write};
use std::panic::{self, PanicHookInfo};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread;
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

use super::queue::{LineClass, Pushed, Queue};

/// Time that the end of the process waits for the reader of the log, 2 s.
const END_TIMEOUT: Duration = Duration::from_secs(2);

/// The log on its way to standard error. Dropping it writes the queued lines, as far as the reader
/// takes them within 2 s.
#[derive(Default)]
pub struct LogWriter {
    queue: Arc<Queue>,
}

impl LogWriter {
    /// Starts the log thread: from now on lines are queued, and a panic is a line of the log. Does
    /// nothing if the thread runs already.
    ///
    /// # Errors
    /// If the system starts no thread; lines are then written at once, as before.
    pub fn start(&mut self) -> io::Result<()> {
        if !self.queue.begin() {
            return Ok(());
        }
        let queue = Arc::clone(&self.queue);
        let report = |lines: u64| {
            tracing::warn!(lines, "{lines} log lines dropped: standard error was not read in time, or not writable");
        };
        let write = move || queue.write_until_end(&mut io::stderr(), report);
        if let Err(error) = thread::Builder::new().name("log".into()).spawn(write) {
            self.queue.stay_direct();
            return Err(error);
        }
        let print_panic = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            // A log without errors: a panic is not to be missed.
            if tracing::enabled!(Level::ERROR) { log_panic(info) } else { print_panic(info) }
        }));
        Ok(())
    }

    /// The receiver of log lines.
    #[must_use]
    pub fn lines(&self) -> Lines {
        Lines(Arc::clone(&self.queue))
    }

    /// Number of lines that were dropped since the start.
    #[must_use]
    pub fn dropped_lines(&self) -> Arc<AtomicU64> {
        self.queue.dropped()
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        // A reader that sleeps loses the rest of the log; the process ends.
        let _ = self.queue.end(END_TIMEOUT);
    }
}

/// Logs a panic. The default hook would write to standard error, and wait for its reader.
fn log_panic(info: &PanicHookInfo<'_>) {
    let location = info.location().map(tracing::field::display);
    let backtrace = Backtrace::capture();
    let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| tracing::field::display(backtrace));
    tracing::error!(location, backtrace, "panic: {}", info.payload_as_str().unwrap_or("of an unknown kind"));
}

/// Receives log lines.
#[derive(Clone)]
pub struct Lines(Arc<Queue>);

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { queue: &self.0, class: LineClass::Ordinary }
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Line<'a> {
        Line { queue: &self.0, class: LineClass::of(meta) }
    }
}

/// One line that is being written.
pub struct Line<'a> {
    queue: &'a Queue,
    class: LineClass,
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match self.queue.push(line, self.class) {
            Pushed::Queued | Pushed::Dropped => {}
            // A failure cannot be reported anywhere.
            Pushed::NoThread => drop(io::stderr().write_all(line)),
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
