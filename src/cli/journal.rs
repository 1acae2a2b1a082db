//! Where log lines wait for a moment, so that a busy service writes a hundred of them with one system call.
//!
//! Warnings and errors do not wait, nor does what stands before them: what explains a crash is written before it. Nor
//! does anything wait before the thread that writes was started, or at the end of the program. No line is dropped: when
//! standard error takes no more, whoever logs waits, as without this.
//!
//! The thread is started by itself, and not with the log: what confines a process confines the threads that are started
//! afterwards, and it logs how it went.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// So long a line may wait: nobody reads faster.
const MOMENT: Duration = Duration::from_millis(20);
/// So many bytes may wait.
const ROOM: usize = 256 * 1_024;

/// The log on its way to standard error. Dropped, it writes what waits.
#[derive(Default)]
pub struct LogWriter {
    lines: Lines,
    writer: Option<JoinHandle<()>>,
}

/// What logs, hands its lines to this.
#[derive(Clone, Default)]
pub struct Lines(Arc<Waiting>);

#[derive(Default)]
struct Waiting {
    held: Mutex<Held>,
    some: Condvar,
}

#[derive(Default)]
struct Held {
    bytes: Vec<u8>,
    writer: Writer,
}

/// The thread that writes. While it does not run, nothing waits.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Writer {
    #[default]
    NotYet,
    Runs,
    Ends,
}

impl LogWriter {
    /// Starts the thread that writes: from now on lines may wait. Nothing happens if it runs already.
    ///
    /// # Errors
    /// What the system says where it gives no thread; lines are written at once then, as before.
    pub fn start(&mut self) -> io::Result<()> {
        if self.writer.is_none() {
            let waiting = Arc::clone(&self.lines.0);
            self.writer = Some(thread::Builder::new().name("log".into()).spawn(move || waiting.write_on())?);
            self.lines.0.lock().writer = Writer::Runs;
        }
        Ok(())
    }

    /// Where lines are handed in.
    #[must_use]
    pub fn lines(&self) -> Lines {
        self.lines.clone()
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        self.lines.0.lock().writer = Writer::Ends;
        self.lines.0.some.notify_one();
        // The thread cannot panic: it waits and writes.
        let _ = self.writer.take().map(JoinHandle::join);
    }
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, Held> {
        // Nobody can panic while holding the lock: bytes are copied or written.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_on(&self) {
        let is_going_on = |held: &mut Held| held.writer != Writer::Ends;
        loop {
            let held = self.some.wait_while(self.lock(), |held| held.bytes.is_empty() && is_going_on(held));
            drop(held.unwrap_or_else(PoisonError::into_inner));
            // Let others join the first one; not at the end.
            let held = self.some.wait_timeout_while(self.lock(), MOMENT, is_going_on);
            let (mut held, _) = held.unwrap_or_else(PoisonError::into_inner);
            write_out(&mut held.bytes);
            if held.writer == Writer::Ends {
                return;
            }
        }
    }
}

/// Whoever cannot write a log line has nobody to tell.
fn write_out(bytes: &mut Vec<u8>) {
    let _ = io::stderr().write_all(bytes);
    bytes.clear();
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { waiting: &self.0, urgency: Urgency::MayWait }
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Line<'a> {
        let urgency = if *meta.level() <= Level::WARN { Urgency::AtOnce } else { Urgency::MayWait };
        Line { waiting: &self.0, urgency }
    }
}

/// One line that is being written.
pub struct Line<'a> {
    waiting: &'a Waiting,
    urgency: Urgency,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Urgency {
    MayWait,
    AtOnce,
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut held = self.waiting.lock();
        let is_first = held.bytes.is_empty();
        held.bytes.extend_from_slice(line);
        if self.urgency == Urgency::AtOnce || held.bytes.len() >= ROOM || held.writer != Writer::Runs {
            write_out(&mut held.bytes);
        } else if is_first {
            self.waiting.some.notify_one();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        write_out(&mut self.waiting.lock().bytes);
        Ok(())
    }
}
