//! Accepts connections on a thread of its own, with a lower priority than the threads that answer.
//!
//! A flood of connections that are opened and closed at once costs the kernel as much as it costs the
//! flooder, and no limit by address helps behind a load balancer. On the runtime's own thread each
//! of them would stand before the answers. Here they stand behind: the scheduler prefers a thread that
//! answers or fsyncs whenever it wakes. A connection that is closed again when it is accepted goes no
//! further. Where every processor is busy the thread still gets a sixtieth of one, some hundred
//! connections a second.

use std::io::{self, PipeReader, PipeWriter};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use tokio::sync::mpsc;

use super::handshake::log_probe;
use crate::server::counters::HandshakeOutcome;
use crate::server::service::Service;

/// Pause after an `accept` that failed for lack of descriptors or memory: retrying at once would
/// spin.
const PAUSE: Duration = Duration::from_millis(50);

/// Accepted connections that wait for the runtime. If it is late, the others wait in the system's
/// queue.
const WAITING: usize = 64;

/// Priority of the thread: the lowest, a weight of 15 where others have 1 024 (`setpriority(2)`).
const NICE: i32 = 19;

/// An accepted connection and its client's address.
pub(super) type Accepted = (TcpStream, SocketAddr);

/// A running thread that accepts. Dropped without [`Acceptor::stop`], it ends too.
pub(super) struct Acceptor {
    accepted: mpsc::Receiver<io::Result<Accepted>>,
    /// Closing it ends the thread.
    running: PipeWriter,
    thread: JoinHandle<TcpListener>,
}

impl Acceptor {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system's error: there is no thread, or no descriptor for a pipe.
    pub(super) fn start(listener: TcpListener, service: Arc<Service>) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let (stopped, running) = io::pipe()?;
        let (sender, accepted) = mpsc::channel(WAITING);
        let thread = thread::Builder::new().name("accept".to_owned()).spawn(move || {
            // Where the system refuses it, connections are accepted with the usual priority.
            let _ = rustix::process::setpriority_process(None, NICE);
            accept_until(&listener, &stopped, &service, &sender);
            listener
        })?;
        Ok(Self { accepted, running, thread })
    }

    /// Waits for the next connection, or failure to accept one; `None` if the thread failed.
    pub(super) async fn next(&mut self) -> Option<io::Result<Accepted>> {
        self.accepted.recv().await
    }

    /// Ends the thread, and closes the listener. Returns the connections that waited: the system
    /// resets those in the queue of a closed listener, although their clients already see them as
    /// established.
    pub(super) async fn stop(self) -> Vec<Accepted> {
        let Self { mut accepted, running, thread } = self;
        drop(running);
        let mut waiting = Vec::new();
        while let Some(next) = accepted.recv().await {
            waiting.extend(next);
        }
        if let Ok(listener) = thread.join() {
            waiting.extend(std::iter::from_fn(|| listener.accept().ok()));
        }
        waiting
    }
}

/// Accepts until the pipe is closed.
fn accept_until(
    listener: &TcpListener,
    stopped: &PipeReader,
    service: &Service,
    sender: &mpsc::Sender<io::Result<Accepted>>,
) {
    loop {
        let mut waited = [PollFd::new(listener, PollFlags::IN), PollFd::new(stopped, PollFlags::IN)];
        match poll(&mut waited, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => thread::sleep(PAUSE),
        }
        let [_, stopping] = &waited;
        if !stopping.revents().is_empty() || sender.is_closed() {
            return;
        }
        accept_waiting(listener, service, sender);
    }
}

/// Accepts the connections that wait.
fn accept_waiting(listener: &TcpListener, service: &Service, sender: &mpsc::Sender<io::Result<Accepted>>) {
    // Looks at the pipe again after some of them.
    for _ in 0..WAITING {
        let accepted = match listener.accept() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Ok((stream, address)) if is_closed(&stream) => {
                log_probe(address);
                service.counters.count_handshake(HandshakeOutcome::Probe, Duration::ZERO);
                continue;
            }
            accepted => accepted,
        };
        let failed = accepted.is_err();
        // Fails only if nothing receives any more.
        let _ = sender.blocking_send(accepted);
        if failed {
            return thread::sleep(PAUSE);
        }
    }
}

/// Whether the peer has closed the connection and sent nothing: the check of a load balancer, or a
/// flood.
fn is_closed(stream: &TcpStream) -> bool {
    matches!(recv(stream, &mut [0_u8; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT), Ok((_, 0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::Shutdown;

    /// A connection to a listener, from both sides.
    fn connected() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let client = TcpStream::connect(listener.local_addr().expect("bound")).expect("connected");
        (client, listener.accept().expect("accepted").0)
    }

    fn wait_until(is_true: impl Fn() -> bool) {
        while !is_true() {
            thread::yield_now();
        }
    }

    #[test]
    fn only_a_connection_that_sent_nothing_and_ended_is_closed() {
        let (client, accepted) = connected();
        assert!(!is_closed(&accepted), "it may send later");
        (&client).write_all(b"x").expect("sent");
        client.shutdown(Shutdown::Write).expect("ended");
        wait_until(|| matches!(recv(&accepted, &mut [0_u8; 2], RecvFlags::PEEK | RecvFlags::DONTWAIT), Ok((_, 1))));
        assert!(!is_closed(&accepted), "it sent a byte before");
        let (client, accepted) = connected();
        drop(client);
        wait_until(|| is_closed(&accepted));
    }
}
