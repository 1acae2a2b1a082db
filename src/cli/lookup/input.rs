//! The SSINs of a batch.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::Path;

use super::error::LookupError;
use ehealth_core::model::Ssin;

/// Reads one SSIN per line, in order. Blank lines, lines that begin with `#`, and repeated SSINs
/// are skipped.
///
/// # Errors
/// If the file cannot be read, or lines contain no SSIN: each is reported by its line number alone.
pub(super) fn read_ssins(input: &Path) -> Result<Vec<Ssin>, LookupError> {
    let failed = |reason| LookupError::File { file: input.display().to_string(), reason };
    let mut text = String::new();
    if input == Path::new("-") {
        io::stdin().read_to_string(&mut text).map_err(failed)?;
    } else {
        text = std::fs::read_to_string(input).map_err(failed)?;
    }
    let (mut ssins, mut seen, mut errors) = (Vec::new(), BTreeSet::new(), Vec::new());
    for (line, number) in text.lines().zip(1_usize..) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match Ssin::parse(line) {
            Ok(ssin) if seen.insert(ssin) => ssins.push(ssin),
            Ok(_) => {}
            Err(error) => errors.push(format!("line {number}: {error}")),
        }
    }
    if errors.is_empty() {
        return Ok(ssins);
    }
    let reason = format!("{}\nno request was sent", errors.join("\n"));
    Err(LookupError::Argument { argument: "--in", reason })
}
