//! The rules, with their samples.

use std::collections::BTreeMap;

use super::source::{Found, Source};
use super::{Finding, Rule, circles, crates, documents, finding};

/// Lines of production code in a file.
const FILE_LINES: usize = 400;
/// Lines of a function, from its signature to its last brace.
const FUNCTION_LINES: usize = 60;

/// Modules of the gateway, lowest first. A module imports only modules before it.
const GATEWAY: [&[&str]; 6] = [&["peer_log"], &["server", "admin"], &["config"], &["app"], &["cli"], &["main"]];

/// Libraries that one module of the gateway hides from the others.
const LIBRARIES: [(&str, &[&str]); 16] = [
    ("clap", &["cli", "main"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("csv", &["cli"]),
    ("flate2", &["app"]),
    ("indicatif", &["cli"]),
    ("landlock", &["app"]),
    ("listenfd", &["cli"]),
    ("maud", &["admin", "server"]),
    ("memchr", &["server"]),
    ("pulldown_cmark", &["admin"]),
    ("rcgen", &["cli"]),
    ("tar", &["app"]),
    ("toml", &["config"]),
    ("tracing_subscriber", &["cli"]),
    ("webpki", &["server"]),
];

/// Functions that only one folder calls: the reads of a person's data, and what settles a record.
/// The types in `ehealth_core::lookup` guard the order of the steps; who calls these elsewhere
/// walks around them.
const SEAMS: [(&str, &[&str]); 8] = [
    ("employment_periods", &["crates/core/src/lookup/", "crates/datasets/src/store/"]),
    ("memberships", &["crates/core/src/lookup/", "crates/datasets/src/store/"]),
    ("affiliations", &["crates/core/src/lookup/", "crates/datasets/src/store/"]),
    ("affiliations_to", &["crates/core/src/lookup/", "crates/datasets/src/store/"]),
    ("neighbouring_periods", &["crates/core/src/lookup/", "crates/datasets/src/store/"]),
    ("neighbouring_memberships", &["crates/core/src/lookup/", "crates/datasets/src/store/"]),
    ("look_up_unknown", &["crates/core/src/lookup/", "crates/datasets/src/store/"]),
    ("durable", &["crates/audit-log/src/"]),
];

/// Parts of `std` that reach outside the program: the core is pure.
const OUTSIDE: [&str; 7] = ["env", "fs", "io", "net", "os", "process", "thread"];

/// Files that read what a peer sends, and the lints that they deny, so that a peer cannot cause a
/// panic.
const FACING_PEERS: [&str; 5] = [
    "crates/audit-log/src/lib.rs",
    "crates/certificates/src/lib.rs",
    "crates/datasets/src/feed/mod.rs",
    "crates/soap/src/lib.rs",
    "src/server/http/framing/mod.rs",
];
const PANICS: [&str; 5] = ["unwrap_used", "expect_used", "panic", "indexing_slicing", "arithmetic_side_effects"];

/// Words that the project no longer uses in names. Each has a word of the field, in `docs/` and
/// everywhere else.
const RETIRED: [&str; 33] = [
    "anew",
    "doomed",
    "door",
    "evidence",
    "flaw",
    "flight",
    "flights",
    "flying",
    "gate",
    "hand",
    "house",
    "judge",
    "judged",
    "judges",
    "journal",
    "keeper",
    "ledger",
    "meter",
    "mistake",
    "mistakes",
    "objection",
    "pace",
    "roof",
    "seal",
    "sealed",
    "staging",
    "told",
    "trail",
    "trails",
    "unseal",
    "wanting",
    "whoever",
    "world",
];

/// Names that libraries chose.
const FOREIGN: [&str; 1] = ["seal_in_place_append_tag"];

/// Phrases that the project no longer uses in prose: documents, messages, comments.
const PHRASES: [&str; 10] =
    ["whoever", "somebody", "nobody", "so many", "so long", "anew", "is none", "wherefrom", "over-age", "judged"];

/// Files that write debug output which is no Rust to its reader.
const WRITES_DEBUG_VALUES: [&str; 4] = [
    // Values that tracing hands over in no other form.
    "src/cli/log/format.rs",
    "src/cli/log/json.rs",
    // The seed of a dataset's random numbers, and a list of strings in TOML.
    "crates/testkit/src/generator.rs",
    "crates/testkit/src/policy.rs",
];

/// Files that read a text which only this project writes.
const MACHINE_WRITTEN: [&str; 9] = [
    // The quota counts, the verification report, and the result of a reload.
    "src/app/quota_file.rs",
    "src/app/verification_report.rs",
    "src/app/reload_status.rs",
    // A checkpoint that is copied, and a proof: every byte counts.
    "crates/audit-log/src/storage/copy.rs",
    "crates/audit-verify/src/main.rs",
    "crates/cluster/src/presence.rs",
    // The pointer to the current file of a dataset.
    "crates/datasets/src/store/folder.rs",
    // Validity of the demo's certificates; its settings, which keep the form that their editor gave them.
    "crates/testkit/src/validity.rs",
    "crates/testkit/src/workspace.rs",
];

/// Names of `rustix` that only Linux has.
const LINUX_NAMES: [&str; 3] = ["Boottime", "DumpableBehavior", "set_dumpable_behavior"];

/// Names that say nothing about what is in a module.
const EMPTY_NAMES: [&str; 10] =
    ["utils", "util", "common", "helpers", "manager", "handler", "types", "base", "misc", "impl"];

/// All rules.
pub const RULES: [Rule; 27] = [
    Rule {
        name: "dependency",
        text: "A crate depends only on crates below it, and a library is in its own crates alone: what a library gets wrong ends at one wall. The tables are in tests/it/architecture/crates.rs.",
        find: crates::dependencies,
        bad: &[
            ("crates/core/Cargo.toml", "[package]\nname = \"ehealth-core\"\n[dependencies]\ntokio = \"1\"\n"),
            ("crates/soap/Cargo.toml", "[package]\nname = \"soap\"\n[dependencies]\naudit-log.workspace = true\n"),
            (
                "crates/audit-verify/Cargo.toml",
                "[package]\nname = \"audit-verify\"\n[dependencies]\naudit-log.workspace = true\n",
            ),
            ("Cargo.toml", "[package]\nname = \"ehealth-attributes\"\n[dependencies]\nunheard-of = \"1\"\n"),
            ("crates/new/Cargo.toml", "[package]\nname = \"new\"\n"),
            ("Cargo.toml", "["),
        ],
        good: &[
            (
                "Cargo.toml",
                "[package]\nname = \"ehealth-attributes\"\n[dependencies]\nsoap.workspace = true\nhyper = \"1\"\n[dev-dependencies]\ntempfile = \"3\"\n",
            ),
            (
                "crates/client/Cargo.toml",
                "[package]\nname = \"client\"\n[dependencies]\nsoap.workspace = true\nhyper = \"1\"\n",
            ),
        ],
    },
    Rule {
        name: "layer",
        text: "A module of the gateway imports only modules below it (GATEWAY in tests/it/architecture/rules.rs): move what both need down, or pass it in from app.",
        find: |files| {
            let layer = |module: &str| GATEWAY.iter().position(|modules| modules.contains(&module));
            imports(files, |module, path| match path {
                ["crate" | "ehealth_attributes", other, ..] if *other != module => {
                    layer(module).is_some_and(|own| layer(other).is_some_and(|other| other >= own))
                }
                _ => false,
            })
        },
        bad: &[
            ("src/peer_log/a.rs", "use crate::server::tls;"),
            ("src/server/a.rs", "fn a() { crate::admin::page() }"),
            ("src/admin/mod.rs", "use crate::{config, server};"),
        ],
        good: &[
            ("src/app/a.rs", "use crate::{config, server}; // use crate::cli;"),
            ("src/main.rs", "use ehealth_attributes::cli;"),
        ],
    },
    Rule {
        name: "circle",
        text: "No circle of files over the `use` lines of a crate: files of a circle are understood, tested and changed only together. Move what both need to a file below both.",
        find: |files| {
            let circles = circles::circles(files);
            circles
                .iter()
                .map(|circle| Finding {
                    place: circle.first().copied().unwrap_or_default().to_owned(),
                    key: circle.join(" "),
                    number: circle.len(),
                })
                .collect()
        },
        bad: &[
            ("src/a.rs", "use crate::b::B;\n=== src/b.rs\nuse super::a::A;\n"),
            ("crates/soap/src/lib.rs", "mod a; use a::A; pub struct B;\n=== crates/soap/src/a.rs\nuse crate::B;\n"),
            // Through a name that is re-exported.
            (
                "src/a/mod.rs",
                "mod b; mod c; pub use b::B; pub use c::*;\n=== src/a/b.rs\nuse super::C; pub struct B;\n=== src/a/c.rs\nuse super::B; pub struct C;\n",
            ),
        ],
        good: &[
            ("src/a/mod.rs", "mod b; mod c; pub use b::B; pub use c::C;"),
            ("src/a/b.rs", "use super::C; pub struct B; #[cfg(test)] mod tests { use super::*; }"),
            ("src/a/c.rs", "pub struct C; #[cfg(test)] mod tests { use crate::a::b::B; }"),
        ],
    },
    Rule {
        name: "file-lines",
        text: "A file has fewer than 400 lines outside its tests. Split it where its first comment needs an \"and\".",
        find: |files| {
            let long = files.iter().filter(|file| is_production(file) && file.production_lines() >= FILE_LINES);
            long.map(|file| Finding { number: file.production_lines(), ..finding(file, 1, "lines") }).collect()
        },
        bad: &[("src/soap/a.rs", LONG), ("crates/soap/src/a.rs", LONG)],
        good: &[("tests/a.rs", LONG), ("src/soap/a.rs", LONG_TESTS)],
    },
    Rule {
        name: "function-lines",
        text: "A function has fewer than 60 lines. Give a name to each of its steps and make them functions.",
        find: |files| {
            let mut findings = Vec::new();
            for file in files.iter().filter(|file| is_production(file)) {
                let of_file = file.functions.iter().filter(|function| !function.in_test);
                for function in of_file.filter(|function| function.what.lines >= FUNCTION_LINES) {
                    let found = finding(file, function.line, format!("fn {}", function.what.name));
                    findings.push(Finding { number: function.what.lines, ..found });
                }
            }
            findings
        },
        bad: &[("src/a.rs", LONG_FUNCTION)],
        good: &[("tests/a.rs", LONG_FUNCTION), ("src/a.rs", LONG_TESTS)],
    },
    Rule {
        name: "name",
        text: "No name has a word that the project retired (RETIRED in tests/it/architecture/rules.rs): one concept has one word, the one that a new colleague searches for.",
        find: |files| {
            let mut counts = BTreeMap::<&str, (usize, &str)>::new();
            for file in files.iter().filter(|file| !is_list_of_words(file)) {
                for (name, count) in file.names.iter().filter(|(name, _)| !FOREIGN.contains(&name.as_str())) {
                    // "In flight" is the field's term for what is written and not yet synced.
                    let lower = in_words(name).replace("in_flight", "");
                    for word in lower.split('_').filter_map(|word| RETIRED.iter().find(|retired| **retired == word)) {
                        counts.entry(word).or_insert((0, &file.path)).0 += count;
                    }
                }
            }
            counted(counts)
        },
        bad: &[
            ("src/a.rs", "struct TrailKeeper;"),
            ("tests/a.rs", "fn what_was_told() {}"),
            ("src/b.rs", "mod r#trail {}"),
        ],
        good: &[("src/a.rs", "struct Trailer; fn delegate() { aggregate(\"trail\"); batches_in_flight() } // keeper")],
    },
    Rule {
        name: "phrase",
        text: "No document, message or comment has a phrase that the project retired (PHRASES in tests/it/architecture/rules.rs): plain technical English, the field's noun first.",
        find: |files| {
            let mut counts = BTreeMap::<&str, (usize, &str)>::new();
            // Databases of released versions stay as they were written.
            let is_text = |file: &&Source| ![".lock", ".sqlite"].iter().any(|end| file.path.ends_with(end));
            for file in files.iter().filter(|file| !is_list_of_words(file)).filter(is_text) {
                let text = file.text.to_lowercase();
                // `x is None` is Python.
                let is_code = |phrase: &str| phrase == "is none" && file.path.ends_with(".py");
                for phrase in PHRASES.into_iter().filter(|phrase| !is_code(phrase)) {
                    let is_end = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
                    let count = text.match_indices(phrase).filter(|(at, _)| {
                        let (before, after) = (text.split_at(*at).0, text.split_at(at + phrase.len()).1);
                        is_end(before.chars().next_back()) && is_end(after.chars().next())
                    });
                    match count.count() {
                        0 => {}
                        count => counts.entry(phrase).or_insert((0, &file.path)).0 += count,
                    }
                }
            }
            counted(counts)
        },
        bad: &[
            ("README.md", "Whoever asks."),
            ("src/a.rs", "// told to nobody"),
            ("deploy/a.toml", "# so many"),
            ("src/b.rs", "const A: &str = \"over-age\";"),
        ],
        good: &[("README.md", "The caller asks the manybody problem.")],
    },
    Rule {
        name: "citation",
        text: "Every cited document and section exists: a comment that rests on a standard is worth what its citation is worth. Cite as docs/reference/contract.md \"Transport\".",
        find: documents::citations,
        bad: &[
            ("src/a.rs", "// See docs/absent.md for it."),
            ("src/a.rs", "//! docs/a.md \"Other\n//! section\".\n=== docs/a.md\n# A section\n"),
            ("src/a.rs", "//! docs/a.md \"A section\" and \"Other\".\n=== docs/a.md\n# A section\n"),
        ],
        good: &[
            (
                "src/a.rs",
                "//! `docs/a.md` \"A\n//! section\", \"Other\". And fn a() { read(\"docs/a.md\") } of docs/*.md.",
            ),
            ("docs/a.md", "# 1. A section\n## Other\n"),
        ],
    },
    Rule {
        name: "link",
        text: "Every relative link of a document leads to a file, and its #anchor to a heading.",
        find: documents::links,
        bad: &[
            ("README.md", "[a](docs/absent.md)"),
            ("docs/a.md", "# A\n[a](#b)"),
            ("docs/a.md", "[a](../README.md#other)\n=== README.md\n# One\n"),
            ("docs/a.md", "[a]: absent.md\n"),
        ],
        good: &[
            (
                "README.md",
                "# The name, of it\n[a](docs/a.md#a-section) [b](https://a.example/b) [`c`](docs) `[d](e)`\n```\n[d](e)\n```\n",
            ),
            ("docs/a.md", "# A section\n[up](../README.md#the-name-of-it), [here](#a-section)"),
        ],
    },
    Rule {
        name: "linux",
        text: "What only Linux has is in src/app/platform/linux.rs alone, so that the program compiles for other Unix systems: add a function there, and what stands for it to other.rs.",
        find: |files| {
            let mut findings = Vec::new();
            for file in files.iter().filter(|file| is_production(file) && file.path != "src/app/platform/linux.rs") {
                let is_linux = |path: &[String]| {
                    path.starts_with(&["std", "os", "linux"].map(str::to_owned)) || path[0] == "landlock"
                };
                let uses = file.uses.iter().filter(|found| is_linux(&found.path));
                findings.extend(uses.map(|found| finding(file, found.line, found.path.join("::"))));
                let names = LINUX_NAMES.iter().filter(|name| file.names.contains_key(**name));
                findings.extend(names.map(|name| finding(file, 1, (*name).to_owned())));
            }
            findings
        },
        bad: &[
            ("src/app/notify.rs", "use std::os::linux::net::SocketAddrExt;"),
            ("src/app/a.rs", "use landlock::Ruleset;"),
            ("src/a.rs", "fn a() { clock_gettime(ClockId::Boottime); }"),
        ],
        good: &[
            ("src/app/platform/linux.rs", "use landlock::Ruleset; use std::os::linux::net::SocketAddrExt;"),
            ("src/a.rs", "use std::os::unix::net::SocketAddr;"),
        ],
    },
    Rule {
        name: "library",
        text: "A library of the gateway is used in its modules alone (LIBRARIES in tests/it/architecture/rules.rs): let the module that has it do the work and return plain types.",
        find: |files| {
            imports(files, |module, path| {
                LIBRARIES.iter().any(|(library, modules)| path.first() == Some(library) && !modules.contains(&module))
            })
        },
        bad: &[
            ("src/server/a.rs", "use clap::Parser;"),
            ("src/app.rs", "fn a() { rcgen::generate() }"),
            ("src/admin/a.rs", "fn a() { b!(toml::c) }"),
        ],
        good: &[
            ("src/cli/a.rs", "use clap::Parser; // toml::c"),
            ("src/config/a.rs", "#[cfg(test)] mod tests { use rcgen::A; } fn a() { self::clap() }"),
        ],
    },
    Rule {
        name: "seam",
        text: "Only the lookup reads a person's data, and only the audit log settles a record (SEAMS in tests/it/architecture/rules.rs). Go through Presented to Answer, as crates/core/src/lookup/mod.rs shows.",
        find: |files| {
            let mut findings = Vec::new();
            for file in files.iter().filter(|file| is_production(file)) {
                for (name, folders) in SEAMS {
                    let elsewhere = !folders.iter().any(|folder| file.path.starts_with(folder));
                    findings.extend(of(file, &file.calls, |call| elsewhere && call == name, String::clone));
                }
            }
            findings
        },
        bad: &[
            ("src/server/a.rs", "fn a() { directory.memberships(ssin, &mut into)?; }"),
            ("src/cli/a.rs", "fn a() { Directory::employment_periods(&mut b, ssin, &mut into) }"),
            ("src/server/b.rs", "fn a() { assert!(pending.durable(0)) }"),
        ],
        good: &[
            (
                "crates/core/src/lookup/a.rs",
                "fn a() { directory.memberships(b, c) } fn d() { fn durable() {} } // .durable()",
            ),
            ("crates/audit-log/src/a.rs", "fn a() { pending.durable(b); pending.durable }"),
            ("src/a.rs", "impl A { fn memberships(&mut self) {} } #[cfg(test)] fn a() { b.memberships(c) }"),
            ("tests/a.rs", "fn a() { pending.durable(0) }"),
        ],
    },
    Rule {
        name: "seam-exists",
        text: "Every function that SEAMS names is defined in its folders: a rule about a name that is gone keeps nothing. Write the new name into SEAMS in tests/it/architecture/rules.rs.",
        find: |files| {
            let Some(root) = files.iter().find(|file| file.path == "crates/core/src/lib.rs") else { return Vec::new() };
            let is_there =
                |name: &str| files.iter().any(|file| is_production(file) && file.text.contains(&format!("fn {name}(")));
            SEAMS
                .iter()
                .filter(|(name, _)| !is_there(name))
                .map(|(name, _)| finding(root, 1, format!("fn {name}")))
                .collect()
        },
        bad: &[("crates/core/src/lib.rs", "fn memberships() {}")],
        good: &[(
            "crates/core/src/lib.rs",
            "fn memberships() {} fn affiliations() {} fn employment_periods() {} fn durable() {} \
             fn affiliations_to() {} fn neighbouring_periods() {} fn neighbouring_memberships() {} \
             fn look_up_unknown() {}",
        )],
    },
    Rule {
        name: "pure-core",
        text: "The core touches nothing outside the program: pass in what was read, time through Clock, data through Directory. The same question on the same data gives the same answer.",
        find: |files| {
            paths(
                files,
                |file| file.path.starts_with("crates/core/src/"),
                |path| {
                    matches!(path, ["std", part, ..] if OUTSIDE.contains(part))
                        || path.iter().any(|part| matches!(*part, "SystemTime" | "Instant"))
                },
            )
        },
        bad: &[
            ("crates/core/src/a.rs", "use std::fs::File;"),
            ("crates/core/src/b.rs", "fn a() { std::net::lookup() }"),
            ("crates/core/src/c.rs", "use std::{fmt, time::{Duration, SystemTime}};"),
        ],
        good: &[("crates/core/src/a.rs", "use std::{fmt, time::Duration}; // std::fs"), ("src/a.rs", "use std::fs;")],
    },
    Rule {
        name: "clock",
        text: "Only the gateway's app and cli, the testkit, and the program audit-verify ask the system for the date: take a `&dyn Clock` or a Timestamp, so that a test can choose the moment.",
        find: |files| {
            let is_below = |file: &Source| {
                !["src/app", "src/cli/", "crates/testkit/", "crates/audit-verify/src/main.rs"]
                    .iter()
                    .any(|part| file.path.starts_with(part))
            };
            paths(files, |file| is_production(file) && is_below(file), |path| path.ends_with(&["SystemTime", "now"]))
        },
        bad: &[
            ("crates/audit-log/src/a.rs", "fn a() { SystemTime::now() }"),
            ("src/server/a.rs", "fn a() { std::time::SystemTime::now() }"),
        ],
        good: &[
            ("src/app/clock.rs", "fn a() { SystemTime::now() }"),
            ("src/server/a.rs", "fn a(clock: &dyn Clock) { clock.now() }"),
        ],
    },
    Rule {
        name: "first-comment",
        text: "Every Rust file begins with `//!` that says what it is for: its first line tells a reader whether it is the right file.",
        find: |files| {
            let is_silent = |file: &&Source| {
                file.is_rust()
                    && !file.text.trim_start().starts_with("//! ")
                    && !file.text.trim_start().starts_with("#!/")
            };
            files.iter().filter(is_silent).map(|file| finding(file, 1, "no `//!`")).collect()
        },
        bad: &[("src/a.rs", "use std::fmt;\n// Late."), ("tests/a.rs", ""), ("benches/a.rs", "// Plain.")],
        good: &[("src/a.rs", "\n//! What it is for.\nuse std::fmt;"), ("fixtures/a.py", "")],
    },
    Rule {
        name: "module-name",
        text: "A module's name says what is in it: under a name that fits everything, everything collects. Name it by the noun that its types share.",
        find: |files| {
            let is_empty = |name: &str| EMPTY_NAMES.contains(&name.trim_start_matches("r#"));
            let mut findings = Vec::new();
            for file in files.iter().filter(|file| file.is_rust()) {
                if file.path.trim_end_matches(".rs").split('/').any(is_empty) {
                    findings.push(finding(file, 1, "file name"));
                }
                let name = |module: &super::source::Module| module.name.clone();
                findings.extend(of(file, &file.modules, |module| is_empty(&module.name), name));
            }
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
        name: "function-name",
        text: "A function is named by a verb and an object, an accessor by what it gives: `get_`, `process` and `handle` say nothing.",
        find: |files| {
            let says_nothing = |name: &str| name.starts_with("get_") || matches!(name, "process" | "handle");
            each(files, |file| of(file, &file.functions, |it| says_nothing(&it.name), |it| format!("fn {}", it.name)))
        },
        bad: &[
            ("src/a.rs", "fn get_name() {}"),
            ("tests/a.rs", "impl A { pub async fn handle(&self) {} }"),
            ("src/b.rs", "fn process() {}"),
        ],
        good: &[("src/a.rs", "fn name() {} fn process_identifier() {} fn a() { map.get_mut(b); } // fn get_x")],
    },
    Rule {
        name: "bool-argument",
        text: "No public function takes a bool: `open(file, true)` does not say what is true. Make it an enum of two variants, or two functions.",
        find: |files| {
            let public = |file: &Source| is_production(file);
            each(files, |file| {
                of(file, &file.functions, |it| public(file) && it.takes_bool, |it| format!("fn {}", it.name))
            })
        },
        bad: &[
            ("src/a.rs", "pub fn a(b: bool) {}"),
            ("src/b.rs", "impl A { pub const fn b<F: Fn(u8) -> bool>(&self, f: F, mut c: bool) {} }"),
        ],
        good: &[(
            "src/a.rs",
            "pub fn a(b: &[bool], c: impl Fn(bool) -> bool) -> bool {} fn d(e: bool) {} pub(super) fn f(g: bool) {}",
        )],
    },
    Rule {
        name: "catch-all",
        text: "A conversion of errors names every variant, and no variant is the rest of the world as text: with `_ =>` a new error becomes an internal one unnoticed, and `Other(String)` can be neither matched nor tested.",
        find: |files| {
            let is_there = |what: &&str| matches!(*what, "_ =>" | "Other(String)");
            each(files, |file| of(file, &file.marks, is_there, ToString::to_string))
        },
        bad: &[
            ("src/a.rs", "impl From<A<B>> for C { fn from(a: A<B>) -> Self { match a { _ => C } } }"),
            ("src/b.rs", "impl From<A> for C { fn from(a: A) -> Self { match a { _ if c => 1, D => 2 } } }"),
            ("src/c.rs", "enum A { B, Other(String) }"),
        ],
        good: &[(
            "src/a.rs",
            "impl From<A> for B { fn from(a: A) -> Self { B } } fn c() { match d { _ => 1 } } enum A { B, Other(u8) } // Other(String)",
        )],
    },
    Rule {
        name: "debug-output",
        text: "A person never reads Rust's debug output: `{:?}` prints the names of our types. Write a Display, or the value's code.",
        find: |files| {
            let is_debug = |text: &String| text.contains(":?}") || text.contains(":#?}");
            let reads_as_text =
                |file: &Source| is_production(file) && !WRITES_DEBUG_VALUES.contains(&file.path.as_str());
            let outside = files.iter().filter(|file| reads_as_text(file));
            outside.flat_map(|file| of(file, &file.strings, is_debug, String::clone)).collect()
        },
        bad: &[
            ("src/cli/a.rs", "fn a() { println!(\"{:#?}\", b) }"),
            ("crates/client/src/a.rs", "#[derive(thiserror::Error)] enum A { #[error(\"after {0:?}\")] B(C) }"),
            ("src/app/a.rs", "fn a() -> String { format!(\"{b:?}\") }"),
        ],
        good: &[
            ("src/cli/a.rs", "fn a() { println!(\"{b} {:>4}?\", c) } // {:?}"),
            ("src/cli/b.rs", "#[cfg(test)] mod tests { fn a() { panic!(\"{b:?}\") } }"),
            ("tests/a.rs", "fn a() { panic!(\"{b:?}\") }"),
            ("src/cli/log/format.rs", "fn a() { format_args!(\"{b:?}\") }"),
        ],
    },
    Rule {
        name: "edited-text",
        text: "A text that a person may have edited is read with the crate text-file: editors on Windows write a byte order mark and CR LF. Files that only this project writes are listed in tests/it/architecture/rules.rs (MACHINE_WRITTEN).",
        find: |files| {
            let is_edited = |file: &Source| is_production(file) && !MACHINE_WRITTEN.contains(&file.path.as_str());
            paths(files, is_edited, |path| matches!(path, [.., "fs", "read_to_string"]))
        },
        bad: &[
            ("src/config/a.rs", "fn a() { std::fs::read_to_string(b) }"),
            ("src/cli/a.rs", "use std::fs; fn a() { fs::read_to_string(b) }"),
        ],
        good: &[
            ("src/config/a.rs", "fn a() { text_file::read(b) }"),
            ("src/app/verification_report.rs", "fn a() { fs::read_to_string(b) }"),
            ("src/cli/a.rs", "#[cfg(test)] fn a() { fs::read_to_string(b) }"),
            ("tests/a.rs", "fn a() { fs::read_to_string(b) }"),
        ],
    },
    Rule {
        name: "promise",
        text: "No comment promises to do something later: do it, or say what holds now and why.",
        find: |files| {
            let mut findings = Vec::new();
            for file in files.iter().filter(|file| file.is_rust() && !is_list_of_words(file)) {
                for (at, line) in file.text.lines().enumerate() {
                    let comment = line.split_once("//").map_or("", |(_, comment)| comment);
                    let mut words = comment.split(|c: char| !c.is_alphanumeric());
                    if words.any(|word| ["TODO", "FIXME", "XXX", "HACK"].contains(&word)) {
                        findings.push(finding(file, at + 1, "a promise"));
                    }
                }
            }
            findings
        },
        bad: &[
            ("src/a.rs", "// TODO: later"),
            ("tests/a.rs", "fn a() {} /* */ // FIXME"),
            ("src/b.rs", "/// HACK\nfn a() {}"),
        ],
        good: &[("src/a.rs", "// Nothing is to do.\nconst TODO: &str = \"TODO\";")],
    },
    Rule {
        name: "test-waits",
        text: "No test sleeps and none is ignored: wait on the condition with a deadline, or pause tokio's time. A test that cannot run says so loudly (tests/it/support/python.rs).",
        find: |files| {
            let sleeps = |path: &[&str]| matches!(path, [.., "thread" | "time", "sleep" | "sleep_until" | "sleep_ms"]);
            let mut findings =
                each(files, |file| of(file, &file.marks, |what| *what == "#[ignore]", ToString::to_string));
            for file in files.iter().filter(|file| file.is_rust()) {
                let is_test = file.is_test || file.path.starts_with("tests/");
                findings.extend(
                    all_paths(file)
                        .filter(|path| (is_test || path.in_test) && sleeps(&path.what))
                        .map(|path| finding(file, path.line, "sleep")),
                );
            }
            findings
        },
        bad: &[
            ("tests/a.rs", "fn a() { std::thread::sleep(b) }"),
            ("tests/it/support/a.rs", "use tokio::time::{sleep, timeout};"),
            ("src/server/a.rs", "#[cfg(test)] mod tests { fn a() { thread::sleep(b) } }"),
            ("tests/a.rs", "#[test] #[ignore] fn a() {}"),
            ("src/soap/a.rs", "#[ignore = \"slow\"] fn a() {}"),
        ],
        good: &[
            ("src/server/a.rs", "fn a() { tokio::time::sleep(b) }"),
            ("tests/a.rs", "fn a() { tokio::time::timeout(b, c); ignore[0] } // thread::sleep #[ignore]"),
        ],
    },
    Rule {
        name: "panic-lints",
        text: "What a peer sends cannot make the program panic: the files that read it (FACING_PEERS in tests/it/architecture/rules.rs) deny clippy's lints about panics for everything below them.",
        find: |files| {
            let mut findings = Vec::new();
            for file in files.iter().filter(|file| FACING_PEERS.contains(&file.path.as_str())) {
                let is_denied = |lint: &&str| file.paths.iter().any(|path| path.what == ["clippy", lint]);
                findings.extend(
                    PANICS
                        .iter()
                        .filter(|lint| !is_denied(lint))
                        .map(|lint| finding(file, 1, format!("clippy::{lint}"))),
                );
            }
            if files.iter().any(|file| file.path == "src/lib.rs") {
                let gone = FACING_PEERS.iter().filter(|path| !files.iter().any(|file| file.path == **path));
                findings.extend(gone.map(|path| Finding {
                    place: (*path).to_owned(),
                    key: format!("{path} is gone"),
                    number: 1,
                }));
            }
            findings
        },
        bad: &[
            ("crates/soap/src/lib.rs", "//! Clippy.\n"),
            ("crates/datasets/src/feed/mod.rs", "#![deny(clippy::unwrap_used, clippy::panic)] // expect_used"),
            ("src/lib.rs", ""),
        ],
        good: &[
            (
                "crates/soap/src/lib.rs",
                "#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects))]",
            ),
            ("crates/soap/src/reader.rs", ""),
        ],
    },
    Rule {
        name: "lifted-lint",
        text: "No lint is lifted for a whole crate: an `allow` at the top outlives its reason. Put `#[expect(…, reason = \"…\")]` on the smallest item that needs it.",
        find: |files| {
            let is_root = |file: &Source| {
                is_production(file) && ["/lib.rs", "src/main.rs"].iter().any(|end| file.path.ends_with(end))
            };
            each(files, |file| of(file, &file.marks, |what| is_root(file) && *what == "#![allow]", ToString::to_string))
        },
        bad: &[
            ("src/lib.rs", "#![allow(dead_code, reason = \"soon\")]"),
            ("crates/soap/src/lib.rs", "#![allow(missing_docs)]"),
        ],
        good: &[
            ("src/lib.rs", "#![doc = \"allow\"]"),
            ("src/a.rs", "#[expect(dead_code, reason = \"why\")] fn a() {}"),
        ],
    },
    Rule {
        name: "origin",
        text: "No file tells where or how it was written: paths of a machine, numbers of a list of work and authors' tools mean nothing to a reader. No test reads the program's source, except these rules.",
        find: |files| {
            let mut findings = Vec::new();
            for file in files.iter().filter(|file| file.path != "Cargo.lock") {
                for (at, line) in file.text.lines().enumerate() {
                    let line = line.to_lowercase();
                    let origin = ORIGINS.iter().map(|(a, b)| format!("{a}{b}")).find(|origin| line.contains(origin));
                    let numbered = line.match_indices(concat!("iss", "ue ")).any(|(start, word)| {
                        let behind = line.split_at(start + word.len()).1.trim_start_matches('#');
                        behind.starts_with(|c: char| c.is_ascii_digit())
                    });
                    if let Some(found) = origin.or_else(|| numbered.then(|| "a number of a list of work".to_owned())) {
                        findings.push(finding(file, at + 1, found));
                    }
                }
                let is_test = file.path.starts_with("tests/") && !is_list_of_words(file);
                let reads = |text: &String| {
                    is_test && (text.starts_with("src/") || text.contains("/../src/") || text.starts_with("crates/"))
                };
                findings.extend(of(file, &file.strings, reads, |_| "reads the source".to_owned()));
            }
            findings
        },
        bad: &[
            ("README.md", concat!("See /wo", "rk/shared.")),
            ("src/soap/a.rs", concat!("// Asked for in iss", "ue 12.")),
            ("deploy/a", concat!("Closes Iss", "ue #3")),
            ("schemas/a.xsd", concat!("<!-- /ho", "me/me/a -->")),
            ("tests/a.rs", concat!("// Cla", "ude wrote this")),
            ("tests/a.rs", "const A: &str = include_str!(\"../src/../src/a.rs\");"),
            ("tests/b.rs", "fn a() { read(\"src/a.rs\") }"),
        ],
        good: &[
            ("README.md", "Issue the certificate; work/shared; a session of TLS; at issue: 3 things."),
            ("tests/a.rs", "fn a() { read(\"fixtures/src.csv\") } // \"src/\""),
        ],
    },
];

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

/// More lines than a file may have, in the file, in its tests, and in a function.
const LONG: &str = text(&with_lines(b"", b""));
const LONG_TESTS: &str = text(&with_lines(b"//! Short.\n#[cfg(test)]\nmod tests {fn a() {", b"}}"));
const LONG_FUNCTION: &str = text(&with_lines(b"fn a() {", b"}"));

const fn with_lines(head: &[u8], end: &[u8]) -> [u8; FILE_LINES + 64] {
    let mut bytes = [b'\n'; FILE_LINES + 64];
    let mut at = 0;
    while at < head.len() {
        bytes[at] = head[at];
        at += 1;
    }
    at = 0;
    while at < end.len() {
        bytes[FILE_LINES + 64 - end.len() + at] = end[at];
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

/// Whether a file is part of the library or program of a crate, in any build.
fn is_production(file: &Source) -> bool {
    let in_crate = file.path.starts_with("crates/") && file.path.contains("/src/");
    file.is_rust() && !file.is_test && (in_crate || file.path.starts_with("src/"))
}

/// The rules themselves and their exceptions, which quote what they forbid.
fn is_list_of_words(file: &Source) -> bool {
    file.path.starts_with("tests/it/architecture/")
}

/// A name in lower case with `_` between its words.
fn in_words(name: &str) -> String {
    let mut words = String::new();
    for c in name.trim_start_matches("r#").chars() {
        if c.is_uppercase() {
            words.push('_');
        }
        words.extend(c.to_lowercase());
    }
    words
}

fn counted(counts: BTreeMap<&str, (usize, &str)>) -> Vec<Finding> {
    let found = |(word, (number, path)): (&str, (usize, &str))| Finding {
        place: path.to_owned(),
        key: word.to_owned(),
        number,
    };
    counts.into_iter().map(found).collect()
}

fn each(files: &[Source], find: impl Fn(&Source) -> Vec<Finding>) -> Vec<Finding> {
    files.iter().flat_map(find).collect()
}

/// What of these breaks a rule outside tests, or in a file of tests.
fn of<T>(file: &Source, found: &[Found<T>], breaks: impl Fn(&T) -> bool, name: impl Fn(&T) -> String) -> Vec<Finding> {
    let is_test = file.path.starts_with("tests/");
    let broken = found
        .iter()
        .filter(|found| (is_test || !found.in_test || name(&found.what) == "#[ignore]") && breaks(&found.what));
    broken.map(|found| finding(file, found.line, name(&found.what))).collect()
}

/// Every path of a file, of its imports and of its code.
fn all_paths(file: &Source) -> impl Iterator<Item = Found<Vec<&str>>> {
    let imports = file.uses.iter().map(|it| Found { what: &it.path, line: it.line, in_test: it.in_test });
    let code = file.paths.iter().map(|it| Found { what: &it.what, line: it.line, in_test: it.in_test });
    imports.chain(code).map(|Found { what, line, in_test }| {
        let what = what.iter().map(String::as_str).collect();
        Found { what, line, in_test }
    })
}

/// The paths that break a rule, in the files that `of` chooses, outside tests.
fn paths(files: &[Source], of: impl Fn(&Source) -> bool, breaks: impl Fn(&[&str]) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| of(file) && !file.is_test) {
        let broken = all_paths(file).filter(|path| !path.in_test && breaks(&path.what));
        findings.extend(broken.map(|path| finding(file, path.line, path.what.join("::"))));
    }
    findings
}

/// The paths of the gateway that break a rule; `breaks` gets the module at the top in which they
/// are.
fn imports(files: &[Source], breaks: impl Fn(&str, &[&str]) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        let Some(inside) = file.path.strip_prefix("src/") else { continue };
        let module = inside.split_once('/').map_or(inside.trim_end_matches(".rs"), |(module, _)| module);
        findings.extend(paths(std::slice::from_ref(file), |_| true, |path| breaks(module, path)));
    }
    findings
}
