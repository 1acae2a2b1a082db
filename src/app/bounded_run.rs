//! Runs a program of the system for what it prints, bounded in time and length.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Folders in which programs are found: not those of the caller's environment.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// Runs a program without input and environment; what it printed, at most `limit` bytes of it. `None`: it
/// cannot be run, failed, or did not end in time. It is then ended.
pub(super) fn run(program: &str, arguments: &[&str], limit: u64, timeout: Duration) -> Option<Vec<u8>> {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().env("PATH", PATH).env("LC_ALL", "C");
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let mut output = child.stdout.take()?;
    let (sender, printed) = mpsc::channel();
    let reader = thread::Builder::new().name("bounded-run".into()).spawn(move || {
        let mut bytes = Vec::new();
        let read = output.by_ref().take(limit).read_to_end(&mut bytes);
        // More than the limit is not read: the program gets an error when it writes it.
        drop(output);
        let _ = sender.send(read.ok().map(|_| bytes));
    });
    let bytes = reader.ok().and_then(|_| printed.recv_timeout(timeout).ok()).flatten();
    let is_cut = bytes.as_ref().is_some_and(|bytes| u64::try_from(bytes.len()).is_ok_and(|length| length >= limit));
    if bytes.is_none() || is_cut {
        let _ = child.kill();
    }
    let status = child.wait().ok()?;
    bytes.filter(|_| is_cut || status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(30);

    #[test]
    fn output_is_bounded_in_length_and_time() {
        assert_eq!(run("echo", &["a", "b"], 100, TIMEOUT).as_deref(), Some(&b"a b\n"[..]));
        assert_eq!(run("yes", &[], 1_000, TIMEOUT).map(|bytes| bytes.len()), Some(1_000));
        assert_eq!(run("sleep", &["1000"], 10, Duration::from_millis(10)), None);
        assert_eq!(run("false", &[], 10, TIMEOUT), None);
        assert_eq!(run("no-such-program", &[], 10, TIMEOUT), None);
        let environment = run("env", &[], 10_000, TIMEOUT).expect("it runs");
        assert_eq!(String::from_utf8_lossy(&environment).lines().count(), 2, "PATH and LC_ALL");
    }
}
