//! The data of a report: the disclosures about one person.

use ehealth_core::lookup::Operation;
use ehealth_core::model::{EnterpriseNumber, FieldSet, LegalContext, Ticket, Timestamp, Window};

use crate::format::outcome::StoredOutcome;
use crate::query::search::{DetailError, Found, SearchError};
use crate::storage::keys::KeyError;

/// The disclosures about one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// When the report was made.
    pub made: Timestamp,
    /// Days that it covers; `None` means all days on record.
    pub days: Option<Window>,
    /// Every exchange about the person, oldest first.
    pub disclosures: Vec<Disclosure>,
    /// Reasons why disclosures may be missing; empty if the report is complete.
    pub gaps: Vec<SearchError>,
}

/// One exchange about the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclosure {
    /// Sequence of the record in the audit log.
    pub sequence: u64,
    /// When the question had come in.
    pub received: Timestamp,
    /// `ticketCBSS` of the exchange.
    pub ticket: Ticket,
    /// Operation that was called.
    pub operation: Operation,
    /// Organisation that asked.
    pub caller: Option<Organisation>,
    /// Organisation for which it asked.
    pub organisation: Option<Organisation>,
    /// Legal context of the question.
    pub context: Option<LegalContext>,
    /// Deliberation on which the grant rests.
    pub deliberation: Option<String>,
    /// Days in the question.
    pub window: Option<Window>,
    /// Fields that were disclosed.
    pub fields: FieldSet,
    /// Code of the status or fault.
    pub outcome: StoredOutcome,
    /// Organisations that were disclosed.
    pub disclosed: DisclosedOrganisations,
}

/// An organisation, with its name if it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organisation {
    /// Enterprise number.
    pub number: EnterpriseNumber,
    /// Name, for people.
    pub name: Option<String>,
}

/// The organisations that an answer disclosed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DisclosedOrganisations {
    /// These organisations, in the order of the answer.
    Readable(Vec<Organisation>),
    /// Unknown: the key of the month was destroyed.
    KeyDestroyed,
    /// Unknown: the detail cannot be decrypted.
    Unreadable,
}

impl Report {
    /// Makes the report of a search result. `name` returns the name of an organisation, if it is
    /// known.
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
                // A year that cannot be searched has one error for each of its months.
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
                outcome: exchange.outcome,
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
