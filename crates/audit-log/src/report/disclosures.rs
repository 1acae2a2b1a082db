//! The data of a report: the disclosures about one person.

use ehealth_core::lookup::Operation;
use ehealth_core::model::{EnterpriseNumber, FieldSet, LegalContext, Ticket, Timestamp, Window};

use crate::query::search::{Found, SealedDetail, SearchError};
use crate::storage::keys::KeyError;

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
    pub outcome: String,
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
                outcome: exchange.outcome.into(),
                told: match detail {
                    Ok(detail) => Told::Institutions(detail.told.into_iter().map(institution).collect()),
                    Err(SealedDetail::Key(KeyError::Missing(_))) => Told::Destroyed,
                    Err(SealedDetail::Key(_) | SealedDetail::Unseal(_)) => Told::Unreadable,
                },
            });
        }
        report
    }
}
