//! The text of `certificates acme`.

use std::fmt::Write;

use super::install::Installed;
use super::plan::{Due, Plan};
use crate::cli::certificates::fitness::{Inspected, Validity, days_left};
use crate::config::AcmeSettings;
use ehealth_core::model::Timestamp;

pub(super) fn write(plan: &Plan, acme: &AcmeSettings, is_write: bool, installed: Option<&Installed>) -> String {
    let mut page = String::new();
    // Writing to a String cannot fail.
    let _ = write_lines(&mut page, plan, acme, is_write, installed);
    page
}

fn write_lines(
    page: &mut String,
    plan: &Plan,
    acme: &AcmeSettings,
    is_write: bool,
    installed: Option<&Installed>,
) -> std::fmt::Result {
    let mut line = |name: &str, text: &str| writeln!(page, "{name:<12} {text}");
    line("certificate", &plan.certificate.display().to_string())?;
    line("", &plan.current.as_ref().map_or_else(|| "absent".to_owned(), |current| describe(current, plan.now)))?;
    let key = if plan.has_key { "is kept" } else { "absent: a key is made, EC P-256" };
    line("key", &format!("{}: {key}", plan.key.display()))?;
    line("names", &acme.names.join(", "))?;
    line("directory", &acme.directory)?;
    let account = if plan.has_account { "is used" } else { "absent: an account is made" };
    line("account", &format!("{}: {account}", acme.account.display()))?;
    line("challenge", &challenge(acme))?;
    line("due", due(plan.due, acme).as_str())?;
    let Some(Installed { at, certificate, previous }) = installed else {
        return match (plan.due.is_due(), is_write) {
            (true, _) => writeln!(page, "Nothing was changed. Run the command again with --write."),
            (false, true) => writeln!(page, "Nothing was changed."),
            (false, false) => writeln!(page, "Nothing was changed. With --write --force it is renewed all the same."),
        };
    };
    line("installed", &describe(certificate, *at))?;
    if let Some(previous) = previous {
        line("previous", &previous.display().to_string())?;
    }
    if plan.has_key {
        writeln!(page, "Renewed. A service that runs with this key loads it within seconds, without a restart.")
    } else {
        writeln!(page, "Renewed, with a new key. Start or restart the service, which gets its key at its start.")
    }
}

fn describe(certificate: &Inspected, now: Timestamp) -> String {
    let profile = &certificate.profile;
    let days = days_left(profile, now);
    let state = match Validity::of(profile, now) {
        Validity::Valid => format!("valid, {days} days left"),
        Validity::Expired => format!("EXPIRED {} days ago", days.unsigned_abs()),
        Validity::NotYetValid => "NOT YET VALID".to_owned(),
    };
    format!("{} to {}: {state}", profile.not_before, profile.not_after)
}

fn challenge(acme: &AcmeSettings) -> String {
    match &acme.webroot {
        Some(folder) => format!("http-01, as files below {}", folder.display()),
        None => format!("http-01, answered on {}", acme.listen),
    }
}

fn due(due: Due, acme: &AcmeSettings) -> String {
    match due {
        Due::NotDue => "no".to_owned(),
        Due::Missing => "yes: there is no certificate".to_owned(),
        Due::Expiring => {
            format!("yes: it ends within {} days, or in the second half of its validity", days(acme))
        }
        Due::Names => "yes: it lacks a name".to_owned(),
        Due::Key => "yes: it belongs to another key".to_owned(),
        Due::Forced => "yes: --force".to_owned(),
    }
}

fn days(acme: &AcmeSettings) -> u64 {
    acme.renew_before.as_secs() / 86_400
}
