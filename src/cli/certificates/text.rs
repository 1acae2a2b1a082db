//! The text of `certificates inspect`.

use std::fmt::Write;

use super::fitness::{Validity, days_left, unfit_for};
use super::inspection::Inspection;
use super::purpose::Purpose;
use super::trust::{Admitted, ListState, Recognised, Verdict};
use certificates::{Description, Profile};
use ehealth_core::model::{NamedEnvironment, Timestamp};

pub(super) fn write(inspection: &Inspection<'_>) -> String {
    let mut page = String::new();
    // Writing to a String cannot fail.
    let _ = write_lines(&mut page, inspection);
    page
}

fn write_lines(page: &mut String, inspection: &Inspection<'_>) -> std::fmt::Result {
    let Inspection { file, now, purpose, leaf, issuers, trust } = inspection;
    writeln!(page, "{}", file.display())?;
    let mut line = |name: &str, text: &str| writeln!(page, "  {name:<18} {text}");
    write_certificate(&mut line, &leaf.der, &leaf.profile, *now)?;
    let none = || "(no extension)".to_owned();
    line("key usage", &leaf.purposes.key_usage.as_ref().map_or_else(none, |usages| usages.join(", ")))?;
    line(
        "extended key usage",
        &leaf.purposes.extended_key_usage.as_ref().map_or_else(none, |usages| usages.join(", ")),
    )?;
    if !leaf.purposes.alternative_names.is_empty() {
        line("alternative names", &leaf.purposes.alternative_names.join(", "))?;
    }
    match leaf.facts.organisation {
        Ok(number) => line("organisation", &number.to_string())?,
        Err(error) => line("organisation", &format!("none: {error}"))?,
    }
    line("application", leaf.facts.application.as_ref().map_or("none", |application| application.as_str()))?;
    line("environment", environment(leaf.facts.environment))?;
    for one in [Purpose::Client, Purpose::Server, Purpose::Signing] {
        let reasons = unfit_for(one, leaf);
        let text = if reasons.is_empty() { "fit".to_owned() } else { format!("NOT FIT: {}", reasons.join("; ")) };
        line(&format!("as {}", one.code()), &text)?;
    }
    if let Some(verdict) = trust {
        write_verdict(&mut line, verdict)?;
    }
    for (number, (der, profile)) in (1..).zip(issuers) {
        writeln!(page, "issuer {number} of the file")?;
        let mut line = |name: &str, text: &str| writeln!(page, "  {name:<18} {text}");
        write_certificate(&mut line, der, profile, *now)?;
    }
    let verdict = match (inspection.is_refused(), trust) {
        (true, _) => "would be refused",
        (false, None) => "valid and fit",
        (false, Some(_)) => "would be accepted",
    };
    writeln!(page, "{verdict} as {}", purpose.code())
}

fn write_certificate(
    line: &mut impl FnMut(&str, &str) -> std::fmt::Result,
    der: &[u8],
    profile: &Profile,
    now: Timestamp,
) -> std::fmt::Result {
    let Description { fingerprint, names } = Description::from_der(der);
    if let Some(names) = names {
        line("subject", &names.subject)?;
        line("issuer", &names.issuer)?;
        line("serial number", &names.serial)?;
    }
    line("SHA-256", &fingerprint.to_string())?;
    let days = days_left(profile, now);
    let state = match Validity::of(profile, now) {
        Validity::Valid => format!("valid, {days} days left"),
        Validity::Expired => format!("EXPIRED {} days ago", days.unsigned_abs()),
        Validity::NotYetValid => "NOT YET VALID".to_owned(),
    };
    line("validity", &format!("{} to {}: {state}", profile.not_before, profile.not_after))?;
    line("key", &format!("{}, SHA-256 {}", profile.key_kind(), profile.key))?;
    if profile.is_authority() { line("authority", "yes") } else { Ok(()) }
}

fn environment(named: NamedEnvironment) -> &'static str {
    match named {
        NamedEnvironment::Absent => "none",
        NamedEnvironment::One(environment) => environment.code(),
        NamedEnvironment::Two => "two: refused",
        NamedEnvironment::Malformed => "malformed: refused",
    }
}

fn write_verdict(line: &mut impl FnMut(&str, &str) -> std::fmt::Result, verdict: &Verdict) -> std::fmt::Result {
    let Verdict { by, admission, consumer } = verdict;
    match admission {
        Err(refused) => line("trust", &format!("REFUSED by {by}: {refused} ({})", refused.code()))?,
        Ok(Admitted { until, issuer_key, list }) => {
            line("trust", &format!("admitted by {by} until {until}"))?;
            line("issuer's key", &format!("SHA-256 {issuer_key}"))?;
            match list {
                None => line("revocation", "not checked")?,
                Some(ListState::Closed(reason)) => line("revocation", &format!("CLOSED: {reason}"))?,
                Some(ListState::Current { next_update, revoked, .. }) => {
                    line(
                        "revocation",
                        &format!("not revoked; list of {revoked} entries, current until {next_update}"),
                    )?;
                }
            }
        }
    }
    match consumer {
        None => Ok(()),
        Some(Ok(Recognised { id, name })) => line("consumer", &format!("{id} ({name})")),
        Some(Err(error)) => line("consumer", &format!("NONE: {error}")),
    }
}
