//! What a support bundle has, without the log: each part is made from a closed list of fields. Nothing is
//! copied as a whole.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::redact::remove_quoted;
use crate::app::admin_fetch::{AdminAnswer, fetch};
use crate::app::data_file::read_regular;
use crate::app::doctor::read_system_text;
use crate::app::finding::Findings;
use crate::config::{Kind, Origin, Policy, Settings, find_key};
use crate::server::Readers;
use audit_log::{LEGAL_HOLD, SegmentName, checkpoint_size, free_bytes};
use certificates::{Description, Profile};
use datasets::store::Watch;
use datasets::sync::Outcome;
use ehealth_core::model::{Dataset, Field};

/// Elements of each list at most.
const MAX_LIST: usize = 1_000;
/// Entries of a folder that are read at most.
const MAX_ENTRIES: usize = 100_000;
/// Longest checkpoint, in bytes.
const MAX_NOTE: u64 = 64 * 1_024;
/// Longest answer of the admin listener, in bytes.
const MAX_ANSWER: u64 = 4 << 20;
/// Runs of each feed.
const RUNS: u32 = 20;

/// The program.
pub(super) fn version() -> Value {
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "target": format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
        "profile": if cfg!(debug_assertions) { "debug" } else { "release" },
        "testkit": cfg!(feature = "testkit"),
    })
}

/// The machine.
pub(super) fn machine() -> Value {
    let first_line = |path: &str| read_system_text(path).and_then(|text| text.lines().next().map(str::to_owned));
    let memory = read_system_text("/proc/meminfo").unwrap_or_default();
    let memory = memory.lines().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        let wanted = ["MemTotal", "MemFree", "MemAvailable", "Cached", "Dirty", "SwapTotal", "SwapFree", "Mlocked"];
        let kib = value.trim().strip_suffix(" kB")?.parse::<u64>().ok()?;
        wanted.contains(&name).then(|| (name.to_owned(), Value::from(kib)))
    });
    let system = read_system_text("/etc/os-release").unwrap_or_default();
    let system = system.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    json!({
        "system": system.map(|name| name.trim_matches('"')),
        "kernel": first_line("/proc/sys/kernel/osrelease"),
        "uptimeSeconds": first_line("/proc/uptime").and_then(|line| line.split('.').next()?.parse::<u64>().ok()),
        "load": first_line("/proc/loadavg"),
        "processors": std::thread::available_parallelism().ok().map(usize::from),
        "memoryKib": Value::Object(memory.collect()),
        "pressure": { "io": first_line("/proc/pressure/io"), "memory": first_line("/proc/pressure/memory"), "cpu": first_line("/proc/pressure/cpu") },
    })
}

/// Every active setting and its origin. Texts for people are left out: they name persons, such as the
/// data protection officer.
pub(super) fn settings(settings: &Settings) -> Value {
    let list = settings.active_config.iter().take(MAX_LIST).map(|setting| {
        let value = match find_key(&setting.key).map(|key| key.kind) {
            None | Some(Kind::Text) => Value::Null,
            Some(
                Kind::Address
                | Kind::Choice(_)
                | Kind::Networks
                | Kind::Url
                | Kind::Database
                | Kind::Path
                | Kind::Paths
                | Kind::Secret
                | Kind::Duration
                | Kind::Percentage
                | Kind::Name
                | Kind::Integer
                | Kind::Size
                | Kind::Truth,
            ) => json!(setting.value),
        };
        json!({ "setting": setting.key, "value": value, "origin": setting.origin.to_string() })
    });
    list.collect()
}

/// Findings of the check. Values that the operator wrote are in quotes, and left out.
#[must_use]
pub fn describe_findings(findings: &Findings) -> Value {
    let list = findings.iter().take(MAX_LIST).map(|finding| {
        let (file, line) = match &finding.origin {
            Origin::File { file, line } => (Some(file.display().to_string()), Some(*line)),
            Origin::Default | Origin::Environment(_) | Origin::Argument => (None, None),
        };
        json!({
            "severity": finding.severity.code(),
            "cause": finding.cause.code(),
            "setting": finding.setting,
            "settingFile": file,
            "line": line,
            "file": finding.file.as_ref().map(|file| file.display().to_string()),
            "text": remove_quoted(&finding.text),
            "remedy": finding.remedy,
        })
    });
    list.collect()
}

/// The policy in numbers: no name, purpose or deliberation.
pub(super) fn policy(settings: &Settings) -> Result<Value, String> {
    let Policy { register, .. } = crate::config::read_policy(&settings.policy)
        .map_err(|problems| format!("the policy has {} errors; see findings.json", problems.0.len()))?;
    let consumers = register.in_order();
    let listed = consumers.iter().take(MAX_LIST).map(|consumer| {
        let grants = consumer.grants.iter().take(MAX_LIST).map(|grant| {
            json!({
                "legalContext": grant.context.code(),
                "fields": grant.fields.iter().map(Field::number).collect::<Vec<_>>(),
                "relation": grant.relation.code(),
                "validFrom": grant.valid.begin().to_string(),
                "validTo": grant.valid.end().map(|end| end.to_string()),
            })
        });
        json!({
            "organisation": consumer.organisation.to_string(),
            "applications": consumer.applications.len(),
            "pinnedKeys": consumer.pins.keys.len(),
            "pinnedIssuers": consumer.pins.issuers.len(),
            "messageSignature": consumer.signatures.rule.code(),
            "quotaPerMinute": consumer.quota.per_minute,
            "quotaPerDay": consumer.quota.per_day,
            "grants": grants.collect::<Vec<_>>(),
        })
    });
    Ok(json!({
        "sha256": register.policy().map(|policy| policy.to_string()),
        "legalContexts": register.contexts().iter().count(),
        "consumers": listed.collect::<Vec<_>>(),
        "consumersInAll": consumers.len(),
    }))
}

/// State and last runs of each dataset.
pub(super) fn datasets(settings: &Settings) -> Value {
    let readers = Readers::new(Watch::open(&settings.sync.data));
    let list = Dataset::ALL.into_iter().map(|dataset| match readers.with_view(|view| view.status(dataset, RUNS)) {
        Err(error) => json!({ "dataset": dataset.code(), "error": error.reason.to_string() }),
        Ok(status) => {
            let runs = status.history.iter().map(|run| {
                json!({
                    "outcome": run.outcome.map(Outcome::code), "serial": run.serial, "first": run.first.to_string(),
                    "last": run.last.to_string(), "times": run.times, "records": run.records, "rejected": run.rejected,
                })
            });
            json!({
                "dataset": dataset.code(),
                "serial": status.state.map(|state| state.serial),
                "created": status.state.map(|state| state.created.to_string()),
                "records": status.records,
                "runs": runs.collect::<Vec<_>>(),
            })
        }
    });
    list.collect()
}

/// Sizes and numbers of the audit log: no record is read.
pub(super) fn audit_log(settings: &Settings) -> Result<Value, String> {
    let folder = &settings.audit_log.folder;
    let entries = fs::read_dir(folder).map_err(|error| error.to_string())?.take(MAX_ENTRIES).filter_map(Result::ok);
    let (mut segments, mut bytes) = (Vec::new(), 0_u64);
    for entry in entries {
        let name = entry.file_name().to_str().and_then(SegmentName::parse);
        if let (Some(name), Ok(metadata)) = (name, entry.metadata()) {
            bytes = bytes.saturating_add(metadata.len());
            segments.push((name, metadata.len()));
        }
    }
    segments.sort_unstable();
    let count = segments.len();
    let newest = segments.iter().rev().take(MAX_LIST);
    let checkpoint = read_regular(&folder.join("checkpoint"), MAX_NOTE).ok();
    let checkpoint = checkpoint.and_then(|bytes| checkpoint_size(&String::from_utf8_lossy(&bytes)));
    let keys = fs::read_dir(&settings.audit_log.keys).ok().map(|keys| keys.take(MAX_ENTRIES).count());
    Ok(json!({
        "segments": count,
        "bytes": bytes,
        "freeBytes": free_bytes(folder).ok(),
        "checkpointRecords": checkpoint,
        "keys": keys,
        "legalHold": folder.join(LEGAL_HOLD).exists(),
        "newestSegments": newest.map(|(name, bytes)| json!({ "name": name.to_string(), "bytes": bytes })).collect::<Vec<_>>(),
    }))
}

/// Public parts of the service's certificates and of the authorities.
pub(super) fn certificates(settings: &Settings) -> Value {
    let own = std::slice::from_ref(&settings.tls.certificate);
    let files = [("server.certificate", own), ("trust.client_ca", settings.tls.client_ca.as_slice())];
    let list = files.into_iter().map(|(setting, paths)| {
        let mut errors = Vec::new();
        let found = tls_files::read_all_certificates(paths, &mut errors);
        let described = found.iter().take(MAX_LIST).map(|(_, der)| {
            let Description { fingerprint, names } = Description::from_der(der);
            let profile = Profile::from_der(der).ok();
            json!({
                "subject": names.as_ref().map(|names| &names.subject),
                "issuer": names.as_ref().map(|names| &names.issuer),
                "serial": names.as_ref().map(|names| &names.serial),
                "fingerprint": fingerprint.to_string(),
                "notBefore": profile.as_ref().map(|profile| profile.not_before.to_string()),
                "notAfter": profile.as_ref().map(|profile| profile.not_after.to_string()),
                "key": profile.as_ref().map(|profile| profile.key_kind().to_string()),
            })
        });
        json!({ "setting": setting, "certificates": described.collect::<Vec<_>>(), "unreadable": errors.len() })
    });
    list.collect()
}

/// What the admin listener answers; an error says why it does not.
pub(super) fn ask(settings: &Settings, path: &str, accept: &str) -> Result<AdminAnswer, String> {
    let admin = settings.admin.as_ref().ok_or("admin.listen is not set")?;
    if settings.admin_tls.is_some() {
        return Err("the admin listener requires mutual TLS".to_owned());
    }
    fetch(admin.listen, path, accept, MAX_ANSWER).map_err(|error| format!("{}: {error}", admin.listen))
}

/// The JSON of an answer, without names of organisations and quoted values.
pub(super) fn page(answer: &AdminAnswer) -> Result<Value, String> {
    let value: Value = serde_json::from_str(&answer.body).map_err(|_| "the answer is no JSON")?;
    Ok(without_names(&value))
}

fn without_names(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            // A consumer has a name; a node too, which is a setting.
            let is_consumer = members.contains_key("consumer");
            let kept = members.iter().filter(|(key, _)| !(is_consumer && key.as_str() == "name"));
            let kept: Map<_, _> = kept.map(|(key, value)| (key.clone(), without_names(value))).collect();
            Value::Object(kept)
        }
        Value::Array(values) => values.iter().map(without_names).collect(),
        Value::String(text) => Value::String(remove_quoted(text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// Lines of `/metrics` that are ours.
pub(super) fn metrics(answer: &AdminAnswer) -> String {
    let is_ours = |line: &&str| {
        let name = line.strip_prefix("# HELP ").or_else(|| line.strip_prefix("# TYPE ")).unwrap_or(line);
        name.starts_with("ehealth_attributes_") || name.starts_with("process_")
    };
    answer.body.lines().filter(is_ours).map(|line| format!("{line}\n")).collect()
}

/// The end of a file that an operator names: a regular file, no link, at most `limit` bytes.
pub(super) fn tail(path: &Path, limit: u64) -> Result<String, String> {
    crate::app::data_file::read_tail(path, limit)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// The doctor's result, without values that the operator wrote: the first finding is repeated there.
pub(super) fn diagnosis(doctor: &Value) -> Value {
    let mut doctor = doctor.clone();
    let checks = doctor.get_mut("checks").and_then(Value::as_array_mut);
    for check in checks.into_iter().flatten().filter(|check| check.get("check") == Some(&json!("configuration"))) {
        let seen = check.get("seen").and_then(Value::as_str).map(remove_quoted);
        if let (Some(text), Some(member)) = (seen, check.get_mut("seen")) {
            *member = Value::String(text);
        }
    }
    doctor
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_consumers_and_quoted_values_leave_the_page() {
        let body = json!({
            "consumers": [{ "consumer": "0999010126", "name": "Piet", "slowed": false }],
            "nodes": [{ "name": "a", "own": true }],
            "rejectedReloads": [{ "errors": "policy.toml:3: must be a number, and is \"Piet\"" }],
        });
        let answer = AdminAnswer { is_ok: true, body: body.to_string() };
        let shown = page(&answer).expect("JSON");
        assert!(!shown.to_string().contains("Piet"), "{shown}");
        assert_eq!(
            (&shown["consumers"][0]["consumer"], &shown["nodes"][0]["name"]),
            (&json!("0999010126"), &json!("a"))
        );
        assert!(page(&AdminAnswer { is_ok: true, body: "Piet".into() }).is_err());
    }

    #[test]
    fn of_the_metrics_only_ours_remain() {
        let body =
            "# HELP ehealth_attributes_x y\nehealth_attributes_x{a=\"b\"} 1\nprocess_open_fds 3\nPiet 1\n# EOF\n";
        let answer = AdminAnswer { is_ok: true, body: body.into() };
        assert_eq!(metrics(&answer).lines().count(), 3);
    }
}
