//! `traces`: log lines become spans that OpenTelemetry's own definitions read, and a collector gets
//! each of them once, also if it is not there for a time.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;

use ehealth_attributes::app::SystemClock;
use ehealth_core::model::Clock;
use testkit::Workspace;

use crate::support::environment::skip;
use crate::support::program::{PROGRAM, Program};
use crate::support::python::Python;
use crate::support::service::{ask_with_curl, question};

/// Log lines of this many exchanges, among lines of another kind.
fn lines(exchanges: usize) -> String {
    let mut text = String::from("Started ehealth-attributes.service.\n{\"message\":\"reloaded\",\"trace_id\":\"x\"}\n");
    for number in 1..=exchanges {
        let _ = writeln!(
            text,
            "{{\"timestamp\":\"2026-01-15T09:30:00.127Z\",\"message\":\"answered\",\"trace_id\":\"{number:032x}\",\
             \"span_id\":\"{:016x}\",\"trace_flags\":\"01\",\"operation\":\"consultAttributes\",\"duration\":0.002,\
             \"read_seconds\":0.001}}",
            number << 8
        );
    }
    text
}

/// Runs the command with this input: exit code, standard output, standard error.
fn run(arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
    let mut command = Command::new(PROGRAM);
    command.arg("traces").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_owned();
    // Its end closes the pipe. The command may end before it has read everything.
    let writer = thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("no panic");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Reads a request, and answers it; returns its body.
fn answer(stream: TcpStream, status: &str, body: &str) -> String {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line");
        if let Some(value) = line.to_lowercase().strip_prefix("content-length: ") {
            length = value.trim().parse().expect("a number");
        }
        if line.trim().is_empty() {
            break;
        }
        head.push_str(&line);
    }
    assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\n") && head.contains("application/json"), "{head}");
    let mut request = vec![0; length];
    reader.read_exact(&mut request).expect("the body");
    let mut stream = reader.into_inner();
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    stream.write_all(answer.as_bytes()).expect("answered");
    String::from_utf8(request).expect("UTF-8")
}

/// A collector that gives these answers in order, and then accepts everything.
struct Collector {
    address: SocketAddr,
    got: thread::JoinHandle<Vec<String>>,
}

impl Collector {
    fn start(answers: &'static [(&str, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut answers = answers.iter().copied();
        let got = thread::spawn(move || {
            let mut bodies = Vec::new();
            loop {
                let (stream, _) = listener.accept().expect("a connection");
                // A connection without a request ends it.
                if stream.peek(&mut [0]).expect("a byte, or the end") == 0 {
                    return bodies;
                }
                let (status, body) = answers.next().unwrap_or(("200 OK", "{}"));
                bodies.push(answer(stream, status, body));
            }
        });
        Self { address, got }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The bodies that it got, in order.
    fn stop(self) -> Vec<String> {
        drop(TcpStream::connect(self.address).expect("a connection"));
        self.got.join().expect("no panic")
    }
}

fn count(bodies: &[String]) -> usize {
    bodies.iter().map(|body| body.matches("\"traceId\"").count()).sum()
}

#[test]
fn a_collector_that_is_busy_gets_every_span_once() {
    let collector = Collector::start(&[
        ("503 Service Unavailable\r\nRetry-After: 0", ""),
        ("429 Too Many Requests\r\nRetry-After: 0", ""),
        ("200 OK", "{}"),
    ]);
    let (code, _, log) = run(&["--collector", &collector.url()], &lines(50));
    assert_eq!(code, Some(0), "{log}");
    let got = collector.stop();
    assert_eq!(got[0], got[2], "the same batch is repeated");
    assert_eq!(count(&got[2..]), 50 * 2);
    assert!(log.contains("they wait") && log.contains("sent=100 refused=0"), "{log}");
}

#[test]
fn many_spans_go_in_bounded_batches() {
    // Each exchange has two spans: 600 exchanges fill two batches and a part of a third.
    let collector = Collector::start(&[
        ("200 OK", "{}"),
        ("200 OK", "{\"partialSuccess\":{\"rejectedSpans\":\"2\",\"errorMessage\":\"full\\u001b[31m\"}}"),
        ("400 Bad Request", ""),
    ]);
    let (code, _, log) = run(&["--collector", &collector.url()], &lines(600));
    let got = collector.stop();
    assert!(got.iter().all(|body| (1..=513).contains(&count(std::slice::from_ref(body)))), "{log}");
    assert_eq!(count(&got), 1_200);
    assert_eq!(code, Some(1), "spans were refused: {log}");
    let last = count(&got[2..3]);
    assert!(log.contains(&format!("sent={} refused={}", 1_198 - last, last + 2)), "{log}");
    assert!(!log.contains('\u{1b}'), "a collector writes nothing to the terminal");
}

#[test]
fn what_cannot_work_is_an_error_at_once() {
    for (arguments, message) in [
        (&[][..], "--collector"),
        (&["--collector", "localhost:4318"], "expected http:// or https://"),
        (&["--collector", "https://localhost"], "--ca: name the file"),
        (&["--collector", "http://localhost", "--ca", "x"], "no https:// address"),
    ] {
        let (code, _, said) = run(arguments, "");
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(message), "{message}: {said}");
    }
    let (code, _, said) = run(&["--collector", "https://localhost", "--ca", "/absent.pem"], "");
    assert_eq!((code, said.contains("/absent.pem")), (Some(1), true), "{said}");
}

#[test]
fn the_line_of_a_real_exchange_is_a_trace_that_otlp_reads() {
    if Command::new("curl").arg("--version").output().is_err() {
        return skip("curl is missing; no trace is sent");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let workspace = Workspace::new(folder.path().join("demo"));
    workspace.prepare(SystemClock.now(), "").expect("the workspace can be created");
    let mut command = Command::new(PROGRAM);
    command.args([
        "serve",
        "--log-format",
        "json",
        "--set",
        "server.listen=127.0.0.1:0",
        "--set",
        "admin.listen=127.0.0.1:0",
    ]);
    let (program, said) = Program::start(command.arg("--config").arg(workspace.settings()), "synchronisation ended");
    let serving = said.iter().find(|line| line.contains("\"message\":\"serving\""));
    let serving: serde_json::Value = serde_json::from_str(serving.expect("it serves")).expect("JSON");
    let gateway = serving["address"].as_str().expect("an address");
    let asked =
        ask_with_curl(&workspace, gateway, &question("0999010126", "BACKTOWORK:ADVISORY_PHYSICIAN", "85073099932", ""));
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
    let line = program.hear("\"answered\"").last().expect("a line").clone();
    program.stop();
    let (code, requests, errors) = run(&["--dry-run", "--service-name", "gateway"], &format!("{line}\n"));
    assert_eq!(code, Some(0), "{errors}");
    let file = folder.path().join("requests");
    fs::write(&file, &requests).expect("written");
    let Some(python) = Python::find() else { return };
    let read = python.run("check_traces.py", [&file]).unwrap_or_else(|error| panic!("{error}"));
    let spans: Vec<Vec<_>> = read.lines().map(|line| line.split(' ').collect()).collect();
    let names: Vec<_> = spans.iter().map(|span| span[3]).collect();
    assert_eq!(names, ["consultAttributes", "read", "decide", "resolve", "record", "write"], "{read}");
    let exchange = &spans[0];
    assert_eq!((exchange[0], exchange[2], exchange[4]), ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "2"));
    assert!(spans[1..].iter().all(|stage| stage[2] == exchange[1] && stage[4] == "1"), "{read}");
    assert!(exchange[7].contains("consumer=0999010126"), "{read}");
}
