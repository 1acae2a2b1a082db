//! The demo policy: each organisation has every field that its legal context allows.

use crate::organisations::ORGANISATIONS;
use crate::scenario::SimulatedSignatures;
use ehealth_core::model::{Language, LegalContext};
use ehealth_core::policy::{ContextDefinition, DateRule, EndUserRule};

/// Limits that no test reaches. A simulation's clock is fixed, so a quota would never refill, and
/// empty answers are what its tests ask for.
const UNLIMITED: &str = "quota_per_minute = 1000000\nquota_per_day = 1000000000\nempty_answers_percent = 100\n\
     empty_answers_per_hour = 100000000\ndates_per_person_and_month = 366\n";

/// Which policy is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// For a demonstration, with the default limits.
    Demonstration,
    /// For a simulation: without limits, and with contexts for tests of the rules that contexts have.
    Simulation(SimulatedSignatures),
}

/// Contexts of a simulation besides the three: each has one rule that the three do not have. The fund has a
/// grant for each.
const SIMULATED: [(&str, EndUserRule, DateRule); 3] = [
    ("SIMULATION:END_USER_REQUIRED", EndUserRule::Required, DateRule::Any),
    ("SIMULATION:END_USER_REFUSED", EndUserRule::Refused, DateRule::Any),
    ("SIMULATION:TODAY", EndUserRule::Optional, DateRule::Today),
];

/// The contexts of the policy: those of the packaged one, and in a simulation [`SIMULATED`].
fn contexts(purpose: Purpose) -> Vec<ContextDefinition> {
    let built_in = LegalContext::BUILT_IN.into_iter().filter_map(ContextDefinition::built_in);
    let simulated = SIMULATED.into_iter().filter(|_| matches!(purpose, Purpose::Simulation(_)));
    let simulated = simulated.filter_map(|(code, end_user, dates)| {
        let definition = ContextDefinition::built_in(LegalContext::ADVISORY_PHYSICIAN)?;
        Some(ContextDefinition { context: LegalContext::parse(code).ok()?, end_user, dates, ..definition })
    });
    built_in.chain(simulated).collect()
}

/// A context as a section of a policy file.
fn context_text(definition: &ContextDefinition) -> String {
    let relations = definition.relations.iter().map(|relation| format!("\"{}\"", relation.code()));
    let purpose =
        Language::ALL.map(|language| format!("{} = \"{}\"", language.code(), definition.purpose.text(language)));
    format!(
        "\n[[legal_context]]\ncode = \"{}\"\ndeliberation = \"{}\"\nfields = [{}]\nrelations = [{}]\n\
         valid_from = \"2017-07-01\"\nend_user = \"{}\"\ndates = \"{}\"\npurpose = {{ {} }}\n",
        definition.context,
        definition.deliberation.as_str(),
        definition.fields.numbers(", "),
        relations.collect::<Vec<_>>().join(", "),
        definition.end_user.code(),
        definition.dates.code(),
        purpose.join(", "),
    )
}

/// A grant of everything that a context allows.
fn grant_text(definition: &ContextDefinition) -> String {
    format!(
        "\n[[consumer.grant]]\nlegal_context = \"{}\"\nfields = [{}]\nrelation = \"{}\"\n\
         valid_from = \"2020-01-01\"\ndeliberation = \"16/108\"\n",
        definition.context,
        definition.fields.numbers(", "),
        definition.relations.first().map_or("none", |relation| relation.code()),
    )
}

/// Policy file of the demo world: every organisation at the ceiling of its legal context
/// (`docs/reference/domain.md "Who may ask"`).
pub(crate) fn policy_text(purpose: Purpose) -> String {
    let limits = match purpose {
        Purpose::Demonstration => String::new(),
        Purpose::Simulation(SimulatedSignatures { rule, sign_responses, .. }) => {
            let rule = rule.code();
            format!("{UNLIMITED}message_signature = \"{rule}\"\nsign_responses = {sign_responses}\n")
        }
    };
    let contexts = contexts(purpose);
    let mut text = String::from("# Who may ask what: each organisation at the ceiling of its legal context.\n");
    text.extend(contexts.iter().map(context_text));
    for organisation in ORGANISATIONS {
        let Some(context) = organisation.context else { continue };
        let acts_for = match organisation.acts_for {
            [] => String::new(),
            others => format!("acts_for = {others:?}\n"),
        };
        // One consumer is answered under a replaced SSIN, so that both ways can be tested.
        let is_platform = context == LegalContext::EHEALTH_PLATFORM;
        let replaced_ssin = if is_platform { "replaced_ssin = \"annotate\"\n" } else { "" };
        text.push_str(&format!(
            "\n[[consumer]]\norganisation = \"{}\"\nname = \"{}\"\n{acts_for}{replaced_ssin}{limits}",
            organisation.number, organisation.name,
        ));
        let is_simulated = |definition: &ContextDefinition| {
            organisation.word == "fund" && !LegalContext::BUILT_IN.contains(&definition.context)
        };
        let granted = contexts.iter().filter(|one| one.context == context || is_simulated(one));
        text.extend(granted.map(grant_text));
    }
    text
}
