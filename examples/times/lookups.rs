//! Lookups of employment periods in several data folders, one at a time, interleaved.
//!
//! They are 1 ms apart, as in a service with 1000 requests per second: the lookup is measured, not
//! the queue before it.

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use datasets::store::Watch;
use ehealth_core::lookup::Directory;

use super::{Folder, Times};

/// Looks up for the given duration; returns the times of each folder.
pub fn look_up(folders: &[Folder], duration: Duration) -> Result<Vec<Times>, Box<dyn Error>> {
    let watches: Vec<Watch> = folders.iter().map(|folder| Watch::open(&folder.data)).collect();
    let mut readers: Vec<_> = watches.iter().map(Watch::reader).collect();
    let mut times = vec![Times::default(); folders.len()];
    let mut periods = Vec::new();
    let since = Instant::now();
    for turn in 0.. {
        for ((folder, times), reader) in folders.iter().zip(&mut times).zip(&mut readers) {
            periods.clear();
            let begun = Instant::now();
            reader.view().employment_periods(folder.person(turn), &mut periods)?;
            times.add(since, duration, begun.elapsed());
            times.found += periods.len();
            thread::sleep(Duration::from_millis(1));
        }
        if turn % 256 == 0 {
            for watch in &watches {
                watch.poll();
            }
        }
        if since.elapsed() > duration {
            break;
        }
    }
    Ok(times)
}
