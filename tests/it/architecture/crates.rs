//! What each `Cargo.toml` of the workspace may name.

use super::source::Source;
use super::{Finding, finding};

/// Crates of the workspace and the crates on which they may depend: dependencies point down.
const CRATES: [(&str, &[&str]); 14] = [
    ("ehealth-core", &[]),
    ("soap", &["ehealth-core"]),
    // Signed notes; durable replacement of files.
    ("c2sp-note", &[]),
    ("durable-file", &[]),
    ("audit-log", &["ehealth-core", "c2sp-note"]),
    // Independent of the code that wrote the log.
    ("audit-verify", &["ehealth-core", "text-file"]),
    // Text files that people edit.
    ("text-file", &[]),
    // Certificates and keys in files, TLS client configuration.
    ("tls-files", &["text-file"]),
    ("datasets", &["ehealth-core", "c2sp-note", "durable-file", "tls-files"]),
    ("certificates", &["ehealth-core"]),
    ("cluster", &["ehealth-core", "audit-log"]),
    ("client", &["ehealth-core", "soap", "tls-files"]),
    ("testkit", &["ehealth-core", "datasets", "durable-file"]),
    (
        "ehealth-attributes",
        &[
            "ehealth-core",
            "soap",
            "audit-log",
            "audit-verify",
            "datasets",
            "certificates",
            "cluster",
            "client",
            "durable-file",
            "testkit",
            "text-file",
            "tls-files",
        ],
    ),
];

/// Libraries and the crates that may use them outside tests.
const LIBRARIES: [(&str, &[&str]); 38] = [
    ("thiserror", EVERYWHERE),
    // One library each: the crate that has it is what has to change with it.
    ("quick-xml", &["datasets"]),
    ("csv", &["datasets", "testkit"]),
    ("flate2", &["datasets", "testkit"]),
    ("zstd", &["datasets", "testkit"]),
    ("rusqlite", &["datasets", "audit-log"]),
    ("tokio-postgres", &["cluster"]),
    ("x509-parser", &["certificates", GATEWAY]),
    ("webpki", &["certificates", GATEWAY]),
    ("rcgen", &["testkit"]),
    ("memchr", &["soap", GATEWAY]),
    // The network.
    ("bytes", NETWORK),
    ("http-body-util", NETWORK),
    ("hyper", NETWORK),
    ("hyper-util", NETWORK),
    ("rustls", &["datasets", "cluster", "client", "testkit", "tls-files", GATEWAY]),
    ("tokio", NETWORK),
    ("tokio-rustls", NETWORK),
    // Cryptography and what every crate above core may use.
    ("aws-lc-rs", ABOVE_CORE),
    ("base64", ABOVE_CORE),
    ("jiff", ABOVE_CORE),
    ("parking_lot", ABOVE_CORE),
    ("tracing", ABOVE_CORE),
    ("uuid", ABOVE_CORE),
    ("zeroize", ABOVE_CORE),
    ("rustix", &["audit-log", "durable-file", GATEWAY]),
    // The gateway alone.
    ("landlock", &[GATEWAY]),
    ("listenfd", &[GATEWAY]),
    ("maud", &[GATEWAY]),
    ("prometheus-client", &[GATEWAY]),
    ("sd-notify", &[GATEWAY]),
    ("tracing-subscriber", &[GATEWAY, "testkit"]),
    ("toml", &[GATEWAY, "testkit"]),
    ("serde_json", &[GATEWAY, "testkit", "audit-verify"]),
    ("clap", &[GATEWAY, "testkit", "audit-verify"]),
    ("indicatif", &[GATEWAY, "testkit"]),
    ("tempfile", &["testkit"]),
    ("serde", &["client", "testkit", GATEWAY]),
];

const GATEWAY: &str = "ehealth-attributes";
const EVERYWHERE: &[&str] = &[
    "ehealth-core",
    "soap",
    "audit-log",
    "audit-verify",
    "datasets",
    "certificates",
    "cluster",
    "client",
    "durable-file",
    "testkit",
    "text-file",
    "tls-files",
    GATEWAY,
];
const ABOVE_CORE: &[&str] = &[
    "soap",
    "audit-log",
    "audit-verify",
    "c2sp-note",
    "datasets",
    "certificates",
    "cluster",
    "client",
    "testkit",
    GATEWAY,
];
const NETWORK: &[&str] = &["datasets", "cluster", "client", "testkit", GATEWAY];

/// Dependencies that point up, and libraries outside their crates.
pub fn dependencies(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| {
        source.path == "Cargo.toml" || (source.path.starts_with("crates/") && source.path.ends_with("/Cargo.toml"))
    }) {
        let Ok(table) = source.text.parse::<toml::Table>() else {
            findings.push(finding(source, 1, "is no TOML"));
            continue;
        };
        let name = table.get("package").and_then(|package| package.get("name")).and_then(toml::Value::as_str);
        let Some(name) = name else { continue };
        let Some((_, crates)) = CRATES.iter().find(|(of_crate, _)| *of_crate == name) else {
            findings.push(finding(source, 1, format!("the crate {name} has no row in the table")));
            continue;
        };
        for section in ["dependencies", "build-dependencies"] {
            let named = table.get(section).and_then(toml::Value::as_table);
            for library in named.into_iter().flat_map(toml::Table::keys) {
                let line = source.text.lines().position(|line| line.starts_with(library.as_str())).unwrap_or(0) + 1;
                let is_crate = CRATES.iter().any(|(of_crate, _)| of_crate == library);
                let may_use = LIBRARIES.iter().find(|(name, _)| name == library).map(|(_, crates)| *crates);
                match may_use {
                    _ if is_crate && crates.contains(&library.as_str()) => {}
                    Some(crates) if crates.contains(&name) => {}
                    _ => findings.push(finding(source, line, format!("{name} depends on {library}"))),
                }
            }
        }
    }
    findings
}
