//! Disclosure can be shown: every recorded fact is read back, and a search finds one person and no
//! other.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use audit_log::{
    AuditError, AuditLog, DetailError, Event, Exchange, Frontier, IndexUse, KeyError, KeyFolder, KeyName, MissingKeys,
    Month, Records, SearchError, Whom, find, prove, search,
};
use ehealth_core::lookup::{ExchangeRecord, MessageSignature, Relay};
use ehealth_core::model::{Digest, EndUser, FieldSet, OutcomeCode};
use ehealth_core::policy::Rule;

use super::harness::*;
use crate::support::canary;

fn exchanges(folder: &Path) -> Vec<Exchange> {
    let exchange = |event: Event| match event {
        Event::Exchange(exchange) => Some(*exchange),
        Event::SegmentBegun(_)
        | Event::Interruption(_)
        | Event::Pruning(_)
        | Event::Suppressed(_)
        | Event::Vouched(_) => None,
    };
    read_all(folder).into_iter().filter_map(|record| exchange(record.event)).collect()
}

/// The exchange of a record, decrypted with the month's key.
fn disclosed(exchange: &Exchange, keys: &KeyFolder, month: Month) -> ExchangeRecord {
    let detail = exchange.decrypt(&keys.detail_key(month).expect("there")).expect("its own key");
    ExchangeRecord {
        ticket: exchange.ticket,
        received: exchange.received,
        caller: exchange.caller,
        application: exchange.application,
        fingerprint: exchange.fingerprint,
        operation: exchange.operation,
        organisation: exchange.organisation,
        context: exchange.context,
        rule: exchange.rule.as_ref().map(|rule| Rule::parse(rule.as_str()).expect("known")),
        policy: exchange.policy,
        end_user: detail.end_user,
        deliberation: exchange.deliberation.clone(),
        subject: detail.subject,
        window: exchange.window,
        fields: exchange.fields,
        disclosed: detail.disclosed,
        datasets: exchange.datasets,
        outcome: OutcomeCode::parse(exchange.outcome.as_str()).expect("known"),
        customer_ticket: detail.customer_ticket,
        relay: exchange.relay,
        signature: detail.signature.map(Arc::new),
        replaced_by: detail.replaced_by,
    }
}

fn signature() -> Arc<MessageSignature> {
    let (value, certificate) = (vec![1; 256].into(), vec![2; 900].into());
    Arc::new(MessageSignature { message: Digest::new([3; 32]), value, certificate })
}

fn relay() -> Relay {
    Relay { organisation: enterprise(5_000_000), fingerprint: Digest::new([4; 32]) }
}

#[test]
fn every_fact_of_a_record_is_read_back() {
    let dir = tempfile::tempdir().expect("a folder");
    let settings = settings(dir.path());
    let log = AuditLog::open(&settings, clock("2026-11-22T05:19:00.200Z")).expect("opened");
    let entries = [
        entry(1, person(1)),
        bare_entry(2),
        ExchangeRecord { disclosed: vec![enterprise(3); 5_000], ..entry(3, person(2)) },
        ExchangeRecord { policy: Some(Digest::new([0xcd; 32])), end_user: None, ..entry(4, person(2)) },
        ExchangeRecord { replaced_by: None, application: None, context: None, ..entry(5, person(2)) },
        ExchangeRecord { signature: Some(signature()), relay: Some(relay()), ..entry(6, person(2)) },
        ExchangeRecord { signature: Some(signature()), ..bare_entry(7) },
    ];
    for (entry, sequence) in entries.iter().zip(1..) {
        assert_eq!(record(&log, entry.clone()), Ok(sequence));
    }
    log.close();
    let keys = KeyFolder::open(&settings.keys, MissingKeys::Refuse).expect("there");
    let november = Month::from_calendar(2026, 11).expect("a month");
    let read: Vec<_> =
        exchanges(&settings.folder).iter().map(|exchange| disclosed(exchange, &keys, november)).collect();
    assert_eq!(read, entries);
}

#[test]
fn leaf_hashes_give_the_tree_that_the_next_segment_names() {
    let dir = tempfile::tempdir().expect("a folder");
    let settings = settings(dir.path());
    let clock = clock("2026-11-30T22:59:59Z");
    let log = AuditLog::open(&settings, clock.clone()).expect("opened");
    for number in 0..37 {
        record(&log, entry(number, person(number))).expect("durable");
    }
    clock.set(moment("2026-11-30T23:00:00Z"));
    record(&log, entry(37, person(37))).expect("durable");
    log.close();
    let mut tree = Frontier::default();
    let mut months = Vec::new();
    for (record, sequence) in read_all(&settings.folder).iter().zip(0..) {
        assert_eq!(record.header.sequence, sequence);
        if let Event::SegmentBegun(begun) = &record.event {
            assert_eq!(begun.tree, tree);
            months.push((sequence, begun.month.to_string()));
        }
        tree.push(record.leaf);
    }
    assert_eq!(months, [(0, "2026-11".to_owned()), (38, "2026-12".to_owned())]);
    assert_eq!(tree.size(), 40);
}

#[test]
fn a_search_finds_one_person_over_years_and_no_other() {
    let dir = tempfile::tempdir().expect("a folder");
    let settings = settings(dir.path());
    let clock = clock("2026-12-31T22:00:00Z");
    let log = AuditLog::open(&settings, clock.clone()).expect("opened");
    for number in 0..30 {
        if number == 15 {
            clock.set(moment("2027-01-01T00:00:00Z"));
        }
        record(&log, entry(number, person(number % 3))).expect("durable");
    }
    record(&log, bare_entry(30)).expect("durable");
    log.close();
    let keys = KeyFolder::open(&settings.keys, MissingKeys::Refuse).expect("there");
    let found: Vec<_> = search(Records::open(&settings.folder).expect("there"), &keys, &Whom::Subject(person(1)))
        .map(|found| found.expect("both years have keys"))
        .collect();
    let expected: Vec<_> = (0..30).filter(|number| number % 3 == 1).map(|number| entry(number, person(1))).collect();
    assert_eq!(
        found.iter().map(|found| found.exchange.ticket).collect::<Vec<_>>(),
        expected.iter().map(|entry| entry.ticket).collect::<Vec<_>>()
    );
    assert!(found.iter().all(|found| found.detail.as_ref().expect("opens").subject == Some(person(1))));
    assert_ne!(found[0].exchange.subject(), found[9].exchange.subject(), "tokens of two years do not link");
    assert_eq!(search(Records::open(&settings.folder).expect("there"), &keys, &Whom::Subject(person(5))).count(), 0);
}

#[test]
fn an_exchange_about_a_replaced_ssin_is_found_under_both() {
    let dir = tempfile::tempdir().expect("a folder");
    let settings = settings(dir.path());
    let clock = clock("2026-11-22T05:19:00Z");
    let log = AuditLog::open(&settings, clock.clone()).expect("opened");
    let redirected = ExchangeRecord { fields: FieldSet::EMPTY, outcome: OutcomeCode::Replaced, ..entry(1, person(1)) };
    record(&log, redirected).expect("durable");
    record(&log, ExchangeRecord { replaced_by: None, ..entry(2, successor(person(1))) }).expect("durable");
    clock.set(moment("2026-12-22T05:19:00Z"));
    record(&log, ExchangeRecord { replaced_by: None, ..entry(3, person(1)) }).expect("durable");
    log.close();
    let keys = KeyFolder::open(&settings.keys, MissingKeys::Refuse).expect("there");
    for index in [IndexUse::Bypass, IndexUse::Keep] {
        let sequences = |person| {
            let found = find(&settings.folder, &keys, index, &Whom::Subject(person), None).expect("readable");
            found.into_iter().map(|found| found.expect("searchable").header.sequence).collect::<Vec<_>>()
        };
        assert_eq!((sequences(person(1)), sequences(successor(person(1)))), (vec![1, 4], vec![1, 2]));
    }
}

#[test]
fn the_exchanges_of_an_end_user_are_found_by_the_identifier() {
    let dir = tempfile::tempdir().expect("a folder");
    let settings = settings(dir.path());
    let clock = clock("2026-11-22T05:19:00Z");
    let log = AuditLog::open(&settings, clock.clone()).expect("opened");
    let asked_by = |number, id: Option<&str>| {
        let end_user = id.map(|id| EndUser::new(id.to_owned(), "Q".to_owned(), None).expect("short"));
        ExchangeRecord { end_user, ..entry(number, person(number)) }
    };
    // The identifier of the third is the SSIN of the person in the fourth.
    let subject: String = person(4).digits().map(char::from).iter().collect();
    for record_of in
        [asked_by(1, Some("jdoe")), asked_by(2, Some("JDOE")), asked_by(3, Some(&subject)), asked_by(4, None)]
    {
        record(&log, record_of).expect("durable");
    }
    clock.set(moment("2026-12-22T05:19:00Z"));
    record(&log, asked_by(5, Some("jdoe"))).expect("durable");
    log.close();
    let keys = KeyFolder::open(&settings.keys, MissingKeys::Refuse).expect("there");
    for index in [IndexUse::Bypass, IndexUse::Keep] {
        let sequences = |whom: Whom| {
            let found = find(&settings.folder, &keys, index, &whom, None).expect("readable");
            found.into_iter().map(|found| found.expect("searchable").header.sequence).collect::<Vec<_>>()
        };
        let of_end_user = |id: &str| sequences(Whom::EndUser(id.to_owned()));
        assert_eq!((of_end_user("jdoe"), of_end_user("JDOE"), of_end_user("other")), (vec![1, 6], vec![2], vec![]));
        // A person as end user is not the person asked about.
        assert_eq!((of_end_user(&subject), sequences(Whom::Subject(person(4)))), (vec![3], vec![4]));
    }
    for file in fs::read_dir(&settings.folder).expect("there") {
        let bytes = fs::read(file.expect("there").path()).expect("readable");
        assert_eq!(canary::search(&bytes), [], "no SSIN in clear");
    }
}

#[test]
fn a_month_without_its_key_is_listed_but_not_decrypted() {
    let dir = tempfile::tempdir().expect("a folder");
    let settings = settings(dir.path());
    let clock = clock("2026-11-22T05:19:00Z");
    let log = AuditLog::open(&settings, clock.clone()).expect("opened");
    record(&log, entry(1, person(1))).expect("durable");
    clock.set(moment("2026-12-22T05:19:00Z"));
    record(&log, entry(2, person(1))).expect("durable");
    log.close();
    fs::remove_file(settings.keys.join("detail-2026-11.key")).expect("there");
    let keys = KeyFolder::open(&settings.keys, MissingKeys::Refuse).expect("there");
    let found: Vec<_> = search(Records::open(&settings.folder).expect("there"), &keys, &Whom::Subject(person(1)))
        .map(|found| found.expect("the key of the year exists").detail.map(|detail| detail.disclosed.len()))
        .collect();
    let november = KeyName::Detail(Month::from_calendar(2026, 11).expect("a month"));
    assert_eq!(found, [Err(DetailError::Key(KeyError::Missing(november))), Ok(2)]);
}

#[test]
fn a_year_that_cannot_be_searched_is_reported() {
    let dir = tempfile::tempdir().expect("a folder");
    let settings = settings(dir.path());
    let log = AuditLog::open(&settings, clock("2026-11-22T05:19:00Z")).expect("opened");
    record(&log, entry(1, person(1))).expect("durable");
    log.close();
    let keys = KeyFolder::open(&settings.keys, MissingKeys::Make).expect("there");
    let search = || {
        let records = Records::open(&settings.folder).expect("there");
        search(records, &keys, &Whom::Subject(person(1))).map(|found| found.map(|_| ())).collect::<Vec<_>>()
    };
    fs::remove_file(settings.keys.join("subject-2026.key")).expect("there");
    let missing = KeyError::Missing(KeyName::Subject(2026));
    assert_eq!(search(), [Err(SearchError::Year { year: 2026, error: missing })]);
    keys.provide(KeyName::Subject(2026)).expect("another one is generated");
    assert_eq!(search(), [Err(SearchError::OtherKey(2026))]);
}

#[test]
fn a_lost_key_is_reported_at_the_start_and_not_replaced() {
    let dir = tempfile::tempdir().expect("a folder");
    let settings = settings(dir.path());
    let open = || AuditLog::open(&settings, clock("2026-11-22T05:19:00Z"));
    open().expect("opened").close();
    fs::remove_file(settings.keys.join("detail-2026-11.key")).expect("there");
    let november = Month::from_calendar(2026, 11).expect("a month");
    let error = open().expect_err("the key of this month is lost");
    let missing = KeyError::Missing(KeyName::Detail(november));
    assert!(matches!(error, AuditError::Unwritable(trouble) if trouble == missing.into()), "{error}");
    // Providing another key is a decision: the log continues in a new segment that names it.
    let keys = KeyFolder::open(&settings.keys, MissingKeys::Make).expect("there");
    keys.provide(KeyName::Detail(november)).expect("made");
    let log = open().expect("opened");
    assert_eq!(record(&log, entry(1, person(1))), Ok(2));
    drop(log);
    let begun = read_all(&settings.folder).iter().filter(|r| matches!(r.event, Event::SegmentBegun(_))).count();
    assert_eq!(begun, 2);
}

#[test]
fn no_file_holds_an_ssin() {
    let dir = tempfile::tempdir().expect("a folder");
    let settings = settings(dir.path());
    let clock = clock("2026-11-22T05:19:00Z");
    let log = AuditLog::open(&settings, clock.clone()).expect("opened");
    let people: Vec<_> = (0..40).map(person).collect();
    for (subject, number) in people.iter().zip(0..) {
        if number == 20 {
            clock.set(moment("2026-12-22T05:19:00Z"));
        }
        record(&log, entry(number, *subject)).expect("durable");
    }
    log.close();
    // An index is made, and a proof.
    let keys = KeyFolder::open(&settings.keys, MissingKeys::Refuse).expect("there");
    assert_eq!(
        find(&settings.folder, &keys, IndexUse::Keep, &Whom::Subject(person(3)), None).expect("readable").len(),
        1
    );
    let note = fs::read_to_string(settings.folder.join("checkpoint")).expect("there");
    let proof = prove(&settings.folder, &keys, IndexUse::Keep, entry(3, person(3)).ticket, &note).expect("proven");
    fs::write(settings.folder.join("proof"), proof).expect("ours");
    assert_eq!(canary::search_files(dir.path()), [""; 0]);
    let mut files = 0;
    for folder in [&settings.folder, &settings.keys] {
        for file in fs::read_dir(folder).expect("there") {
            let path = file.expect("there").path();
            let bytes = fs::read(&path).expect("ours");
            for subject in &people {
                let contains = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
                assert!(!contains(&subject.digits()), "digits in {}", path.display());
                assert!(!contains(&subject.as_u64().to_be_bytes()[3..]), "big-endian in {}", path.display());
                assert!(!contains(&subject.as_u64().to_le_bytes()[..5]), "little-endian in {}", path.display());
            }
            files += 1;
        }
    }
    assert_eq!(files, 10, "lock, two segments, an index, a checkpoint, a proof and four keys");
    let debug: Vec<_> = read_all(&settings.folder).iter().map(|record| format!("{record:?}")).collect();
    assert!(people.iter().all(|s| !debug.concat().contains(&*String::from_utf8_lossy(&s.digits()))));
}
