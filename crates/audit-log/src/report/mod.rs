//! What a data-protection officer hands a person: who asked about them, when, on what ground, and what was told (GDPR
//! article 15).
//!
//! A [`Report`] is data; [`Report::render`] writes it as text, JSON or a page, in four languages. The person's own
//! number is nowhere in it: whoever asks for the report knows it, and a report that goes astray tells less. Records
//! that could not be searched are named, not left out.

mod html;
mod json;
mod text;
mod words;

use ehealth_core::lookup::Operation;
use ehealth_core::model::{EnterpriseNumber, FieldSet, LegalContext, Ticket, Timestamp, Window};

use super::keys::KeyError;
use super::outcome::StoredOutcome;
use super::search::{Found, SealedDetail, SearchError};

/// The disclosures about one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// When it was made.
    pub made: Timestamp,
    /// The days that it covers; `None`: all that are kept.
    pub days: Option<Window>,
    /// Every exchange about the person, oldest first.
    pub disclosures: Vec<Disclosed>,
    /// Why disclosures may be missing; empty if none can be.
    pub gaps: Vec<SearchError>,
}

/// One exchange about the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclosed {
    /// The record's place in the trail.
    pub sequence: u64,
    /// When the question had come in.
    pub received: Timestamp,
    /// Under which the exchange is filed.
    pub ticket: Ticket,
    /// Which operation was called.
    pub operation: Operation,
    /// Who asked.
    pub caller: Option<Institution>,
    /// For whom it asked.
    pub organisation: Option<Institution>,
    /// On what ground.
    pub context: Option<LegalContext>,
    /// By which deliberation.
    pub deliberation: Option<String>,
    /// About which days.
    pub window: Option<Window>,
    /// Which fields were told.
    pub fields: FieldSet,
    /// The code of the status or of the fault.
    pub outcome: StoredOutcome,
    /// Which organisations were told.
    pub told: Told,
}

/// An organisation, with its name if somebody knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Institution {
    /// Its number.
    pub number: EnterpriseNumber,
    /// Its name.
    pub name: Option<String>,
}

/// Which organisations were told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// These, in the order of the answer.
    Institutions(Vec<Institution>),
    /// The month's key was destroyed.
    Destroyed,
    /// The detail cannot be read.
    Unreadable,
}

/// In which language a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// Dutch.
    Dutch,
    /// French.
    French,
    /// German.
    German,
    /// English.
    English,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Dutch, Self::French, Self::German, Self::English];

    /// Its code: `nl`, `fr`, `de`, `en` (ISO 639-1).
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Dutch => "nl",
            Self::French => "fr",
            Self::German => "de",
            Self::English => "en",
        }
    }

    /// The language of this code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Plain text.
    Text,
    /// JSON (RFC 8259).
    Json,
    /// A page of HTML that needs nothing else.
    Html,
}

impl Report {
    /// The report about what was found. `name` gives the name of an organisation, if it knows it.
    #[must_use]
    pub fn new(
        found: Vec<Result<Found, SearchError>>,
        made: Timestamp,
        days: Option<Window>,
        name: impl Fn(EnterpriseNumber) -> Option<String>,
    ) -> Self {
        let institution = |number| Institution { number, name: name(number) };
        let mut report = Self { made, days, disclosures: Vec::new(), gaps: Vec::new() };
        for found in found {
            let Found { stamp, exchange, detail } = match found {
                Ok(found) => found,
                // A year that cannot be searched has twelve months that say so.
                Err(error) if report.gaps.contains(&error) => continue,
                Err(error) => {
                    report.gaps.push(error);
                    continue;
                }
            };
            report.disclosures.push(Disclosed {
                sequence: stamp.sequence,
                received: exchange.received,
                ticket: exchange.ticket,
                operation: exchange.operation,
                caller: exchange.caller.map(institution),
                organisation: exchange.organisation.map(institution),
                context: exchange.context,
                deliberation: exchange.deliberation.map(|deliberation| deliberation.as_str().to_owned()),
                window: exchange.window,
                fields: exchange.fields,
                outcome: exchange.outcome,
                told: match detail {
                    Ok(detail) => Told::Institutions(detail.told.into_iter().map(institution).collect()),
                    Err(SealedDetail::Key(KeyError::Missing(_))) => Told::Destroyed,
                    Err(SealedDetail::Key(_) | SealedDetail::Unseal(_)) => Told::Unreadable,
                },
            });
        }
        report
    }

    /// The report, written.
    #[must_use]
    pub fn render(&self, format: Format, language: Language) -> String {
        let words = words::of(language);
        match format {
            Format::Text => text::render(self, words),
            Format::Json => json::render(self, words, language),
            Format::Html => html::render(self, words, language),
        }
    }
}

/// The lines of one disclosure, in the order in which they are told: what each is called, and what it says.
fn lines(disclosed: &Disclosed, words: &words::Words) -> Vec<(&'static str, String)> {
    let institution = |known: &Option<Institution>| known.as_ref().map_or(words.unknown.to_owned(), show);
    let fields: Vec<_> = disclosed.fields.iter().map(|field| words.field(field)).collect();
    let told = match &disclosed.told {
        Told::Institutions(told) if told.is_empty() => words.none.to_owned(),
        Told::Institutions(told) => told.iter().map(show).collect::<Vec<_>>().join("; "),
        Told::Destroyed => words.destroyed.to_owned(),
        Told::Unreadable => words.unreadable.to_owned(),
    };
    let window = disclosed.window.map(days);
    vec![
        (words.received, disclosed.received.to_string()),
        (words.caller, institution(&disclosed.caller)),
        (words.organisation, institution(&disclosed.organisation)),
        (words.ground, disclosed.context.map_or(words.unknown, |context| words.context(context)).to_owned()),
        (words.deliberation, disclosed.deliberation.clone().unwrap_or_else(|| words.none.to_owned())),
        (words.window, window.unwrap_or_else(|| words.none.to_owned())),
        (words.fields, if fields.is_empty() { words.nothing.to_owned() } else { fields.join("; ") }),
        (words.told, told),
        (words.outcome, format!("{} ({})", words.outcome(&disclosed.outcome), disclosed.outcome)),
        (words.ticket, disclosed.ticket.to_string()),
    ]
}

fn show(institution: &Institution) -> String {
    let Institution { number, name } = institution;
    name.as_ref().map_or_else(|| number.to_string(), |name| format!("{name} ({number})"))
}

fn covered(report: &Report, words: &words::Words) -> String {
    report.days.map_or(words.all_days.to_owned(), days)
}

/// The first and the last day, or the only one.
fn days(window: Window) -> String {
    match (window.from(), window.to()) {
        (from, to) if from == to => from.to_string(),
        (from, to) => format!("{from} \u{2013} {to}"),
    }
}
