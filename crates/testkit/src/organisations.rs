//! The invented organisations of the demo world.

use crate::authority::Convention;
use ehealth_core::model::LegalContext;

/// An invented organisation with a client certificate.
#[derive(Debug, Clone, Copy)]
pub struct Organisation {
    /// File name of its certificate without the extension; the word used in
    /// `fixtures/catalogue.csv`.
    pub word: &'static str,
    /// Enterprise number, ten digits.
    pub number: &'static str,
    /// Name as the policy file shows it.
    pub name: &'static str,
    /// Legal context of its grant; `None` if the policy does not register the organisation.
    pub context: Option<LegalContext>,
    /// Organisations on whose behalf it may ask, in the notation of the policy file.
    pub acts_for: &'static [&'static str],
    pub(crate) convention: Convention,
}

/// The organisations that the demo policy and the demo certificates know.
pub const ORGANISATIONS: [Organisation; 6] = [
    Organisation {
        word: "platform",
        number: "0999000129",
        name: "Example platform",
        context: Some(LegalContext::EHEALTH_PLATFORM),
        acts_for: &[],
        convention: Convention::Federal,
    },
    Organisation {
        word: "fund",
        number: "0999010126",
        name: "De Linde, health-insurance fund",
        context: Some(LegalContext::ADVISORY_PHYSICIAN),
        acts_for: &["0202239951", "17/999=0202239951", "0/0=0202239951"],
        convention: Convention::Ehealth,
    },
    Organisation {
        word: "other-fund",
        number: "0999010225",
        name: "Le Ruisseau, health-insurance fund",
        context: Some(LegalContext::ADVISORY_PHYSICIAN),
        acts_for: &[],
        convention: Convention::Ehealth,
    },
    Organisation {
        word: "service",
        number: "0999020123",
        name: "Welprev, external prevention service",
        context: Some(LegalContext::PREVENTION_SERVICE),
        acts_for: &[],
        convention: Convention::Ehealth,
    },
    Organisation {
        word: "other-service",
        number: "0999020222",
        name: "Bosanté, external prevention service",
        context: Some(LegalContext::PREVENTION_SERVICE),
        acts_for: &[],
        convention: Convention::Federal,
    },
    Organisation {
        word: "stranger",
        number: "0999090102",
        name: "An organisation that is not registered",
        context: None,
        acts_for: &[],
        convention: Convention::Ehealth,
    },
];
