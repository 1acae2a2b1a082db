//! Measures the latency of lookups in the store, or of requests over mutual TLS.
//!
//! `times lookups|requests SECONDS DATA SSINS [DATA SSINS]…`: each DATA is a folder of datasets,
//! each SSINS the dimona snapshot that its persons come from. Several folders are measured
//! interleaved in one process: a disturbance affects all of them, so their ratio remains valid.
#![allow(clippy::print_stdout, reason = "an example prints its figures")]

mod lookups;
mod persons;
mod requests;

use std::error::Error;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ehealth_core::model::Ssin;

/// A data folder and its persons.
struct Folder {
    data: PathBuf,
    persons: Vec<Ssin>,
}

impl Folder {
    fn person(&self, turn: usize) -> Ssin {
        self.persons[turn % self.persons.len()]
    }
}

/// Times of one folder.
#[derive(Clone, Default)]
struct Times {
    times: Vec<Duration>,
    found: usize,
}

impl Times {
    /// Adds a time. The first tenth of the duration only fills the caches.
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
    let [what, seconds, folders @ ..] = arguments.as_slice() else {
        return Err("times lookups|requests SECONDS DATA SSINS [DATA SSINS]…".into());
    };
    let duration = Duration::from_secs(seconds.parse()?);
    let folders = folders.chunks_exact(2).map(|pair| {
        let persons = persons::read_persons(pair[1].as_ref())?;
        Ok(Folder { data: PathBuf::from(&pair[0]), persons })
    });
    let folders = folders.collect::<Result<Vec<Folder>, Box<dyn Error>>>()?;
    let all = match what.as_str() {
        "lookups" => lookups::look_up(&folders, duration)?,
        "requests" => tokio::runtime::Runtime::new()?.block_on(requests::ask(&folders, duration))?,
        _ => return Err(format!("{what}: expected lookups or requests").into()),
    };
    for (folder, mut times) in folders.iter().zip(all) {
        times.times.sort_unstable();
        println!(
            "{what}={} data={} found={} p50_ns={} p99_ns={} p999_ns={}",
            times.times.len(),
            folder.data.display(),
            times.found,
            times.at(500),
            times.at(990),
            times.at(999)
        );
    }
    Ok(())
}
