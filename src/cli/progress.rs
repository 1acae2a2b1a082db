//! Progress of `sync` on standard error: a bar on a terminal, otherwise a line every 5 s.
//!
//! Each file of a dataset is one bar: records and bytes read, the rate, the time left; then the
//! rows written.

use std::io::IsTerminal;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanCount, HumanDuration, ProgressBar, ProgressStyle};

use datasets::sync::{Monitor, Phase, Progress};
use ehealth_core::model::Dataset;

/// Interval between two looks at the monitor.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// Interval of the lines where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Does the work, and shows the state of the monitor meanwhile.
pub(super) fn show_while<T>(monitor: &Monitor, work: impl FnOnce() -> T) -> T {
    let is_terminal = std::io::stderr().is_terminal();
    thread::scope(|scope| {
        let (done, is_done) = channel::<()>();
        scope.spawn(move || {
            let mut shown = Shown { monitor, is_terminal, file: None };
            while is_done.recv_timeout(POLL_INTERVAL) == Err(RecvTimeoutError::Timeout) {
                shown.show();
            }
            shown.close();
        });
        // Dropped when the work ends, by a panic too.
        let _done: Sender<()> = done;
        work()
    })
}

struct Shown<'a> {
    monitor: &'a Monitor,
    is_terminal: bool,
    file: Option<File>,
}

/// The file whose progress is shown.
struct File {
    dataset: Dataset,
    phase: Phase,
    records_announced: u64,
    begun: Instant,
    /// Time of the last line, or of the beginning of the file.
    last_line: Instant,
    bar: Option<ProgressBar>,
}

impl Shown<'_> {
    fn show(&mut self) {
        let busy = |dataset: &Dataset| {
            let progress = self.monitor.status(*dataset).progress;
            matches!(progress.phase, Phase::Reading | Phase::Writing).then_some((*dataset, progress))
        };
        let Some((dataset, progress)) = Dataset::ALL.iter().find_map(busy) else { return self.close() };
        let is_same = |file: &File| {
            (file.dataset, file.phase, file.records_announced) == (dataset, progress.phase, progress.records_announced)
        };
        if !self.file.as_ref().is_some_and(is_same) {
            self.close();
            self.file = Some(File {
                dataset,
                phase: progress.phase,
                records_announced: progress.records_announced,
                begun: Instant::now(),
                last_line: Instant::now(),
                bar: self.is_terminal.then(|| new_bar(dataset, progress)),
            });
        }
        let Some(file) = &mut self.file else { return };
        match &file.bar {
            Some(bar) => draw(bar, progress),
            None if file.last_line.elapsed() >= LINE_INTERVAL => {
                file.last_line = Instant::now();
                eprintln!("{}", line(dataset, progress, file.begun.elapsed()));
            }
            None => {}
        }
    }

    fn close(&mut self) {
        if let Some(bar) = self.file.take().and_then(|file| file.bar) {
            bar.finish_and_clear();
        }
    }
}

fn new_bar(dataset: Dataset, progress: Progress) -> ProgressBar {
    let (length, template) = match progress.phase {
        Phase::Writing => (0, "{prefix:10} writing {human_pos} rows, {per_sec} {elapsed}"),
        Phase::Idle | Phase::Asking | Phase::Reading => (
            progress.bytes_announced,
            "{prefix:10} {wide_bar} {msg} records, {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left",
        ),
    };
    let bar = ProgressBar::new(length).with_prefix(dataset.code());
    // The template is a valid constant.
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

fn draw(bar: &ProgressBar, progress: Progress) {
    match progress.phase {
        Phase::Writing => bar.set_position(progress.rows_written),
        Phase::Idle | Phase::Asking | Phase::Reading => {
            bar.set_message(HumanCount(progress.records).to_string());
            bar.set_position(progress.bytes);
        }
    }
}

/// Progress of a file as one line.
fn line(dataset: Dataset, progress: Progress, elapsed: Duration) -> String {
    let dataset = dataset.code();
    if progress.phase == Phase::Writing {
        return format!("{dataset}: writing, {} rows", HumanCount(progress.rows_written));
    }
    let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
    let a_second = |count: u64| u64::try_from(u128::from(count) * 1_000 / u128::from(millis)).unwrap_or(u64::MAX);
    let rest = u128::from(progress.bytes_announced.saturating_sub(progress.bytes));
    let left = (rest * u128::from(millis)).checked_div(u128::from(progress.bytes));
    let left = left.and_then(|millis| u64::try_from(millis).ok()).map(Duration::from_millis);
    format!(
        "{dataset}: {} of {} records, {} of {}, {} records/s, {} left",
        HumanCount(progress.records),
        HumanCount(progress.records_announced),
        HumanBytes(progress.bytes),
        HumanBytes(progress.bytes_announced),
        HumanCount(a_second(progress.records)),
        left.map_or_else(|| "unknown time".to_owned(), |left| HumanDuration(left).to_string()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_records_bytes_rate_and_time_left() {
        let progress = Progress {
            phase: Phase::Reading,
            records: 5_000,
            records_announced: 20_000,
            bytes: 1 << 20,
            bytes_announced: 4 << 20,
            rows_written: 0,
        };
        assert_eq!(
            line(Dataset::Dimona, progress, Duration::from_secs(10)),
            "dimona: 5,000 of 20,000 records, 1.00 MiB of 4.00 MiB, 500 records/s, 30 seconds left"
        );
        let begun = Progress { records: 0, bytes: 0, ..progress };
        assert!(line(Dataset::Dimona, begun, Duration::ZERO).ends_with("unknown time left"));
        let writing = Progress { phase: Phase::Writing, rows_written: 70_000, ..progress };
        assert_eq!(line(Dataset::Dimona, writing, Duration::ZERO), "dimona: writing, 70,000 rows");
    }
}
