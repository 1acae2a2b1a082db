//! Follows changes from outside: datasets that another process replaced, the operator's files,
//! SIGHUP. The files are read on a thread of its own, because a disk may take its time.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::signal::unix::Signal;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::follow_files::{Command, follow_until_end};
use super::notify::Notifier;
use super::reload::Reloader;
use super::reporter::Reporter;
use crate::server::Readers;

/// Interval between two notifications that the service is alive.
const ALIVE_INTERVAL: Duration = Duration::from_secs(1);

/// Time that the end of the service waits for the thread.
const END_TIMEOUT: Duration = Duration::from_secs(2);

/// Handle of the following thread, which ends with it.
pub(super) struct Follower {
    /// `None` once the thread ends.
    commands: Mutex<Option<Sender<Command>>>,
    /// Completes with an error when the thread has ended.
    ended: watch::Receiver<()>,
}

impl Follower {
    /// Starts the thread.
    ///
    /// # Errors
    /// The error of the system if it starts no thread.
    pub fn start(reloader: Reloader, readers: Arc<Readers>) -> io::Result<Self> {
        let (commands, received) = channel();
        let (end, ended) = watch::channel(());
        let follow = move || {
            follow_until_end(&reloader, &readers, &received);
            drop(end);
        };
        thread::Builder::new().name("follower".into()).spawn(follow)?;
        Ok(Self { commands: Mutex::new(Some(commands)), ended })
    }

    /// Answers SIGHUP, as long as the service runs.
    pub async fn answer_hangups(&self, hangups: Option<Signal>, reporter: &Reporter, notifier: &Notifier) {
        let Some(mut hangups) = hangups else { return };
        while hangups.recv().await.is_some() {
            notifier.reloading();
            let (done, is_done) = oneshot::channel();
            self.send(Command::Reload(done));
            // An error: the thread has ended, as the service does.
            let _ = is_done.await;
            notifier.ready(&reporter.summary());
            self.send(Command::Publish);
        }
    }

    /// Ends the thread; waits until it has ended, unless a disk does not respond.
    pub async fn end(&self) {
        self.commands.lock().take();
        let mut ended = self.ended.clone();
        let _ = timeout(END_TIMEOUT, ended.changed()).await;
    }

    fn send(&self, command: Command) {
        // An error: the thread has ended, as the service does.
        let _ = self.commands.lock().as_ref().map(|commands| commands.send(command));
    }
}

/// Notifies systemd once a second, and sums up the events of peers, as long as the service runs.
pub(super) async fn stay_alive(reporter: &Reporter, notifier: &Notifier) {
    let mut intervals = tokio::time::interval(ALIVE_INTERVAL);
    loop {
        intervals.tick().await;
        reporter.service.peer_log().summarise();
        notifier.alive(&reporter.summary());
    }
}
