//! The rules of the house, each with its reason, its remedy, and samples that it must refuse and let pass.
//!
//! A rule looks at sources and tells what it found; it changes nothing and knows nothing of files that are not handed
//! to it. What stands on which floor, and which library belongs to which room, is data: [`FLOORS`], [`STEPS`],
//! [`LIBRARIES`]. To let a room or a library in, write it there and in the map in `src/lib.rs`.

use super::lexer::{Kind, Token};
use super::source::{Path, Source};

/// The floors, lowest first. A room imports only rooms on floors below it.
pub const FLOORS: [&[&str]; 5] = [
    // words: std and thiserror only
    &["model"],
    // rules: pure, synchronous
    &["policy", "lookup"],
    // adapters: one library each
    &["soap", "cert", "store", "feed", "audit"],
    // engines: tokio, hyper and rustls appear here for the first time
    &["sync", "server", "admin", "client"],
    // the roof
    &["config", "app", "cli", "main"],
];

/// The steps inside a floor: who imports whom beside it.
pub const STEPS: [(&str, &str); 7] = [
    ("lookup", "policy"),
    ("app", "config"),
    ("cli", "config"),
    ("cli", "app"),
    ("main", "config"),
    ("main", "app"),
    ("main", "cli"),
];

/// Where a library may be used.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    /// In every room.
    Everywhere,
    /// From this floor upwards.
    From(usize),
    /// In these rooms alone.
    Rooms(&'static [&'static str]),
    /// In tests alone.
    Tests,
}

/// Every library of `Cargo.toml`, and its place.
pub const LIBRARIES: [(&str, Place); 43] = [
    ("alloc", Place::Everywhere),
    ("core", Place::Everywhere),
    ("std", Place::Everywhere),
    ("thiserror", Place::Everywhere),
    // One library each: the rooms of floor 2 are what would have to change with it.
    ("memchr", Place::Rooms(&["soap", "server"])),
    ("quick-xml", Place::Rooms(&["feed"])),
    ("x509-parser", Place::Rooms(&["cert"])),
    ("webpki", Place::Rooms(&["server"])),
    ("rusqlite", Place::Rooms(&["store", "audit"])),
    ("csv", Place::Rooms(&["feed"])),
    // Asks the system how much of a disk is free, how much may be open, and what time it counts.
    ("rustix", Place::Rooms(&["audit", "server", "app"])),
    // Confines the process to its own files.
    ("landlock", Place::Rooms(&["app"])),
    // Takes the sockets that systemd opened.
    ("listenfd", Place::Rooms(&["cli"])),
    ("flate2", Place::Rooms(&["feed"])),
    ("zstd", Place::Rooms(&["feed"])),
    ("aws-lc-rs", Place::From(2)),
    ("zeroize", Place::From(2)),
    ("tracing", Place::From(2)),
    // Binds the client's messages, apart from the server's codec: each is the other's oracle.
    ("yaserde", Place::Rooms(&["client"])),
    ("bytes", Place::From(3)),
    ("http-body-util", Place::From(3)),
    ("hyper", Place::From(3)),
    ("hyper-util", Place::From(3)),
    ("rustls", Place::From(3)),
    ("tokio", Place::From(3)),
    ("tokio-rustls", Place::From(3)),
    ("maud", Place::Rooms(&["server", "admin"])),
    ("clap", Place::Rooms(&["cli", "main"])),
    // Makes the demo's certificates; nothing else here makes any.
    ("rcgen", Place::Rooms(&["cli"])),
    // Draws the bar of `sync`.
    ("indicatif", Place::Rooms(&["cli"])),
    ("serde_json", Place::From(4)),
    ("toml", Place::Rooms(&["config"])),
    ("tracing-subscriber", Place::From(4)),
    // Named to be switched off: nothing uses it.
    ("log", Place::Rooms(&[])),
    // Made use of by examples/manual.rs.
    ("clap_complete", Place::Tests),
    ("clap_mangen", Place::Tests),
    ("ct-merkle", Place::Tests),
    ("peak_alloc", Place::Tests),
    ("proptest", Place::Tests),
    ("sha2", Place::Tests),
    ("signed_note", Place::Tests),
    ("tempfile", Place::Tests),
    ("tlog_tiles", Place::Tests),
];

/// Parts of `std` that reach outside the program: floors 0 and 1 are pure.
const OUTSIDE: [&str; 9] = ["env", "fs", "io", "net", "os", "process", "thread", "SystemTime", "Instant"];

/// Names that say nothing about what is in a module.
const EMPTY_NAMES: [&str; 11] =
    ["utils", "util", "common", "helpers", "manager", "handler", "types", "core", "base", "misc", "impl"];

/// The rooms that read what a peer sends, and what must be denied in them.
const FACING_PEERS: [&str; 4] = ["soap", "cert", "feed", "audit"];
const PANICS: [&str; 5] = ["unwrap_used", "expect_used", "panic", "indexing_slicing", "arithmetic_side_effects"];

/// What is called in one room alone, its implementation apart: the reads of lookup's `Directory`, and the word that makes
/// a `Receipt`.
const SEAMS: [(&str, &str); 4] =
    [("employment_periods", "lookup"), ("memberships", "lookup"), ("affiliations", "lookup"), ("durable", "audit")];

/// The most lines that a file has before its tests.
const MOST_LINES: usize = 600;

/// Something that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// What stands there.
    pub found: String,
}

/// A path and a text: a file that is not there.
pub type Sample = (&'static str, &'static str);

/// A rule of the house.
pub struct Rule {
    /// What holds, as a sentence.
    pub holds: &'static str,
    /// Why.
    pub reason: &'static str,
    /// What to do where it does not, and where to look.
    pub remedy: &'static str,
    /// Looks at the files and tells what breaks the rule.
    pub find: fn(&[Source<'_>]) -> Vec<Finding>,
    /// Files each of which, alone, breaks it.
    pub bad: &'static [Sample],
    /// Files that together keep it.
    pub good: &'static [Sample],
}

/// All of them.
pub const RULES: [Rule; 22] = [
    Rule {
        holds: "every room stands on a floor",
        reason: "A room of which nobody decided whom it may import may be imported by everybody.",
        remedy: "Put the file into one of the rooms, or the room into FLOORS in tests/house/rules.rs and the map in src/lib.rs.",
        find: |files| {
            each(
                files,
                |file| file.room().is_some_and(|room| room != "lib" && floor(room).is_none()),
                "no floor has this room",
            )
        },
        bad: &[("src/shared/mod.rs", ""), ("src/shared.rs", "")],
        good: &[("src/soap/names.rs", ""), ("src/app.rs", ""), ("src/lib.rs", ""), ("tests/shared.rs", "")],
    },
    Rule {
        holds: "a room imports only rooms on floors below it",
        reason: "Adapters that know each other cannot be replaced one at a time, and rules that know an adapter cannot be tested without it.",
        remedy: "Move what both need down to a floor that both may see, or hand it in from the roof (src/app.rs). The floors are FLOORS and STEPS in tests/house/rules.rs.",
        find: find_imports,
        bad: &[
            ("src/model/date.rs", "use crate::policy::Grant;"),
            ("src/policy/grant.rs", "use super::super::lookup;"),
            ("src/soap/mod.rs", "fn a() { crate::store::open() }"),
            ("src/store/mod.rs", "use crate::{model, soap::names};"),
            ("src/server/mod.rs", "#[cfg(test)] mod tests { use crate::admin::Page; }"),
            ("src/lookup/mod.rs", "use crate::shared::x;"),
            ("src/client/mod.rs", "use ehealth_attributes::config;"),
            ("src/config/mod.rs", "use crate::app;"),
        ],
        good: &[
            ("src/lookup/resolve.rs", "use super::directory; use crate::{model::Date, policy::Permit};"),
            (
                "src/server/mod.rs",
                "use crate::lookup::Entry; // use crate::admin;\nfn a() { \"crate::admin\"; self::b(); }",
            ),
            ("src/cli/mod.rs", "use crate::app; use crate::config;"),
            ("src/lib.rs", "pub mod model;"),
            ("tests/a.rs", "use ehealth_attributes::cli;"),
        ],
    },
    Rule {
        holds: "a library is used in its rooms alone",
        reason: "What a library changes or gets wrong must end at the wall of one room; a second room that uses it is a second place to mend.",
        remedy: "Let the room that has the library do it, and hand on plain types. The rooms of each library are LIBRARIES in tests/house/rules.rs.",
        find: find_libraries,
        bad: &[
            ("src/server/mod.rs", "use quick_xml::Reader;"),
            ("src/lookup/mod.rs", "fn a() { tokio::spawn(b) }"),
            ("src/store/mod.rs", "use ::serde::Serialize;"),
            ("src/feed/mod.rs", "fn a() -> serde_json::Value { serde_json::Value::Null }"),
            ("src/model/mod.rs", "use tracing as t;"),
            ("src/cli/mod.rs", "use proptest::prelude::*;"),
            ("src/app.rs", "use unheard_of::A;"),
        ],
        good: &[
            ("src/soap/mod.rs", "use memchr::memchr; use crate::model; use std::fmt; mod names; use names::A;"),
            (
                "src/store/mod.rs",
                "#[cfg(test)] mod tests { use proptest::prelude::*; use tempfile::tempdir; } fn a() { text.bytes(); Kind::A; }",
            ),
            ("src/feed/mod.rs", "mod csv; use csv::Row; // tokio::spawn"),
            ("tests/a.rs", "use rcgen::Certificate;"),
        ],
    },
    Rule {
        holds: "lookup alone reads persons' data, and audit alone declares evidence durable",
        reason: "The types of lookup guard the order of the steps; a room that reads a Directory or settles a Pending by itself walks around them.",
        remedy: "Go through Presented … Answer (src/lookup/mod.rs shows the way); the log that settles a Pending is audit's.",
        find: |files| {
            let mut findings = Vec::new();
            for file in files {
                for (call, room) in SEAMS {
                    let is_elsewhere = file.room().is_some_and(|other| other != room && other != "store");
                    if is_elsewhere {
                        findings.extend(calls(file, call));
                    }
                }
            }
            findings
        },
        bad: &[
            ("src/server/a.rs", "fn a() { directory.memberships(ssin, &mut into)?; }"),
            ("src/cli/a.rs", "fn a() { Directory::employment_periods(&mut b, ssin, &mut into) }"),
            ("src/server/b.rs", "fn a(pending: Pending) { pending.durable(0) }"),
        ],
        good: &[
            ("src/lookup/a.rs", "fn a() { directory.memberships(b, c) } fn d() { fn durable() {} } // .durable()"),
            ("src/audit/a.rs", "fn a() { pending.durable(b); pending.durable }"),
            ("src/store/a.rs", "impl A { fn memberships(&mut self) {} } fn a() { b.memberships(c) }"),
            ("tests/a.rs", "fn a() { pending.durable(0) }"),
        ],
    },
    Rule {
        holds: "every library of Cargo.toml has its rooms",
        reason: "A library that may be used anywhere will be.",
        remedy: "Give it its place in LIBRARIES in tests/house/rules.rs, or leave it out of Cargo.toml.",
        find: find_unplaced,
        bad: &[
            ("Cargo.toml", "[dependencies]\nunheard-of = \"1\"\n"),
            ("Cargo.toml", "[dev-dependencies]\na = \"1\"\n"),
            ("Cargo.toml", "["),
        ],
        good: &[(
            "Cargo.toml",
            "[dependencies]\nquick-xml = \"0.42\"\n[build-dependencies]\n[dev-dependencies]\ntempfile = \"3\"\n",
        )],
    },
    Rule {
        holds: "floors 0 and 1 touch nothing outside the program",
        reason: "Words and rules are pure: the same question on the same data gives the same answer, in a test as in service.",
        remedy: "Hand in what was read: time through model's Clock, data through lookup's Directory. Adapters on floor 2 do the reading.",
        find: |files| {
            let rooms = |file: &Source<'_>| file.room().and_then(floor).is_some_and(|floor| floor <= 1);
            paths(files, rooms, |path| {
                matches!(path.segments.as_slice(), ["std", part, ..] if OUTSIDE.contains(part))
                    || path.segments.iter().any(|part| matches!(*part, "SystemTime" | "Instant"))
            })
        },
        bad: &[
            ("src/model/a.rs", "use std::fs::File;"),
            ("src/policy/a.rs", "fn a() { std::net::lookup() }"),
            ("src/lookup/a.rs", "use std::{fmt, time::{Duration, SystemTime}};"),
            ("src/lookup/b.rs", "fn a() { std::time::Instant::now() }"),
        ],
        good: &[("src/model/a.rs", "use std::{fmt, time::Duration}; // std::fs"), ("src/store/a.rs", "use std::fs;")],
    },
    Rule {
        holds: "the time comes from the roof",
        reason: "A room that asks the system for the time cannot be tested at another one.",
        remedy: "Take a `&dyn Clock` or a Timestamp (src/model/clock.rs); the real clock is made on floor 4.",
        find: |files| {
            let below = |file: &Source<'_>| file.room().and_then(floor).is_some_and(|floor| floor < 4);
            paths(files, below, |path| !path.in_test && path.segments.ends_with(&["SystemTime", "now"]))
        },
        bad: &[
            ("src/audit/a.rs", "fn a() { SystemTime::now() }"),
            ("src/server/a.rs", "fn a() { std::time::SystemTime::now() }"),
        ],
        good: &[
            ("src/app.rs", "fn a() { SystemTime::now() }"),
            ("src/audit/a.rs", "fn a(clock: &dyn Clock) { clock.now() }"),
        ],
    },
    Rule {
        holds: "a file has at most 600 lines before its tests",
        reason: "Nobody reads a file of 3 000 lines, so nobody knows what is in it.",
        remedy: "Cut it where its `//!` needs an \"and\"; the parts stay in the room.",
        find: |files| each(files, |file| file.room().is_some() && file.production_lines() > MOST_LINES, "too long"),
        bad: &[("src/soap/a.rs", LONG)],
        good: &[("tests/a.rs", LONG), ("src/soap/a.rs", LONG_TESTS)],
    },
    Rule {
        holds: "every file says first what it is for",
        reason: "Who opens a file has a question; its first line says whether it is the right file.",
        remedy: "Open it with `//!`: what it is for, what it does not do, what may be assumed after its calls.",
        find: |files| {
            let is_silent = |file: &Source<'_>| {
                !file
                    .tokens
                    .first()
                    .is_some_and(|token| token.kind == Kind::InnerDoc && token.text.contains(char::is_alphabetic))
            };
            each(files, |file| is_rust(file) && is_silent(file), "no `//!`")
        },
        bad: &[
            ("src/soap/a.rs", "use std::fmt;\n//! Late."),
            ("tests/a.rs", ""),
            ("benches/a.rs", "// Plain."),
            ("src/soap/b.rs", "//!\n"),
        ],
        good: &[("src/soap/a.rs", "\n//! What it is for.\nuse std::fmt;"), ("fixtures/a.py", "")],
    },
    Rule {
        holds: "a module's name says what is in it",
        reason: "Under a name that fits everything everything collects.",
        remedy: "Name it by the noun that its types share; if there is none, they do not belong together.",
        find: |files| {
            let is_empty = |name: &str| EMPTY_NAMES.contains(&name);
            let of_path =
                |file: &Source<'_>| is_rust(file) && file.path.trim_end_matches(".rs").split('/').any(is_empty);
            let mut findings = each(files, of_path, "a name that says nothing");
            findings.extend(files.iter().flat_map(|file| {
                let empty = file.modules.iter().filter(|module| is_empty(module.name));
                empty.map(|module| finding(file, module.line, format!("mod {}", module.name)))
            }));
            findings
        },
        bad: &[
            ("src/soap/utils.rs", ""),
            ("src/server/handler/mod.rs", ""),
            ("src/soap/mod.rs", "mod common;"),
            ("src/a.rs", "pub mod r#impl {}"),
        ],
        good: &[("src/soap/mod.rs", "mod reader; // mod common;\nuse a::common;"), ("fixtures/common/a.xml", "")],
    },
    Rule {
        holds: "a function is named by a verb and an object",
        reason: "`get_` says nothing that the result does not, and `handle` does not say what is done.",
        remedy: "An accessor has the name of what it gives; anything else says what it does: `read_head`, `find_fund`.",
        find: |files| functions(files, |name| name.starts_with("get_") || matches!(name, "process" | "handle")),
        bad: &[
            ("src/soap/a.rs", "fn get_name() {}"),
            ("tests/a.rs", "impl A { pub async fn handle(&self) {} }"),
            ("src/soap/b.rs", "fn process() {}"),
        ],
        good: &[("src/soap/a.rs", "fn name() {} fn process_identifier() {} fn a() { map.get_mut(b); } // fn get_x")],
    },
    Rule {
        holds: "no variant is the rest of the world as text",
        reason: "`Other(String)` can be neither matched nor tested, and text from inside reaches a peer through it.",
        remedy: "Write the variant that it is; a room's errors are data (src/cert/identify.rs shows how).",
        find: |files| windows(files, &["Other", "(", "String", ")"]),
        bad: &[("src/soap/a.rs", "enum A { B, Other(String) }")],
        good: &[("src/soap/a.rs", "enum A { B, Other(u8) } // Other(String)")],
    },
    Rule {
        holds: "a conversion of errors names every variant",
        reason: "With `_ =>` a new error becomes an internal one, and nobody is told.",
        remedy: "Write one arm a variant in fault_map, exit_code and `impl From`; then the compiler asks at the next new one.",
        find: find_catch_alls,
        bad: &[
            ("src/server/fault_map.rs", "fn a(b: B) -> C { match b { B::D => C::E, _ => C::F } }"),
            ("src/store/a.rs", "impl From<A<B>> for C { fn from(a: A<B>) -> Self { match a { _ => C } } }"),
            ("src/cli/exit_code.rs", "fn a() { match b { _ if c => 1, D => 2 } }"),
        ],
        good: &[
            ("src/server/fault_map.rs", "fn a() { match b { B::D(_) => C::E, B::F => |_| 1 } }"),
            ("src/store/a.rs", "impl From<A> for B { fn from(a: A) -> Self { B } } fn c() { match d { _ => 1 } }"),
        ],
    },
    Rule {
        holds: "no public function takes a bool",
        reason: "`open(file, true)` does not say what is true.",
        remedy: "Make it an enum of two variants, or two functions.",
        find: find_bools,
        bad: &[
            ("src/soap/a.rs", "pub fn a(b: bool) {}"),
            ("src/soap/b.rs", "impl A { pub const fn b<F: Fn(u8) -> bool>(&self, f: F, mut c: bool) {} }"),
        ],
        good: &[(
            "src/soap/a.rs",
            "pub fn a(b: &[bool], c: impl Fn(bool) -> bool) -> bool {} fn d(e: bool) {} pub(super) fn f(g: bool) {}",
        )],
    },
    Rule {
        holds: "no comment promises",
        reason: "A note to do something later is read by nobody but those whom it misleads.",
        remedy: "Do it, or say in the comment what holds now and why.",
        find: |files| {
            let promises = |token: &Token<'_>| {
                let mut words = token.text.split(|c: char| !c.is_alphanumeric());
                token.is_comment() && words.any(|word| ["TODO", "FIXME", "XXX", "HACK"].contains(&word))
            };
            let of_file = |file| tokens(file, promises, "a promise");
            files.iter().flat_map(of_file).collect()
        },
        bad: &[
            ("src/soap/a.rs", "// TODO: later"),
            ("tests/a.rs", "/* a\nFIXME */"),
            ("src/soap/b.rs", "/// HACK\nfn a() {}"),
        ],
        good: &[("src/soap/a.rs", "// Nothing is to do.\nconst TODO: &str = \"TODO\";")],
    },
    Rule {
        holds: "no test sleeps",
        reason: "A test that sleeps is slow where the machine is fast and wrong where it is slow.",
        remedy: "Wait on the condition with a deadline (`recv_timeout`, `wait_timeout`), or pause tokio's time.",
        find: |files| {
            let sleeps = |path: &Path<'_>| {
                matches!(path.segments.as_slice(), [.., "thread" | "time", "sleep" | "sleep_until" | "sleep_ms"])
            };
            let in_tests = paths(files, is_test, sleeps);
            let beside = paths(files, |file| !is_test(file), |path| path.in_test && sleeps(path));
            in_tests.into_iter().chain(beside).collect()
        },
        bad: &[
            ("tests/a.rs", "fn a() { std::thread::sleep(b) }"),
            ("tests/support/a.rs", "use tokio::time::{sleep, timeout};"),
            ("src/server/a.rs", "#[cfg(test)] mod tests { fn a() { thread::sleep(b) } }"),
        ],
        good: &[
            ("src/server/a.rs", "fn a() { tokio::time::sleep(b) }"),
            ("tests/a.rs", "fn a() { tokio::time::timeout(b, c) } // thread::sleep"),
        ],
    },
    Rule {
        holds: "no test is ignored",
        reason: "A test that does not run is taken for one that passed.",
        remedy: "Make it run, or delete it. Where something outside is missing it says so, loudly (tests/support/python.rs).",
        find: |files| windows(files, &["#", "[", "ignore"]),
        bad: &[("tests/a.rs", "#[test] #[ignore] fn a() {}"), ("src/soap/a.rs", "#[ignore = \"slow\"] fn a() {}")],
        good: &[("tests/a.rs", "#[test] fn a() { ignore[0] } // #[ignore]")],
    },
    Rule {
        holds: "the map in src/lib.rs names every room",
        reason: "Who is new begins at the map; a room that is not on it is not found.",
        remedy: "Write the room into the table in the first comment of src/lib.rs, between backticks.",
        find: find_unmapped,
        bad: &[
            ("src/lib.rs", "//! | `model` |\npub mod model;\npub mod soap;"),
            ("src/lib.rs", "//! The library.\n// `model`\nmod model;"),
        ],
        good: &[("src/lib.rs", "//! | 0 | [`model`] |\n//! | 2 | `soap` |\npub mod model; pub mod soap;")],
    },
    Rule {
        holds: "what a peer sends cannot make the program panic",
        reason: "A panic that a peer can reach is a switch with which a stranger turns the service off.",
        remedy: "Deny clippy's unwrap_used, expect_used, panic, indexing_slicing and arithmetic_side_effects in the room's mod.rs, as src/cert/mod.rs does.",
        find: find_undenied,
        bad: &[
            ("src/soap/mod.rs", "//! Clippy.\n"),
            ("src/feed/mod.rs", "#![deny(clippy::unwrap_used, clippy::panic)] // expect_used"),
        ],
        good: &[
            (
                "src/audit/mod.rs",
                "#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]",
            ),
            ("src/soap/reader.rs", ""),
            ("src/server/mod.rs", ""),
        ],
    },
    Rule {
        holds: "no lint is lifted for a whole crate or without a reason",
        reason: "An `allow` at the top outlives what it was for.",
        remedy: "Put `#[expect(…, reason = \"…\")]` on the smallest item that needs it; for the project, Cargo.toml has [lints].",
        find: |files| {
            let of_file = |file: &Source<'_>| file.path == "src/lib.rs" || file.path == "src/main.rs";
            let crates: Vec<_> = files.iter().filter(|file| of_file(file)).collect();
            crates.iter().flat_map(|file| sequences(file, &["#", "!", "[", "allow"])).collect()
        },
        bad: &[("src/lib.rs", "#![allow(dead_code, reason = \"soon\")]"), ("src/main.rs", "#![allow(missing_docs)]")],
        good: &[
            ("src/lib.rs", "#![doc = \"allow\"]"),
            ("src/soap/a.rs", "#[expect(dead_code, reason = \"why\")] fn a() {}"),
        ],
    },
    Rule {
        holds: "no file tells where or how it was written",
        reason: "Who reads it has another machine, other folders and other lists of work.",
        remedy: "Say what holds and why; leave out paths of a machine, numbers of issues, and whoever wrote it.",
        find: find_origins,
        bad: &[
            ("README.md", concat!("See /wo", "rk/shared.")),
            ("src/soap/a.rs", concat!("// Asked for in iss", "ue 12.")),
            ("deploy/a", concat!("Closes Iss", "ue #3")),
            ("schemas/a.xsd", concat!("<!-- /ho", "me/me/a -->")),
            ("tests/a.rs", concat!("// Cla", "ude wrote this")),
        ],
        good: &[("README.md", "Issue the certificate; work/shared; a session of TLS; at issue: 3 things.")],
    },
    Rule {
        holds: "no test judges by the text of the program",
        reason: "A test that reads src/ holds the writing, not what the program does; only the rules of the house may.",
        remedy: "Call the program and look at what it answers. Rules about the source belong to tests/house/rules.rs.",
        find: |files| {
            let of_tests = files.iter().filter(|file| is_test(file) && !file.path.starts_with("tests/house"));
            let reads = |token: &Token<'_>| {
                token.kind == Kind::Text && (token.text.starts_with("\"src/") || token.text.contains("/../src/"))
            };
            of_tests.flat_map(|file| tokens(file, reads, "reads the source")).collect()
        },
        bad: &[("tests/a.rs", "include_str!(\"../src/../src/a.rs\")"), ("tests/b.rs", "fn a() { read(\"src/a.rs\") }")],
        good: &[("tests/a.rs", "fn a() { read(\"fixtures/src.csv\") } // \"src/\"")],
    },
];

/// More lines than a file may have, and the same behind the begin of its tests.
const LONG: &str = text(&with_lines(b""));
const LONG_TESTS: &str = text(&with_lines(b"//! Short.\n#[cfg(test)]\nmod tests {}\n"));

const fn with_lines(head: &[u8]) -> [u8; MOST_LINES + 64] {
    let mut bytes = [b'\n'; MOST_LINES + 64];
    let mut at = 0;
    while at < head.len() {
        bytes[at] = head[at];
        at += 1;
    }
    bytes
}

const fn text(bytes: &[u8]) -> &str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => panic!("ASCII alone"),
    }
}

/// The floor of a room.
fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

fn is_rust(file: &Source<'_>) -> bool {
    ["src/", "tests/", "benches/", "fuzz/", "examples/"].iter().any(|folder| file.path.starts_with(folder))
        && std::path::Path::new(file.path).extension().is_some_and(|extension| extension == "rs")
}

fn is_test(file: &Source<'_>) -> bool {
    file.path.starts_with("tests/") && is_rust(file)
}

fn finding(file: &Source<'_>, line: usize, found: impl Into<String>) -> Finding {
    Finding { path: file.path.to_owned(), line, found: found.into() }
}

/// The files of which `breaks` is true.
fn each(files: &[Source<'_>], breaks: impl Fn(&Source<'_>) -> bool, found: &str) -> Vec<Finding> {
    files.iter().filter(|file| breaks(file)).map(|file| finding(file, 1, found)).collect()
}

/// The paths of which `breaks` is true, in the files that `of` chooses.
fn paths(files: &[Source<'_>], of: impl Fn(&Source<'_>) -> bool, breaks: impl Fn(&Path<'_>) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| of(file)) {
        let broken = file.paths.iter().filter(|path| breaks(path));
        findings.extend(broken.map(|path| finding(file, path.line, path.segments.join("::"))));
    }
    findings
}

/// The tokens of which `breaks` is true.
fn tokens(file: &Source<'_>, breaks: impl Fn(&Token<'_>) -> bool, found: &str) -> Vec<Finding> {
    file.tokens.iter().filter(|token| breaks(token)).map(|token| finding(file, token.line, found)).collect()
}

/// The functions of whose name `breaks` is true.
fn functions(files: &[Source<'_>], breaks: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        for pair in file.code.windows(2) {
            if let [keyword, name] = pair
                && keyword.is("fn")
                && name.kind == Kind::Word
                && breaks(name.text)
            {
                findings.push(finding(file, name.line, format!("fn {}", name.text)));
            }
        }
    }
    findings
}

/// Where a method of this name is called in production code.
fn calls(file: &Source<'_>, name: &str) -> Vec<Finding> {
    let is_call = |window: &&[Token<'_>]| match window {
        [before, called, open] => (before.is(".") || before.is(":")) && called.is(name) && open.is("("),
        _ => false,
    };
    let end = file.production_lines();
    let found = file.code.windows(3).filter(is_call).filter_map(|window| window.first());
    found.filter(|token| token.line <= end).map(|token| finding(file, token.line, format!("{name}(…)"))).collect()
}

/// Where these tokens follow each other.
fn sequences(file: &Source<'_>, words: &[&str]) -> Vec<Finding> {
    let is_there = |window: &&[Token<'_>]| window.iter().zip(words).all(|(token, word)| token.is(word));
    let found = file.code.windows(words.len()).filter(is_there);
    found.filter_map(|window| Some(finding(file, window.first()?.line, words.concat()))).collect()
}

fn windows(files: &[Source<'_>], words: &[&str]) -> Vec<Finding> {
    files.iter().flat_map(|file| sequences(file, words)).collect()
}

fn find_imports(files: &[Source<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        let Some((room, own)) = file.room().and_then(|room| Some((room, floor(room)?))) else { continue };
        for path in &file.paths {
            let ["crate", other, ..] = path.segments.as_slice() else { continue };
            let is_allowed =
                *other == room || STEPS.contains(&(room, other)) || floor(other).is_some_and(|other| other < own);
            if !is_allowed {
                let text = match floor(other) {
                    Some(floor) => format!("{room} (floor {own}) imports {other} (floor {floor})"),
                    None => format!("{room} imports {other}, which is no room"),
                };
                findings.push(finding(file, path.line, text));
            }
        }
    }
    findings
}

fn find_libraries(files: &[Source<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        let Some(room) = file.room() else { continue };
        for (name, path) in file.libraries() {
            let place =
                LIBRARIES.iter().find(|(library, _)| library.replace('-', "_") == name).map(|(_, place)| *place);
            let is_allowed = match place {
                _ if path.in_test => true,
                Some(Place::Everywhere) => true,
                Some(Place::From(lowest)) => floor(room).is_some_and(|floor| floor >= lowest),
                Some(Place::Rooms(rooms)) => rooms.contains(&room),
                Some(Place::Tests) => false,
                // In code a name that no table knows is a type or a module of the file itself; at a `use` it is a library.
                None => path.bound.is_none() || !is_library(file, path),
            };
            if !is_allowed {
                findings.push(finding(file, path.line, format!("{room} uses {name}")));
            }
        }
    }
    findings
}

/// Whether a `use` in edition 2024 can only mean another package: lower case, and no module that the file declares.
fn is_library(file: &Source<'_>, path: &Path<'_>) -> bool {
    path.segments.first().is_some_and(|name| {
        name.starts_with(|c: char| c.is_lowercase()) && !file.modules.iter().any(|module| module.name == *name)
    })
}

fn find_unplaced(files: &[Source<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path == "Cargo.toml") {
        let Ok(table) = file.text.parse::<toml::Table>() else {
            findings.push(finding(file, 1, "is no TOML"));
            continue;
        };
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let libraries = table.get(section).and_then(toml::Value::as_table);
            for name in libraries.into_iter().flat_map(toml::Table::keys) {
                if !LIBRARIES.iter().any(|(library, _)| library == name) {
                    let line =
                        file.text.lines().position(|line| line.starts_with(name.as_str())).map_or(1, |at| at + 1);
                    findings.push(finding(file, line, format!("{name} has no place")));
                }
            }
        }
    }
    findings
}

fn find_catch_alls(files: &[Source<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.room().is_some()) {
        let is_conversion = file.path.ends_with("fault_map.rs") || file.path.ends_with("exit_code.rs");
        let mut within = Vec::new();
        let (mut announced, mut braces) = (false, 0_usize);
        for (at, token) in file.code.iter().enumerate() {
            let next = |text: &str, ahead: usize| file.code.get(at + ahead).is_some_and(|token| token.is(text));
            match token.text {
                "impl" => announced = next("From", 1),
                "{" => {
                    braces += 1;
                    if std::mem::take(&mut announced) {
                        within.push(braces);
                    }
                }
                "}" => {
                    within.pop_if(|opened| *opened == braces);
                    braces = braces.saturating_sub(1);
                }
                "_" if is_conversion || !within.is_empty() => {
                    let is_arm = (next("=", 1) && next(">", 2)) || next("if", 1);
                    if is_arm {
                        findings.push(finding(file, token.line, "_ =>"));
                    }
                }
                _ => {}
            }
        }
    }
    findings
}

fn find_bools(files: &[Source<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.room().is_some()) {
        for (at, token) in file.code.iter().enumerate().filter(|(_, token)| token.is("fn")) {
            let before = file.code.split_at(at).0;
            let mut before = before.iter().rev().skip_while(|token| {
                ["const", "async", "unsafe", "extern"].iter().any(|word| token.is(word)) || token.kind == Kind::Text
            });
            let is_public = before.next().is_some_and(|token| token.is("pub"));
            if is_public && takes_bool(file.code.split_at(at).1) {
                let name = file.code.get(at + 1).map_or("", |name| name.text);
                findings.push(finding(file, token.line, format!("pub fn {name}(… bool …)")));
            }
        }
    }
    findings
}

/// Whether a function, from its `fn` on, has a parameter whose whole type is `bool`.
fn takes_bool(code: &[Token<'_>]) -> bool {
    let (mut angles, mut brackets) = (0_usize, 0_usize);
    for (at, token) in code.iter().enumerate() {
        let is = |ahead: usize, text: &str| code.get(at + ahead).is_some_and(|token| token.is(text));
        let is_arrow = at > 0 && code.get(at - 1).is_some_and(|token| token.is("-"));
        match token.text {
            "<" if brackets == 0 => angles += 1,
            ">" if brackets == 0 && !is_arrow => angles = angles.saturating_sub(1),
            "(" if angles == 0 => brackets += 1,
            ")" if angles == 0 => {
                brackets -= 1;
                if brackets == 0 {
                    return false;
                }
            }
            ":" if brackets == 1 && is(1, "bool") && (is(2, ",") || is(2, ")")) => return true,
            _ => {}
        }
    }
    false
}

fn find_unmapped(files: &[Source<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path == "src/lib.rs") {
        let map: String =
            file.tokens.iter().filter(|token| token.kind == Kind::InnerDoc).map(|token| token.text).collect();
        let unmapped = file.modules.iter().filter(|room| !map.contains(&format!("`{}`", room.name)));
        findings.extend(unmapped.map(|room| finding(file, room.line, format!("{} is not on the map", room.name))));
    }
    findings
}

fn find_undenied(files: &[Source<'_>]) -> Vec<Finding> {
    let roots = FACING_PEERS.map(|room| format!("src/{room}/mod.rs"));
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| roots.iter().any(|root| root == file.path)) {
        for lint in PANICS {
            let is_denied = file.paths.iter().any(|path| path.segments == ["clippy", lint])
                || file.code.windows(4).any(|window| match window {
                    [clippy, _, _, name] => clippy.is("clippy") && name.is(lint),
                    _ => false,
                });
            if !is_denied {
                findings.push(finding(file, 1, format!("clippy::{lint} is not denied")));
            }
        }
    }
    findings
}

/// Needles in lower case, in two parts each, so that this file keeps the rule itself.
const ORIGINS: [(&str, &str); 7] = [
    ("/wo", "rk/"),
    ("/ro", "ot/"),
    ("/ho", "me/"),
    ("cla", "ude"),
    ("anth", "ropic"),
    ("chat", "gpt"),
    ("co-authored", "-by"),
];

fn find_origins(files: &[Source<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path != "Cargo.lock") {
        for (at, line) in file.text.lines().enumerate() {
            let line = line.to_lowercase();
            let origin = ORIGINS.iter().map(|(a, b)| format!("{a}{b}")).find(|origin| line.contains(origin));
            let numbered = line.match_indices(concat!("iss", "ue ")).any(|(start, word)| {
                let behind = line.split_at(start + word.len()).1.trim_start_matches('#');
                behind.starts_with(|c: char| c.is_ascii_digit())
            });
            if let Some(found) = origin.or_else(|| numbered.then(|| "an issue's number".to_owned())) {
                findings.push(finding(file, at + 1, found));
            }
        }
    }
    findings
}
