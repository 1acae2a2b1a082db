//! The data of a report: the disclosures about one person.

use ehealth_core::lookup::Operation;
use ehealth_core::model::{EnterpriseNumber, FieldSet, LegalContext, Ticket, Timestamp, Window};

use crate::query::search::{DetailError, Found, SearchError};
use crate::storage::keys::KeyError;

/// The disclosures about one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// When it was made.
    pub made: Timestamp,
    /// The days that it covers; `None`: all that are kept.
    pub days: Option<Window>,
    /// Every exchange about the person, oldest first.
    pub disclosures: Vec<Disclosure>,
    /// Why disclosures may be missing; empty if none can be.
    pub gaps: Vec<SearchError>,
}

/// One exchange about the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclosure {
    /// The record's place in the trail.
    pub sequence: u64,
    /// When the question had come in.
    pub received: Timestamp,
    /// Under which the exchange is filed.
    pub ticket: Ticket,
    /// Which operation was called.
    pub operation: Operation,
    /// Who asked.
    pub caller: Option<Organisation>,
    /// For whom it asked.
    pub organisation: Option<Organisation>,
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
    pub disclosed: DisclosedOrganisations,
}

/// An organisation, with its name if somebody knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organisation {
    /// Its number.
    pub number: EnterpriseNumber,
    /// Its name.
    pub name: Option<String>,
}

/// Which organisations were told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DisclosedOrganisations {
    /// These, in the order of the answer.
    Readable(Vec<Organisation>),
    /// The month's key was destroyed.
    KeyDestroyed,
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
        let organisation = |number| Organisation { number, name: name(number) };
        let mut report = Self { made, days, disclosures: Vec::new(), gaps: Vec::new() };
        for found in found {
            let Found { header, exchange, detail } = match found {
                Ok(found) => found,
                // A year that cannot be searched has twelve months that say so.
                Err(error) if report.gaps.contains(&error) => continue,
                Err(error) => {
                    report.gaps.push(error);
                    continue;
                }
            };
            report.disclosures.push(Disclosure {
                sequence: header.sequence,
                received: exchange.received,
                ticket: exchange.ticket,
                operation: exchange.operation,
                caller: exchange.caller.map(organisation),
                organisation: exchange.organisation.map(organisation),
                context: exchange.context,
                deliberation: exchange.deliberation.map(|deliberation| deliberation.as_str().to_owned()),
                window: exchange.window,
                fields: exchange.fields,
                outcome: exchange.outcome.into(),
                disclosed: match detail {
                    Ok(detail) => {
                        DisclosedOrganisations::Readable(detail.disclosed.into_iter().map(organisation).collect())
                    }
                    Err(DetailError::Key(KeyError::Missing(_))) => DisclosedOrganisations::KeyDestroyed,
                    Err(DetailError::Key(_) | DetailError::Decrypt(_)) => DisclosedOrganisations::Unreadable,
                },
            });
        }
        report
    }
}
