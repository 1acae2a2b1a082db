//! The demo policy: each organisation has every field that its legal context allows.

use crate::organisations::ORGANISATIONS;
use ehealth_core::model::LegalContext;
use ehealth_core::policy::ceiling;

/// Limits that no test reaches. A simulation's clock is fixed, so a quota would never refill, and
/// empty answers are what its tests ask for.
pub(crate) const UNLIMITED: &str = "quota_per_minute = 1000000\nquota_per_day = 1000000000\nempty_answers_percent = 100\n\
     empty_answers_per_hour = 100000000\ndates_per_person_and_month = 366\n";

/// Policy file of the demo world: every organisation at the ceiling of its legal context
/// (`docs/reference/domain.md "Who may ask"`). `limits` are further lines for every consumer.
pub(crate) fn policy_text(limits: &str) -> String {
    let mut text = String::from("# Who may ask what: each organisation at the ceiling of its legal context.\n");
    for organisation in ORGANISATIONS {
        let Some(context) = organisation.context else { continue };
        let (fields, relation) = ceiling(context);
        let acts_for = match organisation.acts_for {
            [] => String::new(),
            others => format!("acts_for = {others:?}\n"),
        };
        // One consumer is answered under a replaced SSIN, so that both ways can be tested.
        let replaced_ssin = match context {
            LegalContext::EhealthPlatform => "replaced_ssin = \"annotate\"\n",
            LegalContext::AdvisoryPhysician | LegalContext::PreventionService => "",
        };
        text.push_str(&format!(
            "\n[[consumer]]\norganisation = \"{}\"\nname = \"{}\"\n{acts_for}{replaced_ssin}{limits}\n[[consumer.grant]]\n\
             legal_context = \"{}\"\nfields = [{}]\nrelation = \"{}\"\nvalid_from = \"2020-01-01\"\n\
             deliberation = \"16/108\"\n",
            organisation.number,
            organisation.name,
            context.code(),
            fields.numbers(", "),
            relation.code(),
        ));
    }
    text
}
