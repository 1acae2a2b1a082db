//! JSON outputs against the schemas of docs/reference/json, by an independent validator.

use std::fs;

use super::python::Python;

/// Validates outputs, each with the name of its schema. A text of several lines that are objects is a
/// list of values if the name ends in `.jsonl`.
///
/// Returns the validator's count of values for each schema; without Python nothing is validated, and
/// the terminal says so.
///
/// # Panics
/// If an output does not have the form of its schema.
pub fn validate(outputs: &[(&str, &str)]) -> Option<String> {
    let python = Python::find()?;
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (number, (name, text)) in outputs.iter().enumerate() {
        let (name, ending) = name.strip_suffix(".jsonl").map_or((*name, "json"), |name| (name, "jsonl"));
        fs::write(folder.path().join(format!("{name}~{number}.{ending}")), text).expect("written");
    }
    match python.run("check_schemas.py", [folder.path()]) {
        Ok(counts) => Some(counts),
        Err(errors) => panic!("{errors}"),
    }
}
