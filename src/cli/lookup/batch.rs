//! `lookup --in`: asks about many persons, several at a time; an interrupted batch can be
//! continued.
//!
//! A person who was answered is never asked about again. If an answer was lost in transit, the next
//! run asks again, and the service records both exchanges: the alternative would be to leave the
//! person unanswered. SSINs appear in the input and in the results only, never in the log, the
//! progress or an error.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::connection::exit_of;
use super::progress::BatchProgress;
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
    /// Maximum number of concurrent requests.
    pub parallel: usize,
}

/// Asks about all of them; `ask` makes the question about one.
pub(super) async fn run(
    options: BatchOptions,
    client: Client,
    ssins: Vec<Ssin>,
    ask: impl Fn(Ssin) -> Question,
) -> Exit {
    let BatchOptions { question, out, format, parallel } = options;
    let opened = match &out {
        Some(path) => BatchResults::open(path, format, question),
        None => BatchResults::print(format, question).map(|results| (results, BTreeSet::new())),
    };
    let name = out.map_or("standard output".to_owned(), |path| path.display().to_string());
    let (results, done) = match opened {
        Ok(opened) => opened,
        Err(error) => return fail(Exit::Failed, &format_args!("{name}: {error}")),
    };
    let stop = match Stop::new() {
        Ok(stop) => stop,
        Err(error) => return fail(Exit::Failed, &error),
    };
    let total = ssins.len();
    let waiting: Vec<_> = ssins.into_iter().filter(|ssin| !done.contains(ssin)).collect();
    let progress = BatchProgress::new(total, total - waiting.len());
    let mut batch = Batch { client: Arc::new(client), results, progress, faults: 0, stopped: None };
    let written = batch.ask_all(waiting.into_iter().map(|ssin| (ssin, ask(ssin))), parallel, stop).await;
    let Batch { results, progress, faults, stopped, .. } = batch;
    let answered = progress.close();
    if let Err(error) = written.and_then(|()| results.close()) {
        return fail(Exit::Failed, &format_args!("{name}: {error}"));
    }
    eprintln!("{answered} of {total} answered");
    report(faults, stopped)
}

/// Reports how a batch ended.
fn report(faults: usize, stopped: Option<Stopped>) -> Exit {
    let advice = "run the same command again to continue";
    match stopped {
        Some(Stopped::Signal) => fail(Exit::Failed, &format_args!("stopped; {advice}")),
        Some(Stopped::Failed(error)) => fail(exit_of(&error), &format_args!("{error}\n{advice}")),
        None if faults > 0 => fail(Exit::Fault, &format_args!("{faults} answered with a fault; {advice}")),
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

struct Batch {
    client: Arc<Client>,
    results: BatchResults,
    progress: BatchProgress,
    /// Persons for whom the service answered with a fault of its own.
    faults: usize,
    stopped: Option<Stopped>,
}

impl Batch {
    /// Asks with at most `parallel` concurrent requests. Every answer is written when it arrives,
    /// after the stop signal too.
    async fn ask_all(
        &mut self,
        mut waiting: impl Iterator<Item = (Ssin, Question)>,
        parallel: usize,
        stop: Stop,
    ) -> io::Result<()> {
        let mut requests = JoinSet::new();
        let mut stop = std::pin::pin!(stop.wait());
        loop {
            while requests.len() < parallel && self.stopped.is_none() {
                let Some((ssin, question)) = waiting.next() else { break };
                let client = Arc::clone(&self.client);
                requests.spawn(async move { (ssin, ask_with_retries(&client, &question).await) });
            }
            tokio::select! {
                joined = requests.join_next() => match joined {
                    Some(Ok((ssin, outcome))) => self.take(ssin, outcome)?,
                    // A task neither panics nor is aborted.
                    Some(Err(error)) => return Err(io::Error::other(error)),
                    None => return Ok(()),
                },
                () = stop.as_mut(), if self.stopped.is_none() => self.stopped = Some(Stopped::Signal),
            }
        }
    }

    fn take(&mut self, ssin: Ssin, outcome: Result<Answer, ClientError>) -> io::Result<()> {
        match outcome {
            Ok(answer) => {
                self.results.add(ssin, &answer)?;
                self.progress.count();
            }
            // It may concern this person alone: the others may be answered.
            Err(ClientError::Fault(fault)) if fault.blame() == Blame::Service => self.faults += 1,
            Err(error) => {
                if self.stopped.is_none() {
                    self.stopped = Some(Stopped::Failed(error));
                }
            }
        }
        Ok(())
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
