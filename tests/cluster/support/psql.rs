//! The command line client of PostgreSQL, with a time limit.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::installation::PROGRAMS;

/// The client, run as the tests' user. Debian's `/usr/bin/psql` is a script that starts it.
pub fn client() -> Command {
    Command::new(Path::new(PROGRAMS).join("psql"))
}

/// Runs psql with this connection and SQL; returns its rows or its errors, `None` after the time
/// limit.
pub fn run(connection: &mut Command, text: &str, limit: Duration) -> Option<Result<String, String>> {
    connection.args(["--no-psqlrc", "--no-align", "--tuples-only", "--quiet", "--no-password"]);
    connection.args(["--set=ON_ERROR_STOP=1", "--file=-"]).env("LC_ALL", "C");
    let child = connection.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.expect("psql runs");
    let mut input = child.stdin.take().expect("piped");
    input.write_all(text.as_bytes()).expect("sent");
    drop(input);
    let (mut output, mut errors) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
    let (sender, ended) = mpsc::channel();
    let reader = thread::spawn(move || {
        let (mut rows, mut error) = (String::new(), String::new());
        let _ = output.read_to_string(&mut rows);
        let _ = errors.read_to_string(&mut error);
        let _ = sender.send((rows, error));
    });
    let printed = ended.recv_timeout(limit);
    if printed.is_err() {
        let _ = child.kill();
    }
    let status = child.wait().expect("psql ends");
    reader.join().expect("no panic");
    let (rows, error) = printed.ok()?;
    Some(if status.success() { Ok(rows.trim_end().to_owned()) } else { Err(error) })
}
