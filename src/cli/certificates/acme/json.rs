//! The JSON of `certificates acme` (`docs/reference/json.md` "Certificate from an ACME server").

use serde_json::{Value, json};

use super::install::Installed;
use super::plan::Plan;
use crate::cli::certificates::fitness::{Inspected, Validity, days_left};
use crate::config::AcmeSettings;
use certificates::Description;
use ehealth_core::model::Timestamp;

pub(super) fn write(plan: &Plan, acme: &AcmeSettings, is_write: bool, installed: Option<&Installed>) -> Value {
    json!({
        "at": plan.now.to_string(),
        "write": is_write,
        "due": plan.due.code(),
        "isDue": plan.due.is_due(),
        "file": plan.certificate.display().to_string(),
        "current": plan.current.as_ref().map(|current| certificate(current, plan.now)),
        "key": { "file": plan.key.display().to_string(), "exists": plan.has_key },
        "names": acme.names,
        "directory": acme.directory,
        "account": { "file": acme.account.display().to_string(), "exists": plan.has_account },
        "challenge": {
            "listen": acme.webroot.is_none().then(|| acme.listen.to_string()),
            "webroot": acme.webroot.as_ref().map(|folder| folder.display().to_string()),
        },
        "installed": installed.map(|installed| certificate(&installed.certificate, installed.at)),
        "previous": installed
            .and_then(|installed| installed.previous.as_ref())
            .map(|previous| previous.display().to_string()),
    })
}

fn certificate(Inspected { der, profile, purposes, .. }: &Inspected, now: Timestamp) -> Value {
    json!({
        "fingerprint": Description::from_der(der).fingerprint.to_string(),
        "notBefore": profile.not_before.to_string(),
        "notAfter": profile.not_after.to_string(),
        "validity": Validity::of(profile, now).word(),
        "daysLeft": days_left(profile, now),
        "alternativeNames": purposes.alternative_names,
    })
}
