//! Processes and ports of this machine: signals to a whole server, waits with a deadline.

use std::fs;
use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::shared::program::DEADLINE;

/// Pause between two looks at a condition outside of this process. Looking without one would take
/// the processor from the servers that the test waits for.
const PAUSE: Duration = Duration::from_millis(10);

/// Calls until there is a value.
///
/// # Panics
/// With `what` after [`DEADLINE`].
pub fn until<T>(what: &str, mut call: impl FnMut() -> Option<T>) -> T {
    within(DEADLINE, &mut call).unwrap_or_else(|| panic!("not within {} s: {what}", DEADLINE.as_secs()))
}

/// Calls until there is a value, or the time is over.
pub fn within<T>(limit: Duration, mut call: impl FnMut() -> Option<T>) -> Option<T> {
    let began = Instant::now();
    loop {
        if let Some(value) = call() {
            return Some(value);
        }
        if began.elapsed() >= limit {
            return None;
        }
        std::thread::park_timeout(PAUSE);
    }
}

/// Child processes of a process. Those of PostgreSQL each begin a session of their own, so a signal
/// to the process group would not reach them.
pub fn children_of(parent: u32) -> Vec<u32> {
    let processes =
        fs::read_dir("/proc").expect("Linux").filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    processes.filter(|process| parent_of(*process) == Some(parent)).collect()
}

fn parent_of(process: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the program is in parentheses, and may have spaces.
    let (_, behind) = status.rsplit_once(')')?;
    behind.split_whitespace().nth(1)?.parse().ok()
}

/// Sends a signal; a process that has ended is ignored.
pub fn signal(process: u32, signal: Signal) {
    let process = Pid::from_raw(process.cast_signed()).expect("a process");
    let _ = kill_process(process, signal);
}

/// Stops a process and all its children (SIGSTOP). The parent is first, so it starts no others.
/// Returns the children.
pub fn freeze(parent: u32) -> Vec<u32> {
    signal(parent, Signal::STOP);
    let children = children_of(parent);
    children.iter().for_each(|child| signal(*child, Signal::STOP));
    children
}

/// Lets a process and its children continue.
pub fn thaw(parent: u32) {
    children_of(parent).into_iter().for_each(|child| signal(child, Signal::CONT));
    signal(parent, Signal::CONT);
}

/// A free port of the loopback address, different at each call, and outside of the range from which
/// the system takes ports: a server that is restarted finds its port free.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let begin = u16::try_from(std::process::id() % 10_000).expect("less than 10 000");
    (0..10_000)
        .map(|_| 20_000 + (begin + NEXT.fetch_add(1, Ordering::Relaxed) % 10_000) % 10_000)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a free port")
}
