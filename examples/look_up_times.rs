//! Measures look-ups of employment periods on a data folder, one question at a time, and prints their times.
//!
//! `look_up_times DATA SSINS SECONDS`: DATA is the folder of the datasets, SSINS a dimona snapshot from whose rows the
//! persons are taken, in strides that defeat caches. Questions come a millisecond apart, as from a service with a thousand
//! a second: what is measured is the look-up, not the queue before it.
#![allow(clippy::print_stdout, reason = "its output is what it is for")]

use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use ehealth_attributes::lookup::Directory;
use ehealth_attributes::model::Ssin;
use ehealth_attributes::store::Watch;

/// Persons that are asked about in turn.
const PERSONS: u64 = 20_000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [data, ssins, seconds] = arguments.as_slice() else {
        return Err("look_up_times DATA SSINS SECONDS".into());
    };
    let persons = read_persons(Path::new(ssins))?;
    let watch = Watch::open(Path::new(data));
    let mut reader = watch.reader();
    let end = Instant::now() + Duration::from_secs(seconds.parse()?);
    let (mut times, mut periods, mut found) = (Vec::new(), Vec::new(), 0_usize);
    for (count, person) in persons.iter().cycle().enumerate() {
        let begun = Instant::now();
        if begun > end {
            break;
        }
        periods.clear();
        reader.view().employment_periods(*person, &mut periods)?;
        // The first round fills the caches.
        if count >= persons.len() / 10 {
            times.push(begun.elapsed());
        }
        found += periods.len();
        if count % 256 == 0 {
            watch.poll();
        }
        thread::sleep(Duration::from_millis(1));
    }
    times.sort_unstable();
    let at = |share: usize| times.get(times.len().saturating_sub(1) * share / 1_000).map_or(0, Duration::as_nanos);
    println!("look-ups={} periods={found} p50_ns={} p99_ns={} p999_ns={}", times.len(), at(500), at(990), at(999));
    Ok(())
}

/// Persons of rows that lie evenly over the file.
fn read_persons(file: &Path) -> Result<Vec<Ssin>, Box<dyn Error>> {
    let mut rows = BufReader::new(File::open(file)?);
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
