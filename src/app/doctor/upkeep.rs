//! Verdicts on what operators keep up: settings, units, certificates, CRLs, verifications, backups.

use super::check::{Check, CheckName};
use super::facts::{CertificateFacts, Facts, UnitFacts, VerificationFacts};
use crate::admin::Verification;
use crate::app::finding::{Findings, Severity};
use crate::app::units::DropInState;
use ehealth_core::model::Timestamp;

const DAY_SECONDS: u64 = 86_400;
/// Days before the end of a certificate at which a warning is due.
const RENEWAL_DAYS: u64 = 30;
/// Hours after which the nightly verification is late.
const VERIFICATION_HOURS: u64 = 36;

/// The check of the settings.
pub(super) fn configuration(findings: &Findings) -> Check {
    let name = CheckName::Configuration;
    let [errors, failures, warnings] =
        [Severity::Error, Severity::Failure, Severity::Warning].map(|severity| findings.count(severity));
    let first = findings.iter().next().map_or(String::new(), |first| format!("; first: {first}"));
    let seen = format!("errors: {errors}, failures: {failures}, warnings: {warnings}{first}");
    let action = "`ehealth-attributes config check --offline` prints every finding with what to do";
    if errors > 0 || failures > 0 {
        Check::problem(name, seen, action)
    } else if warnings > 0 {
        Check::warning(name, seen, action)
    } else {
        Check::ok(name, seen)
    }
}

/// All other checks.
pub(super) fn assess(facts: &Facts) -> Vec<Check> {
    let certificates = facts.certificates.as_ref();
    vec![
        units(&facts.units),
        of_certificates(certificates, facts.now),
        of_crls(certificates, facts.now),
        verification(facts.verification, facts.now),
        Check::not_checked(
            CheckName::Backup,
            "the program keeps no record of its backups",
            "see that last night's folder exists: `backup` verifies what it copies (docs/operations/timetable.md)",
        ),
    ]
}

fn units(units: &UnitFacts) -> Check {
    let name = CheckName::Units;
    let action = "run `ehealth-attributes config units --write`, `systemctl daemon-reload`, and restart the units";
    let units = match units {
        UnitFacts::NoSystemd => return Check::not_checked(name, "systemd does not run here", ""),
        UnitFacts::Unknown(error) => return Check::problem(name, error.clone(), "correct it, then run `config units`"),
        UnitFacts::Known(units) => units,
    };
    let missing: Vec<_> =
        units.iter().filter(|(_, is_installed, _)| !is_installed).map(|(unit, ..)| unit.code()).collect();
    let outdated: Vec<_> = units
        .iter()
        .filter(|(.., state)| match state {
            DropInState::New | DropInState::Changed | DropInState::Obsolete => true,
            DropInState::NotNeeded | DropInState::Current => false,
        })
        .map(|(unit, _, state)| format!("{} ({})", unit.code(), state.code()))
        .collect();
    if !outdated.is_empty() {
        Check::problem(name, format!("drop-ins that do not fit the settings: {}", outdated.join(", ")), action)
    } else if !missing.is_empty() {
        let action = "install the package; without its units nothing confines the service but itself";
        Check::warning(name, format!("not installed: {}", missing.join(", ")), action)
    } else {
        Check::ok(name, format!("{} units are installed, and fit the settings", units.len()))
    }
}

fn days_left(now: Timestamp, end: Timestamp) -> u64 {
    end.since(now).as_secs() / DAY_SECONDS
}

fn of_certificates(facts: Option<&CertificateFacts>, now: Timestamp) -> Check {
    let name = CheckName::Certificates;
    let first =
        facts.and_then(|facts| facts.ends.iter().min_by_key(|(_, end)| *end).map(|first| (facts.ends.len(), first)));
    let Some((count, (setting, end))) = first else {
        return Check::not_checked(name, "the files cannot be loaded", "see the check \"configuration\"");
    };
    let days = days_left(now, *end);
    let seen = format!("{count} certificates; the first ends at {end}, in {days} days");
    let check = if *end < now {
        let seen = format!("{count} certificates; one expired at {end}");
        Check::problem(name, seen, "install a renewed certificate (docs/operations/rotate.md \"Certificate renewal\")")
    } else if days < RENEWAL_DAYS {
        Check::warning(name, seen, "renew it (docs/operations/rotate.md \"Certificate renewal\")")
    } else {
        Check::ok(name, seen)
    };
    check.about(*setting)
}

fn of_crls(facts: Option<&CertificateFacts>, now: Timestamp) -> Check {
    let (name, subject) = (CheckName::Crls, "trust.revocation");
    let check = match facts {
        None => Check::not_checked(name, "the files cannot be loaded", "see the check \"configuration\""),
        Some(facts) if !facts.has_crls => {
            Check::warning(name, "\"none\": revoked certificates are accepted", "name the CRLs of the authorities")
        }
        Some(facts) if facts.closed > 0 => {
            let seen = format!("{} issuers without a usable CRL: their clients are refused", facts.closed);
            Check::problem(name, seen, "install their CRLs; `ehealth-attributes health` says which")
        }
        Some(facts) => match facts.next_updates.iter().min() {
            None => Check::problem(name, "no CRL", "install the CRLs of the authorities"),
            Some(next) => {
                let hours = next.since(now).as_secs() / 3_600;
                let seen =
                    format!("{} CRLs; the first needs its successor at {next}, in {hours} h", facts.next_updates.len());
                if hours < 24 {
                    let action =
                        "put the next CRL into the folder (docs/operations/incident.md \"A CRL that expires\")";
                    Check::warning(name, seen, action)
                } else {
                    Check::ok(name, seen)
                }
            }
        },
    };
    check.about(subject)
}

fn verification(facts: VerificationFacts, now: Timestamp) -> Check {
    let (name, subject) = (CheckName::Verification, "audit_log.verification_report");
    let start =
        "enable ehealth-attributes-verify.timer (docs/operations/install.md \"Verify the audit log every night\")";
    let check = match facts {
        VerificationFacts::NotSet => {
            Check::not_checked(name, "the setting has no value", "set it, and verify every night")
        }
        VerificationFacts::Missing => Check::warning(name, "no report: the audit log was never verified", start),
        VerificationFacts::Found(Verification { at, records, is_sound: false }) => {
            let seen = format!("{records} records, not sound, at {at}");
            Check::problem(
                name,
                seen,
                "run `audit verify`, and follow docs/operations/incident.md \"A damaged audit log\"",
            )
        }
        VerificationFacts::Found(Verification { at, records, is_sound: true }) => {
            let hours = now.since(at).as_secs() / 3_600;
            let seen = format!("{records} records, sound, {hours} h ago");
            if hours > VERIFICATION_HOURS { Check::warning(name, seen, start) } else { Check::ok(name, seen) }
        }
    };
    check.about(subject)
}
