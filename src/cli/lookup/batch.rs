//! `lookup --in`: asks about many persons, several at a time; an interrupted batch can be
//! continued.
//!
//! Each line of the input is accounted for once: a row with an answer, a row for a line without an
//! SSIN, or the count of lines that repeat an SSIN.
//!
//! A person whose row is in the file is never asked about again. If an answer was lost in transit, or
//! with a process that was killed while the answer waited for the row before it, the next run asks
//! again, and the service records both exchanges: the alternative would be to leave the person
//! unanswered. SSINs appear in the input and in the results only, never in the log, the progress or an
//! error.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::connection::exit_of;
use super::finished::Finished;
use super::input::{BatchInput, Content};
use super::input_line::InvalidText;
use super::progress::BatchProgress;
use super::reorder::{Place, Reorder, RowOrder};
use super::results::{BatchQuestion, BatchResults, LineFormat};
use crate::cli::exit::{Exit, fail};
use crate::cli::process::Stop;
use client::{Answer, Blame, Client, ClientError, Question, Retry};
use ehealth_core::model::Ssin;

/// Maximum attempts per person, if an attempt fails in a way that may pass.
const ATTEMPTS: u32 = 3;
/// Delay before the next attempt if the service names none.
const RETRY_DELAY: Duration = Duration::from_secs(1);
/// Maximum delay before the next attempt, whatever the service names.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(60);

/// What a batch asks, and where its results go.
pub(super) struct BatchOptions {
    pub question: BatchQuestion,
    /// File for the results; `None`: standard output.
    pub out: Option<PathBuf>,
    pub format: LineFormat,
    pub order: RowOrder,
    /// Maximum number of concurrent requests.
    pub parallel: usize,
}

/// Asks about all persons of the input; `ask` makes the question about one.
pub(super) async fn run(
    options: BatchOptions,
    client: Client,
    input: BatchInput,
    ask: impl Fn(Ssin) -> Question,
) -> Exit {
    let BatchOptions { question, out, format, order, parallel } = options;
    let opened = match &out {
        Some(path) => BatchResults::open(path, format, question),
        None => BatchResults::print(format, question).map(|results| (results, Finished::default())),
    };
    let name = out.map_or("standard output".to_owned(), |path| path.display().to_string());
    let (results, mut finished) = match opened {
        Ok(opened) => opened,
        Err(error) => return fail(Exit::Failed, &format_args!("{name}: {error}")),
    };
    let stop = match Stop::new() {
        Ok(stop) => stop,
        Err(error) => return fail(Exit::Failed, &error),
    };
    let lines = Lines::of(&input);
    let waiting = finished.leave_open(input.entries);
    let open = waiting.iter().filter(|entry| matches!(entry.content, Content::Person(_))).count();
    let progress = BatchProgress::new(lines.persons, lines.persons - open);
    let reorder = Reorder::new(order);
    let mut batch = Batch { client: Arc::new(client), results, reorder, progress, faults: 0, stopped: None };
    let work = waiting.into_iter().map(|entry| match entry.content {
        Content::Person(ssin) => Work::Ask(entry.line, ssin, Box::new(ask(ssin))),
        Content::Invalid(invalid) => Work::Reject(entry.line, invalid),
    });
    let written = batch.work_off(work, parallel, stop).await;
    let Batch { results, progress, faults, stopped, .. } = batch;
    let answered = progress.close();
    if let Err(error) = written.and_then(|()| results.close()) {
        return fail(Exit::Failed, &format_args!("{name}: {error}"));
    }
    lines.print(answered, faults);
    report(faults, stopped, &lines)
}

/// Lines of the input, for the summary.
struct Lines {
    persons: usize,
    invalid: usize,
    duplicates: usize,
    headers: usize,
}

impl Lines {
    fn of(input: &BatchInput) -> Self {
        let persons = input.count_persons();
        let (invalid, duplicates, headers) = (input.entries.len() - persons, input.duplicates, input.headers);
        Self { persons, invalid, duplicates, headers }
    }

    fn print(&self, answered: usize, faults: usize) {
        let Self { persons, invalid, duplicates, headers } = self;
        let open = persons.saturating_sub(answered).saturating_sub(faults);
        eprintln!("{answered} of {persons} answered, {faults} faults, {open} not answered yet");
        eprintln!("{invalid} invalid lines, {duplicates} duplicates, {headers} header lines: no request sent");
    }
}

/// Reports how a batch ended.
fn report(faults: usize, stopped: Option<Stopped>, lines: &Lines) -> Exit {
    let advice = "run the same command again to continue";
    match stopped {
        Some(Stopped::Signal) => fail(Exit::Failed, &format_args!("stopped; {advice}")),
        Some(Stopped::Failed(error)) => fail(exit_of(&error), &format_args!("{error}\n{advice}")),
        None if faults > 0 => fail(Exit::Fault, &format_args!("{faults} answered with a fault; {advice}")),
        None if lines.persons == 0 && lines.invalid > 0 => {
            fail(Exit::Failed, &"--in: no line has a valid SSIN; check that it is the right file")
        }
        None => Exit::Done,
    }
}

/// Why no further request is sent.
enum Stopped {
    /// SIGTERM or Ctrl-C.
    Signal,
    /// An error that the next request would meet as well.
    Failed(ClientError),
}

/// What is done for one line of the input.
enum Work {
    Ask(usize, Ssin, Box<Question>),
    Reject(usize, InvalidText),
}

/// A question that was asked.
struct Asked {
    place: Place,
    line: usize,
    ssin: Ssin,
    outcome: Result<Answer, ClientError>,
}

struct Batch {
    client: Arc<Client>,
    results: BatchResults,
    reorder: Reorder,
    progress: BatchProgress,
    /// Persons for whom the service answered with a fault of its own.
    faults: usize,
    stopped: Option<Stopped>,
}

impl Batch {
    /// Works off the lines with at most `parallel` concurrent requests. Every answer is written, after
    /// the stop signal too.
    async fn work_off(
        &mut self,
        mut waiting: impl Iterator<Item = Work>,
        parallel: usize,
        stop: Stop,
    ) -> io::Result<()> {
        let mut requests = JoinSet::new();
        let mut stop = std::pin::pin!(stop.wait());
        loop {
            while requests.len() < parallel && self.reorder.has_room() && self.stopped.is_none() {
                let Some(work) = waiting.next() else { break };
                let place = self.reorder.begin();
                match work {
                    Work::Ask(line, ssin, question) => {
                        let client = Arc::clone(&self.client);
                        requests.spawn(async move {
                            let outcome = ask_with_retries(&client, &question).await;
                            Asked { place, line, ssin, outcome }
                        });
                    }
                    Work::Reject(line, invalid) => {
                        let row = self.results.row_of_invalid(line, &invalid);
                        self.put(place, Some(row))?;
                    }
                }
            }
            tokio::select! {
                joined = requests.join_next() => match joined {
                    Some(Ok(asked)) => self.take(asked)?,
                    // A task neither panics nor is aborted.
                    Some(Err(error)) => return Err(io::Error::other(error)),
                    None => return Ok(()),
                },
                () = stop.as_mut(), if self.stopped.is_none() => self.stopped = Some(Stopped::Signal),
            }
        }
    }

    fn take(&mut self, asked: Asked) -> io::Result<()> {
        let Asked { place, line, ssin, outcome } = asked;
        let row = match outcome {
            Ok(answer) => {
                self.progress.count();
                Some(self.results.row_of_answer(line, ssin, &answer))
            }
            // It may concern this person alone: the others may be answered.
            Err(ClientError::Fault(fault)) if fault.blame() == Blame::Service => {
                self.faults += 1;
                None
            }
            Err(error) => {
                if self.stopped.is_none() {
                    self.stopped = Some(Stopped::Failed(error));
                }
                None
            }
        };
        self.put(place, row)
    }

    /// Writes the rows whose turn it is.
    fn put(&mut self, place: Place, row: Option<String>) -> io::Result<()> {
        self.reorder.put(place, row).iter().try_for_each(|row| self.results.add(row))
    }
}

/// Asks, and asks again after an error that cannot lead to a second disclosure.
async fn ask_with_retries(client: &Client, question: &Question) -> Result<Answer, ClientError> {
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
        tokio::time::sleep(after.unwrap_or(RETRY_DELAY).min(MAX_RETRY_DELAY)).await;
    }
}
