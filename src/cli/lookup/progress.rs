//! Progress of a batch on standard error: a bar on a terminal, otherwise a line every 5 s.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressStyle};

/// Interval of the lines where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Progress of a batch.
pub(super) struct BatchProgress {
    total: usize,
    answered: usize,
    bar: Option<ProgressBar>,
    last_line: Instant,
}

impl BatchProgress {
    /// Shows the progress from `answered` persons on.
    pub fn new(total: usize, answered: usize) -> Self {
        let length = |count| u64::try_from(count).unwrap_or(u64::MAX);
        let bar = io::stderr().is_terminal().then(|| {
            let template = "{wide_bar} {human_pos} of {human_len} answered, {per_sec}, {eta} left";
            let bar = ProgressBar::new(length(total)).with_position(length(answered));
            bar.reset_eta();
            // The template is a valid constant.
            bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        Self { total, answered, bar, last_line: Instant::now() }
    }

    /// Counts an answer.
    pub fn count(&mut self) {
        self.answered += 1;
        match &self.bar {
            Some(bar) => bar.inc(1),
            None if self.last_line.elapsed() >= LINE_INTERVAL => {
                self.last_line = Instant::now();
                let count = |count| HumanCount(u64::try_from(count).unwrap_or(u64::MAX));
                eprintln!("{} of {} answered", count(self.answered), count(self.total));
            }
            None => {}
        }
    }

    /// Removes the bar; returns the number of persons answered.
    pub fn close(self) -> usize {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
        self.answered
    }
}
