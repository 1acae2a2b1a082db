//! `audit report`: what a person receives who asks who requested their data.

pub(super) mod args;
mod batch;
mod letters;
mod requests;

use std::io::{self, IsTerminal as _};

use self::args::{ReportArguments, ReportFormat};
use self::batch::run_batch;
use self::letters::{Letters, read_template};
use super::inputs::{Failure, exit_with_gaps, failed};
use super::names::Names;
use super::person::{read_argument, read_scope, report, subject};
use crate::cli::exit::Exit;
use crate::cli::output::write_bytes;
use crate::config::{LetterSettings, Settings};
use letter::Addressed;

/// Runs the command.
pub(super) fn run_report(arguments: &ReportArguments) -> Result<Exit, Failure> {
    if arguments.print_template {
        return print_template(arguments);
    }
    let names = arguments.names.as_deref().map(Names::read).transpose();
    let names = names.map_err(|errors| (Exit::Configuration, errors))?.unwrap_or_default();
    match (&arguments.many.batch, &arguments.many.out) {
        (Some(batch), Some(out)) => run_batch(arguments, batch, out, names),
        (_, _) => run_one(arguments, names),
    }
}

fn settings(arguments: &ReportArguments) -> Result<Settings, Failure> {
    arguments.scope.settings.read().map_err(|problems| (Exit::Configuration, problems.to_string()))
}

/// Prints the template of a language. Without settings, it is the built-in one.
fn print_template(arguments: &ReportArguments) -> Result<Exit, Failure> {
    let settings = settings(arguments).map_or_else(|_| LetterSettings::default(), |settings| settings.letter);
    let (template, _) = read_template(&settings, arguments.language, arguments.template.as_deref())?;
    print!("{template}");
    Ok(Exit::Done)
}

fn run_one(arguments: &ReportArguments, names: Names) -> Result<Exit, Failure> {
    let format = arguments.format.unwrap_or(ReportFormat::Text);
    if format == ReportFormat::Pdf && io::stdout().is_terminal() {
        return Err((Exit::Usage, "--format pdf: standard output is a terminal; redirect it: > letter.pdf".to_owned()));
    }
    let text = read_argument(arguments.ssin.as_deref().unwrap_or_default())?;
    let (whom, days) = read_scope(&arguments.scope, |errors| subject(&text, errors))?;
    let language = arguments.language;
    let of_letters = (arguments.template.as_deref(), arguments.draft);
    let letters = Letters::new(format, &settings(arguments)?.letter, &[language], of_letters)?;
    let report = report(&arguments.scope, &whom, days, names)?;
    let addressed =
        Addressed { language, reference: arguments.reference.clone(), addressee: arguments.addressee.clone() };
    let written = letters.write(&report, &addressed).map_err(failed)?;
    write_bytes(&written);
    Ok(exit_with_gaps(&report.gaps))
}
