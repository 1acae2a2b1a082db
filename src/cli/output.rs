//! Output of the commands: standard output for results, standard error for errors.
//!
//! The macros have the names of those of the standard library and replace them in this module,
//! because those panic if the reader of a pipe is gone or a disk is full. The lints `print_stdout`
//! and `print_stderr` refuse the standard ones everywhere.
//!
//! A command goes on without its reader, so that its exit code says how it ended. If its output is
//! lost for another reason, such as a full disk, it ends with [`Exit::Failed`] and a message.

use std::fmt;
use std::io::{self, Write};

use parking_lot::Mutex;

use super::exit::Exit;

/// Writes to standard output.
macro_rules! print {
    ($($text:tt)*) => { $crate::cli::output::write_out(format_args!($($text)*)) };
}

/// Writes a line to standard output.
macro_rules! println {
    ($($text:tt)*) => { $crate::cli::output::write_out(format_args!("{}\n", format_args!($($text)*))) };
}

/// Writes a line to standard error.
macro_rules! eprintln {
    ($($text:tt)*) => { $crate::cli::output::write_error(format_args!($($text)*)) };
}

/// First error of standard output. Nothing is written after it.
static FAILURE: Mutex<Option<io::Error>> = Mutex::new(None);

/// Writes to standard output, unless an earlier write failed.
pub(super) fn write_out(text: fmt::Arguments<'_>) {
    let mut failure = FAILURE.lock();
    if failure.is_none() {
        *failure = io::stdout().lock().write_fmt(text).err();
    }
}

/// Writes bytes to standard output, such as a PDF file, unless an earlier write failed.
pub(super) fn write_bytes(bytes: &[u8]) {
    let mut failure = FAILURE.lock();
    if failure.is_none() {
        *failure = io::stdout().lock().write_all(bytes).err();
    }
}

/// Whether an earlier write failed, so that nothing is written any more.
pub(super) fn is_lost() -> bool {
    FAILURE.lock().is_some()
}

/// Writes a line to standard error. If it cannot be written, the error is lost too.
pub(super) fn write_error(text: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Writes what is buffered; the exit code of a command that ended with this one.
pub(super) fn close(exit: Exit) -> Exit {
    let flushed = io::stdout().lock().flush();
    let failure = FAILURE.lock().take().or(flushed.err());
    match failure {
        None => exit,
        Some(error) if error.kind() == io::ErrorKind::BrokenPipe => exit,
        Some(error) => {
            eprintln!("standard output cannot be written: {error}");
            if exit == Exit::Done { Exit::Failed } else { exit }
        }
    }
}
