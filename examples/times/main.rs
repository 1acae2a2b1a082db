//! Measures what callers wait for, and prints it: look-ups in the store, or whole questions over mutual TLS.
//!
//! `times look-ups|questions SECONDS DATA SSINS [DATA SSINS]…`: each DATA is a folder of datasets, each SSINS the dimona
//! snapshot from whose rows its persons are taken. Several folders are asked by turns, in one process: what disturbs one of
//! them disturbs the others, and their ratio stands.
#![allow(clippy::print_stdout, reason = "its output is what it is for")]

mod look_ups;
mod persons;
mod questions;

use std::error::Error;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ehealth_core::model::Ssin;

/// A data folder, and whom to ask about.
struct Place {
    data: PathBuf,
    persons: Vec<Ssin>,
}

impl Place {
    fn person(&self, turn: usize) -> Ssin {
        self.persons[turn % self.persons.len()]
    }
}

/// How long things took in one place.
#[derive(Clone, Default)]
struct Times {
    times: Vec<Duration>,
    found: usize,
}

impl Times {
    /// Counts a time. The first tenth of all turns only fills the caches.
    fn add(&mut self, since: Instant, duration: Duration, time: Duration) {
        if since.elapsed() > duration / 10 {
            self.times.push(time);
        }
    }

    fn at(&self, thousandth: usize) -> u128 {
        self.times.get(self.times.len().saturating_sub(1) * thousandth / 1_000).map_or(0, Duration::as_nanos)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, seconds, places @ ..] = arguments.as_slice() else {
        return Err("times look-ups|questions SECONDS DATA SSINS [DATA SSINS]…".into());
    };
    let duration = Duration::from_secs(seconds.parse()?);
    let places = places.chunks_exact(2).map(|place| {
        let persons = persons::read_persons(place[1].as_ref())?;
        Ok(Place { data: PathBuf::from(&place[0]), persons })
    });
    let places = places.collect::<Result<Vec<Place>, Box<dyn Error>>>()?;
    let all = match what.as_str() {
        "look-ups" => look_ups::look_up(&places, duration)?,
        "questions" => tokio::runtime::Runtime::new()?.block_on(questions::ask(&places, duration))?,
        _ => return Err(format!("{what} is not measured").into()),
    };
    for (place, mut times) in places.iter().zip(all) {
        times.times.sort_unstable();
        println!(
            "{what}={} data={} found={} p50_ns={} p99_ns={} p999_ns={}",
            times.times.len(),
            place.data.display(),
            times.found,
            times.at(500),
            times.at(990),
            times.at(999)
        );
    }
    Ok(())
}
