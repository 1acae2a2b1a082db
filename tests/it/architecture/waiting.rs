//! Two rules for the modules that peers reach: no thread that answers waits for a disk or for the
//! reader of the log, and no peer floods the log.

use super::source::Source;
use super::{Finding, Rule, finding};

/// Modules whose async code answers peers and operators.
const ANSWERING: [&str; 3] = ["src/admin/", "src/app/", "src/server/"];

/// Files of these modules that may wait for a disk. None of them has async code; each says when it
/// runs.
const MAY_WAIT: [(&str, &str); 21] = [
    ("src/app/audit_space.rs", "the thread that watches the free space"),
    ("src/app/backup.rs", "a command of its own"),
    ("src/app/bounded_run.rs", "commands of their own"),
    ("src/app/rehearsal.rs", "a command of its own"),
    ("src/app/confinement.rs", "before the first thread"),
    ("src/app/platform/linux.rs", "before the first thread, and the observing thread"),
    ("src/app/platform/other.rs", "before the first thread"),
    ("src/app/data_file.rs", "at the start: the two files of the data folder"),
    ("src/app/doctor/machine.rs", "a command of its own"),
    ("src/app/doctor/mod.rs", "a command of its own"),
    ("src/app/follow_files.rs", "the following thread"),
    ("src/app/history_file.rs", "at the start, and the thread that writes the file"),
    ("src/app/load.rs", "at the start and in the following thread"),
    ("src/app/observation.rs", "the observing thread"),
    ("src/app/quota_file.rs", "at the start, and the thread that writes the file"),
    ("src/app/reload.rs", "the following thread"),
    ("src/app/reload_status.rs", "the following thread, and a command of its own"),
    ("src/app/stores.rs", "before the service answers, and a command of its own"),
    ("src/app/support/gather.rs", "a command of its own"),
    ("src/app/verification_report.rs", "the observing thread, and a command of its own"),
    ("src/server/tls/config.rs", "called by load.rs"),
];

/// Functions that wait for a disk, a reader or a process, by name, and the files outside of
/// [`MAY_WAIT`] that call them before the service answers.
const WAITS: [(&str, &[&str]); 16] = [
    ("fingerprint", &[]),
    ("free_bytes", &[]),
    ("load_active_config", &["src/app/check.rs"]),
    ("load_for_operators", &[]),
    ("observe_until_end", &["src/app/observer.rs"]),
    ("follow_until_end", &["src/app/follow.rs"]),
    ("probe_writing", &[]),
    ("read_certificates", &[]),
    ("read_policy", &["src/app/check.rs"]),
    ("read_private_key", &["src/app/check.rs"]),
    ("refresh", &[]),
    ("reload_and_log", &[]),
    ("statvfs", &[]),
    ("sync_all", &[]),
    ("sync_data", &[]),
    ("with_view", &["src/server/readers.rs"]),
];

/// Lines of the log in the modules that peers reach, outside of `peer_event!`: file, number, and
/// why a peer cannot cause a flood of them.
const UNLIMITED: [(&str, usize, &str); 4] = [
    ("src/server/http/listener.rs", 1, "at the start only"),
    ("src/server/http/respond/soap_answer.rs", 1, "exchanges of registered consumers; others pass through PeerLog"),
    ("src/server/limits/audit_space.rs", 2, "one look at the disk a second, and only when the reserve begins or ends"),
    ("src/server/service.rs", 1, "once in the life of the process"),
];

/// The rules.
pub const RULES: [Rule; 2] = [
    Rule {
        name: "blocking",
        text: "No async code waits for a disk or for the reader of the log: one full pipe or one hung disk would stop all answers. Read files on a thread of their own (MAY_WAIT in tests/it/architecture/waiting.rs), and log with tracing. The audit log's record is the one exception, and has its own threads.",
        find: blocking,
        bad: &[
            ("src/server/a.rs", "use std::fs;"),
            ("src/admin/a.rs", "async fn a() { std::io::stderr().write_all(b) }"),
            ("src/app/a.rs", "fn a(file: std::fs::File) { file.sync_all() }"),
            ("src/app/b.rs", "async fn a() { reloader.reload_and_log() }"),
            ("src/app/c.rs", "use rustix::fs::statvfs;"),
            ("src/app/load.rs", "async fn a() {}"),
            ("src/lib.rs", ""),
        ],
        good: &[
            ("src/app/backup.rs", "use std::fs; fn a() { fs::read(b) }"),
            ("src/app/check.rs", "fn a() { load_active_config(b) }"),
            ("src/cli/a.rs", "use std::fs;"),
            ("src/server/a.rs", "#[cfg(test)] mod tests { use std::fs; } use std::io;"),
        ],
    },
    Rule {
        name: "peer-event",
        text: "A log line that a peer can cause passes through peer_event! (src/peer_log.rs): a sample and a sum a minute. What reaches the port writes gigabytes otherwise. A line that no peer can repeat is listed in UNLIMITED of tests/it/architecture/waiting.rs.",
        find: peer_event,
        bad: &[
            ("src/server/a.rs", "fn a() { tracing::info!(b, \"c\") }"),
            ("src/admin/a.rs", "fn a() { tokio::select! { b = c => tracing::warn!(\"d\") } }"),
            ("src/server/b.rs", "use tracing::error; fn a() { error!(\"b\") }"),
            ("src/server/service.rs", "fn a() { tracing::error!(\"b\"); tracing::error!(\"c\") }"),
            ("src/server/c.rs", "fn a() { tracing::event!(tracing::Level::INFO, \"b\") }"),
        ],
        good: &[
            ("src/server/a.rs", "fn a() { peer_event!(log, INFO, \"b\", \"c\", d; e = tracing::field::display(f)) }"),
            ("src/server/service.rs", "fn a() { tracing::error!(\"b\") }"),
            ("src/admin/a.rs", "fn a() { tracing::debug!(\"b\") } #[cfg(test)] fn b() { tracing::info!(\"c\") }"),
            ("src/app/a.rs", "fn a() { tracing::info!(\"b\") }"),
        ],
    },
];

/// Files of these modules, outside of tests.
fn in_modules<'a>(files: &'a [Source], modules: &'a [&str]) -> impl Iterator<Item = &'a Source> {
    files.iter().filter(|file| !file.is_test && modules.iter().any(|module| file.path.starts_with(module)))
}

fn may_wait(file: &Source) -> bool {
    MAY_WAIT.iter().any(|(path, _)| *path == file.path)
}

/// Every path of a file outside of tests, with its line.
fn paths(file: &Source) -> impl Iterator<Item = (Vec<&str>, usize)> {
    let imports = file.uses.iter().filter(|it| !it.in_test).map(|it| (&it.path, it.line));
    let code = file.paths.iter().filter(|it| !it.in_test).map(|it| (&it.what, it.line));
    imports.chain(code).map(|(path, line)| (path.iter().map(String::as_str).collect(), line))
}

fn blocking(files: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in in_modules(files, &ANSWERING) {
        if may_wait(file) {
            let has_async = file.names.contains_key("async");
            findings.extend(has_async.then(|| finding(file, 1, "async code in a file that may wait")));
            continue;
        }
        for (path, line) in paths(file) {
            let waits = matches!(
                path.as_slice(),
                ["std" | "rustix", "fs", ..]
                    | ["std", "io", "stderr" | "stdout" | "stdin"]
                    | ["io", "stderr" | "stdout" | "stdin"]
                    | ["std", "process", "Command"]
                    | ["std", "thread", "sleep"]
                    | ["durable_file", ..]
            );
            findings.extend(waits.then(|| finding(file, line, path.join("::"))));
        }
        for call in file.calls.iter().filter(|call| !call.in_test) {
            let waits = |(name, files): &(&str, &[&str])| *name == call.what && !files.contains(&file.path.as_str());
            findings.extend(WAITS.iter().any(waits).then(|| finding(file, call.line, format!("{}()", call.what))));
        }
    }
    if files.iter().any(|file| file.path == "src/lib.rs") {
        let gone = MAY_WAIT.iter().filter(|(path, _)| !files.iter().any(|file| file.path == *path));
        findings.extend(gone.map(|(path, _)| Finding {
            place: (*path).to_owned(),
            key: format!("{path} is gone"),
            number: 1,
        }));
    }
    findings
}

fn peer_event(files: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in in_modules(files, &["src/admin/", "src/server/"]) {
        let allowed = UNLIMITED.iter().find(|(path, ..)| *path == file.path).map_or(0, |(_, number, _)| *number);
        let logs = |path: &[&str]| matches!(path, ["tracing", "info" | "warn" | "error" | "event", ..]);
        let lines = paths(file).filter(|(path, _)| logs(path));
        findings.extend(lines.skip(allowed).map(|(path, line)| finding(file, line, path.join("::"))));
    }
    findings
}
