//! Look-ups of employment periods in data folders, one at a time, in each folder by turns.
//!
//! They come a millisecond apart, as from a service with a thousand questions a second: what is measured is the look-up,
//! not the queue before it.

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use datasets::store::Watch;
use ehealth_core::lookup::Directory;

use super::{Place, Times};

/// Looks up until the time is over; gives the times of each place.
pub fn look_up(places: &[Place], duration: Duration) -> Result<Vec<Times>, Box<dyn Error>> {
    let watches: Vec<Watch> = places.iter().map(|place| Watch::open(&place.data)).collect();
    let mut readers: Vec<_> = watches.iter().map(Watch::reader).collect();
    let mut times = vec![Times::default(); places.len()];
    let mut periods = Vec::new();
    let since = Instant::now();
    for turn in 0.. {
        for ((place, times), reader) in places.iter().zip(&mut times).zip(&mut readers) {
            periods.clear();
            let begun = Instant::now();
            reader.view().employment_periods(place.person(turn), &mut periods)?;
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
