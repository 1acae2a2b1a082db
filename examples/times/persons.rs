//! Whom to ask about: persons of a dimona snapshot, spread so that no cache helps.

use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::Path;

use ehealth_core::model::Ssin;

/// Persons that are asked about in turn.
const PERSONS: u64 = 20_000;

/// Persons of rows that lie evenly over the file.
pub fn read_persons(snapshot: &Path) -> Result<Vec<Ssin>, Box<dyn Error>> {
    let mut rows = BufReader::new(File::open(snapshot)?);
    let length = rows.get_ref().metadata()?.len();
    let mut persons = Vec::new();
    for place in 0..PERSONS {
        rows.seek(SeekFrom::Start(length / PERSONS * place))?;
        let mut row = String::new();
        // The first one is cut, or the header.
        rows.read_line(&mut row)?;
        row.clear();
        rows.read_line(&mut row)?;
        if let Some(Ok(person)) = row.split(',').nth(1).map(Ssin::parse) {
            persons.push(person);
        }
    }
    // Neighbours in the file shall not be neighbours in time.
    let stride = 7_919;
    Ok((0..persons.len()).filter_map(|place| persons.get(place * stride % persons.len()).copied()).collect())
}
