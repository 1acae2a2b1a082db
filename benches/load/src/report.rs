//! The figures: one line per second, a table at the end, JSON for programs.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::histogram::Histogram;
use crate::link::Failure;
use crate::process::Usage;
use crate::tally::Tally;

/// Figures of one consumer.
#[derive(Debug, Default)]
pub struct ConsumerFigures {
    pub name: String,
    pub total: Tally,
    /// Per second: answered, p50 and p99 in microseconds, refused.
    pub seconds: Vec<[u64; 4]>,
    /// Requests of an open loop that were due but found no connection.
    pub unsent: u64,
}

/// Figures of a run.
#[derive(Debug)]
pub struct Figures {
    pub consumers: Vec<ConsumerFigures>,
    pub took: Duration,
    /// Processor time of the generator during the measurement.
    pub generator: Duration,
    /// Usage of the watched process: before, and at the end with its maximum memory.
    pub watched: Option<(Usage, Usage)>,
}

impl ConsumerFigures {
    /// Ends a second.
    pub fn close_second(&mut self, second: &mut Tally, is_reported: bool) {
        let (answered, refused) = (&second.answered, second.refused.count());
        let [p50, p99] = [0.5, 0.99].map(|share| micros(answered.quantile(share)));
        if is_reported {
            let rest = (second.faults, second.wrong + second.others, second.failed(), second.cut);
            println!(
                "{:>4} {:<12} {:>7} answered  p50 {p50:>7} us  p99 {p99:>7} us  {refused} refused, {} faults, {} other, {} failed, {} cut",
                self.seconds.len() + 1,
                self.name,
                answered.count(),
                rest.0,
                rest.1,
                rest.2,
                rest.3
            );
        }
        self.seconds.push([answered.count(), p50, p99, refused]);
        self.total.add(second);
        second.clear();
    }
}

impl Figures {
    /// Whether every answer was the expected one or a refusal by a limit.
    pub fn is_sound(&self) -> bool {
        self.consumers.iter().all(|figures| {
            let Tally { wrong, faults, others, .. } = figures.total;
            wrong + faults + others + figures.total.failed() == 0
        })
    }

    pub fn print(&self) {
        let seconds = self.took.as_secs_f64();
        for ConsumerFigures { name, total, unsent, .. } in &self.consumers {
            println!("{name}: {:.0} answered per second", total.answered.count() as f64 / seconds);
            print_spread("  answers", &total.answered);
            print_spread("  handshakes", &total.handshakes);
            print_spread("  refusals (503)", &total.refused);
            let failures: Vec<_> =
                Failure::ALL.map(|failure| format!("{} {}", total.failures[failure as usize], failure.code())).into();
            println!(
                "  {} wrong, {} faults (500), {} of another status, failed: {}; {} slow connections closed, {unsent} unsent",
                total.wrong,
                total.faults,
                total.others,
                failures.join(", "),
                total.cut
            );
        }
        println!("generator: {:.0} % of a core", self.generator.as_secs_f64() / seconds * 100.0);
        if let Some((before, after)) = self.watched {
            let used = after.processor.saturating_sub(before.processor);
            let answered: u64 = self.consumers.iter().map(|figures| figures.total.answered.count()).sum();
            println!(
                "watched: {:.0} % of a core, {:.1} us an answer; {} KiB of its own at most, {} KiB resident",
                used.as_secs_f64() / seconds * 100.0,
                used.as_secs_f64() * 1e6 / answered.max(1) as f64,
                after.own_kib,
                after.resident_kib
            );
        }
    }

    pub fn write(&self, file: &Path) -> Result<(), String> {
        let seconds = self.took.as_secs_f64();
        let consumers: Vec<_> = self.consumers.iter().map(|figures| describe(figures, seconds)).collect();
        let watched = self.watched.map(|(before, after)| {
            json!({
                "processor_seconds": after.processor.saturating_sub(before.processor).as_secs_f64(),
                "own_kib": after.own_kib,
                "resident_kib": after.resident_kib,
            })
        });
        let whole = json!({
            "seconds": seconds,
            "consumers": consumers,
            "generator_processor_seconds": self.generator.as_secs_f64(),
            "watched": watched,
        });
        fs::write(file, format!("{whole:#}\n")).map_err(|reason| format!("{}: {reason}", file.display()))
    }
}

fn describe(figures: &ConsumerFigures, seconds: f64) -> Value {
    let ConsumerFigures { name, total, unsent, .. } = figures;
    let failures: Vec<_> = Failure::ALL
        .map(|failure| (failure.code().to_owned(), total.failures[failure as usize].into()))
        .into_iter()
        .collect();
    json!({
        "name": name,
        "per_second": total.answered.count() as f64 / seconds,
        "answered": spread(&total.answered),
        "refused": spread(&total.refused),
        "handshakes": spread(&total.handshakes),
        "wrong": total.wrong,
        "faults": total.faults,
        "others": total.others,
        "failures": Value::Object(failures.into_iter().collect()),
        "cut": total.cut,
        "unsent": unsent,
        "bytes": total.bytes,
        "by_second": figures.seconds,
    })
}

fn spread(histogram: &Histogram) -> Value {
    let [p50, p90, p99, p999] = [0.5, 0.9, 0.99, 0.999].map(|share| micros(histogram.quantile(share)));
    json!({
        "count": histogram.count(), "mean_us": micros(histogram.mean()), "p50_us": p50, "p90_us": p90, "p99_us": p99,
        "p999_us": p999, "max_us": micros(histogram.longest()),
    })
}

fn print_spread(what: &str, histogram: &Histogram) {
    if histogram.count() > 0 {
        let [p50, p90, p99, p999] = [0.5, 0.9, 0.99, 0.999].map(|share| micros(histogram.quantile(share)));
        let (count, longest) = (histogram.count(), micros(histogram.longest()));
        println!("{what}: {count}; p50 {p50} us, p90 {p90} us, p99 {p99} us, p99.9 {p999} us, longest {longest} us");
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
