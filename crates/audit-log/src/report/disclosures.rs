//! The data of a report: the disclosures about one person.

use ehealth_core::lookup::Operation;
use ehealth_core::model::{
    Application, Digest, EnterpriseNumber, FieldSet, LegalContext, StatusCode, Ticket, Timestamp, Translated, Window,
};

use crate::format::outcome::{StoredOutcome, StoredRule};
use crate::format::record::Exchange;
use crate::query::search::{DetailError, Found, SearchError};
use crate::storage::keys::KeyError;

/// The disclosures about one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// When the report was made.
    pub made: Timestamp,
    /// Days that it covers; `None` means all days on record.
    pub days: Option<Window>,
    /// Every exchange about the person that was answered, oldest first.
    pub disclosures: Vec<Disclosure>,
    /// Every attempt that was refused or failed, oldest first: nothing was disclosed.
    pub refused: Vec<Disclosure>,
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
    /// Its application, by its certificate.
    pub application: Option<Application>,
    /// Name of the application, for people, if the policy has one.
    pub application_name: Option<String>,
    /// Organisation for which it asked.
    pub organisation: Option<Organisation>,
    /// Ground of the question.
    pub ground: Option<Ground>,
    /// Rule that decided the exchange.
    pub rule: Option<StoredRule>,
    /// SHA-256 of the policy file under which it was decided.
    pub policy: Option<Digest>,
    /// Deliberation on which the grant rests.
    pub deliberation: Option<String>,
    /// Days in the question.
    pub window: Option<Window>,
    /// Fields that were disclosed.
    pub fields: FieldSet,
    /// Whether the SSIN was disclosed that replaces the one in the question.
    pub discloses_new_ssin: bool,
    /// Code of the status or fault.
    pub outcome: StoredOutcome,
    /// Organisations that were disclosed.
    pub disclosed: DisclosedOrganisations,
    /// Quality in which the person at the caller asked, if the question names one and it can be
    /// decrypted. The identifier of that person is not in the report: it is their own datum.
    pub quality: Option<String>,
    /// The relay that brought the message of the caller, if there was one.
    pub relay: Option<Organisation>,
    /// Whether the caller signed the message.
    pub is_signed: bool,
}

/// The ground of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ground {
    /// Its legal context.
    pub context: LegalContext,
    /// The purpose of the context, for people, if it is known.
    pub purpose: Option<Translated>,
}

/// Words that the audit log does not hold.
pub trait Glossary {
    /// Name of an organisation, under the policy file with this SHA-256.
    fn organisation(&self, number: EnterpriseNumber, policy: Option<Digest>) -> Option<String>;
    /// Name of an application of an organisation, under the policy file with this SHA-256.
    fn application(
        &self,
        organisation: EnterpriseNumber,
        application: Application,
        policy: Option<Digest>,
    ) -> Option<String>;
    /// Purpose of a legal context under the policy file with this SHA-256; `None`: a record of
    /// version 0.1, whose contexts were the built-in ones.
    fn purpose(&self, context: LegalContext, policy: Option<Digest>) -> Option<Translated>;
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
    /// Unknown: the record was pruned, and the key of its month destroyed.
    KeyDestroyed,
    /// Unknown here: the key of the month is not in the folder of keys. It may exist elsewhere.
    KeyMissing,
    /// Unknown: the detail cannot be decrypted.
    Unreadable,
}

impl Report {
    /// Makes the report of a search result.
    #[must_use]
    pub fn new(
        found: Vec<Result<Found, SearchError>>,
        made: Timestamp,
        days: Option<Window>,
        glossary: &impl Glossary,
    ) -> Self {
        let mut report = Self { made, days, disclosures: Vec::new(), refused: Vec::new(), gaps: Vec::new() };
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
            let policy = exchange.policy;
            let organisation = |number| Organisation { number, name: glossary.organisation(number, policy) };
            let list = if is_refused(&exchange) { &mut report.refused } else { &mut report.disclosures };
            list.push(Disclosure {
                sequence: header.sequence,
                received: exchange.received,
                ticket: exchange.ticket,
                operation: exchange.operation,
                caller: exchange.caller.map(organisation),
                application: exchange.application,
                application_name: exchange
                    .caller
                    .zip(exchange.application)
                    .and_then(|(caller, application)| glossary.application(caller, application, policy)),
                organisation: exchange.organisation.map(organisation),
                ground: exchange.context.map(|context| Ground { context, purpose: glossary.purpose(context, policy) }),
                rule: exchange.rule,
                policy,
                deliberation: exchange.deliberation.map(|deliberation| deliberation.as_str().to_owned()),
                window: exchange.window,
                fields: exchange.fields,
                discloses_new_ssin: exchange.tokens.successor.is_some(),
                outcome: exchange.outcome,
                quality: detail.as_ref().ok().and_then(|detail| Some(detail.end_user.as_ref()?.quality().to_owned())),
                relay: exchange.relay.map(|relay| organisation(relay.organisation)),
                is_signed: exchange.is_signed,
                disclosed: match detail {
                    Ok(detail) => {
                        DisclosedOrganisations::Readable(detail.disclosed.into_iter().map(organisation).collect())
                    }
                    Err(DetailError::Key(KeyError::Missing(_))) => DisclosedOrganisations::KeyMissing,
                    Err(DetailError::Key(_) | DetailError::Decrypt(_)) => DisclosedOrganisations::Unreadable,
                },
            });
        }
        report
    }

    /// The same report, with the keys of records before `until` as destroyed
    /// ([`pruned_until`](crate::pruned_until)). A missing key says nothing about why it is missing.
    #[must_use]
    pub fn with_pruned_until(mut self, until: u64) -> Self {
        for disclosure in self.disclosures.iter_mut().chain(&mut self.refused) {
            if disclosure.sequence < until && disclosure.disclosed == DisclosedOrganisations::KeyMissing {
                disclosure.disclosed = DisclosedOrganisations::KeyDestroyed;
            }
        }
        self
    }

    /// Whether the key of a record is missing.
    #[must_use]
    pub fn lacks_keys(&self) -> bool {
        self.exchanges().iter().any(|exchange| exchange.disclosed == DisclosedOrganisations::KeyMissing)
    }

    /// Every exchange, answered or refused, oldest first.
    #[must_use]
    pub fn exchanges(&self) -> Vec<&Disclosure> {
        let mut exchanges: Vec<_> = self.disclosures.iter().chain(&self.refused).collect();
        exchanges.sort_by_key(|exchange| exchange.sequence);
        exchanges
    }
}

/// Whether an exchange was refused or failed, so that nothing was disclosed.
fn is_refused(exchange: &Exchange) -> bool {
    let status = match &exchange.outcome {
        StoredOutcome::Known(code) => code.status(),
        // A code of another version.
        StoredOutcome::Unknown(_) => return exchange.fields.is_empty() && exchange.tokens.successor.is_none(),
    };
    match status {
        Some(StatusCode::DataFound | StatusCode::Incomplete | StatusCode::NoDataFound | StatusCode::Replaced) => false,
        Some(StatusCode::WrongDates | StatusCode::NotAnSsin | StatusCode::NoRelation | StatusCode::NoGrant) | None => {
            true
        }
    }
}
