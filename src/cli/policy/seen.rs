//! Applications of the policy that no certificate showed for a long time, by the records of the audit log.

use std::collections::BTreeMap;
use std::path::Path;

use audit_log::{Event, ReadError, Records};
use ehealth_core::model::{Application, Date, EnterpriseNumber};
use ehealth_core::policy::{Consumer, Register};

/// Days after which an application is reported: a quarter, in which every application asks at least once.
const DAYS: i32 = 90;

/// Finds the applications that the policy lists and that no certificate showed for 90 days: a sentence for
/// each, by consumer. Reads the records of these days, without keys.
///
/// # Errors
/// [`ReadError`] if the audit log cannot be read.
pub(super) fn find_unseen(register: &Register, audit_log: &Path, today: Date) -> Result<Vec<String>, ReadError> {
    let first = today.plus_days(-DAYS);
    let mut last_seen: BTreeMap<(EnterpriseNumber, Application), Date> = BTreeMap::new();
    // The first record of the whole log: the months of these days may begin later.
    let oldest = Records::open(audit_log)?.next().transpose()?;
    let begins = oldest.map(|record| record.header.recorded.brussels_day());
    for record in Records::since(audit_log, first)? {
        let record = record?;
        let day = record.header.recorded.brussels_day();
        if let Event::Exchange(exchange) = record.event
            && let (Some(caller), Some(application)) = (exchange.caller, exchange.application)
        {
            last_seen.insert((caller, application), day);
        }
    }
    // A log that is younger says nothing about the days before it.
    if begins.is_none_or(|begins| begins > first) {
        let since = begins.map_or_else(|| "is empty".to_owned(), |begins| format!("begins on {begins}"));
        return Ok(vec![format!(
            "the audit log {since}: which applications were not seen for {DAYS} days is not known"
        )]);
    }
    let is_unseen = |consumer: &Consumer, application: Application| {
        last_seen.get(&(consumer.organisation, application)).is_none_or(|seen| *seen < first)
    };
    let sentence = |consumer: &Consumer, application: Application| {
        let (id, name) = (consumer.id(), &consumer.name);
        format!("consumer {id} ({name}): no certificate showed the application `{application}` for {DAYS} days")
    };
    let of_consumer = |consumer: &Consumer| {
        let unseen = consumer.applications.iter().filter(|one| is_unseen(consumer, **one));
        unseen.map(|one| sentence(consumer, *one)).collect::<Vec<_>>()
    };
    Ok(register.in_order().into_iter().flat_map(|consumer| of_consumer(consumer)).collect())
}
