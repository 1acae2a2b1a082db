//! The admin page as JSON (`docs/reference/json.md` "Admin page"). Lists have the bounds of the page.

use serde_json::{Value, json};

use super::attention::{Attention, Item};
use super::cluster::ClusterReport;
use super::history::{Point, Range, quantile};
use super::report::{
    AuthorityReport, CertificateReport, ConsumerReport, CrlReport, DatasetReport, GrantReport, GrantsReport, Report,
};
use datasets::sync::Outcome;
use ehealth_core::model::{Dataset, Field, Freshness};

/// Elements of each list at most.
const SHOWN: usize = 1_000;

/// Writes the page as JSON (RFC 8259), with this range of the history.
pub(super) fn write_page_json(report: &Report, range: Range) -> String {
    let attention = Attention::find(report);
    let list = |items: &[Item]| items.iter().take(SHOWN).map(item).collect::<Value>();
    let page = json!({
        "version": report.version,
        "at": report.now.to_string(),
        "started": report.started.to_string(),
        "verdict": { "code": attention.verdict().code(), "text": attention.line() },
        "reasons": list(&attention.reasons),
        "warnings": list(&attention.warnings),
        "datasets": report.datasets.iter().map(|dataset| show_dataset(report, dataset)).collect::<Value>(),
        "consumers": report.traffic.consumers.iter().take(SHOWN).map(|consumer| show_consumer(report, consumer))
            .collect::<Value>(),
        "policy": {
            "sha256": report.policy.sha256.map(|sha256| sha256.to_string()),
            "grants": report.policy.consumers.iter().take(SHOWN).map(show_grants).collect::<Value>(),
        },
        "certificates": report.certificates.iter().chain(&report.for_operators).take(SHOWN).map(|it| show_certificate(it, None))
            .chain(report.authorities.iter().take(SHOWN).map(show_authority)).collect::<Value>(),
        "reload": { "accepted": report.reload.errors.is_none(), "at": report.reload.at.to_string() },
        "rejectedReloads": report.rejected_reloads.iter()
            .map(|reload| json!({ "at": reload.at.to_string(), "errors": reload.errors }))
            .collect::<Value>(),
        "nodes": report.cluster.as_ref().map(show_nodes),
        "history": show_history(report, range),
    });
    format!("{page}\n")
}

fn item(item: &Item) -> Value {
    let guidance = item.guidance;
    json!({ "code": item.code, "text": item.text, "step": guidance.step, "guide": guidance.section.address() })
}

fn show_dataset(report: &Report, dataset: &DatasetReport) -> Value {
    let status = dataset.status.as_ref();
    let state = match dataset.freshness(report.now) {
        Some(Freshness::Fresh) => "fresh",
        Some(Freshness::Stale) => "stale",
        Some(Freshness::Missing) => "missing",
        None => "unreadable",
    };
    let runs = status.map(|status| status.history.as_slice()).unwrap_or_default().iter().map(|run| {
        json!({
            "outcome": run.outcome.map(Outcome::code), "first": run.first.to_string(), "last": run.last.to_string(),
            "times": run.times, "rejected": run.rejected,
        })
    });
    json!({
        "dataset": dataset.dataset.code(),
        "state": state,
        "ageSeconds": dataset.age(report.now).map(|age| age.as_secs()),
        "limitSeconds": dataset.limit.as_secs(),
        "serial": status.and_then(|status| status.state).map(|state| state.serial),
        "records": status.map(|status| status.records),
        "runs": runs.collect::<Value>(),
    })
}

fn show_consumer(report: &Report, consumer: &ConsumerReport) -> Value {
    let hour = |kind: usize| {
        let counts = consumer.hour.iter().filter_map(|minute| minute.get(kind));
        counts.fold(0_u64, |sum, count| sum.saturating_add(*count))
    };
    let by_kind = report.traffic.kinds.iter().enumerate().map(|(kind, name)| ((*name).to_owned(), hour(kind).into()));
    json!({
        "consumer": consumer.id.map(|id| id.to_string()),
        "name": consumer.name,
        "lastHour": Value::Object(by_kind.collect()),
        "slowed": consumer.is_slowed,
    })
}

fn show_grants(consumer: &GrantsReport) -> Value {
    let grant = |grant: &GrantReport| {
        json!({
            "legalContext": grant.context.to_string(),
            "fields": grant.fields.iter().map(Field::number).collect::<Vec<_>>(),
            "from": grant.begin.to_string(),
            "to": grant.end.map(|(end, _)| end.to_string()),
            "daysLeft": grant.end.map(|(_, days)| days),
            "valid": grant.is_valid,
        })
    };
    json!({
        "consumer": consumer.consumer.to_string(),
        "name": consumer.name,
        "grants": consumer.grants.iter().take(SHOWN).map(grant).collect::<Value>(),
    })
}

fn show_certificate(certificate: &CertificateReport, crl: Option<Value>) -> Value {
    json!({
        "role": certificate.role.code(),
        "subject": certificate.subject,
        "notBefore": certificate.not_before.to_string(),
        "notAfter": certificate.not_after.to_string(),
        "crl": crl,
    })
}

fn show_authority(authority: &AuthorityReport) -> Value {
    let crl = match authority.crl {
        CrlReport::NotChecked => json!({ "state": "not-checked" }),
        CrlReport::Current { next_update, revoked } => {
            json!({ "state": "current", "nextUpdate": next_update.to_string(), "revoked": revoked })
        }
        CrlReport::Unusable { code } => json!({ "state": "unusable", "reason": code }),
    };
    show_certificate(&authority.certificate, Some(crl))
}

fn show_nodes(cluster: &ClusterReport) -> Value {
    let node = |node: &super::cluster::NodeReport| {
        json!({
            "name": node.name,
            "own": node.name == cluster.node,
            "silent": node.is_silent,
            "reportAgeSeconds": cluster.since_report(node).as_secs(),
            "link": node.link,
            "lagRecords": node.lag(),
            "version": node.version,
        })
    };
    cluster.nodes.iter().take(SHOWN).map(node).collect()
}

fn show_history(report: &Report, range: Range) -> Value {
    let (points, ends) = report.history.with(|history| (history.points(range, report.now), *history.ends()));
    let point = |Point { begin, slot }: &Point| {
        let micros = |thousandths| {
            let counts = slot.as_ref().map(|slot| &slot.durations);
            counts.and_then(|counts| quantile(&ends, counts, thousandths)).map(|estimate| estimate.micros)
        };
        let (p50, p99) = (micros(500), micros(990));
        let Some(slot) = slot else { return json!({ "from": begin.to_string(), "observedMillis": 0 }) };
        let kinds = report.traffic.kinds.iter().zip(slot.kinds).map(|(kind, count)| ((*kind).to_owned(), count.into()));
        let ages = Dataset::ALL.iter().zip(slot.ages()).map(|(dataset, age)| (dataset.code().to_owned(), age.into()));
        json!({
            "from": begin.to_string(),
            "observedMillis": slot.millis,
            "exchanges": Value::Object(kinds.collect()),
            "per1000Seconds": slot.rate_per_1000_s(),
            "p50Micros": p50,
            "p99Micros": p99,
            "overloads": slot.overloads,
            "unsignedSeconds": slot.unsigned,
            "uncopiedSeconds": slot.uncopied,
            "datasetAgeSeconds": Value::Object(ages.collect()),
        })
    };
    json!({ "range": range.code(), "points": points.iter().map(point).collect::<Value>() })
}
