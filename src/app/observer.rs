//! Observes disks and files on a thread of its own, once a second and whenever an operator asks.
//!
//! A disk may take seconds to answer, or never answer. No thread that answers requests waits for
//! it: reports are made of the last observation. Every operator's request asks for a new one and
//! waits for it at most [`MAX_WAIT`]. The age of an observation is part of the report, so that a
//! disk that does not respond ends readiness.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::timeout;

use super::observation::{Eye, Observation, Observed};

/// Time that an operator's request waits for a new observation.
const MAX_WAIT: Duration = Duration::from_secs(1);
/// Time that the end of the service waits for the thread.
const END_TIMEOUT: Duration = Duration::from_secs(2);

/// Handle of the observing thread, which ends with it.
pub(super) struct Observer {
    /// `None` once the thread ends.
    requests: Mutex<Option<SyncSender<()>>>,
    /// Number of observations that began.
    begun: Arc<AtomicU64>,
    newest: watch::Receiver<Option<Arc<Observation>>>,
}

impl Observer {
    /// Starts the thread.
    ///
    /// # Errors
    /// The error of the system if it starts no thread.
    pub fn start(observed: Observed) -> io::Result<Self> {
        let (requests, requested) = sync_channel(1);
        let (newest, observations) = watch::channel(None);
        let begun = Arc::new(AtomicU64::new(0));
        let eye = Eye::new(observed, Arc::clone(&begun));
        thread::Builder::new().name("observer".into()).spawn(move || eye.observe_until_end(&requested, &newest))?;
        Ok(Self { requests: Mutex::new(Some(requests)), begun, newest: observations })
    }

    /// The newest observation; `None` before the first.
    pub fn newest(&self) -> Option<Arc<Observation>> {
        self.newest.borrow().clone()
    }

    /// The observations, newest last.
    pub fn observations(&self) -> watch::Receiver<Option<Arc<Observation>>> {
        self.newest.clone()
    }

    /// An observation that begins now; if the disk does not respond, the newest.
    pub async fn observe(&self) -> Option<Arc<Observation>> {
        let before = self.begun.load(Ordering::Acquire);
        // If a request waits already, its observation begins after now, too.
        let _ = self.requests.lock().as_ref().map(|requests| requests.try_send(()));
        let mut newest = self.newest.clone();
        let is_new = |seen: &Option<Arc<Observation>>| seen.as_ref().is_some_and(|seen| seen.number > before);
        let waited = timeout(MAX_WAIT, newest.wait_for(is_new)).await;
        match waited {
            Ok(Ok(seen)) => seen.clone(),
            Ok(Err(_)) | Err(_) => self.newest(),
        }
    }

    /// Ends the thread; waits until it has ended, unless a disk does not respond.
    pub async fn end(&self) {
        self.requests.lock().take();
        let mut newest = self.newest.clone();
        let _ = timeout(END_TIMEOUT, async { while newest.changed().await.is_ok() {} }).await;
    }
}
