//! Consumers: the organisations that are known, their grants, and for whom they may act.
//!
//! A [`Register`] that exists is valid: every grant is within its ceiling, no two grants of one
//! consumer overlap, and no organisation is listed twice. It does not change; a new policy is a new
//! register.

use std::collections::HashMap;
use std::sync::Arc;

use super::grant::{Grant, GrantError};
use super::quota::Quota;
use crate::model::{CbeNumber, CustomerId, Digest, EnterpriseNumber, LegalContext};

/// A registered organisation, which its certificate identifies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consumer {
    /// The organisation in the certificate.
    pub organisation: EnterpriseNumber,
    /// Display name: returned to the consumer with the answer of `sendTestMessage`, shown to operators.
    pub name: String,
    /// Other customers on whose behalf it may ask.
    pub acts_for: Vec<ActsFor>,
    /// Its grants, at most one per legal context and day.
    pub grants: Vec<Arc<Grant>>,
    /// Its rate limits.
    pub quota: Quota,
    /// Its certificates that are accepted.
    pub pins: Pins,
    /// How a question about a replaced SSIN is answered.
    pub replaced_ssin: ReplacedSsin,
}

crate::closed_enum! {
    /// How a question about a replaced SSIN is answered, once the relation was shown.
    ///
    /// The code is the word in the policy file.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub enum ReplacedSsin {
        /// With MSG00006 and the new SSIN: the consumer asks again.
        #[default]
        Refuse => "refuse",
        /// Like any other, under the SSIN of the question. The new SSIN is an attribute of `ssin`.
        Annotate => "annotate",
    }
}

/// Facts of a verified certificate about its holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Certified {
    /// Organisation in its subject.
    pub organisation: EnterpriseNumber,
    /// SHA-256 of its public key (`SubjectPublicKeyInfo`, DER).
    pub key: Digest,
    /// SHA-256 of its issuer's public key (`SubjectPublicKeyInfo`, DER), from the verified path.
    /// Two authorities may have the same name; only one has the key that signed the certificate.
    pub issuer: Digest,
}

/// Certificates of an organisation that are accepted. Pins protect against an authority that signs
/// a certificate of this organisation for another holder in error. An empty list pins nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pins {
    /// SHA-256 of the accepted public keys.
    pub keys: Vec<Digest>,
    /// SHA-256 of the public keys of the accepted issuers.
    pub issuers: Vec<Digest>,
}

impl Pins {
    /// Whether the pins accept a certificate.
    #[must_use]
    pub fn allow(&self, certified: &Certified) -> bool {
        let is_pinned = |pins: &[Digest], found: &Digest| pins.is_empty() || pins.contains(found);
        is_pinned(&self.keys, &certified.key) && is_pinned(&self.issuers, &certified.issuer)
    }
}

/// A customer on whose behalf a consumer may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActsFor {
    /// Value of `customerIdentification`: an enterprise number, an establishment unit, or a sector
    /// and institution.
    pub named: CustomerId,
    /// Organisation that it stands for: the relation is checked with it, and MSG00012 names it.
    pub organisation: EnterpriseNumber,
}

/// Why a caller is refused before its question is considered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NotIdentified {
    /// The certificate names no organisation, or one that is not registered (`SOA-01001`).
    #[error("the certificate names no registered organisation")]
    UnknownCaller,
    /// The organisation is registered, but not with this key or this issuer (`SOA-01001`).
    #[error("the certificate does not match the pins of its organisation")]
    NotPinned,
    /// `customerIdentification` is neither the certificate's organisation nor one that it acts for
    /// (`MSG90051`).
    #[error("customerIdentification is neither the caller's organisation nor one that it acts for")]
    ForeignCustomer,
}

/// Why a list of consumers is not a valid register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    /// An organisation is listed twice.
    #[error("consumer {0} is listed twice")]
    Duplicate(EnterpriseNumber),
    /// A grant is invalid.
    #[error("consumer {organisation}, grant {}: {error}", .index + 1)]
    Grant {
        /// The consumer.
        organisation: EnterpriseNumber,
        /// Index of the grant in its list, from 0.
        index: usize,
        /// What is wrong with the grant.
        error: GrantError,
    },
    /// Two grants of one consumer for one context are valid on the same day: it would be undefined
    /// which one decides.
    #[error("consumer {organisation}: two grants for {} overlap in time", .context.code())]
    Overlap {
        /// The consumer.
        organisation: EnterpriseNumber,
        /// The legal context of both grants.
        context: LegalContext,
    },
    /// A customer that this consumer acts for is listed twice, or is the consumer itself.
    #[error("consumer {0}: acts_for lists one customer twice, or the consumer itself")]
    ActsFor(EnterpriseNumber),
}

/// All consumers, by organisation.
#[derive(Debug, Clone, Default)]
pub struct Register(HashMap<EnterpriseNumber, Arc<Consumer>>);

impl Register {
    /// Validates the consumers and creates the register.
    ///
    /// # Errors
    /// All errors, in the order of the list, not only the first.
    pub fn from_consumers(consumers: Vec<Consumer>) -> Result<Self, Vec<RegisterError>> {
        let mut errors = Vec::new();
        let mut register = HashMap::with_capacity(consumers.len());
        for consumer in consumers {
            check(&consumer, &mut errors);
            let organisation = consumer.organisation;
            if register.insert(organisation, Arc::new(consumer)).is_some() {
                errors.push(RegisterError::Duplicate(organisation));
            }
        }
        if errors.is_empty() { Ok(Self(register)) } else { Err(errors) }
    }

    /// Recognises the holder of a verified certificate: the registered consumer that it names, if
    /// its pins accept the certificate. There is no other way from a certificate to a consumer, so
    /// that a certificate that a pin refuses never counts as its organisation's.
    ///
    /// # Errors
    /// [`NotIdentified::UnknownCaller`] or [`NotIdentified::NotPinned`].
    pub fn recognise(&self, certified: Option<Certified>) -> Result<&Arc<Consumer>, NotIdentified> {
        let certified = certified.ok_or(NotIdentified::UnknownCaller)?;
        let consumer = self.0.get(&certified.organisation).ok_or(NotIdentified::UnknownCaller)?;
        if consumer.pins.allow(&certified) { Ok(consumer) } else { Err(NotIdentified::NotPinned) }
    }

    /// Iterates over all consumers, in unspecified order.
    pub fn consumers(&self) -> impl Iterator<Item = &Arc<Consumer>> {
        self.0.values()
    }

    /// Identifies the consumer that calls and the organisation on whose behalf it asks: the first
    /// decision on a question.
    ///
    /// # Errors
    /// [`NotIdentified`]; the answer is a Client fault (`docs/reference/contract.md` "Faults").
    pub fn identify(
        &self,
        certified: Option<Certified>,
        customer: CustomerId,
    ) -> Result<(Arc<Consumer>, EnterpriseNumber), NotIdentified> {
        on_behalf_of(self.recognise(certified)?, customer)
    }

    /// Identifies by the organisation only, without its certificate: to explain a decision.
    ///
    /// # Errors
    /// As [`Register::identify`], except for pins.
    pub fn identify_organisation(
        &self,
        caller: EnterpriseNumber,
        customer: CustomerId,
    ) -> Result<(Arc<Consumer>, EnterpriseNumber), NotIdentified> {
        on_behalf_of(self.0.get(&caller).ok_or(NotIdentified::UnknownCaller)?, customer)
    }
}

/// The organisation that `customer` stands for, if the consumer may ask for it.
fn on_behalf_of(
    consumer: &Arc<Consumer>,
    customer: CustomerId,
) -> Result<(Arc<Consumer>, EnterpriseNumber), NotIdentified> {
    if customer == CustomerId::Cbe(CbeNumber::from(consumer.organisation)) {
        return Ok((Arc::clone(consumer), consumer.organisation));
    }
    let acts_for = consumer.acts_for.iter().find(|entry| entry.named == customer);
    let organisation = acts_for.ok_or(NotIdentified::ForeignCustomer)?.organisation;
    Ok((Arc::clone(consumer), organisation))
}

fn check(consumer: &Consumer, errors: &mut Vec<RegisterError>) {
    let organisation = consumer.organisation;
    for (index, grant) in consumer.grants.iter().enumerate() {
        errors.extend(grant.check().into_iter().map(|error| RegisterError::Grant { organisation, index, error }));
        let earlier = consumer.grants.iter().take(index);
        let overlaps = |other: &Arc<Grant>| other.context == grant.context && other.valid.touches(&grant.valid);
        if earlier.into_iter().any(overlaps) {
            errors.push(RegisterError::Overlap { organisation, context: grant.context });
        }
    }
    let own = CustomerId::Cbe(CbeNumber::from(organisation));
    let mut named: Vec<_> = consumer.acts_for.iter().map(|entry| entry.named).chain([own]).collect();
    named.sort_unstable();
    if named.windows(2).any(|pair| pair.first() == pair.last()) {
        errors.push(RegisterError::ActsFor(organisation));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Date, PairNumber, Period};
    use crate::policy::{Deliberation, Reach, ceiling};

    fn number(text: &str) -> EnterpriseNumber {
        EnterpriseNumber::parse(text).expect("valid check digits")
    }

    fn consumer(organisation: &str) -> Consumer {
        Consumer {
            organisation: number(organisation),
            name: "Fund".into(),
            acts_for: vec![],
            grants: vec![],
            quota: Quota::default(),
            pins: Pins::default(),
            replaced_ssin: ReplacedSsin::default(),
        }
    }

    fn grant(begin: &str, end: Option<&str>) -> Arc<Grant> {
        let day = |text: &str| Date::parse(text).expect("a day");
        let (fields, relation) = ceiling(LegalContext::AdvisoryPhysician);
        Arc::new(Grant {
            context: LegalContext::AdvisoryPhysician,
            fields,
            relation,
            reach: Reach::default(),
            valid: Period::from_days(day(begin), end.map(day)).expect("not reversed"),
            deliberation: Deliberation::parse("16/108").expect("a number"),
        })
    }

    #[test]
    fn reports_all_duplicates_and_overlapping_grants() {
        let mut twice = consumer("0202239951");
        twice.grants = vec![grant("2020-01-01", Some("2024-12-31")), grant("2024-12-31", None)];
        let errors = Register::from_consumers(vec![twice.clone(), twice.clone()]).expect_err("three errors");
        let overlap =
            RegisterError::Overlap { organisation: twice.organisation, context: LegalContext::AdvisoryPhysician };
        assert_eq!(errors, [overlap, overlap, RegisterError::Duplicate(twice.organisation)]);
        twice.grants = vec![grant("2020-01-01", Some("2024-12-30")), grant("2024-12-31", None)];
        assert!(Register::from_consumers(vec![twice]).is_ok());
    }

    #[test]
    fn identifies_the_own_organisation_and_listed_customers() {
        let establishment = CustomerId::Cbe(CbeNumber::parse("2202239951").expect("ten digits"));
        let pair = CustomerId::Pair { sector: PairNumber::new(11), institution: PairNumber::new(7) };
        let mut platform = consumer("0202239951");
        let represented = number("0809394427");
        platform.acts_for = vec![ActsFor { named: pair, organisation: represented }];
        let register = Register::from_consumers(vec![platform.clone()]).expect("valid");
        let own = CustomerId::Cbe(CbeNumber::from(platform.organisation));
        let nothing = Digest::new([0; 32]);
        let identify = |organisation: Option<EnterpriseNumber>, customer| {
            let certify = |organisation| Certified { organisation, key: nothing, issuer: nothing };
            register.identify(organisation.map(certify), customer).map(|(_, organisation)| organisation)
        };
        assert_eq!(identify(Some(platform.organisation), own), Ok(platform.organisation));
        assert_eq!(identify(Some(platform.organisation), pair), Ok(represented));
        assert_eq!(identify(Some(platform.organisation), establishment), Err(NotIdentified::ForeignCustomer));
        assert_eq!(identify(Some(represented), own), Err(NotIdentified::UnknownCaller));
        assert_eq!(identify(None, own), Err(NotIdentified::UnknownCaller));
    }

    #[test]
    fn pins_accept_only_their_key_and_issuer() {
        let [right, wrong] = [[1; 32], [2; 32]].map(Digest::new);
        let mut pinned = consumer("0202239951");
        pinned.pins = Pins { keys: vec![right], issuers: vec![right] };
        let organisation = pinned.organisation;
        let register = Register::from_consumers(vec![pinned]).expect("valid");
        let own = CustomerId::Cbe(CbeNumber::from(organisation));
        let identify = |key, issuer| {
            let certified = Some(Certified { organisation, key, issuer });
            let recognised = register.recognise(certified).map(|consumer| consumer.organisation);
            let identified = register.identify(certified, own).map(|(_, organisation)| organisation);
            assert_eq!(recognised, identified, "both check the pins");
            identified
        };
        assert_eq!(identify(right, right), Ok(organisation));
        assert_eq!(identify(wrong, right), Err(NotIdentified::NotPinned));
        assert_eq!(identify(right, wrong), Err(NotIdentified::NotPinned));
    }
}
