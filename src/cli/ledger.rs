//! The answers of many questions, a line each, in a file that a later run goes on with.
//!
//! A line is written whole or not at all: what a crash left of the last one is cut off at the next opening, and its question
//! asked again. Every line names what was asked, so that answers to another question are not taken for these. The file is
//! its owner's alone: it holds data of persons.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::{Value, json};

use super::show;
use client::{Answer, Disclosed, Outcome, PreventionService};
use ehealth_core::model::{Dataset, DatasetSet, EnterpriseNumber, Ssin};

/// The columns. No value holds a comma, a quote or a line break.
const COLUMNS: &str = "ssin,organisation,context,asked,code,on,services,fund,replaced_by,incomplete,ticket,replied";

/// How a line is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineForm {
    /// [`COLUMNS`].
    Csv,
    /// An object: `ssin`, `organisation`, `context`, `asked`, and `answer` with the keys of [`show::json`].
    Json,
}

/// What all questions of a file have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    pub organisation: String,
    pub context: String,
    /// Empty for today, `YYYY-MM-DD`, or two of them with a slash between.
    pub dates: String,
}

/// Why a file cannot be gone on with.
#[derive(Debug, thiserror::Error)]
pub(super) enum LedgerError {
    /// It cannot be read or written.
    #[error("{0}")]
    File(#[from] io::Error),
    /// A line is none of ours.
    #[error("line {0} is no answer as they are written here; name another file")]
    Foreign(usize),
    /// The answers are to other questions.
    #[error("line {line} answers another question, as {theirs:?}; ask the same, or name another file")]
    OtherQuestion { line: usize, theirs: Box<Asked> },
}

/// Where answers go.
pub(super) struct Ledger {
    file: Option<File>,
    form: LineForm,
    asked: Asked,
}

impl Ledger {
    /// Writes to standard output, from the beginning.
    ///
    /// # Errors
    /// If nothing can be written there.
    pub fn print(form: LineForm, asked: Asked) -> Result<Self, LedgerError> {
        let mut ledger = Self { file: None, form, asked };
        ledger.write_head()?;
        Ok(ledger)
    }

    /// Goes on with a file, or begins it; the numbers that it answers already.
    ///
    /// # Errors
    /// [`LedgerError`], with the file as it was.
    pub fn open(path: &Path, form: LineForm, asked: Asked) -> Result<(Self, BTreeSet<Ssin>), LedgerError> {
        let mut options = OpenOptions::new();
        let mut file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        let mut kept = Vec::new();
        file.read_to_end(&mut kept)?;
        let whole = kept.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let text = kept.get(..whole).unwrap_or_default();
        let text = str::from_utf8(text).map_err(|error| {
            LedgerError::Foreign(1 + text.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n').count())
        })?;
        let mut lines = text.lines().zip(1..);
        if form == LineForm::Csv && lines.next().is_some_and(|(head, _)| head != COLUMNS) {
            return Err(LedgerError::Foreign(1));
        }
        let mut done = BTreeSet::new();
        for (line, number) in lines {
            let read = match form {
                LineForm::Csv => read_row(line),
                LineForm::Json => read_object(line),
            };
            let (ssin, theirs) = read.ok_or(LedgerError::Foreign(number))?;
            if theirs != asked {
                return Err(LedgerError::OtherQuestion { line: number, theirs: Box::new(theirs) });
            }
            done.insert(ssin);
        }
        let end = u64::try_from(whole).map_err(io::Error::other)?;
        file.set_len(end)?;
        file.seek(SeekFrom::Start(end))?;
        let mut ledger = Self { file: Some(file), form, asked };
        if whole == 0 {
            ledger.write_head()?;
        }
        Ok((ledger, done))
    }

    /// Adds an answer. After the call the line is with the operating system: this program's end does not lose it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn add(&mut self, ssin: Ssin, answer: &Answer) -> io::Result<()> {
        let line = match self.form {
            LineForm::Csv => write_row(ssin, &self.asked, answer),
            LineForm::Json => json!({
                "ssin": digits(ssin),
                "organisation": self.asked.organisation,
                "context": self.asked.context,
                "asked": self.asked.dates,
                "answer": show::json(answer),
            })
            .to_string(),
        };
        self.write_line(&line)
    }

    /// Makes sure that what was added outlasts the machine.
    ///
    /// # Errors
    /// If the disk cannot say so.
    pub fn close(self) -> io::Result<()> {
        self.file.map_or(Ok(()), |file| file.sync_all())
    }

    fn write_head(&mut self) -> io::Result<()> {
        match self.form {
            LineForm::Csv => self.write_line(COLUMNS),
            LineForm::Json => Ok(()),
        }
    }

    /// In one piece, so that a line is torn by nothing less than a full disk or the machine's end.
    fn write_line(&mut self, line: &str) -> io::Result<()> {
        let line = format!("{line}\n");
        match &mut self.file {
            Some(file) => file.write_all(line.as_bytes()),
            None => io::stdout().write_all(line.as_bytes()),
        }
    }
}

fn read_row(line: &str) -> Option<(Ssin, Asked)> {
    let fields: Vec<_> = line.split(',').collect();
    let [ssin, organisation, context, dates, ..] = fields[..] else { return None };
    if fields.len() != COLUMNS.split(',').count() {
        return None;
    }
    let [organisation, context, dates] = [organisation, context, dates].map(str::to_owned);
    Some((Ssin::parse(ssin).ok()?, Asked { organisation, context, dates }))
}

fn read_object(line: &str) -> Option<(Ssin, Asked)> {
    let object: Value = serde_json::from_str(line).ok()?;
    let text = |key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
    let asked = Asked { organisation: text("organisation")?, context: text("context")?, dates: text("asked")? };
    object.get("answer")?;
    Some((Ssin::parse(&text("ssin")?).ok()?, asked))
}

fn write_row(ssin: Ssin, asked: &Asked, answer: &Answer) -> String {
    let window = answer.criteria.map(|criteria| criteria.window());
    let competences = window.and_then(|window| answer.competent_service(window.to()).ok()).unwrap_or_default();
    let services = competences.iter().map(|competence| {
        let employer = competence.employment.employer.map(|number| number.to_string()).unwrap_or_default();
        let number = |service: &PreventionService| service.number;
        format!("{employer}:{}", say(competence.service, number))
    });
    let (replaced_by, missing) = match answer.status.outcome {
        Outcome::Replaced { by } => (digits(by), DatasetSet::EMPTY),
        Outcome::Incomplete(missing) => (String::new(), missing),
        Outcome::DataFound
        | Outcome::NoDataFound
        | Outcome::WrongDates(_)
        | Outcome::NotAnSsin
        | Outcome::NoRelation
        | Outcome::NoGrant => (String::new(), DatasetSet::EMPTY),
    };
    let missing: Vec<_> = missing.iter().map(Dataset::code).collect();
    [
        digits(ssin),
        asked.organisation.clone(),
        asked.context.clone(),
        asked.dates.clone(),
        answer.status.outcome.code().to_owned(),
        window.map(|window| window.to().to_string()).unwrap_or_default(),
        services.collect::<Vec<_>>().join(" "),
        say(answer.fund(), Some),
        replaced_by,
        missing.join(" "),
        answer.ticket.to_string(),
        answer.replied.to_string(),
    ]
    .join(",")
}

/// A number that was told; with a question mark where a source that is missing could say otherwise.
fn say<T>(told: Disclosed<T>, number: impl Fn(T) -> Option<EnterpriseNumber>) -> String {
    let spell = |found: T| number(found).map(|number| number.to_string()).unwrap_or_default();
    match told {
        Disclosed::Found(found) => spell(found),
        Disclosed::Unsure(found, _) => format!("{}?", found.map(spell).unwrap_or_default()),
        Disclosed::Nothing | Disclosed::Filtered | Disclosed::NotAnswered => String::new(),
    }
}

fn digits(ssin: Ssin) -> String {
    format!("{:011}", ssin.as_u64())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: &str = "85073000160,0999010126,BACKTOWORK:ADVISORY_PHYSICIAN,,MSG00000,2026-01-15,\
                        0999100196:0999020123,,,,00000000-0000-4000-8000-000000000000,2026-01-15T09:30:00.000Z";

    fn asked(dates: &str) -> Asked {
        let (organisation, context) = ("0999010126".to_owned(), "BACKTOWORK:ADVISORY_PHYSICIAN".to_owned());
        Asked { organisation, context, dates: dates.to_owned() }
    }

    fn open(text: &str, form: LineForm, dates: &str) -> (Result<usize, LedgerError>, String) {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), text).expect("written");
        let opened = Ledger::open(file.path(), form, asked(dates)).map(|(_, done)| done.len());
        (opened, std::fs::read_to_string(file.path()).expect("read"))
    }

    #[test]
    fn a_torn_last_line_is_cut_off_and_the_rest_is_done() {
        let whole = format!("{COLUMNS}\n{KEPT}\n");
        for torn in ["", "8", "79111200315,0999010126,BACKTOWORK:ADV", "79111200315,é"] {
            let (opened, left) = open(&format!("{whole}{torn}"), LineForm::Csv, "");
            assert_eq!((opened.expect("ours"), left.as_str()), (1, whole.as_str()), "{torn}");
        }
        for torn in ["", "ssin,organ", COLUMNS] {
            let (opened, left) = open(torn, LineForm::Csv, "");
            assert_eq!((opened.expect("ours"), left), (0, format!("{COLUMNS}\n")), "{torn}");
        }
    }

    #[test]
    fn a_file_of_somebody_elses_or_of_another_question_is_left_as_it_is() {
        let foreign = ["ssin\n", "a,b\n1,2\n", &format!("{COLUMNS}\n{KEPT},\n"), &format!("{COLUMNS}\nx{KEPT}\n")];
        for text in foreign {
            let (opened, left) = open(text, LineForm::Csv, "");
            assert!(matches!(opened, Err(LedgerError::Foreign(_))), "{text}");
            assert_eq!(left, text);
        }
        let text = format!("{COLUMNS}\n{KEPT}\n8507");
        let (opened, left) = open(&text, LineForm::Csv, "2026-01-15");
        assert!(matches!(opened, Err(LedgerError::OtherQuestion { line: 2, .. })));
        assert_eq!(left, text);
        for text in ["{}\n", "[]\n", "{\"ssin\":\"85073000160\"}\n", KEPT] {
            let (opened, _) = open(&format!("{text}\n"), LineForm::Json, "");
            assert!(matches!(opened, Err(LedgerError::Foreign(1))), "{text}");
        }
    }
}
