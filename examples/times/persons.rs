//! Persons of a dimona snapshot, spread so that caches do not help.

use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::Path;

use ehealth_core::model::Ssin;

/// Number of persons.
const PERSONS: u64 = 20_000;

/// Reads persons from rows that are spread evenly over the file.
pub fn read_persons(snapshot: &Path) -> Result<Vec<Ssin>, Box<dyn Error>> {
    let mut rows = BufReader::new(File::open(snapshot)?);
    let length = rows.get_ref().metadata()?.len();
    let mut persons = Vec::new();
    for part in 0..PERSONS {
        rows.seek(SeekFrom::Start(length / PERSONS * part))?;
        let mut row = String::new();
        // The first line is incomplete, or the header.
        rows.read_line(&mut row)?;
        row.clear();
        rows.read_line(&mut row)?;
        if let Some(Ok(person)) = row.split(',').nth(1).map(Ssin::parse) {
            persons.push(person);
        }
    }
    // Persons that are adjacent in the file must not be adjacent in time.
    let stride = 7_919;
    Ok((0..persons.len()).filter_map(|index| persons.get(index * stride % persons.len()).copied()).collect())
}
