//! The real program as a process: started, watched, stopped, and never left running.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Longest wait for a line, enough for a slow machine.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// Path of the program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_ehealth-attributes");

/// A process whose standard error is read.
pub struct Program {
    child: Child,
    said: mpsc::Receiver<String>,
}

impl Program {
    /// Starts a command, and waits for a line on standard error with this word.
    pub fn start(command: &mut Command, until: &str) -> (Self, Vec<String>) {
        let mut child = command
            .env_remove("EHEALTH_ATTRIBUTES_LOG")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let output = child.stderr.take().expect("piped");
        let (sender, said) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let program = Self { child, said };
        let heard = program.hear(until);
        (program, heard)
    }

    /// Returns every line up to one with this word.
    pub fn hear(&self, word: &str) -> Vec<String> {
        let mut heard = Vec::new();
        while !heard.last().is_some_and(|line: &String| line.contains(word)) {
            let line = self.said.recv_timeout(DEADLINE);
            heard.push(line.unwrap_or_else(|_| panic!("it printed only\n{}", heard.join("\n"))));
        }
        heard
    }

    /// Process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.id().to_string()]).status().expect("kill runs");
        assert!(sent.success());
    }

    /// Sends SIGTERM; returns the exit code and the lines since the last read.
    pub fn stop(mut self) -> (Option<i32>, Vec<String>) {
        self.signal("TERM");
        let code = self.child.wait().expect("it ends").code();
        (code, self.said.iter().collect())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Already ended, unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the address of a line of the text log: `… address=127.0.0.1:1234 …`.
pub fn address_in(line: &str) -> String {
    let (_, rest) = line.split_once("address=").unwrap_or_else(|| panic!("no address in {line}"));
    rest.split_whitespace().next().expect("an address").to_owned()
}

/// Reads lines of a process until the text was printed; returns what was printed. The rest is read
/// and dropped, so that the process never waits for its reader.
pub fn read_until(output: impl Read + Send + 'static, text: &str, limit: Duration) -> String {
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            // The receiver is gone once the awaited line came.
            let _ = sender.send(line);
        }
    });
    let mut printed = String::new();
    while !printed.contains(text) {
        let line = lines.recv_timeout(limit).unwrap_or_else(|_| panic!("it printed only\n{printed}"));
        printed += &format!("{line}\n");
    }
    printed
}
