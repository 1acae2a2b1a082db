//! Reads log lines, and sends their spans in batches.

use std::io::{self, BufRead, Read};
use std::mem;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use tls_files::{ClientTls, read_certificates};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::{Instant, sleep, timeout_at};

use super::TracesArguments;
use super::collector::{Collector, Sent};
use super::otlp::write_request;
use super::span::{Span, spans_of};
use crate::cli::exit::{Exit, fail};
use crate::cli::log::LogWriter;
use crate::cli::process::Stop;
use crate::cli::runtime::block_on;

/// Spans of a request at most.
const BATCH: usize = 512;
/// Time after which a batch is sent that is not full.
const INTERVAL: Duration = Duration::from_secs(1);
/// Lines with spans that wait. More are not read.
const WAITING: usize = 256;
/// Bytes of a line at most, 64 KiB; longer ones are passed over.
const MAX_LINE: u64 = 64 << 10;
/// Pauses between two attempts, in seconds.
const PAUSES: [u64; 4] = [1, 2, 4, 8];
/// Pause after those, in seconds.
const LONGEST_PAUSE: u64 = 15;
/// Time for which a batch is repeated after the input has ended.
const LAST_ATTEMPTS: Duration = Duration::from_secs(60);

/// Runs the command to its end.
pub(in crate::cli) fn run(arguments: &TracesArguments, log: &mut LogWriter) -> Exit {
    if arguments.dry_run {
        return print_requests(arguments);
    }
    let collector = match collector_of(arguments) {
        Ok(collector) => collector,
        Err((exit, message)) => return fail(exit, &message),
    };
    let (service_name, all) = (arguments.service_name.clone(), arguments.all);
    block_on(log, async move {
        let stop = match Stop::new() {
            Ok(stop) => stop,
            Err(error) => return fail(Exit::Failed, &error),
        };
        let (spans, waiting) = channel(WAITING);
        let reader = thread::Builder::new()
            .name("traces-input".to_owned())
            .spawn(move || read_lines(io::stdin().lock(), |line| spans.blocking_send(spans_of(line, all)).is_ok()));
        let reader = match reader {
            Ok(reader) => reader,
            Err(error) => return fail(Exit::Failed, &error),
        };
        let mut forwarder = Forwarder { collector, service_name, sent: 0, refused: 0 };
        let ended = tokio::select! {
            ended = forwarder.forward(waiting) => ended,
            // The reader may wait for input for ever: the process ends without it.
            () = stop.wait() => return forwarder.report(Exit::Done),
        };
        match (ended, reader.join()) {
            (Exit::Done, Ok(Err(error))) => {
                forwarder.report(fail(Exit::Failed, &format_args!("standard input: {error}")))
            }
            (exit, _) => forwarder.report(exit),
        }
    })
}

fn collector_of(arguments: &TracesArguments) -> Result<Collector, (Exit, String)> {
    let Some(endpoint) = arguments.collector.clone() else {
        return Err((Exit::Usage, "--collector: name the address of the collector".to_owned()));
    };
    let tls = match (endpoint.is_https, &arguments.ca) {
        (false, None) => None,
        (false, Some(_)) => return Err((Exit::Usage, "--ca: the collector has no https:// address".to_owned())),
        (true, None) => return Err((Exit::Usage, "--ca: name the file of the collector's CA".to_owned())),
        (true, Some(file)) => {
            let failed = |error: &dyn std::fmt::Display| (Exit::Failed, format!("--ca: {error}"));
            let authorities = read_certificates(file).map_err(|error| failed(&error))?;
            Some(Arc::new(ClientTls::new(authorities).build().map_err(|error| failed(&error))?))
        }
    };
    Ok(Collector { endpoint, tls })
}

fn print_requests(arguments: &TracesArguments) -> Exit {
    let mut batch = Vec::new();
    let read = read_lines(io::stdin().lock(), |line| {
        batch.extend(spans_of(line, arguments.all));
        if batch.len() >= BATCH {
            println!("{}", write_request(&mem::take(&mut batch), &arguments.service_name));
        }
        true
    });
    if !batch.is_empty() {
        println!("{}", write_request(&batch, &arguments.service_name));
    }
    match read {
        Ok(()) => Exit::Done,
        Err(error) => fail(Exit::Failed, &format_args!("standard input: {error}")),
    }
}

/// Gives each line to `take`, until the end, or until it returns `false`. Passes over lines that are
/// too long.
fn read_lines(mut input: impl BufRead, mut take: impl FnMut(&[u8]) -> bool) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let is_whole = line.ends_with(b"\n") || line.len() < usize::try_from(MAX_LINE).unwrap_or(usize::MAX);
        if is_whole {
            if !take(&line) {
                return Ok(());
            }
        } else {
            input.skip_until(b'\n')?;
        }
    }
}

struct Forwarder {
    collector: Collector,
    service_name: String,
    /// Spans that were accepted.
    sent: u64,
    /// Spans that were refused.
    refused: u64,
}

impl Forwarder {
    /// Sends what arrives, until the input ends.
    async fn forward(&mut self, mut waiting: Receiver<Vec<Span>>) -> Exit {
        while let Some(first) = waiting.recv().await {
            let (mut batch, deadline) = (first, Instant::now() + INTERVAL);
            while batch.len() < BATCH {
                match timeout_at(deadline, waiting.recv()).await {
                    Ok(Some(spans)) => batch.extend(spans),
                    Ok(None) | Err(_) => break,
                }
            }
            if !batch.is_empty() && !self.deliver(&batch, || waiting.is_closed()).await {
                return Exit::Unreachable;
            }
        }
        if self.refused == 0 { Exit::Done } else { Exit::Failed }
    }

    /// Sends a batch until it is accepted or refused; `false` if the input has ended and the collector
    /// has not answered for too long.
    async fn deliver(&mut self, batch: &[Span], has_ended: impl Fn() -> bool) -> bool {
        let spans = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        let body = Bytes::from(write_request(batch, &self.service_name));
        let (began, mut pauses) = (Instant::now(), PAUSES.into_iter());
        let mut is_logged = false;
        loop {
            match self.collector.send(&body).await {
                Sent::Accepted { refused, reason } => {
                    let refused = refused.min(spans);
                    self.sent = self.sent.saturating_add(spans.saturating_sub(refused));
                    self.refused = self.refused.saturating_add(refused);
                    if refused > 0 {
                        tracing::warn!(spans = refused, reason, "the collector refused spans");
                    }
                    return true;
                }
                Sent::Refused(reason) => {
                    self.refused = self.refused.saturating_add(spans);
                    tracing::warn!(spans, reason, "the collector refused a batch");
                    return true;
                }
                Sent::Later { reason, pause } => {
                    if has_ended() && began.elapsed() >= LAST_ATTEMPTS {
                        tracing::error!(spans, reason, "the collector does not accept spans; giving up");
                        return false;
                    }
                    if !is_logged {
                        tracing::warn!(reason, "the collector does not accept spans; they wait, and no more are read");
                        is_logged = true;
                    }
                    let next = Duration::from_secs(pauses.next().unwrap_or(LONGEST_PAUSE));
                    sleep(pause.unwrap_or(next)).await;
                }
            }
        }
    }

    fn report(&self, exit: Exit) -> Exit {
        tracing::info!(sent = self.sent, refused = self.refused, "traces ended");
        exit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_passed_over_and_the_last_one_needs_no_end() {
        let long = "x".repeat(usize::try_from(MAX_LINE).expect("small") * 2);
        let exact = "y".repeat(usize::try_from(MAX_LINE).expect("small") - 1);
        let text = format!("a\n{long}\n\n{exact}\nb");
        let mut lines = Vec::new();
        let read = read_lines(text.as_bytes(), |line| {
            lines.push(line.len());
            true
        });
        assert!(read.is_ok());
        assert_eq!(lines, [2, 1, exact.len() + 1, 1]);
        let mut taken = 0;
        let stopped = read_lines(text.as_bytes(), |_| {
            taken += 1;
            false
        });
        assert!(stopped.is_ok() && taken == 1);
    }
}
