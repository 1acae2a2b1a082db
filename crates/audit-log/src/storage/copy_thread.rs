//! The thread that reads and writes the checkpoint's copy. Its calls may block without end, on a
//! server that is gone or a disk that hangs: nothing but this thread waits for them. A caller gives
//! up at its deadline; the result of a call that was given up is dropped.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use durable_file::Directory;
use parking_lot::{Condvar, Mutex};

use super::copy_folder::{Confine, CopyContent, CopyFolder, CopyPlace};

/// A call that the thread makes.
enum Call {
    Read,
    /// Replaces what lies there by the note, if it is what is expected.
    Replace {
        expected: CopyContent,
        note: String,
    },
}

/// Result of a call.
pub(crate) enum Reply {
    /// What lies there.
    Present(CopyContent),
    /// The note lies there.
    Replaced,
    /// Nothing was changed: this lies there, and not what was expected.
    Differs(CopyContent),
}

/// The call did not end before the deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimedOut;

#[derive(Default)]
struct Slot {
    call: Option<Call>,
    /// A call was submitted over, and its reply was not taken yet.
    is_busy: bool,
    /// The caller no longer waits for the reply.
    is_abandoned: bool,
    reply: Option<io::Result<Reply>>,
    is_closed: bool,
}

#[derive(Default)]
struct Shared {
    slot: Mutex<Slot>,
    changed: Condvar,
}

/// The copy of the newest checkpoint, with the thread that writes it.
///
/// Start it before the process is confined: this thread confines itself to the folder of the copy,
/// and the rest of the process needs no access to that folder. Dropped, the thread ends after its
/// present call.
pub struct CheckpointCopy(Arc<Shared>);

impl CheckpointCopy {
    /// Starts the thread for the copy in this file. `own` are the folders of the audit log and of
    /// its keys, which the copy's folder must not be. `confine` is called on the thread, once the
    /// folder is there, before anything in it is touched.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] if the path names no file; the error of the system if it
    /// refuses a thread.
    pub fn start(
        file: &std::path::Path,
        own: [PathBuf; 2],
        confine: impl FnOnce(&Directory) + Send + 'static,
    ) -> io::Result<Self> {
        let confine: Confine = Box::new(confine);
        let folder = CopyFolder::new(file, own, Some(confine)).ok_or(io::ErrorKind::InvalidInput)?;
        Self::on(folder)
    }

    /// Starts the thread for the copy in this place.
    ///
    /// # Errors
    /// The error of the system if it refuses a thread.
    pub fn on(mut place: impl CopyPlace + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        thread::Builder::new().name("checkpoint-copy".into()).spawn(move || of_thread.run(&mut place))?;
        Ok(Self(shared))
    }

    /// Reads what lies there.
    pub(crate) fn read(&self, deadline: Instant) -> Result<io::Result<Reply>, TimedOut> {
        self.0.call(Call::Read, deadline)
    }

    /// Replaces what lies there by the note, if it is what is expected.
    pub(crate) fn replace(
        &self,
        expected: CopyContent,
        note: String,
        deadline: Instant,
    ) -> Result<io::Result<Reply>, TimedOut> {
        self.0.call(Call::Replace { expected, note }, deadline)
    }
}

impl Shared {
    fn call(&self, call: Call, deadline: Instant) -> Result<io::Result<Reply>, TimedOut> {
        let mut slot = self.slot.lock();
        while slot.is_busy {
            if self.changed.wait_until(&mut slot, deadline).timed_out() && slot.is_busy {
                return Err(TimedOut);
            }
        }
        (slot.call, slot.is_busy) = (Some(call), true);
        self.changed.notify_all();
        loop {
            if let Some(reply) = slot.reply.take() {
                slot.is_busy = false;
                return Ok(reply);
            }
            if self.changed.wait_until(&mut slot, deadline).timed_out() && slot.reply.is_none() {
                slot.is_abandoned = true;
                return Err(TimedOut);
            }
        }
    }

    fn run(&self, place: &mut dyn CopyPlace) {
        loop {
            let mut slot = self.slot.lock();
            let call = loop {
                match slot.call.take() {
                    Some(call) => break call,
                    None if slot.is_closed => return,
                    None => self.changed.wait(&mut slot),
                }
            };
            drop(slot);
            let reply = make(place, call);
            let mut slot = self.slot.lock();
            if slot.is_abandoned {
                (slot.is_abandoned, slot.is_busy) = (false, false);
            } else {
                slot.reply = Some(reply);
            }
            self.changed.notify_all();
        }
    }
}

fn make(place: &mut dyn CopyPlace, call: Call) -> io::Result<Reply> {
    let found = place.read()?;
    match call {
        Call::Read => Ok(Reply::Present(found)),
        Call::Replace { expected, .. } if expected != found => Ok(Reply::Differs(found)),
        Call::Replace { note, .. } => place.replace(&note).map(|()| Reply::Replaced),
    }
}

impl Drop for CheckpointCopy {
    fn drop(&mut self) {
        self.0.slot.lock().is_closed = true;
        self.0.changed.notify_all();
    }
}

impl fmt::Debug for CheckpointCopy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckpointCopy").finish_non_exhaustive()
    }
}
