//! `lookup --in`: many questions to a running service, some at a time, their answers in a file that can be gone on with.
//!
//! A number that was answered is never asked again. One whose answer was lost on the way is asked again by the next run,
//! and then recorded twice by the service: the alternative would be to leave it unanswered. The numbers stand in the input
//! and in the output, and in nothing that is printed beside.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use tokio::task::JoinSet;

use super::args::LookupArguments;
use super::ledger::{Asked, Ledger, LineForm};
use super::lookup::{AskError, exit_of};
use super::serve::Stop;
use super::{Exit, fail};
use client::{Answer, Blame, Client, ClientError, Question, Retry};
use ehealth_core::model::Ssin;

/// A question that was not answered but may be later is asked so often.
const ATTEMPTS: u32 = 3;
/// Waited before it is asked again, where the service does not say; and the most, where it does.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_AT_MOST: Duration = Duration::from_secs(60);
/// How often a plain line is written where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Reads the numbers: one a line, blank lines and those that begin with `#` left out, each once, in order.
///
/// # Errors
/// If the file cannot be read, or lines hold no number: all of them are told, by their place alone.
pub(super) fn read_numbers(input: &Path) -> Result<Vec<Ssin>, AskError> {
    let failed = |reason| AskError::File { file: input.display().to_string(), reason };
    let mut text = String::new();
    if input == Path::new("-") {
        io::stdin().read_to_string(&mut text).map_err(failed)?;
    } else {
        text = std::fs::read_to_string(input).map_err(failed)?;
    }
    let (mut numbers, mut seen, mut wrong) = (Vec::new(), BTreeSet::new(), Vec::new());
    for (line, place) in text.lines().zip(1_usize..) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match Ssin::parse(line) {
            Ok(ssin) if seen.insert(ssin) => numbers.push(ssin),
            Ok(_) => {}
            Err(error) => wrong.push(format!("line {place}: {error}")),
        }
    }
    if wrong.is_empty() {
        return Ok(numbers);
    }
    let reason = format!("{}\nnothing was asked", wrong.join("\n"));
    Err(AskError::Argument { argument: "--in", reason })
}

/// Asks about all of them; `ask` makes the question about one.
pub(super) async fn run(
    arguments: &LookupArguments,
    client: Client,
    numbers: Vec<Ssin>,
    asked: Asked,
    ask: impl Fn(Ssin) -> Question,
) -> Exit {
    let form = if arguments.json { LineForm::Json } else { LineForm::Csv };
    let opened = match &arguments.out {
        Some(path) => Ledger::open(path, form, asked),
        None => Ledger::print(form, asked).map(|ledger| (ledger, BTreeSet::new())),
    };
    let name = arguments.out.as_ref().map_or("standard output".to_owned(), |path| path.display().to_string());
    let (ledger, done) = match opened {
        Ok(opened) => opened,
        Err(error) => return fail(Exit::Failed, &format_args!("{name}: {error}")),
    };
    let stop = match Stop::new() {
        Ok(stop) => stop,
        Err(error) => return fail(Exit::Failed, &error),
    };
    let total = numbers.len();
    let waiting: Vec<_> = numbers.into_iter().filter(|ssin| !done.contains(ssin)).collect();
    let progress = Progress::new(total, total - waiting.len());
    let mut batch = Batch { client: Arc::new(client), ledger, progress, unanswered: 0, stopped: None };
    let places = usize::from(arguments.parallel);
    let written = batch.ask_all(waiting.into_iter().map(|ssin| (ssin, ask(ssin))), places, stop).await;
    let Batch { ledger, progress, unanswered, stopped, .. } = batch;
    let answered = progress.close();
    if let Err(error) = written.and_then(|()| ledger.close()) {
        return fail(Exit::Failed, &format_args!("{name}: {error}"));
    }
    eprintln!("{answered} of {total} are answered");
    let again = "the same command goes on with the rest";
    match stopped {
        Some(Stopped::Told) => fail(Exit::Failed, &format_args!("stopped; {again}")),
        Some(Stopped::Failed(error)) => fail(exit_of(&error), &format_args!("{error}\n{again}")),
        None if unanswered > 0 => fail(Exit::Fault, &format_args!("{unanswered} got a fault; {again}")),
        None => Exit::Done,
    }
}

/// Why no further question is begun.
enum Stopped {
    /// A person said so.
    Told,
    /// The next one would fail as well.
    Failed(ClientError),
}

struct Batch {
    client: Arc<Client>,
    ledger: Ledger,
    progress: Progress,
    unanswered: usize,
    stopped: Option<Stopped>,
}

impl Batch {
    /// Asks, so many at a time; every answer is written as it comes, also after the word to stop.
    async fn ask_all(
        &mut self,
        mut waiting: impl Iterator<Item = (Ssin, Question)>,
        places: usize,
        stop: Stop,
    ) -> io::Result<()> {
        let mut asking = JoinSet::new();
        let mut stop = std::pin::pin!(stop.wait());
        loop {
            while asking.len() < places && self.stopped.is_none() {
                let Some((ssin, question)) = waiting.next() else { break };
                let client = Arc::clone(&self.client);
                asking.spawn(async move { (ssin, ask_patiently(&client, &question).await) });
            }
            tokio::select! {
                joined = asking.join_next() => match joined {
                    Some(Ok((ssin, outcome))) => self.take(ssin, outcome)?,
                    // A task ends by itself: it neither panics nor is cut.
                    Some(Err(error)) => return Err(io::Error::other(error)),
                    None => return Ok(()),
                },
                () = stop.as_mut(), if self.stopped.is_none() => self.stopped = Some(Stopped::Told),
            }
        }
    }

    fn take(&mut self, ssin: Ssin, outcome: Result<Answer, ClientError>) -> io::Result<()> {
        match outcome {
            Ok(answer) => {
                self.ledger.add(ssin, &answer)?;
                self.progress.count();
            }
            // About this person alone, or so it may be: the others may be answered.
            Err(ClientError::Fault(fault)) if fault.blame() == Blame::Service => self.unanswered += 1,
            Err(error) => {
                if self.stopped.is_none() {
                    self.stopped = Some(Stopped::Failed(error));
                }
            }
        }
        Ok(())
    }
}

/// Asks, and asks again where that cannot make a second disclosure.
async fn ask_patiently(client: &Client, question: &Question) -> Result<Answer, ClientError> {
    let mut attempt = 1;
    loop {
        let error = match client.consult(question).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let Retry::Later { after } = error.retry() else { return Err(error) };
        if attempt >= ATTEMPTS {
            return Err(error);
        }
        attempt += 1;
        tokio::time::sleep(after.unwrap_or(PAUSE).min(PAUSE_AT_MOST)).await;
    }
}

/// How far it is, on standard error: a bar on a terminal, otherwise a plain line now and then.
struct Progress {
    total: usize,
    answered: usize,
    bar: Option<ProgressBar>,
    told: Instant,
}

impl Progress {
    fn new(total: usize, answered: usize) -> Self {
        let length = |count| u64::try_from(count).unwrap_or(u64::MAX);
        let bar = io::stderr().is_terminal().then(|| {
            let template = "{wide_bar} {human_pos} of {human_len} answered, {per_sec}, {eta} left";
            let bar = ProgressBar::new(length(total)).with_position(length(answered));
            bar.reset_eta();
            // A constant template that is right.
            bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        Self { total, answered, bar, told: Instant::now() }
    }

    fn count(&mut self) {
        self.answered += 1;
        match &self.bar {
            Some(bar) => bar.inc(1),
            None if self.told.elapsed() >= LINE_INTERVAL => {
                self.told = Instant::now();
                let count = |count| HumanCount(u64::try_from(count).unwrap_or(u64::MAX));
                eprintln!("{} of {} answered", count(self.answered), count(self.total));
            }
            None => {}
        }
    }

    /// Takes the bar away; how many are answered.
    fn close(self) -> usize {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
        self.answered
    }
}
