//! `[[legal_context]]` of the policy file, and the values that contexts and grants have in common.

use super::document::Section;
use super::policy_values::{one_of, read_deliberation, read_fields, read_relation, read_validity};
use ehealth_core::model::{Language, LegalContext, Translated};
use ehealth_core::policy::{ContextDefinition, Contexts, DateRule, EndUserRule};

/// Maximum length of a purpose in one language, in characters.
const PURPOSE_CHARS: usize = 256;

/// Reads the legal contexts; the built-in ones if the file defines none. `None` if there is an error.
pub(super) fn read_contexts(root: &mut Section<'_>) -> Option<Contexts> {
    let mut sections = root.sections("legal_context");
    if sections.is_empty() {
        // A key of this name that is no array of tables is an error of its own.
        return Some(Contexts::built_in());
    }
    let definitions: Vec<_> = sections.iter_mut().map(read_context).collect();
    let is_complete = definitions.iter().all(Option::is_some);
    let contexts = is_complete.then(|| Contexts::new(definitions.iter().flatten().cloned().collect()));
    for error in contexts.iter().filter_map(|contexts| contexts.as_ref().err()).flatten() {
        // The second of two definitions is the one to correct.
        let is_of = |definition: &Option<ContextDefinition>| {
            definition.as_ref().is_some_and(|definition| definition.context == error.context())
        };
        let at = definitions.iter().rposition(is_of).and_then(|index| sections.get(index));
        at.into_iter().for_each(|section| section.report(error.to_string()));
    }
    sections.into_iter().for_each(Section::finish);
    contexts?.ok()
}

fn read_context(section: &mut Section<'_>) -> Option<ContextDefinition> {
    let context =
        section.required("code", |value| LegalContext::parse(value.text()?).map_err(|error| error.to_string()));
    let deliberation = section.required("deliberation", read_deliberation);
    let fields = section.required("fields", read_fields);
    let relations = section.required("relations", |value| value.list(read_relation));
    let valid = read_validity(section);
    let purpose = section.section("purpose").and_then(read_purpose);
    let end_user = section.optional("end_user", |value| {
        EndUserRule::parse(value.text()?).ok_or_else(|| one_of(&EndUserRule::ALL.map(EndUserRule::code)))
    });
    let dates = section.optional("dates", |value| {
        DateRule::parse(value.text()?).ok_or_else(|| one_of(&DateRule::ALL.map(DateRule::code)))
    });
    Some(ContextDefinition {
        context: context?,
        deliberation: deliberation?,
        fields: fields?,
        relations: relations?,
        valid: valid?,
        purpose: purpose?,
        end_user: end_user.unwrap_or_default(),
        dates: dates.unwrap_or_default(),
    })
}

fn read_purpose(mut section: Section<'_>) -> Option<Translated> {
    let mut read = |language: Language| {
        section.required(language.code(), |value| {
            let text = value.text()?;
            let is_text = text.chars().count() <= PURPOSE_CHARS && !text.chars().any(char::is_control);
            if text.trim().is_empty() || !is_text {
                return Err(format!("must have 1 to {PURPOSE_CHARS} characters and no control character"));
            }
            Ok(text.to_owned())
        })
    };
    let [dutch, french, german, english] =
        [Language::Dutch, Language::French, Language::German, Language::English].map(&mut read);
    section.finish();
    Some(Translated { dutch: dutch?, french: french?, german: german?, english: english? })
}
