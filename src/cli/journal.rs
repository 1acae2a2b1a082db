//! Where log lines wait for a moment, so that a busy service writes a hundred of them with one system call.
//!
//! Warnings and errors do not wait, nor does what stands before them: what explains a crash is written before it. Nor
//! does anything wait at the end of the program. No line is dropped: when standard error takes no more, whoever logs
//! waits, as without this.

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
pub struct Journal {
    lines: Lines,
    writer: Option<JoinHandle<()>>,
}

/// What logs, hands its lines to this.
#[derive(Clone)]
pub struct Lines(Arc<Waiting>);

#[derive(Default)]
struct Waiting {
    held: Mutex<Held>,
    some: Condvar,
}

#[derive(Default)]
struct Held {
    bytes: Vec<u8>,
    is_ending: bool,
}

impl Journal {
    /// Starts the thread that writes.
    ///
    /// # Errors
    /// What the system says where it gives no thread.
    pub fn start() -> io::Result<Self> {
        let lines = Lines(Arc::default());
        let waiting = Arc::clone(&lines.0);
        let writer = thread::Builder::new().name("log".into()).spawn(move || waiting.write_on())?;
        Ok(Self { lines, writer: Some(writer) })
    }

    /// Where lines are handed in.
    #[must_use]
    pub fn lines(&self) -> Lines {
        self.lines.clone()
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.lines.0.lock().is_ending = true;
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
        loop {
            let held = self.some.wait_while(self.lock(), |held| held.bytes.is_empty() && !held.is_ending);
            drop(held.unwrap_or_else(PoisonError::into_inner));
            // Let others join the first one; not at the end.
            let held = self.some.wait_timeout_while(self.lock(), MOMENT, |held| !held.is_ending);
            let (mut held, _) = held.unwrap_or_else(PoisonError::into_inner);
            write_out(&mut held.bytes);
            if held.is_ending {
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
        if self.urgency == Urgency::AtOnce || held.bytes.len() >= ROOM || held.is_ending {
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
