//! The results of a batch lookup: one line per person, in a file that a later run continues.
//!
//! A row is complete or it is not there: the next run truncates an incomplete last row, and asks
//! about that person again. Every row names its question, so that answers to another question are
//! not taken for these. Only the owner can read the file: it contains personal data. One run writes
//! it at a time.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::{Value, json};

use super::finished::Finished;
use super::input_line::InvalidText;
use super::json;
use client::{Answer, Disclosed, Outcome, PreventionService};
use ehealth_core::model::{Dataset, EnterpriseNumber, Ssin};

/// Header of the CSV. No value contains a comma, a quote or a line break.
const COLUMNS: &str =
    "ssin,organisation,context,asked,code,on,services,fund,replaced_by,incomplete,ticket,replied,line,error";

/// Format of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineFormat {
    /// [`COLUMNS`].
    Csv,
    /// An object: `ssin`, `organisation`, `context`, `asked`, `line`, `code`, `error`, and `answer`
    /// with the keys of [`mod@json`].
    Json,
}

/// The part of a question that all lines of a file share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BatchQuestion {
    pub organisation: String,
    pub context: String,
    /// Empty for today, `YYYY-MM-DD`, or `YYYY-MM-DD/YYYY-MM-DD`.
    pub dates: String,
}

impl fmt::Display for BatchQuestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dates = if self.dates.is_empty() { "today" } else { &self.dates };
        write!(f, "organisation {}, context {}, dates {dates}", self.organisation, self.context)
    }
}

/// Why a file cannot be continued.
#[derive(Debug, thiserror::Error)]
pub(super) enum ResultsError {
    /// The file cannot be read or written.
    #[error("{0}")]
    File(#[from] io::Error),
    /// A line has another format.
    #[error("line {0} is not a result of lookup; name another file")]
    Foreign(usize),
    /// A line answers another question.
    #[error("line {line} answers another question ({theirs}); ask the same question, or name another file")]
    OtherQuestion { line: usize, theirs: Box<BatchQuestion> },
    /// A device, a pipe or a folder: it cannot be continued, and reading it may have no end.
    #[error("not a regular file; name another one, or leave --out out to print the rows")]
    NotAFile,
    /// Another run writes the file.
    #[error("another lookup writes this file; wait for its end, or name another file")]
    Locked,
}

/// A file of results, or standard output.
pub(super) struct BatchResults {
    file: Option<File>,
    format: LineFormat,
    question: BatchQuestion,
}

impl BatchResults {
    /// Writes the results to standard output.
    ///
    /// # Errors
    /// If standard output cannot be written.
    pub fn print(format: LineFormat, question: BatchQuestion) -> Result<Self, ResultsError> {
        let mut results = Self { file: None, format, question };
        results.write_header()?;
        Ok(results)
    }

    /// Continues a file, or begins it. Returns the entries that it has already.
    ///
    /// # Errors
    /// [`ResultsError`]; the file is then unchanged.
    pub fn open(path: &Path, format: LineFormat, question: BatchQuestion) -> Result<(Self, Finished), ResultsError> {
        if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            return Err(ResultsError::NotAFile);
        }
        let mut options = OpenOptions::new();
        let mut file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        // The lock ends with the process, even if it is killed.
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ResultsError::Locked),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let mut kept = Vec::new();
        file.read_to_end(&mut kept)?;
        let whole = kept.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let text = kept.get(..whole).unwrap_or_default();
        let text = str::from_utf8(text).map_err(|error| {
            ResultsError::Foreign(1 + text.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n').count())
        })?;
        let mut lines = text.lines().zip(1..);
        if format == LineFormat::Csv && lines.next().is_some_and(|(head, _)| head != COLUMNS) {
            return Err(ResultsError::Foreign(1));
        }
        let mut finished = Finished::default();
        for (line, number) in lines {
            let read = match format {
                LineFormat::Csv => read_row(line),
                LineFormat::Json => read_object(line),
            };
            let (entry, theirs) = read.ok_or(ResultsError::Foreign(number))?;
            if theirs != question {
                return Err(ResultsError::OtherQuestion { line: number, theirs: Box::new(theirs) });
            }
            match entry {
                Entry::Person(ssin) => finished.add_person(ssin),
                Entry::Invalid(text) => finished.add_invalid(text),
            }
        }
        let end = u64::try_from(whole).map_err(io::Error::other)?;
        file.set_len(end)?;
        file.seek(SeekFrom::Start(end))?;
        let mut results = Self { file: Some(file), format, question };
        if whole == 0 {
            results.write_header()?;
        }
        Ok((results, finished))
    }

    /// Row of an answer to the question about this line of the input.
    pub fn row_of_answer(&self, line: usize, ssin: Ssin, answer: &Answer) -> String {
        match self.format {
            LineFormat::Csv => write_row(line, ssin, &self.question, answer),
            LineFormat::Json => {
                let code = answer.status.outcome.code();
                self.object(&digits(ssin), line, code, &Value::Null, &json::write(answer))
            }
        }
    }

    /// Row of a line without an SSIN: the status that the service would answer, and no ticket, because
    /// no request was sent.
    pub fn row_of_invalid(&self, line: usize, invalid: &InvalidText) -> String {
        let InvalidText { text, reason } = invalid;
        let code = Outcome::NotAnSsin.code();
        match self.format {
            LineFormat::Csv => {
                let BatchQuestion { organisation, context, dates } = &self.question;
                format!("{text},{organisation},{context},{dates},{code},,,,,,,,{line},{reason}")
            }
            LineFormat::Json => self.object(text, line, code, &json!(reason.to_string()), &Value::Null),
        }
    }

    fn object(&self, ssin: &str, line: usize, code: &str, error: &Value, answer: &Value) -> String {
        let BatchQuestion { organisation, context, dates } = &self.question;
        json!({
            "ssin": ssin,
            "organisation": organisation,
            "context": context,
            "asked": dates,
            "line": line,
            "code": code,
            "error": error,
            "answer": answer,
        })
        .to_string()
    }

    /// Adds a row. After the call, the operating system has it: the end of this program does not lose
    /// it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn add(&mut self, row: &str) -> io::Result<()> {
        self.write_line(row)
    }

    /// Syncs the file to disk.
    ///
    /// # Errors
    /// If the sync fails.
    pub fn close(self) -> io::Result<()> {
        self.file.map_or(Ok(()), |file| file.sync_all())
    }

    fn write_header(&mut self) -> io::Result<()> {
        match self.format {
            LineFormat::Csv => self.write_line(COLUMNS),
            LineFormat::Json => Ok(()),
        }
    }

    /// Writes a line in one piece, so that only a full disk or a crash of the machine can truncate
    /// it.
    fn write_line(&mut self, line: &str) -> io::Result<()> {
        let line = format!("{line}\n");
        match &mut self.file {
            Some(file) => file.write_all(line.as_bytes()),
            None => io::stdout().write_all(line.as_bytes()),
        }
    }
}

/// What a row of the file is about.
enum Entry {
    Person(Ssin),
    /// Text of a line without an SSIN.
    Invalid(String),
}

impl Entry {
    /// A row without a ticket is one of a line without an SSIN.
    fn read(ssin: &str, code: &str, was_asked: bool) -> Option<Self> {
        if !was_asked && code == Outcome::NotAnSsin.code() {
            return Some(Self::Invalid(ssin.to_owned()));
        }
        Some(Self::Person(Ssin::parse(ssin).ok().filter(|_| was_asked)?))
    }
}

fn read_row(line: &str) -> Option<(Entry, BatchQuestion)> {
    let fields: Vec<_> = line.split(',').collect();
    let [ssin, organisation, context, dates, code, _, _, _, _, _, ticket, ..] = fields[..] else { return None };
    if fields.len() != COLUMNS.split(',').count() {
        return None;
    }
    let [organisation, context, dates] = [organisation, context, dates].map(str::to_owned);
    Some((Entry::read(ssin, code, !ticket.is_empty())?, BatchQuestion { organisation, context, dates }))
}

fn read_object(line: &str) -> Option<(Entry, BatchQuestion)> {
    let object: Value = serde_json::from_str(line).ok()?;
    let text = |key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
    let question =
        BatchQuestion { organisation: text("organisation")?, context: text("context")?, dates: text("asked")? };
    let was_asked = !object.get("answer")?.is_null();
    // Absent in rows of version 0.1.
    let code = text("code").unwrap_or_default();
    Some((Entry::read(&text("ssin")?, &code, was_asked)?, question))
}

fn write_row(line: usize, ssin: Ssin, question: &BatchQuestion, answer: &Answer) -> String {
    let window = answer.criteria.map(|criteria| criteria.window());
    let competences = window.and_then(|window| answer.competent_service(window.to()).ok()).unwrap_or_default();
    let services = competences.iter().map(|competence| {
        let employer = competence.employment.employer.map(|number| number.to_string()).unwrap_or_default();
        let number = |service: &PreventionService| service.number;
        format!("{employer}:{}", number_text(competence.service, number))
    });
    // A list without an employment is not the same as a list that could not be made.
    let may_lack = (!answer.employments_missing().is_empty()).then(|| "?".to_owned());
    let replaced_by = match answer.status.outcome {
        Outcome::Replaced { by } => Some(by),
        Outcome::Incomplete(_)
        | Outcome::DataFound
        | Outcome::NoDataFound
        | Outcome::WrongDates(_)
        | Outcome::NotAnSsin
        | Outcome::NoRelation
        | Outcome::NoGrant => answer.replaced_by,
    };
    let missing: Vec<_> = answer.status.outcome.missing().iter().map(Dataset::code).collect();
    [
        digits(ssin),
        question.organisation.clone(),
        question.context.clone(),
        question.dates.clone(),
        answer.status.outcome.code().to_owned(),
        window.map(|window| window.to().to_string()).unwrap_or_default(),
        services.chain(may_lack).collect::<Vec<_>>().join(" "),
        number_text(answer.fund(), Some),
        replaced_by.map(digits).unwrap_or_default(),
        missing.join(" "),
        answer.ticket.to_string(),
        answer.replied.to_string(),
        line.to_string(),
        String::new(),
    ]
    .join(",")
}

/// The number of a conclusion, with a question mark if a missing dataset could change it.
fn number_text<T>(finding: Disclosed<T>, number: impl Fn(T) -> Option<EnterpriseNumber>) -> String {
    let text = |found: T| number(found).map(|number| number.to_string()).unwrap_or_default();
    match finding {
        Disclosed::Found(found) => text(found),
        Disclosed::Unsure(found, _) => format!("{}?", found.map(text).unwrap_or_default()),
        Disclosed::Nothing | Disclosed::Filtered | Disclosed::NotAnswered => String::new(),
    }
}

fn digits(ssin: Ssin) -> String {
    format!("{:011}", ssin.as_u64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ehealth_core::model::SsinError;

    const KEPT: &str = "85073099932,0999010126,BACKTOWORK:ADVISORY_PHYSICIAN,,MSG00000,2026-01-15,\
                        0999100196:0999020123,,,,00000000-0000-4000-8000-000000000000,2026-01-15T09:30:00.000Z,1,";

    fn question(dates: &str) -> BatchQuestion {
        let (organisation, context) = ("0999010126".to_owned(), "BACKTOWORK:ADVISORY_PHYSICIAN".to_owned());
        BatchQuestion { organisation, context, dates: dates.to_owned() }
    }

    fn open(text: &str, format: LineFormat, dates: &str) -> (Result<usize, ResultsError>, String) {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), text).expect("written");
        let opened = BatchResults::open(file.path(), format, question(dates)).map(|(_, finished)| finished.len());
        (opened, std::fs::read_to_string(file.path()).expect("read"))
    }

    #[test]
    fn an_incomplete_last_line_is_truncated() {
        let whole = format!("{COLUMNS}\n{KEPT}\n");
        for torn in ["", "8", "79111299986,0999010126,BACKTOWORK:ADV", "79111299986,é"] {
            let (opened, left) = open(&format!("{whole}{torn}"), LineFormat::Csv, "");
            assert_eq!((opened.expect("opened"), left.as_str()), (1, whole.as_str()), "{torn}");
        }
        for torn in ["", "ssin,organ", COLUMNS] {
            let (opened, left) = open(torn, LineFormat::Csv, "");
            assert_eq!((opened.expect("opened"), left), (0, format!("{COLUMNS}\n")), "{torn}");
        }
    }

    #[test]
    fn rows_of_lines_without_an_ssin_are_read_back() {
        for format in [LineFormat::Csv, LineFormat::Json] {
            let file = tempfile::NamedTempFile::new().expect("a temporary file");
            let (mut results, _) = BatchResults::open(file.path(), format, question("")).expect("opened");
            let invalid = InvalidText { text: "'=x \\ _".to_owned(), reason: SsinError::Form };
            for line in [1, 7] {
                let row = results.row_of_invalid(line, &invalid);
                results.add(&row).expect("written");
            }
            let locked = BatchResults::open(file.path(), format, question(""));
            assert!(matches!(locked, Err(ResultsError::Locked)), "one writer at a time");
            results.close().expect("closed");
            let (_, mut finished) = BatchResults::open(file.path(), format, question("")).expect("opened");
            assert_eq!(finished.len(), 2);
            assert!(finished.take_invalid(&invalid.text) && finished.take_invalid(&invalid.text));
            assert!(!finished.take_invalid(&invalid.text), "a third line of this text is new");
        }
    }

    #[test]
    fn foreign_files_and_other_questions_are_left_unchanged() {
        let foreign = ["ssin\n", "a,b\n1,2\n", &format!("{COLUMNS}\n{KEPT},\n"), &format!("{COLUMNS}\nx{KEPT}\n")];
        for text in foreign {
            let (opened, left) = open(text, LineFormat::Csv, "");
            assert!(matches!(opened, Err(ResultsError::Foreign(_))), "{text}");
            assert_eq!(left, text);
        }
        for device in ["/dev/zero", "/dev/full", "/"] {
            let opened = BatchResults::open(Path::new(device), LineFormat::Csv, question(""));
            assert!(matches!(opened, Err(ResultsError::NotAFile)), "{device}");
        }
        let text = format!("{COLUMNS}\n{KEPT}\n8507");
        let (opened, left) = open(&text, LineFormat::Csv, "2026-01-15");
        let error = opened.expect_err("another question");
        assert!(matches!(error, ResultsError::OtherQuestion { line: 2, .. }));
        assert_eq!(
            error.to_string(),
            "line 2 answers another question (organisation 0999010126, context BACKTOWORK:ADVISORY_PHYSICIAN, dates \
             today); ask the same question, or name another file"
        );
        assert_eq!(left, text);
        for text in ["{}\n", "[]\n", "{\"ssin\":\"85073099932\"}\n", KEPT] {
            let (opened, _) = open(&format!("{text}\n"), LineFormat::Json, "");
            assert!(matches!(opened, Err(ResultsError::Foreign(1))), "{text}");
        }
    }
}
