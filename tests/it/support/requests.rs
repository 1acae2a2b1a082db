//! Reads the requests of `fixtures/requests`, as `fixtures/requests/README.md` describes.

#![allow(dead_code, reason = "each test binary compiles this file and uses a part of it")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use ehealth_core::lookup::Operation;

/// A request and its expected outcome.
pub struct Fixture {
    pub path: PathBuf,
    pub body: Vec<u8>,
    pub operation: Operation,
    pub content_type: String,
    pub soap_actions: Vec<String>,
    pub expected: BTreeMap<String, String>,
}

/// Every request of a folder, `accepted` or `refused`.
pub fn fixtures(folder: &str) -> Vec<Fixture> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/requests").join(folder);
    let mut paths: Vec<_> =
        fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    // The answers beside them belong to `tests/it/fixtures.rs`.
    paths.retain(|path| !path.to_string_lossy().contains(".answer."));
    paths.sort();
    let (bodies, expectations): (Vec<_>, Vec<_>) =
        paths.into_iter().partition(|path| path.extension().is_some_and(|extension| extension == "xml"));
    assert!(!bodies.is_empty() && bodies.len() == expectations.len(), "{}: not in pairs", folder.display());
    bodies.into_iter().map(read_fixture).collect()
}

fn read_fixture(path: PathBuf) -> Fixture {
    let body = fs::read(&path).expect("a body");
    let text =
        fs::read_to_string(path.with_extension("expect")).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut fixture = Fixture {
        path,
        body,
        operation: Operation::ConsultAttributes,
        content_type: "text/xml; charset=utf-8".to_owned(),
        soap_actions: Vec::new(),
        expected: BTreeMap::new(),
    };
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (key, value) = line.split_once(':').unwrap_or_else(|| panic!("{}: {line}", fixture.path.display()));
        let value = value.trim().to_owned();
        match key {
            "operation" => {
                let is_named = |operation: &Operation| operation.code() == value;
                fixture.operation = Operation::ALL.into_iter().find(is_named).expect("an operation");
            }
            "content-type" => fixture.content_type = value,
            "soapaction" => fixture.soap_actions.push(value),
            "expect" | "asked" | "at" | "customer" | "relates-to" | "log" => {
                fixture.expected.insert(key.to_owned(), value);
            }
            _ => panic!("{}: {key} is not a key", fixture.path.display()),
        }
    }
    fixture
}
