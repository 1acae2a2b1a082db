//! Cost of hostile documents: time and instructions to read them.
//!
//! `cargo bench --bench reading_work` reads documents that are built to be expensive, counts the
//! instructions of each under valgrind in a separate process, and prints the maximum. It fails if a
//! document takes more than [`MAX_TIME`].

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::float_arithmetic, reason = "a benchmark prints figures")]
#![allow(clippy::cast_precision_loss, reason = "instruction counts are far below what a double holds exactly")]

#[path = "../tests/it/support/documents.rs"]
mod documents;

use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use documents::{bulky, costly};
use ehealth_core::lookup::Operation;
use soap::read_request;

/// Maximum time of a document.
const MAX_TIME: Duration = Duration::from_millis(5);
/// Runs per document; the fastest counts, because the others were interrupted.
const TIMES: usize = 20;

fn documents() -> Vec<(&'static str, String)> {
    costly().into_iter().chain(bulky().into_iter().map(|(name, body, _)| (name, body))).collect()
}

fn main() {
    let argument = std::env::args().skip(1).find(|argument| argument != "--bench");
    let documents = documents();
    if let Some(number) = argument.and_then(|argument| argument.parse::<usize>().ok()) {
        let (_, body) = documents.get(number).expect("a document of this number");
        black_box(read_document(body));
        return;
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        eprintln!("valgrind is missing: install it to count instructions");
        return;
    }
    let (mut most, mut longest) = (0, Duration::ZERO);
    for (number, (name, body)) in documents.iter().enumerate() {
        let count = instructions(number);
        let time = |_| {
            let begin = Instant::now();
            black_box(read_document(body));
            begin.elapsed()
        };
        let took = (0..TIMES).map(time).min().unwrap_or_default();
        println!("{:8.2} million instructions, {took:9.2?}: {name}", count as f64 / 1e6);
        (most, longest) = (most.max(count), longest.max(took));
    }
    println!("at most {:.2} million instructions, {longest:?}", most as f64 / 1e6);
    assert!(longest <= MAX_TIME, "a document costs more than {MAX_TIME:?}");
}

#[inline(never)]
fn read_document(body: &str) -> bool {
    read_request(body.as_bytes(), None, &[], Operation::ConsultAttributes).is_ok()
}

/// Instructions to read this document, counted in a process of its own.
fn instructions(number: usize) -> u64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*read_document*"])
        .arg(std::env::current_exe().expect("this program"))
        .arg(number.to_string())
        .output()
        .expect("valgrind runs");
    let printed = String::from_utf8_lossy(&output.stderr);
    let line = printed.lines().find(|line| line.contains("Collected :")).unwrap_or_else(|| panic!("{printed}"));
    line.rsplit(':').next().and_then(|count| count.trim().parse().ok()).unwrap_or_else(|| panic!("{line}"))
}
