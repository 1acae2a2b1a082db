//! A bounded queue of log lines: a caller never waits for the reader of the log.
//!
//! A line that finds no space is dropped and counted. Each class of lines has its own space, so
//! that a flood of ordinary lines leaves room for warnings, and a flood of warnings for the
//! checkpoints of the audit log. The order of the lines that are kept does not change.

use std::io::Write;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tracing::{Level, Metadata};

/// Maximum time that a line is buffered, 20 ms: shorter than a reader notices.
const MAX_DELAY: Duration = Duration::from_millis(20);
/// Bytes after which the buffer is written at once, 128 KiB.
const BATCH_BYTES: usize = 128 * 1_024;

ehealth_core::closed_enum! {
    /// Class of a line: which space of the queue it takes.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(super) enum LineClass {
        /// Information, and everything less important.
        Ordinary,
        /// Warnings and errors.
        Warning,
        /// Lines of the audit log, above all its checkpoints: a log that is kept elsewhere proves
        /// the audit log by them.
        AuditLog,
    }
}

impl LineClass {
    /// Class of an event.
    pub fn of(metadata: &Metadata<'_>) -> Self {
        if metadata.target().starts_with("audit_log::") && *metadata.level() <= Level::INFO {
            Self::AuditLog
        } else if *metadata.level() <= Level::WARN {
            Self::Warning
        } else {
            Self::Ordinary
        }
    }

    /// Maximum queued bytes of the class.
    const fn capacity(self) -> usize {
        match self {
            Self::Ordinary => 1_024 * 1_024,
            Self::Warning => 256 * 1_024,
            Self::AuditLog => 64 * 1_024,
        }
    }
}

/// Log lines on their way to the writer thread.
#[derive(Debug, Default)]
pub(super) struct Queue {
    buffer: Mutex<Buffer>,
    /// The buffer or the phase changed: for the writer thread.
    changed: Condvar,
    /// The writer thread has ended.
    ended: Condvar,
    dropped: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct Buffer {
    batch: Batch,
    /// Bytes of each class in the batch.
    used: [usize; LineClass::ALL.len()],
    /// Whether the batch is written without waiting for more lines.
    is_urgent: bool,
    phase: Phase,
}

/// Lines that are written together.
#[derive(Debug, Default)]
struct Batch {
    bytes: Vec<u8>,
    lines: u64,
    /// Lines that found no space beside these.
    dropped: u64,
}

/// State of the writer thread.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It was not started: the caller writes.
    #[default]
    Direct,
    Running,
    /// It writes what is queued and ends.
    Ending,
    Ended,
}

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pushed {
    Queued,
    /// There was no space; the line is counted.
    Dropped,
    /// There is no writer thread yet: the caller writes the line itself.
    NoThread,
}

impl Queue {
    /// Queues a line. Never waits for the reader of the log.
    pub fn push(&self, line: &[u8], class: LineClass) -> Pushed {
        let mut buffer = self.buffer.lock();
        if buffer.phase == Phase::Direct {
            return Pushed::NoThread;
        }
        let used = buffer.used.get(class as usize).copied().unwrap_or(usize::MAX).saturating_add(line.len());
        if used > class.capacity() || buffer.phase == Phase::Ended {
            buffer.batch.dropped = buffer.batch.dropped.saturating_add(1);
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return Pushed::Dropped;
        }
        if let Some(cell) = buffer.used.get_mut(class as usize) {
            *cell = used;
        }
        let was_idle = buffer.batch.bytes.is_empty();
        buffer.batch.bytes.extend_from_slice(line);
        buffer.batch.lines = buffer.batch.lines.saturating_add(1);
        let is_urgent = class != LineClass::Ordinary || buffer.batch.bytes.len() >= BATCH_BYTES;
        let becomes_urgent = is_urgent && !buffer.is_urgent;
        buffer.is_urgent |= is_urgent;
        drop(buffer);
        if was_idle || becomes_urgent {
            self.changed.notify_one();
        }
        Pushed::Queued
    }

    /// Number of lines that were dropped or could not be written since the start.
    pub fn dropped(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.dropped)
    }

    /// From now on lines are queued: call it before the writer thread starts. Returns whether they
    /// were not before.
    pub fn begin(&self) -> bool {
        let mut buffer = self.buffer.lock();
        let is_new = buffer.phase == Phase::Direct;
        if is_new {
            buffer.phase = Phase::Running;
        }
        is_new
    }

    /// Takes [`Queue::begin`] back, because there is no writer thread.
    pub fn stay_direct(&self) {
        self.buffer.lock().phase = Phase::Direct;
    }

    /// Writes lines until [`Queue::end`]. `report` logs a number of lost lines: called after a
    /// write that succeeded, never twice for one line.
    pub fn write_until_end(&self, sink: &mut impl Write, report: impl Fn(u64)) {
        let mut batch = Batch::default();
        let mut lost: u64 = 0;
        loop {
            let is_over = self.take(&mut batch);
            lost = lost.saturating_add(batch.dropped);
            match sink.write_all(&batch.bytes) {
                Ok(()) => {
                    if lost > 0 {
                        report(mem::take(&mut lost));
                    }
                }
                // The reader is gone, or the disk behind it is full.
                Err(_) => {
                    lost = lost.saturating_add(batch.lines);
                    self.dropped.fetch_add(batch.lines, Ordering::Relaxed);
                }
            }
            if is_over && self.has_ended() {
                return;
            }
        }
    }

    /// Waits for lines, and exchanges them for the written batch, whose memory is used again.
    /// Returns whether the queue ends.
    fn take(&self, batch: &mut Batch) -> bool {
        let mut buffer = self.buffer.lock();
        let is_running = |buffer: &Buffer| buffer.phase == Phase::Running;
        self.changed.wait_while(&mut buffer, |buffer| buffer.batch.bytes.is_empty() && is_running(buffer));
        // Let more lines join the first one.
        self.changed.wait_while_for(&mut buffer, |buffer| is_running(buffer) && !buffer.is_urgent, MAX_DELAY);
        batch.bytes.clear();
        (batch.lines, batch.dropped) = (0, 0);
        mem::swap(&mut buffer.batch, batch);
        buffer.used = Default::default();
        buffer.is_urgent = false;
        !is_running(&buffer)
    }

    /// Ends the queue, unless lines were queued since the last batch.
    fn has_ended(&self) -> bool {
        let mut buffer = self.buffer.lock();
        let is_empty = buffer.batch.bytes.is_empty();
        if is_empty {
            buffer.phase = Phase::Ended;
            self.ended.notify_all();
        }
        is_empty
    }

    /// Has the writer thread write what is queued and end; returns whether it did in time. A reader
    /// that sleeps must not keep the process from ending.
    pub fn end(&self, limit: Duration) -> bool {
        let mut buffer = self.buffer.lock();
        if buffer.phase == Phase::Direct {
            return true;
        }
        if buffer.phase == Phase::Running {
            buffer.phase = Phase::Ending;
        }
        self.changed.notify_one();
        let wait = self.ended.wait_while_for(&mut buffer, |buffer| buffer.phase != Phase::Ended, limit);
        !wait.timed_out()
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    const LONG: Duration = Duration::from_secs(120);

    /// A reader that takes bytes only when it gets a permit: none is left over.
    struct Sleeper {
        permits: mpsc::Receiver<()>,
        began: mpsc::Sender<()>,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Sleeper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.began.send(());
            // Without a sender the reader is awake.
            let _ = self.permits.recv();
            self.written.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn line(length: usize) -> Vec<u8> {
        let mut line = vec![b'x'; length - 1];
        line.push(b'\n');
        line
    }

    #[test]
    fn a_full_class_drops_its_lines_and_leaves_room_for_others() {
        let queue = Queue::default();
        queue.begin();
        for class in LineClass::ALL {
            let mut kept = 0;
            while queue.push(&line(1_024), class) == Pushed::Queued {
                kept += 1;
            }
            assert_eq!(kept * 1_024, class.capacity(), "{class:?}");
        }
        assert_eq!(queue.dropped().load(Ordering::Relaxed), 3);
    }

    #[test]
    fn without_a_thread_the_caller_writes() {
        let queue = Queue::default();
        assert_eq!(queue.push(b"a\n", LineClass::Ordinary), Pushed::NoThread);
        assert!(queue.end(Duration::ZERO), "there is nothing to wait for");
    }

    #[test]
    fn a_sleeping_reader_stops_no_caller_and_hears_of_lost_lines() {
        let (queue, written) = (Arc::new(Queue::default()), Arc::default());
        let ((wake, permits), (began, writing)) = (mpsc::channel(), mpsc::channel());
        let mut sleeper = Sleeper { permits, began, written: Arc::clone(&written) };
        queue.begin();
        let of_thread = Arc::clone(&queue);
        let thread = thread::spawn(move || {
            of_thread.write_until_end(&mut sleeper, |lost| {
                of_thread.push(format!("{lost} lost\n").as_bytes(), LineClass::Warning);
            });
        });
        assert_eq!(queue.push(b"first\n", LineClass::Warning), Pushed::Queued);
        writing.recv_timeout(LONG).expect("the thread writes");
        // The reader sleeps now. Three times the space of the queue, and nothing waits.
        let long = line(4_096);
        for _ in 0..3 * LineClass::Ordinary.capacity() / long.len() {
            queue.push(&long, LineClass::Ordinary);
        }
        let lost = queue.dropped().load(Ordering::Relaxed);
        assert_eq!(lost, 512);
        assert!(!queue.end(Duration::ZERO), "the reader still sleeps");
        drop(wake);
        assert!(queue.end(LONG));
        thread.join().expect("no panic");
        let text = String::from_utf8(written.lock().clone()).expect("text");
        assert!(text.starts_with("first\nxxx"), "the order is kept");
        assert!(text.ends_with("\n512 lost\n"), "{}", text.lines().last().unwrap_or_default());
        assert_eq!(text.lines().filter(|line| line.ends_with('x')).count(), 256);
    }

    #[test]
    fn lines_that_cannot_be_written_are_counted_and_reported() {
        /// Fails once: a full disk that is emptied.
        struct FailsOnce(bool, Arc<Mutex<Vec<u8>>>);

        impl Write for FailsOnce {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                if mem::take(&mut self.0) {
                    return Err(io::ErrorKind::StorageFull.into());
                }
                self.1.lock().extend_from_slice(bytes);
                Ok(bytes.len())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }

        let (queue, written) = (Queue::default(), Arc::default());
        queue.begin();
        queue.push(b"a\nb\n", LineClass::Ordinary);
        let mut sink = FailsOnce(true, Arc::clone(&written));
        thread::scope(|scope| {
            let thread = scope.spawn(|| {
                queue.write_until_end(&mut sink, |lost| {
                    queue.push(format!("{lost} lost\n").as_bytes(), LineClass::Warning);
                });
            });
            while queue.dropped().load(Ordering::Relaxed) == 0 {
                thread::yield_now();
            }
            queue.push(b"c\n", LineClass::Ordinary);
            assert!(queue.end(LONG));
            thread.join().expect("no panic");
        });
        assert_eq!(String::from_utf8(written.lock().clone()).expect("text"), "c\n1 lost\n");
    }

    #[test]
    fn a_line_has_the_class_of_its_event() {
        // The metadata of an event exist only inside of a subscriber.
        struct Classes(Mutex<Vec<LineClass>>);

        impl tracing::Subscriber for Classes {
            fn enabled(&self, _: &Metadata<'_>) -> bool {
                true
            }

            fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
                tracing::span::Id::from_u64(1)
            }

            fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

            fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

            fn event(&self, event: &tracing::Event<'_>) {
                self.0.lock().push(LineClass::of(event.metadata()));
            }

            fn enter(&self, _: &tracing::span::Id) {}

            fn exit(&self, _: &tracing::span::Id) {}
        }

        let classes = Arc::new(Classes(Mutex::default()));
        tracing::subscriber::with_default(Arc::clone(&classes), || {
            tracing::info!("a");
            tracing::warn!("b");
            tracing::error!("c");
            tracing::info!(target: "audit_log::writer", "d");
            tracing::warn!(target: "audit_log::writer", "e");
            tracing::debug!(target: "audit_log::writer", "f");
        });
        let expected = [
            LineClass::Ordinary,
            LineClass::Warning,
            LineClass::Warning,
            LineClass::AuditLog,
            LineClass::AuditLog,
            LineClass::Ordinary,
        ];
        assert_eq!(*classes.0.lock(), expected);
    }
}
