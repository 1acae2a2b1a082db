//! The policy file: which consumer may request what. Operators write it, auditors read it.
//!
//! ```toml
//! [[legal_context]]                      # default: the three BACKTOWORK: contexts of version 0.1
//! code = "BACKTOWORK:ADVISORY_PHYSICIAN"
//! deliberation = "16/108"
//! fields = [1, 2, 3, 4, 5, 6, 7, 8]      # the ceiling of every grant
//! relations = ["insured"]                # one of which every grant demands
//! valid_from = "2017-07-01"
//! valid_to = "2028-12-31"                # default: until withdrawn
//! purpose = { nl = "…", fr = "…", de = "…", en = "…" }  # what the person reads in the article 15 report
//! end_user = "optional"                  # or "required", "refused"; default: "optional"
//! dates = "any"                          # or "today"; default: "any"
//!
//! [[consumer]]
//! organisation = "0202239951"            # the number in the certificate
//! name = "Example fund"
//! acts_for = [                           # on whose behalf it may also ask; default: none
//!     "0809394427",                      # an enterprise
//!     "2202239951=0202239951",           # an establishment unit and its enterprise
//!     "11/7=0809394427",                 # a sector/institution and its enterprise
//! ]
//!
//! applications = ["RETURN TO WORK"]      # in the certificate; default: all that no other entry lists
//! pinned_keys = ["<SHA-256>"]            # accept only these keys; `policy pin CERTIFICATE` prints them; default: any
//! pinned_issuers = ["<SHA-256>"]         # accept only certificates signed by these keys; default: any trusted CA
//! quota_per_minute = 600                 # requests; default: 600
//! quota_per_day = 100000                 # requests; default: 100000
//! requests_per_minute = 1200             # messages of any kind; default: twice quota_per_minute, at least 1200
//! empty_answers_percent = 35             # over this share of people without an answer it is slowed; default: 35
//! empty_answers_per_hour = 12200         # and over this number; default: a third of quota_per_minute in 61 minutes
//! dates_per_person_and_month = 12        # different days about one person, besides today; default: 12
//! message_signature = "off"              # or "accept", "require": signed messages; default: "off"
//! signers = ["0809394427"]               # other organisations whose signed messages it may bring; default: none
//! sign_responses = false                 # default: false
//!
//! [[consumer.grant]]
//! legal_context = "BACKTOWORK:ADVISORY_PHYSICIAN"
//! fields = [1, 2, 3, 4, 5, 6, 7, 8]      # of the nine fields
//! relation = "insured"                   # none, insured, affiliated-employer
//! look_back_years = 5                    # default: 5
//! look_ahead_days = 90                   # default: 90
//! valid_from = "2024-01-01"
//! valid_to = "2028-12-31"                # default: until withdrawn
//! deliberation = "16/108"                # default: that of the context
//! ```

use std::path::Path;
use std::sync::Arc;

use super::contexts::read_contexts;
use super::document::{Section, decode_text, parse, read_bytes, read_text};
use super::origin::{Origin, Problem, Problems};
use super::policy_values::{
    parse_customer, read_deliberation, read_fields, read_organisation, read_relation, read_signature_rule,
    read_validity,
};
use super::value::Value;
use audit_log::MAX_POLICY_BYTES;
use certificates::sha256;
use ehealth_core::model::{Application, Digest, EnterpriseNumber};
use ehealth_core::policy::{
    ActsFor, Consumer, ConsumerId, Contexts, Grant, Pins, Quota, Reach, Register, RegisterError, ReplacedSsin,
    Signatures,
};

/// A policy file, read and valid.
#[derive(Debug)]
pub struct Policy {
    /// What it says.
    pub register: Register,
    /// Its bytes, as they were read: the audit log keeps them, because records name their SHA-256.
    pub text: Vec<u8>,
}

/// Reads and validates a policy file.
///
/// # Errors
/// Every error of the file.
pub fn read_policy(file: &Path) -> Result<Policy, Problems> {
    let text = read_bytes(file, MAX_POLICY_BYTES)?;
    parse_policy(file, &text).map(|register| Policy { register, text })
}

/// Parses and validates the bytes of a policy file. Errors name `file`.
///
/// # Errors
/// Every error of the text.
pub fn parse_policy(file: &Path, bytes: &[u8]) -> Result<Register, Problems> {
    let text = decode_text(file, bytes)?;
    let (contexts, consumers, lines) = parse(file, &text, |root| {
        let contexts = read_contexts(root);
        let sections = root.sections("consumer");
        let total = sections.len();
        let (mut consumers, mut lines) = (Vec::new(), Vec::new());
        for section in sections {
            lines.push(Lines { consumer: section.line(), grants: Vec::new() });
            let grant_lines = lines.last_mut().map(|lines| &mut lines.grants)?;
            consumers.extend(read_consumer(section, contexts.as_ref(), grant_lines));
        }
        let contexts = contexts?;
        (consumers.len() == total).then_some((contexts, consumers, lines))
    })?;
    let ids: Vec<_> = consumers.iter().map(Consumer::id).collect();
    let register = Register::new(contexts, consumers).map(|register| register.with_policy(sha256(bytes)));
    register.map_err(|errors| {
        let locate = |error: RegisterError| {
            let line = find_line(&error, &ids, &lines);
            Problem {
                origin: Origin::File { file: file.to_owned(), line },
                key: String::new(),
                text: error.to_string(),
            }
        };
        Problems(errors.into_iter().map(locate).collect())
    })
}

/// Finds pins in the form of version 0.1: SHA-256 of an issuer's *name*. Such a pin has the form of
/// today's and matches no certificate. `name_of` gives the name of a trusted authority with this SHA-256;
/// only the names of trusted authorities are known.
pub fn find_outdated_pins(
    file: &Path,
    register: &Register,
    name_of: impl Fn(&Digest) -> Option<String>,
) -> Vec<Problem> {
    let lines = read_text(file).unwrap_or_default();
    let mut problems = Vec::new();
    for consumer in register.consumers() {
        for pin in &consumer.pins.issuers {
            let Some(name) = name_of(pin) else { continue };
            let digits = pin.to_string();
            let line = lines.lines().position(|line| line.to_ascii_lowercase().contains(&digits));
            problems.push(Problem {
                origin: Origin::File { file: file.to_owned(), line: line.map_or(0, |before| before + 1) },
                key: "pinned_issuers".to_owned(),
                text: format!(
                    "consumer {}: {digits} is the SHA-256 of the name {name}; a pin is now the SHA-256 of the issuer's \
                     public key; replace it with the line that `policy pin CERTIFICATE --issuer FILE` prints",
                    consumer.id()
                ),
            });
        }
    }
    problems.sort_unstable();
    problems
}

/// Lines of a consumer and of its grants.
struct Lines {
    consumer: usize,
    grants: Vec<usize>,
}

fn find_line(error: &RegisterError, ids: &[ConsumerId], lines: &[Lines]) -> usize {
    let grant = match error {
        RegisterError::Duplicate(_) | RegisterError::ActsFor(_) | RegisterError::Signers(_) => None,
        RegisterError::Application { .. } | RegisterError::Overlap { .. } => None,
        RegisterError::Grant { index, .. } => Some(*index),
    };
    // The second entry of a consumer that is listed twice is the one to correct.
    let Some(place) = ids.iter().rposition(|listed| *listed == error.consumer()) else { return 0 };
    let Some(lines) = lines.get(place) else { return 0 };
    grant.and_then(|index| lines.grants.get(index)).copied().unwrap_or(lines.consumer)
}

fn read_consumer(
    mut section: Section<'_>,
    contexts: Option<&Contexts>,
    grant_lines: &mut Vec<usize>,
) -> Option<Consumer> {
    let organisation = section.required("organisation", read_organisation);
    let applications = section.optional("applications", read_applications);
    let name = section.required("name", |value| match value.text()? {
        "" => Err("must not be empty".to_owned()),
        name if name.chars().count() > 128 || name.chars().any(char::is_control) => {
            Err("must have at most 128 characters and no control character".to_owned())
        }
        name => Ok(name.to_owned()),
    });
    let acts_for = section.optional("acts_for", |value| value.list(|item| read_acts_for(item.text()?)));
    let quota = read_quota(&mut section);
    let read_digests =
        |value: Value<'_>| value.list(|item| Digest::parse(item.text()?).map_err(|error| error.to_string()));
    let keys = section.optional("pinned_keys", read_digests).unwrap_or_default();
    let issuers = section.optional("pinned_issuers", read_digests).unwrap_or_default();
    let replaced_ssin = section.optional("replaced_ssin", |value| {
        ReplacedSsin::parse(value.text()?).ok_or_else(|| "must be one of refuse, annotate".to_owned())
    });
    let signatures = read_signatures(&mut section);
    let mut grants = Vec::new();
    let grant_sections = section.sections("grant");
    let total = grant_sections.len();
    for grant in grant_sections {
        grant_lines.push(grant.line());
        grants.extend(read_grant(grant, contexts).map(Arc::new));
    }
    section.finish();
    (grants.len() == total).then_some(())?;
    let pins = Pins { keys, issuers };
    Some(Consumer {
        organisation: organisation?,
        applications: applications.unwrap_or_default(),
        name: name?,
        acts_for: acts_for.unwrap_or_default(),
        grants,
        quota,
        pins,
        replaced_ssin: replaced_ssin.unwrap_or_default(),
        signatures,
    })
}

/// Reads whether messages and responses are signed.
fn read_signatures(section: &mut Section<'_>) -> Signatures {
    let rule = section.optional("message_signature", read_signature_rule);
    let signers = section.optional("signers", |value| value.list(read_organisation));
    let sign_responses = section.optional("sign_responses", Value::truth);
    Signatures {
        rule: rule.unwrap_or_default(),
        signers: signers.unwrap_or_default(),
        sign_responses: sign_responses.unwrap_or_default(),
    }
}

/// Reads the limits of a consumer.
fn read_quota(section: &mut Section<'_>) -> Quota {
    let usual = Quota::default();
    let per_minute = section.optional("quota_per_minute", |value| read_u32(value, 1_000_000));
    let per_day = section.optional("quota_per_day", |value| read_u32(value, 1_000_000_000));
    let requests_per_minute = section.optional("requests_per_minute", |value| read_u32(value, 2_000_000));
    let empty_percent = section.optional("empty_answers_percent", |value| {
        u8::try_from(value.integer(1, 100)?).map_err(|error| error.to_string())
    });
    let empty_per_hour = section.optional("empty_answers_per_hour", |value| read_u32(value, 100_000_000));
    let dates_per_person = section.optional("dates_per_person_and_month", |value| {
        u16::try_from(value.integer(1, 366)?).map_err(|error| error.to_string())
    });
    let per_minute = per_minute.unwrap_or(usual.per_minute);
    let requests_per_minute = requests_per_minute.unwrap_or_else(|| Quota::usual_requests(per_minute));
    if requests_per_minute < per_minute {
        section.report("requests_per_minute must not be less than quota_per_minute: every question is a request");
    }
    Quota {
        per_minute,
        per_day: per_day.unwrap_or(usual.per_day),
        requests_per_minute,
        empty_percent: empty_percent.unwrap_or(usual.empty_percent),
        empty_per_hour: empty_per_hour.unwrap_or_else(|| Quota::usual_empty_per_hour(per_minute)),
        dates_per_person: dates_per_person.unwrap_or(usual.dates_per_person),
    }
}

/// Reads a grant. Without contexts, which have errors of their own, its context is not looked up.
fn read_grant(mut section: Section<'_>, contexts: Option<&Contexts>) -> Option<Grant> {
    let context = section.required("legal_context", |value| {
        let code = value.text()?;
        let Some(contexts) = contexts else { return Ok(None) };
        let codes = || contexts.iter().map(|context| context.context.code()).collect::<Vec<_>>().join(", ");
        contexts.find(code).map(Some).ok_or_else(|| format!("must be one of the legal contexts: {}", codes()))
    });
    let context = context.flatten();
    let fields = section.required("fields", read_fields);
    let relation = section.required("relation", read_relation);
    let back_years = section.optional("look_back_years", |value| read_u16(value, 100));
    let ahead_days = section.optional("look_ahead_days", |value| read_u16(value, 3_660));
    let valid = read_validity(&mut section);
    let deliberation = section.optional("deliberation", read_deliberation);
    section.finish();
    let context = Arc::clone(context?);
    let usual = context.dates.reach().unwrap_or_default();
    let reach = Reach {
        back_years: back_years.unwrap_or(usual.back_years),
        ahead_days: ahead_days.unwrap_or(usual.ahead_days),
    };
    let deliberation = deliberation.unwrap_or_else(|| context.deliberation.clone());
    Some(Grant { fields: fields?, relation: relation?, reach, valid: valid?, deliberation, context })
}

/// Reads a list of at least one application: an empty one would mean all of them.
fn read_applications(value: Value<'_>) -> Result<Vec<Application>, String> {
    let applications = value.list(|item| {
        let text = item.text()?;
        Application::parse(text).map_err(|error| format!("{text}: {error}"))
    })?;
    if applications.is_empty() {
        return Err("must name at least one application; without the key the consumer has all of them".to_owned());
    }
    Ok(applications)
}

fn read_u16(value: Value<'_>, most: u16) -> Result<u16, String> {
    let number = value.integer(0, u64::from(most))?;
    u16::try_from(number).map_err(|error| error.to_string())
}

fn read_u32(value: Value<'_>, most: u32) -> Result<u32, String> {
    let number = value.integer(0, u64::from(most))?;
    u32::try_from(number).map_err(|error| error.to_string())
}

/// Parses `NUMBER`, `NUMBER=ENTERPRISE` or `SECTOR/INSTITUTION=ENTERPRISE`.
fn read_acts_for(text: &str) -> Result<ActsFor, String> {
    let (named, meant) = text.split_once('=').unwrap_or((text, text));
    let organisation = EnterpriseNumber::parse(meant).map_err(|error| format!("{text}: {error}"))?;
    let named = parse_customer(named)
        .map_err(|_| format!("{text}: must be NUMBER, NUMBER=ENTERPRISE or SECTOR/INSTITUTION=ENTERPRISE"))?;
    Ok(ActsFor { named, organisation })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_text(text: &str) -> Result<Register, String> {
        parse_policy(Path::new("policy.toml"), text.as_bytes()).map_err(|problems| problems.to_string())
    }

    const FUND: &str = r#"
[[consumer]]
organisation = "0202239951"
name = "Fund"
acts_for = ["0809394427", "2202239951=0202239951", "11/7=0809394427"]

[[consumer.grant]]
legal_context = "BACKTOWORK:ADVISORY_PHYSICIAN"
fields = [1, 2, 3, 4, 5, 6, 7, 8]
relation = "insured"
valid_from = "2024-01-01"
deliberation = "16/108"
"#;

    #[test]
    fn parses_consumers_with_their_grants() {
        let register = parse_text(FUND).expect("a valid policy");
        let fund = register.consumers().next().expect("one consumer");
        assert_eq!((fund.acts_for.len(), fund.grants.len()), (3, 1));
        assert!(fund.grants.iter().all(|grant| grant.reach == Reach::default()));
        assert_eq!(fund.replaced_ssin, ReplacedSsin::Refuse);
    }

    #[test]
    fn a_consumer_chooses_how_a_replaced_ssin_is_answered() {
        let with = |value: &str| parse_text(&FUND.replace("name =", &format!("replaced_ssin = {value}\nname =")));
        let chosen = with("\"annotate\"").expect("a valid policy");
        assert!(chosen.consumers().all(|consumer| consumer.replaced_ssin == ReplacedSsin::Annotate));
        let wrong = with("\"keep\"").expect_err("no such way");
        assert!(wrong.contains("consumer[1].replaced_ssin: must be one of refuse, annotate"), "{wrong}");
    }

    #[test]
    fn reports_every_error_at_once() {
        let text = FUND
            .replace("\"16/108\"", "\"108\"")
            .replace("insured", "cousin")
            .replace("8]", "8, 10]")
            .replace("name =", "nom =")
            .replace("0809394427\",", "0809394428\",");
        let errors = parse_text(&text).expect_err("errors");
        for part in [
            "policy.toml:2: consumer[1].name: is missing",
            "policy.toml:4: consumer[1].nom: unknown key; valid keys: acts_for, applications, dates_per_person_and_month, empty_answers_per_hour, empty_answers_percent, grant, message_signature, name, organisation, pinned_issuers, pinned_keys, quota_per_day, quota_per_minute, replaced_ssin, requests_per_minute, sign_responses, signers",
            "policy.toml:5: consumer[1].acts_for: 0809394428: the check digits are wrong",
            "policy.toml:9: consumer[1].grant[1].fields: must be an integer from 1 to 9",
            "policy.toml:10: consumer[1].grant[1].relation: must be one of none, insured, affiliated-employer",
            "policy.toml:12: consumer[1].grant[1].deliberation: a deliberation has the form year/number, for example 16/108",
        ] {
            assert!(errors.contains(part), "{part}\nis not in\n{errors}");
        }
    }

    #[test]
    fn errors_of_the_register_have_their_line() {
        let errors = parse_text(&FUND.replace("8]", "8, 9]")).expect_err("field 9");
        assert!(errors.starts_with("policy.toml:7: consumer 0202239951, grant 1: field 9"), "{errors}");
        let twice = format!("{FUND}{FUND}");
        assert_eq!(parse_text(&twice).expect_err("twice"), "policy.toml:14: consumer 0202239951 is listed twice");
    }

    #[test]
    fn consumers_of_one_organisation_list_different_applications() {
        let with = |applications: &str| FUND.replace("name =", &format!("applications = {applications}\nname ="));
        let consumers = [with("[\"A\", \"B b\"]"), with("[\"C\"]"), FUND.to_owned()].concat();
        let register = parse_text(&consumers).expect("a valid policy");
        let mut ids: Vec<_> = register.consumers().map(|consumer| consumer.id().to_string()).collect();
        ids.sort();
        assert_eq!(ids, ["0202239951", "0202239951, A", "0202239951, C"]);
        let error = |text: &str| parse_text(text).expect_err("an error");
        assert_eq!(
            error(&[with("[\"A\"]"), with("[\"B\", \"A\"]")].concat()),
            "policy.toml:15: consumer 0202239951, B: application `A` is listed twice"
        );
        let error = error(&[with("[]"), with("[\"A, B\"]")].concat());
        assert!(
            error.contains("policy.toml:4: consumer[1].applications: must name at least one application"),
            "{error}"
        );
        assert!(
            error.contains("policy.toml:17: consumer[2].applications: A, B: an application has 1 to 64"),
            "{error}"
        );
    }
}
