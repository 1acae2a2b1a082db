//! Consumers: the organisations that are known, their grants, and for whom they may act.
//!
//! A [`Register`] that exists is valid: every grant is within its ceiling, no two grants of one
//! consumer overlap, and no certificate belongs to two consumers. It does not change; a new policy is
//! a new register.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use super::certified::{Certified, EnvironmentRule, NotIdentified};
use super::context::Contexts;
use super::grant::{Grant, GrantError};
use super::quota::Quota;
use super::signatures::{SignatureRule, Signatures};
use crate::model::{Application, CbeNumber, CustomerId, Digest, EnterpriseNumber, LegalContext};

/// A registered organisation, or some of its applications, which the certificate identifies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consumer {
    /// The organisation in the certificate.
    pub organisation: EnterpriseNumber,
    /// The applications in the certificate. Empty: every application that no other consumer of the
    /// organisation lists, and certificates that name none.
    pub applications: Vec<Application>,
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
    /// Signatures of its messages and of the responses.
    pub signatures: Signatures,
}

/// Identity of a consumer in every limit, counter and log line. Limits are keyed by it and not by
/// the organisation, so that two consumers of one organisation neither share a limit nor have two.
///
/// Only [`Consumer::id`] makes one. The consumers of a [`Register`] have different identities. It is
/// the organisation and the first application of the list: an application that is appended does not
/// reset the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConsumerId {
    organisation: EnterpriseNumber,
    application: Option<Application>,
}

impl ConsumerId {
    /// The organisation.
    #[must_use]
    pub fn organisation(&self) -> EnterpriseNumber {
        self.organisation
    }

    /// The first application that the consumer lists.
    #[must_use]
    pub fn application(&self) -> Option<Application> {
        self.application
    }
}

impl fmt::Display for ConsumerId {
    /// `NNNNNNNNNN`, or `NNNNNNNNNN, APPLICATION` as in the CN of a certificate.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.application {
            Some(application) => write!(f, "{}, {application}", self.organisation),
            None => write!(f, "{}", self.organisation),
        }
    }
}

impl Consumer {
    /// Consumer with the default limits, without grants, pins and customers that it acts for.
    #[must_use]
    pub fn new(organisation: EnterpriseNumber, name: impl Into<String>) -> Self {
        Self {
            organisation,
            applications: Vec::new(),
            name: name.into(),
            acts_for: Vec::new(),
            grants: Vec::new(),
            quota: Quota::default(),
            pins: Pins::default(),
            replaced_ssin: ReplacedSsin::default(),
            signatures: Signatures::default(),
        }
    }

    /// Identity of the consumer.
    #[must_use]
    pub fn id(&self) -> ConsumerId {
        ConsumerId { organisation: self.organisation, application: self.applications.first().copied() }
    }
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

/// Why a list of consumers is not a valid register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    /// An organisation has two consumers that list no applications.
    #[error("consumer {0} is listed twice")]
    Duplicate(ConsumerId),
    /// An application is listed twice, in one consumer or in two of the same organisation.
    #[error("consumer {consumer}: application `{application}` is listed twice")]
    Application {
        /// The consumer that lists it again.
        consumer: ConsumerId,
        /// The application.
        application: Application,
    },
    /// A grant is invalid.
    #[error("consumer {consumer}, grant {}: {error}", .index + 1)]
    Grant {
        /// The consumer.
        consumer: ConsumerId,
        /// Index of the grant in its list, from 0.
        index: usize,
        /// What is wrong with the grant.
        error: GrantError,
    },
    /// Two grants of one consumer for one context are valid on the same day: it would be undefined
    /// which one decides.
    #[error("consumer {consumer}: two grants for {} overlap in time", .context.code())]
    Overlap {
        /// The consumer.
        consumer: ConsumerId,
        /// The legal context of both grants.
        context: LegalContext,
    },
    /// A signer is listed twice, is the consumer itself, or has no effect.
    #[error(
        "consumer {0}: signers lists one organisation twice, or the consumer itself, or needs message_signature \
         \"accept\" or \"require\""
    )]
    Signers(ConsumerId),
    /// A customer that this consumer acts for is listed twice, or is the consumer itself.
    #[error("consumer {0}: acts_for lists one customer twice, or the consumer itself")]
    ActsFor(ConsumerId),
}

impl RegisterError {
    /// The consumer with the error.
    #[must_use]
    pub fn consumer(&self) -> ConsumerId {
        match self {
            Self::Duplicate(consumer)
            | Self::Application { consumer, .. }
            | Self::Grant { consumer, .. }
            | Self::Overlap { consumer, .. }
            | Self::Signers(consumer)
            | Self::ActsFor(consumer) => *consumer,
        }
    }
}

/// All consumers, by organisation, and the environment whose certificates are accepted.
#[derive(Debug, Clone, Default)]
pub struct Register {
    consumers: HashMap<EnterpriseNumber, Vec<Arc<Consumer>>>,
    contexts: Contexts,
    policy: Option<Digest>,
    environment: Option<EnvironmentRule>,
}

impl Register {
    /// Validates the consumers and creates the register. Their grants refer to these contexts. It
    /// accepts certificates of every environment.
    ///
    /// # Errors
    /// All errors, in the order of the list, not only the first.
    pub fn new(contexts: Contexts, consumers: Vec<Consumer>) -> Result<Self, Vec<RegisterError>> {
        let mut errors = Vec::new();
        let mut listed = HashSet::new();
        let mut register: HashMap<_, Vec<_>> = HashMap::with_capacity(consumers.len());
        for consumer in consumers {
            check(&consumer, &mut errors);
            let (id, organisation) = (consumer.id(), consumer.organisation);
            if consumer.applications.is_empty() && !listed.insert((organisation, None)) {
                errors.push(RegisterError::Duplicate(id));
            }
            let repeated = consumer.applications.iter().filter(|one| !listed.insert((organisation, Some(**one))));
            errors.extend(repeated.map(|one| RegisterError::Application { consumer: id, application: *one }));
            register.entry(organisation).or_default().push(Arc::new(consumer));
        }
        if errors.is_empty() {
            Ok(Self { consumers: register, contexts, policy: None, environment: None })
        } else {
            Err(errors)
        }
    }

    /// The same register, with the SHA-256 of the policy file that it was read from.
    #[must_use]
    pub fn with_policy(self, policy: Digest) -> Self {
        Self { policy: Some(policy), ..self }
    }

    /// SHA-256 of the policy file.
    #[must_use]
    pub fn policy(&self) -> Option<Digest> {
        self.policy
    }

    /// The legal contexts.
    #[must_use]
    pub fn contexts(&self) -> &Contexts {
        &self.contexts
    }

    /// The same register, which accepts only certificates that this rule allows.
    #[must_use]
    pub fn with_environment(self, environment: Option<EnvironmentRule>) -> Self {
        Self { environment, ..self }
    }

    /// Recognises the holder of a verified certificate: the registered consumer that it names, if
    /// its environment and the pins accept the certificate. There is no other way from a
    /// certificate to a consumer, so that a certificate that is refused never counts as its
    /// organisation's.
    ///
    /// # Errors
    /// Every [`NotIdentified`] but [`NotIdentified::ForeignCustomer`].
    pub fn recognise(&self, certified: Option<Certified>) -> Result<&Arc<Consumer>, NotIdentified> {
        let certified = certified.ok_or(NotIdentified::NoOrganisation)?;
        // Before the register is read: the answer tells a stranger nothing about it.
        self.environment.map_or(Ok(()), |rule| rule.check(certified.environment))?;
        let consumer = self.find(certified.organisation, certified.application)?;
        if consumer.pins.allow(&certified) { Ok(consumer) } else { Err(NotIdentified::NotPinned) }
    }

    /// The consumer that lists the application, or else the one that lists none.
    fn find(
        &self,
        organisation: EnterpriseNumber,
        application: Option<Application>,
    ) -> Result<&Arc<Consumer>, NotIdentified> {
        let consumers = self.consumers.get(&organisation).ok_or(NotIdentified::UnknownCaller)?;
        let lists = |consumer: &&Arc<Consumer>| application.is_some_and(|one| consumer.applications.contains(&one));
        let lists_none = |consumer: &&Arc<Consumer>| consumer.applications.is_empty();
        let found = consumers.iter().find(lists).or_else(|| consumers.iter().find(lists_none));
        found.ok_or(NotIdentified::OtherApplication)
    }

    /// Iterates over all consumers, in unspecified order.
    pub fn consumers(&self) -> impl Iterator<Item = &Arc<Consumer>> {
        self.consumers.values().flatten()
    }

    /// All consumers, by identity: for people.
    #[must_use]
    pub fn in_order(&self) -> Vec<&Arc<Consumer>> {
        let mut consumers: Vec<_> = self.consumers().collect();
        consumers.sort_by_key(|consumer| consumer.id());
        consumers
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

    /// Identifies by organisation and application only, without a certificate: to explain a
    /// decision.
    ///
    /// # Errors
    /// As [`Register::identify`], except for environment and pins.
    pub fn identify_organisation(
        &self,
        caller: EnterpriseNumber,
        application: Option<Application>,
        customer: CustomerId,
    ) -> Result<(Arc<Consumer>, EnterpriseNumber), NotIdentified> {
        on_behalf_of(self.find(caller, application)?, customer)
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

/// Whether the signers are other organisations, each once, whose signatures are read.
fn has_valid_signers(consumer: &Consumer) -> bool {
    let Signatures { rule, signers, .. } = &consumer.signatures;
    let mut sorted: Vec<_> = signers.iter().chain([&consumer.organisation]).collect();
    sorted.sort_unstable();
    let is_repeated = sorted.windows(2).any(|pair| pair.first() == pair.last());
    signers.is_empty() || (*rule != SignatureRule::Off && !is_repeated)
}

fn check(consumer: &Consumer, errors: &mut Vec<RegisterError>) {
    let id = consumer.id();
    for (index, grant) in consumer.grants.iter().enumerate() {
        errors.extend(grant.check().into_iter().map(|error| RegisterError::Grant { consumer: id, index, error }));
        let earlier = consumer.grants.iter().take(index);
        let is_same = |other: &Grant| other.context.context == grant.context.context;
        let overlaps = |other: &Arc<Grant>| is_same(other) && other.valid.touches(&grant.valid);
        if earlier.into_iter().any(overlaps) {
            errors.push(RegisterError::Overlap { consumer: id, context: grant.context.context });
        }
    }
    let own = CustomerId::Cbe(CbeNumber::from(consumer.organisation));
    let mut named: Vec<_> = consumer.acts_for.iter().map(|entry| entry.named).chain([own]).collect();
    named.sort_unstable();
    if named.windows(2).any(|pair| pair.first() == pair.last()) {
        errors.push(RegisterError::ActsFor(id));
    }
    if !has_valid_signers(consumer) {
        errors.push(RegisterError::Signers(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Date, Environment, NamedEnvironment, PairNumber, Period};
    use crate::policy::Deliberation;

    fn number(text: &str) -> EnterpriseNumber {
        EnterpriseNumber::parse(text).expect("valid check digits")
    }

    fn consumer(organisation: &str) -> Consumer {
        Consumer::new(number(organisation), "Fund")
    }

    fn certify(organisation: EnterpriseNumber) -> Certified {
        let nothing = Digest::new([0; 32]);
        Certified::new(organisation, nothing, nothing)
    }

    fn application(text: &str) -> Application {
        Application::parse(text).expect("a name")
    }

    fn consumer_of(applications: &[&str]) -> Consumer {
        let applications = applications.iter().map(|text| application(text)).collect();
        Consumer { applications, ..consumer("0202239951") }
    }

    fn grant(begin: &str, end: Option<&str>) -> Arc<Grant> {
        let day = |text: &str| Date::parse(text).expect("a day");
        let valid = Period::from_days(day(begin), end.map(day)).expect("not reversed");
        let deliberation = Deliberation::parse("16/108").expect("a number");
        let context = Contexts::built_in().get(LegalContext::ADVISORY_PHYSICIAN).map(Arc::clone).expect("built in");
        Arc::new(Grant::at_ceiling(context, valid, deliberation))
    }

    #[test]
    fn reports_all_duplicates_and_overlapping_grants() {
        let mut twice = consumer("0202239951");
        twice.grants = vec![grant("2020-01-01", Some("2024-12-31")), grant("2024-12-31", None)];
        let errors = Register::new(Contexts::built_in(), vec![twice.clone(), twice.clone()]).expect_err("three errors");
        let overlap = RegisterError::Overlap { consumer: twice.id(), context: LegalContext::ADVISORY_PHYSICIAN };
        assert_eq!(errors, [overlap, overlap, RegisterError::Duplicate(twice.id())]);
        twice.grants = vec![grant("2020-01-01", Some("2024-12-30")), grant("2024-12-31", None)];
        assert!(Register::new(Contexts::built_in(), vec![twice]).is_ok());
    }

    #[test]
    fn identifies_the_own_organisation_and_listed_customers() {
        let establishment = CustomerId::Cbe(CbeNumber::parse("2202239951").expect("ten digits"));
        let pair = CustomerId::Pair { sector: PairNumber::new(11), institution: PairNumber::new(7) };
        let mut platform = consumer("0202239951");
        let represented = number("0809394427");
        platform.acts_for = vec![ActsFor { named: pair, organisation: represented }];
        let register = Register::new(Contexts::built_in(), vec![platform.clone()]).expect("valid");
        let own = CustomerId::Cbe(CbeNumber::from(platform.organisation));
        let identify = |organisation: Option<EnterpriseNumber>, customer| {
            register.identify(organisation.map(certify), customer).map(|(_, organisation)| organisation)
        };
        assert_eq!(identify(Some(platform.organisation), own), Ok(platform.organisation));
        assert_eq!(identify(Some(platform.organisation), pair), Ok(represented));
        assert_eq!(identify(Some(platform.organisation), establishment), Err(NotIdentified::ForeignCustomer));
        assert_eq!(identify(Some(represented), own), Err(NotIdentified::UnknownCaller));
        assert_eq!(identify(None, own), Err(NotIdentified::NoOrganisation));
    }

    #[test]
    fn pins_accept_only_their_key_and_issuer() {
        let [right, wrong] = [[1; 32], [2; 32]].map(Digest::new);
        let mut pinned = consumer("0202239951");
        pinned.pins = Pins { keys: vec![right], issuers: vec![right] };
        let organisation = pinned.organisation;
        let register = Register::new(Contexts::built_in(), vec![pinned]).expect("valid");
        let own = CustomerId::Cbe(CbeNumber::from(organisation));
        let identify = |key, issuer| {
            let certified = Some(Certified { key, issuer, ..certify(organisation) });
            let recognised = register.recognise(certified).map(|consumer| consumer.organisation);
            let identified = register.identify(certified, own).map(|(_, organisation)| organisation);
            assert_eq!(recognised, identified, "both check the pins");
            identified
        };
        assert_eq!(identify(right, right), Ok(organisation));
        assert_eq!(identify(wrong, right), Err(NotIdentified::NotPinned));
        assert_eq!(identify(right, wrong), Err(NotIdentified::NotPinned));
    }

    #[test]
    fn an_application_belongs_to_the_consumer_that_lists_it() {
        let [medical, marketing, others] = [&["MED", "MED 2"][..], &["MARKETING"], &[]].map(consumer_of);
        let recognised = |consumers: &[&Consumer], name: Option<&str>| {
            let register = Register::new(Contexts::built_in(), consumers.iter().map(|one| (*one).clone()).collect())
                .expect("valid");
            let certified = Certified { application: name.map(application), ..certify(medical.organisation) };
            register.recognise(Some(certified)).map(|consumer| consumer.id())
        };
        let all = [&others, &marketing, &medical];
        assert_eq!(recognised(&all, Some("MED")), Ok(medical.id()));
        assert_eq!(recognised(&all, Some("MED 2")), Ok(medical.id()));
        assert_eq!(recognised(&all, Some("MARKETING")), Ok(marketing.id()));
        for other in [None, Some("med"), Some("MED 3")] {
            assert_eq!(recognised(&all, other), Ok(others.id()), "{other:?}");
            assert_eq!(recognised(&[&medical, &marketing], other), Err(NotIdentified::OtherApplication), "{other:?}");
        }
        assert_eq!(recognised(&[&others], Some("MED")), Ok(others.id()));
        assert_eq!(recognised(&[], Some("MED")), Err(NotIdentified::UnknownCaller));
    }

    #[test]
    fn no_certificate_belongs_to_two_consumers() {
        let errors = |lists: &[&[&str]]| {
            let consumers = lists.iter().map(|list| consumer_of(list)).collect();
            let errors = Register::new(Contexts::built_in(), consumers).err().unwrap_or_default();
            errors.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(errors(&[&["A"], &["B", "C"], &[]]), Vec::<String>::new());
        assert_eq!(errors(&[&["A", "A"]]), ["consumer 0202239951, A: application `A` is listed twice"]);
        assert_eq!(errors(&[&["A"], &["B", "A"]]), ["consumer 0202239951, B: application `A` is listed twice"]);
        assert_eq!(errors(&[&[], &["A"], &[]]), ["consumer 0202239951 is listed twice"]);
    }

    #[test]
    fn the_environment_is_checked_before_the_register() {
        let environment = Environment::Production;
        let rule = EnvironmentRule { environment, is_required: false };
        let register = Register::new(Contexts::built_in(), vec![consumer("0202239951")])
            .expect("valid")
            .with_environment(Some(rule));
        let recognise = |organisation: &str, environment| {
            let certified = Certified { environment, ..certify(number(organisation)) };
            register.recognise(Some(certified)).map(|consumer| consumer.organisation)
        };
        let acceptance = NamedEnvironment::One(Environment::Acceptance);
        for organisation in ["0202239951", "0809394427"] {
            assert_eq!(recognise(organisation, acceptance), Err(NotIdentified::OtherEnvironment));
            assert_eq!(recognise(organisation, NamedEnvironment::Two), Err(NotIdentified::TwoEnvironments));
        }
        assert_eq!(recognise("0202239951", NamedEnvironment::One(environment)), Ok(number("0202239951")));
        assert_eq!(recognise("0202239951", NamedEnvironment::Absent), Ok(number("0202239951")));
        assert_eq!(recognise("0809394427", NamedEnvironment::Absent), Err(NotIdentified::UnknownCaller));
    }
}
