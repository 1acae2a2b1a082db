//! What each `Cargo.toml` of the workspace may name.

use self::Users::{All, AllButCore, Only};
use super::source::Source;
use super::{Finding, finding};

/// Crates of the workspace and the crates on which they may depend: dependencies point down.
const CRATES: [(&str, &[&str]); 16] = [
    ("ehealth-core", &[]),
    ("soap", &["ehealth-core"]),
    // Signed notes; durable replacement of files.
    ("c2sp-note", &[]),
    ("durable-file", &[]),
    ("audit-log", &["ehealth-core", "c2sp-note", "durable-file"]),
    // Independent of the code that wrote the log.
    ("audit-verify", &["ehealth-core", "text-file"]),
    // Text files that people edit.
    ("text-file", &[]),
    // Certificates and keys in files, TLS client configuration.
    ("tls-files", &["text-file"]),
    ("datasets", &["ehealth-core", "c2sp-note", "durable-file", "tls-files"]),
    // Certificates from an ACME server.
    ("acme", &["durable-file", "tls-files"]),
    ("certificates", &["ehealth-core"]),
    ("cluster", &["ehealth-core", "audit-log", "tls-files"]),
    ("client", &["ehealth-core", "soap", "tls-files"]),
    // The letter to a person.
    ("letter", &["ehealth-core", "audit-log"]),
    ("testkit", &["ehealth-core", "datasets", "durable-file"]),
    (
        "ehealth-attributes",
        &[
            "ehealth-core",
            "acme",
            "soap",
            "audit-log",
            "audit-verify",
            "datasets",
            "certificates",
            "cluster",
            "client",
            "durable-file",
            "letter",
            "testkit",
            "text-file",
            "tls-files",
        ],
    ),
];

/// Crates that may use a library.
#[derive(Clone, Copy)]
enum Users {
    All,
    AllButCore,
    Only(&'static [&'static str]),
}

impl Users {
    fn include(self, name: &str) -> bool {
        match self {
            All => true,
            AllButCore => name != "ehealth-core",
            Only(crates) => crates.contains(&name),
        }
    }
}

/// Libraries and the crates that may use them outside tests.
const LIBRARIES: [(&str, Users); 54] = [
    ("thiserror", All),
    // One library each: the crate that has it is what has to change with it.
    ("quick-xml", Only(&["datasets"])),
    ("csv", Only(&[GATEWAY, "datasets", "testkit"])),
    ("flate2", Only(&[GATEWAY, "datasets", "testkit"])),
    ("tar", Only(&[GATEWAY])),
    ("zstd", Only(&["datasets", "testkit"])),
    ("rusqlite", Only(&["datasets", "audit-log"])),
    ("tokio-postgres", Only(&["cluster"])),
    ("tokio-postgres-rustls", Only(&["cluster"])),
    ("x509-parser", Only(&["certificates"])),
    ("webpki", Only(&["certificates", "client", GATEWAY])),
    ("rcgen", Only(&["acme", "testkit"])),
    ("instant-acme", Only(&["acme"])),
    ("memchr", Only(&["soap", GATEWAY])),
    // The network.
    ("bytes", Only(NETWORK)),
    ("http-body-util", Only(NETWORK)),
    ("hyper", Only(NETWORK)),
    ("hyper-util", Only(NETWORK)),
    ("ipnet", Only(&[GATEWAY])),
    ("proxy-header", Only(&[GATEWAY])),
    ("rustls", Only(&["acme", "datasets", "cluster", "client", "testkit", "tls-files", GATEWAY])),
    ("tokio", Only(NETWORK)),
    ("tokio-rustls", Only(NETWORK)),
    // Cryptography and what every crate above core may use.
    ("aws-lc-rs", AllButCore),
    ("base64", AllButCore),
    ("jiff", AllButCore),
    ("parking_lot", AllButCore),
    ("tracing", AllButCore),
    ("uuid", AllButCore),
    ("zeroize", AllButCore),
    // Keys in locked memory.
    ("memmap2", Only(&["audit-log"])),
    ("rustix", Only(&["audit-log", "datasets", "durable-file", GATEWAY])),
    // Ciphers of older PKCS #12 files.
    ("cbc", Only(&["tls-files"])),
    ("des", Only(&["tls-files"])),
    ("rc2", Only(&["tls-files"])),
    // Letters.
    ("krilla", Only(&["letter"])),
    ("minijinja", Only(&["letter"])),
    ("pulldown-cmark", Only(&["letter", GATEWAY])),
    ("rustybuzz", Only(&["letter"])),
    ("unicode-linebreak", Only(&["letter"])),
    // The gateway alone.
    ("clap_complete", Only(&[GATEWAY])),
    ("clap_mangen", Only(&[GATEWAY])),
    ("landlock", Only(&[GATEWAY])),
    ("listenfd", Only(&[GATEWAY])),
    ("maud", Only(&[GATEWAY])),
    ("prometheus-client", Only(&[GATEWAY])),
    ("sd-notify", Only(&[GATEWAY])),
    ("tracing-subscriber", Only(&[GATEWAY, "testkit"])),
    ("toml", Only(&[GATEWAY, "testkit"])),
    ("serde_json", Only(&["acme", GATEWAY, "testkit", "audit-verify"])),
    ("clap", Only(&[GATEWAY, "testkit", "audit-verify"])),
    ("indicatif", Only(&[GATEWAY, "testkit"])),
    ("tempfile", Only(&["testkit"])),
    ("serde", Only(&["client", "testkit", GATEWAY])),
];

const GATEWAY: &str = "ehealth-attributes";
const NETWORK: &[&str] = &["acme", "datasets", "cluster", "client", "testkit", GATEWAY];

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
                let may_use = LIBRARIES.iter().find(|(name, _)| name == library).map(|(_, users)| *users);
                match may_use {
                    _ if is_crate && crates.contains(&library.as_str()) => {}
                    Some(users) if users.include(name) => {}
                    _ => findings.push(finding(source, line, format!("{name} depends on {library}"))),
                }
            }
        }
    }
    findings
}
