//! Searches for SSINs where they are forbidden: in audit logs, logs, metrics, faults and test
//! output.
//!
//! It finds the eleven digits of every SSIN, plain or with separators, in ASCII and UTF-16, and
//! both inside base64; of the persons of `fixtures/` also the number itself, in five bytes of
//! either byte order. A finding is reported by its place and form, never by its digits, because
//! test output is searched too. Answers are not searched: SSINs belong there.
//!
//! A process that captures the log captures all of it, at the most verbose level: services of
//! several tests share it.

#![allow(dead_code, reason = "each test binary compiles this file and uses a part of it")]

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::{LazyLock, Mutex, PoisonError};

use ehealth_core::model::Ssin;

/// Lengths of the groups of digits in an SSIN with separators.
const GROUPS: [usize; 5] = [2, 2, 2, 3, 2];
const SEPARATORS: &[u8] = b" .-/_";
/// Length of the shortest base64 of eleven digits.
const BASE64_BYTES: usize = 15;

/// An SSIN where it is forbidden.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// Offset in bytes.
    pub at: usize,
    /// Encoding.
    pub form: &'static str,
}

/// Finds the SSINs in these bytes.
pub fn search(bytes: &[u8]) -> Vec<Found> {
    let mut found = search_text(bytes);
    for at in base64_runs(bytes) {
        // The start of a text inside its run is unknown: one of four offsets is right.
        for shift in 0..4 {
            let run = bytes.get(at.start + shift..at.end).unwrap_or_default();
            if !search_text(&decode(run)).is_empty() {
                found.push(Found { at: at.start, form: "digits in base64" });
            }
        }
    }
    let known = |bytes: &mut dyn Iterator<Item = &u8>| {
        KNOWN.contains(&bytes.fold(0, |number, byte| number << 8 | u64::from(*byte)))
    };
    for (at, window) in bytes.windows(5).enumerate() {
        if known(&mut window.iter()) {
            found.push(Found { at, form: "the number, big-endian" });
        }
        if known(&mut window.iter().rev()) {
            found.push(Found { at, form: "the number, little-endian" });
        }
    }
    found.sort();
    found.dedup();
    found
}

/// Finds the SSINs in a file, or in all files below a folder and in their names; one line each.
pub fn search_files(path: &Path) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let name = path.file_name().map(|name| name.as_encoded_bytes().to_vec()).unwrap_or_default();
    lines.extend(
        search_text(&name)
            .iter()
            .map(|found| format!("{}: {found:?} of a name", path.parent().map_or("".into(), Path::to_string_lossy))),
    );
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("a folder") {
            lines.extend(search_files(&entry.expect("an entry").path()));
        }
    } else {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            // A draft of a service that runs: it was renamed since the folder was listed.
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => panic!("{}: {error}", path.display()),
        };
        lines.extend(search(&bytes).iter().map(|found| format!("{}: {found:?}", path.display())));
    }
    lines
}

/// Digits in ASCII and in UTF-16.
fn search_text(bytes: &[u8]) -> Vec<Found> {
    let ascii = |bytes: &[u8]| (0..bytes.len()).filter(|at| begins(bytes, *at)).collect::<Vec<_>>();
    let mut found: Vec<_> = ascii(bytes).into_iter().map(|at| Found { at, form: "digits" }).collect();
    for (zero, digit) in [(1, 0), (0, 1)] {
        for start in 0..2 {
            let pairs = bytes.get(start..).unwrap_or_default().as_chunks::<2>().0;
            let text: Vec<u8> = pairs.iter().map(|pair| if pair[zero] == 0 { pair[digit] } else { b'\n' }).collect();
            found.extend(ascii(&text).into_iter().map(|at| Found { at: start + 2 * at, form: "digits in UTF-16" }));
        }
    }
    found
}

/// Whether an SSIN begins here. Digits inside a longer run of hexadecimal digits do not count.
fn begins(bytes: &[u8], start: usize) -> bool {
    if start > 0 && bytes[start - 1].is_ascii_hexdigit() {
        return false;
    }
    let mut digits = String::with_capacity(11);
    let mut at = start;
    for length in GROUPS {
        if at > start && bytes.get(at).is_some_and(|byte| SEPARATORS.contains(byte)) {
            at += 1;
        }
        let Some(group) = bytes.get(at..at + length).filter(|group| group.iter().all(u8::is_ascii_digit)) else {
            return false;
        };
        digits.extend(group.iter().copied().map(char::from));
        at += length;
    }
    !bytes.get(at).is_some_and(u8::is_ascii_hexdigit) && Ssin::parse(&digits).is_ok()
}

fn base64_runs(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut runs = Vec::new();
    let mut start = 0;
    for at in 0..=bytes.len() {
        if bytes.get(at).is_none_or(|byte| sextet(*byte).is_none()) {
            if at - start >= BASE64_BYTES {
                runs.push(start..at);
            }
            start = at + 1;
        }
    }
    runs
}

/// Value of a base64 character, in either alphabet.
fn sextet(byte: u8) -> Option<u32> {
    Some(match byte {
        b'A'..=b'Z' => u32::from(byte - b'A'),
        b'a'..=b'z' => u32::from(byte - b'a') + 26,
        b'0'..=b'9' => u32::from(byte - b'0') + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

fn decode(run: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(run.len());
    for group in run.chunks(4) {
        let bits = group.iter().filter_map(|byte| sextet(*byte)).fold(0, |bits, value| bits << 6 | value);
        let bits = bits << (6 * (4 - group.len()));
        bytes.extend(bits.to_be_bytes()[1..].iter().take(group.len() - 1));
    }
    bytes
}

/// Persons of the fixtures.
static KNOWN: LazyLock<BTreeSet<u64>> = LazyLock::new(|| {
    let catalogue = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/catalogue.csv");
    let text = fs::read_to_string(catalogue).expect("the catalogue");
    let words = text.split(|character: char| !character.is_ascii_digit());
    words.filter_map(|word| Ssin::parse(word).ok()).map(Ssin::as_u64).collect()
});

/// Log of this process, and the length that was searched.
static LOG: Mutex<(Vec<u8>, usize)> = Mutex::new((Vec::new(), 0));

/// Writes to [`LOG`].
struct Line;

impl io::Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap_or_else(PoisonError::into_inner).0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Captures the log of this process from now on.
pub fn catch_log() {
    let log = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(|| Line).with_ansi(false);
    // Another test of this process may have been first.
    let _ = log.try_init();
}

/// Everything that this process has logged since the capture began.
pub fn logged() -> String {
    String::from_utf8(LOG.lock().unwrap_or_else(PoisonError::into_inner).0.clone()).expect("text")
}

/// Finds the SSINs in what was logged since the last call.
pub fn search_log() -> Vec<Found> {
    let mut log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    let (text, searched) = &mut *log;
    // Each line is written whole, so no SSIN is split.
    let new = &text[*searched..];
    let found = search(new);
    *searched = text.len();
    found
}
