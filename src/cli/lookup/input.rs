//! The SSINs of a batch.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::Path;

use text_file::TextError;

use super::error::LookupError;
use ehealth_core::model::Ssin;

/// Reads one SSIN per line, in order. Blank lines, lines that begin with `#`, and repeated SSINs
/// are skipped.
///
/// # Errors
/// If the file cannot be read, or lines contain no SSIN: each is reported by its line number alone.
pub(super) fn read_ssins(input: &Path) -> Result<Vec<Ssin>, LookupError> {
    let text = if input == Path::new("-") { read_standard_input() } else { text_file::read(input) };
    let text = text.map_err(|reason| LookupError::Text { file: input.display().to_string(), reason })?;
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
    Err(LookupError::Input(format!("{}\nno request was sent", errors.join("\n"))))
}

fn read_standard_input() -> Result<String, TextError> {
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes)?;
    text_file::decode(&bytes)
}
