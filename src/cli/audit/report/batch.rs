//! `audit report --batch`: many letters. The audit log is read once for each thousand requests.

use std::fs;
use std::io::{IsTerminal as _, stderr};
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::args::{ReportArguments, ReportFormat};
use super::letters::Letters;
use super::requests::{Line, Request, read_requests};
use crate::app::SystemClock;
use crate::cli::argument_errors::ArgumentErrors;
use crate::cli::audit::inputs::{Failure, failed, read_days};
use crate::cli::audit::names::Names;
use crate::cli::audit::person::reports;
use crate::cli::audit::words::Words;
use crate::cli::exit::Exit;
use audit_log::report::Report;
use ehealth_core::model::{Clock, Ssin};

/// Requests whose records are in memory at the same time.
const CHUNK: usize = 1_000;
/// Mode of the files: only the operator may read them.
const MODE: u32 = 0o600;

/// What became of a line.
enum Outcome {
    /// A file was written; whether the report is complete, answers, refused attempts.
    Written(Counts),
    /// The file exists.
    Skipped,
    Failed(String),
}

struct Counts {
    is_complete: bool,
    disclosures: usize,
    refused: usize,
}

/// Lines by what became of them.
#[derive(Default)]
struct Summary {
    written: u64,
    incomplete: u64,
    skipped: u64,
    failed: u64,
}

/// Runs the batch.
pub(super) fn run_batch(arguments: &ReportArguments, batch: &Path, out: &Path, names: Names) -> Result<Exit, Failure> {
    let mut errors = ArgumentErrors::default();
    let scope = &arguments.scope;
    let days = read_days(scope.from.as_deref(), scope.to.as_deref(), &mut errors);
    let days = errors.into_result(days).map_err(|errors| (Exit::Usage, errors.to_string()))?;
    let settings = super::settings(arguments)?;
    let lines = read_requests(batch)?;
    let format = arguments.format.unwrap_or(ReportFormat::Pdf);
    let languages: Vec<_> =
        lines.iter().filter_map(|line| Some(line.request.as_ref().ok()?.addressed.language)).collect();
    let letters = Letters::new(format, &settings.letter, &languages, (None, arguments.draft))?;
    fs::create_dir_all(out).map_err(|error| failed(format_args!("--out: {}: {error}", out.display())))?;
    let words = Words::new(&settings.audit_log.folder, names);
    let desk = Desk { arguments, out, format, letters };
    let (bar, mut summary) = (progress(lines.len()), Summary::default());
    for chunk in lines.chunks(CHUNK) {
        let wanted: Vec<&Request> = chunk.iter().filter_map(|line| desk.wants(line)).collect();
        let persons: Vec<Ssin> = wanted.iter().map(|request| request.ssin).collect();
        let mut found = reports(&settings, scope, &persons, days, (SystemClock.now(), &words))?.into_iter();
        for line in chunk {
            let outcome = match &line.request {
                Err(error) => Outcome::Failed(error.clone()),
                Ok(request) if desk.wants(line).is_some() => match found.next() {
                    Some(report) => desk.write(request, &report),
                    None => Outcome::Failed("the audit log was not read".to_owned()),
                },
                Ok(_) if arguments.many.resume => Outcome::Skipped,
                Ok(_) => Outcome::Failed("the file exists; add --force or --resume".to_owned()),
            };
            bar.suspend(|| desk.show(line, &outcome));
            summary.count(&outcome);
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    let Summary { written, incomplete, skipped, failed } = summary;
    eprintln!("{written} written, {incomplete} of them incomplete; {skipped} skipped; {failed} failed");
    Ok(if failed + incomplete == 0 { Exit::Done } else { Exit::Failed })
}

impl Summary {
    fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Written(counts) => {
                self.written += 1;
                self.incomplete += u64::from(!counts.is_complete);
            }
            Outcome::Skipped => self.skipped += 1,
            Outcome::Failed(_) => self.failed += 1,
        }
    }
}

/// Writes the files.
struct Desk<'a> {
    arguments: &'a ReportArguments,
    out: &'a Path,
    format: ReportFormat,
    letters: Letters,
}

impl Desk<'_> {
    fn file_name(&self, request: &Request) -> String {
        format!("{}.{}", request.stem, self.format.extension())
    }

    /// The request of a line whose file is to be written.
    fn wants<'l>(&self, line: &'l Line) -> Option<&'l Request> {
        let request = line.request.as_ref().ok()?;
        // A link that leads nowhere exists too.
        let exists = self.out.join(self.file_name(request)).symlink_metadata().is_ok();
        (self.arguments.many.force || !exists).then_some(request)
    }

    fn write(&self, request: &Request, report: &Report) -> Outcome {
        let file = self.out.join(self.file_name(request));
        let written = self.letters.write(report, &request.addressed);
        let written =
            written.and_then(|bytes| durable_file::replace(&file, &bytes, MODE).map_err(|error| error.to_string()));
        match written {
            Ok(()) => Outcome::Written(Counts {
                is_complete: report.gaps.is_empty(),
                disclosures: report.disclosures.len(),
                refused: report.refused.len(),
            }),
            Err(error) => Outcome::Failed(error),
        }
    }

    /// Prints what became of a line: each with `--json`, otherwise what needs attention.
    fn show(&self, line: &Line, outcome: &Outcome) {
        let (status, error, counts) = match outcome {
            Outcome::Written(counts) => ("written", None, Some(counts)),
            Outcome::Skipped => ("skipped", None, None),
            Outcome::Failed(error) => ("failed", Some(error), None),
        };
        let request = line.request.as_ref().ok();
        if self.arguments.many.json {
            let result = json!({
                "line": line.number,
                "reference": request.map(|request| request.addressed.reference.clone()),
                "language": request.map(|request| request.addressed.language.code()),
                "file": request.map(|request| self.file_name(request)),
                "status": status,
                "complete": counts.map(|counts| counts.is_complete),
                "disclosures": counts.map(|counts| counts.disclosures),
                "refusedAttempts": counts.map(|counts| counts.refused),
                "error": error,
            });
            println!("{result}");
        } else if let Some(error) = error {
            eprintln!("line {}: {error}", line.number);
        } else if counts.is_some_and(|counts| !counts.is_complete) {
            eprintln!("line {}: written, but records are missing or unreadable", line.number);
        }
    }
}

/// A bar on a terminal.
fn progress(lines: usize) -> ProgressBar {
    if !stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("letters {bar:30} {pos}/{len}, {eta} left");
    ProgressBar::new(u64::try_from(lines).unwrap_or(0))
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
