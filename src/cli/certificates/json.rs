//! The JSON of `certificates inspect` (`docs/reference/json.md` "Certificate").

use serde_json::{Value, json};

use super::fitness::{Inspected, Validity, days_left, unfit_for};
use super::inspection::Inspection;
use super::purpose::Purpose;
use super::trust::{ListState, Recognised, Verdict};
use certificates::{Description, Profile};
use ehealth_core::model::{NamedEnvironment, Timestamp};

pub(super) fn write(inspection: &Inspection<'_>) -> Value {
    let Inspection { file, now, purpose, leaf, issuers, trust } = inspection;
    let fitness = |purpose| {
        let reasons = unfit_for(purpose, leaf);
        json!({ "isFit": reasons.is_empty(), "reasons": reasons })
    };
    json!({
        "file": file.display().to_string(),
        "at": now.to_string(),
        "purpose": purpose.code(),
        "certificate": certificate(&leaf.der, &leaf.profile, *now),
        "keyUsage": leaf.purposes.key_usage,
        "extendedKeyUsage": leaf.purposes.extended_key_usage,
        "alternativeNames": leaf.purposes.alternative_names,
        "names": names(leaf),
        "fitness": {
            "client": fitness(Purpose::Client),
            "server": fitness(Purpose::Server),
            "signing": fitness(Purpose::Signing),
        },
        "chain": issuers.iter().map(|(der, profile)| certificate(der, profile, *now)).collect::<Vec<_>>(),
        "trust": trust.as_ref().map(verdict),
        "isRefused": inspection.is_refused(),
    })
}

fn certificate(der: &[u8], profile: &Profile, now: Timestamp) -> Value {
    let Description { fingerprint, names } = Description::from_der(der);
    json!({
        "subject": names.as_ref().map(|names| &names.subject),
        "issuer": names.as_ref().map(|names| &names.issuer),
        "serial": names.as_ref().map(|names| &names.serial),
        "fingerprint": fingerprint.to_string(),
        "notBefore": profile.not_before.to_string(),
        "notAfter": profile.not_after.to_string(),
        "validity": Validity::of(profile, now).word(),
        "daysLeft": days_left(profile, now),
        "key": { "kind": profile.key_kind().to_string(), "sha256": profile.key.to_string() },
        "isAuthority": profile.is_authority(),
    })
}

fn names(Inspected { facts, .. }: &Inspected) -> Value {
    let (state, code) = match facts.environment {
        NamedEnvironment::Absent => ("absent", None),
        NamedEnvironment::One(environment) => ("one", Some(environment.code())),
        NamedEnvironment::Two => ("two", None),
        NamedEnvironment::Malformed => ("malformed", None),
    };
    json!({
        "organisation": facts.organisation.ok().map(|number| number.to_string()),
        "organisationError":
            facts.organisation.err().map(|error| json!({ "code": error.code(), "text": error.to_string() })),
        "application": facts.application.map(|application| application.as_str().to_owned()),
        "environment": { "state": state, "code": code },
    })
}

fn verdict(verdict: &Verdict) -> Value {
    let Verdict { by, admission, consumer } = verdict;
    let admitted = admission.as_ref().ok();
    let list = admitted.map(|admitted| match &admitted.list {
        None => list_json("not checked", None, None),
        Some(ListState::Closed(reason)) => list_json("closed", Some(reason.to_string()), None),
        Some(ListState::Current { this_update, next_update, revoked }) => {
            list_json("current", None, Some((*this_update, *next_update, *revoked)))
        }
    });
    let consumer = consumer.as_ref().map(|consumer| {
        let found = consumer.as_ref().ok();
        json!({
            "isRecognised": found.is_some(),
            "consumer": found.map(|Recognised { id, .. }| id),
            "name": found.map(|Recognised { name, .. }| name),
            "error": consumer.as_ref().err(),
        })
    });
    json!({
        "by": by,
        "isAdmitted": admitted.is_some(),
        "refusal": admission.as_ref().err().map(|error| json!({ "code": error.code(), "text": error.to_string() })),
        "admittedUntil": admitted.map(|admitted| admitted.until.to_string()),
        "issuerKey": admitted.map(|admitted| admitted.issuer_key.to_string()),
        "revocation": list,
        "consumer": consumer,
    })
}

fn list_json(state: &str, reason: Option<String>, current: Option<(Timestamp, Timestamp, usize)>) -> Value {
    json!({
        "state": state,
        "reason": reason,
        "thisUpdate": current.map(|(this_update, ..)| this_update.to_string()),
        "nextUpdate": current.map(|(_, next_update, _)| next_update.to_string()),
        "revoked": current.map(|(.., revoked)| revoked),
    })
}
