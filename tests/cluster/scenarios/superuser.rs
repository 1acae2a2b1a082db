//! A superuser of the database removes or changes rows: it is found.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use audit_log::{AuditLog, CopyProblem, KeyFolder, MissingKeys, Month, SearchError, Whom};
use cluster::{
    Connector, Durability, Gateway, Identity, NodeKeys, OwnLog, Prepared, PrunedMonth, Settings, prune, search,
};
use ehealth_core::lookup::{self, ExchangeRecord, Operation};
use ehealth_core::model::{Clock, DatasetStates, Digest, FieldSet, FixedClock, OutcomeCode, Ssin, Ticket, Timestamp};
use ehealth_core::policy::{Lease, LeaseRequest};

use super::setup::{SHORT, answer, database, nodes, run_with, text};
use crate::support::certificates::DatabaseTls;
use crate::support::postgres::Cluster;
use crate::support::processes::until;

/// A person of the fixtures.
const SSIN: &str = "85073099932";

#[test]
fn rows_that_were_just_written_are_missed_and_seen_to_be_changed() {
    let Some(cluster) = database(1) else { return };
    let nodes = nodes(&cluster, &["a"], SHORT);
    let (node, primary) = (nodes.node("a"), cluster.server(1));
    let mut consumer = nodes.consumer(node.address());
    let tickets: Vec<_> = (0..6).map(|_| answer(&mut consumer)).collect();
    until("a checkpoint in the database", || {
        let signed = primary.sql("select coalesce(max(size), 0) from ehealth.checkpoint").parse::<u64>().ok()?;
        (signed >= 7).then_some(())
    });
    let search = || {
        let found = run_with(node, &["audit", "search", "--ssin", "-"], SSIN);
        (found.status.code(), text(&found))
    };
    let (code, found) = search();
    assert_eq!(code, Some(0), "{found}");
    assert!(tickets.iter().all(|ticket| found.contains(ticket.as_str())), "{found}");
    let list = || {
        let listed = run_with(node, &["audit", "list", "--csv"], "");
        (listed.status.code(), text(&listed))
    };
    let (code, listed) = list();
    assert_eq!(code, Some(0), "{listed}");
    let rows: Vec<_> = listed.lines().filter(|line| line.starts_with("a,")).collect();
    assert_eq!(rows.len(), tickets.len(), "{listed}");
    assert!(rows.iter().zip(&tickets).all(|(row, ticket)| row.contains(ticket.as_str())), "{listed}");
    let stats = run_with(node, &["audit", "stats", "--json"], "");
    assert!(text(&stats).contains(&format!("\"answered\":{}", tickets.len())), "{}", text(&stats));
    let proof = run_with(node, &["audit", "prove", "--ticket", &tickets[2]], "");
    assert!(proof.status.success(), "{}", text(&proof));
    for (change, said) in [
        ("delete from ehealth.record where sequence = 3", "record 3 is missing in the database"),
        (
            "update ehealth.record set frame = overlay(frame placing '\\x00'::bytea from 60) where sequence = 3",
            "record 3 was changed in the database",
        ),
        ("delete from ehealth.checkpoint", "no checkpoint that the node's key signed"),
        (
            "update ehealth.record set frame = (select frame from ehealth.record where sequence = 2) where sequence = 3",
            "record 3 was changed in the database",
        ),
    ] {
        primary.sql("create table kept as select * from ehealth.record; create table kept_checkpoint as select * from ehealth.checkpoint");
        primary.sql(change);
        let (code, found) = search();
        assert_eq!(code, Some(1), "{change}: {found}");
        assert!(found.contains(said), "{change}: {found}");
        // A list compares no checkpoint.
        let (code, listed) = list();
        let is_found = change.contains("ehealth.record");
        assert_eq!(code, Some(i32::from(is_found)), "{change}: {listed}");
        assert_eq!(listed.contains(said), is_found, "{change}: {listed}");
        let folder = cluster.folder().join("rebuilt");
        let folder = folder.display().to_string();
        let key = cluster.folder().join("key");
        std::fs::write(&key, text(&run_with(node, &["audit", "checkpoint", "--public-key"], ""))).expect("written");
        let (key, own) = (key.display().to_string(), node.audit_log().join("checkpoint").display().to_string());
        for more in [&[][..], &["--without-keys"]] {
            let arguments = ["audit", "rebuild", "--folder", &folder, "--key", &key, "--checkpoint", &own];
            let rebuilt = run_with(node, &[&arguments[..], more].concat(), "");
            let is_about_records = change.contains("ehealth.record");
            assert_eq!(rebuilt.status.success(), !is_about_records, "{change}: {}", text(&rebuilt));
            std::fs::remove_dir_all(&folder).expect("there");
        }
        primary.sql("delete from ehealth.record; insert into ehealth.record select * from kept; drop table kept; \
             delete from ehealth.checkpoint; insert into ehealth.checkpoint select * from kept_checkpoint; drop table kept_checkpoint");
        let (code, found) = search();
        assert_eq!(code, Some(0), "{found}");
    }
}

/// A gateway of which the database needs nothing.
struct Quiet;

impl Gateway for Quiet {
    fn report(&self) -> String {
        "{}".to_owned()
    }

    fn await_lease_request(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::pending())
    }

    fn plan_leases(&self) -> Vec<LeaseRequest> {
        Vec::new()
    }

    fn plan_lease_end(&self) -> Vec<LeaseRequest> {
        Vec::new()
    }

    fn note_leases(&self, _: &[Lease]) {}

    fn note_unreachable(&self, _: Option<std::num::NonZeroU32>) {}

    fn policy_text(&self) -> Option<([u8; 32], Vec<u8>)> {
        None
    }
}

struct OneFolder(KeyFolder);

impl NodeKeys for OneFolder {
    fn of_node(&self, _: &str) -> Option<&KeyFolder> {
        Some(&self.0)
    }
}

fn person(number: u64) -> Ssin {
    let (day, month, year) = (number % 28 + 1, number / 28 % 12 + 1, number / 336 % 3 + 85);
    let base = year * 10_000_000 + month * 100_000 + day * 1_000 + 999;
    Ssin::from_u64(base * 100 + 97 - base % 97).expect("valid by construction")
}

fn entry(number: u64) -> ExchangeRecord {
    let mut random = [7; 16];
    random[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    ExchangeRecord {
        ticket: Ticket::new(random),
        received: Timestamp::from_millis(1_790_000_000_000),
        caller: None,
        application: None,
        fingerprint: Digest::new([1; 32]),
        operation: Operation::ConsultAttributes,
        organisation: None,
        context: None,
        rule: None,
        policy: None,
        deliberation: None,
        subject: Some(person(number)),
        end_user: None,
        replaced_by: None,
        window: None,
        fields: FieldSet::EMPTY,
        disclosed: Vec::new(),
        datasets: DatasetStates::default(),
        outcome: OutcomeCode::DataFound,
        customer_ticket: None,
        relay: None,
        signature: None,
    }
}

/// Writes a month of records as a node.
fn write_month(settings: &Settings, log: &audit_log::Settings, at: &str, numbers: std::ops::Range<u64>) {
    let clock: Arc<dyn Clock> = Arc::new(FixedClock::new(Timestamp::parse(at).expect("a moment")));
    let keys = KeyFolder::open(&log.keys, MissingKeys::Make).expect("keys");
    let own = OwnLog { folder: log.folder.clone(), keys };
    let prepared = Prepared::new(settings, own, Arc::clone(&clock)).expect("the database is there");
    let opened = AuditLog::open_with_copies(log, clock, None, Some(prepared.replication())).expect("opened");
    let identity = Identity { origin: log.checkpoints.origin.clone(), verifying_key: opened.verifying_key() };
    let node = prepared.start(identity, Arc::new(Quiet)).expect("a thread");
    until("replication", || node.replication().is_confirmed().then_some(()));
    let (sender, settled) = mpsc::channel();
    let count = numbers.end - numbers.start;
    for number in numbers {
        let sender = sender.clone();
        lookup::record(entry(number), &opened, move |recorded| sender.send(recorded.is_ok()).expect("read"));
    }
    assert!(settled.iter().take(usize::try_from(count).expect("few")).all(|is_recorded| is_recorded));
    opened.close();
    // The checkpoint that the heartbeat carries.
    until("the checkpoint", || (node.view().nodes.first()?.signed >= opened.counters().sequence).then_some(()));
    node.end(Duration::from_secs(5));
}

fn settings_of(cluster: &Cluster, tls: &DatabaseTls) -> Settings {
    let identity = tls.client("node_a");
    let server = cluster.server(1).address();
    Settings {
        database: format!("postgresql://node_a@{server}/ehealth").parse().expect("a database"),
        certificate: identity.certificate,
        key: identity.key,
        authorities: tls.authority(),
        node: "a".parse().expect("a name"),
        durability: Durability::Replicated,
        timeout: Duration::from_secs(10),
    }
}

#[test]
fn rows_of_a_month_that_has_ended_are_compared_with_its_sums() {
    let Some(cluster) = database(1) else { return };
    let settings = settings_of(&cluster, &cluster.tls);
    let dir = tempfile::tempdir().expect("a folder");
    let log = audit_log::Settings {
        missing_keys: MissingKeys::Make,
        ..audit_log::Settings::new(dir.path().join("log"), dir.path().join("keys"))
    };
    write_month(&settings, &log, "2026-09-10T12:00:00Z", 0..700);
    write_month(&settings, &log, "2026-10-10T12:00:00Z", 700..1_000);
    let keys = OneFolder(KeyFolder::open(&log.keys, MissingKeys::Refuse).expect("keys"));
    let primary = cluster.server(1);
    assert_eq!(primary.sql("select count(*) from ehealth.person_index where month = 202609"), "1");
    assert_eq!(primary.sql("select level, count(*) from ehealth.tree_node group by level"), "8|3");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let search = || {
        runtime.block_on(async {
            let session = Connector::new(&settings).expect("files").connect().await.expect("a connection");
            search(&session.client, &keys, &Whom::Subject(person(5)), None).await.expect("searched")
        })
    };
    let (found, problems): (Vec<_>, Vec<_>) = search().into_iter().partition(Result::is_ok);
    assert_eq!((found.len(), problems), (1, vec![]));
    let sequence = found[0].as_ref().expect("found").header.sequence;
    for change in [
        format!("delete from ehealth.record where sequence = {sequence}"),
        format!("update ehealth.record set subject = subject + 1 where sequence = {sequence}"),
        format!("update ehealth.record set subject = null where sequence = {sequence}"),
        "delete from ehealth.person_index".to_owned()
            + &format!("; delete from ehealth.record where sequence = {sequence}"),
        format!("update ehealth.person_index set until = {sequence}"),
    ] {
        primary.sql("create table kept as select * from ehealth.record; create table kept_index as select * from ehealth.person_index");
        primary.sql(&change);
        let problems: Vec<_> = search().into_iter().filter_map(Result::err).collect();
        println!("{change}: {problems:?}");
        let is_known = |problem: &SearchError| {
            let SearchError::Copy { problem, .. } = problem else { return false };
            [CopyProblem::Index, CopyProblem::Missing(sequence)].contains(problem)
        };
        assert!(problems.iter().any(is_known), "{change}: {problems:?}");
        primary.sql("delete from ehealth.record; insert into ehealth.record select * from kept; drop table kept; \
             delete from ehealth.person_index; insert into ehealth.person_index select * from kept_index; drop table kept_index");
        assert!(search().iter().all(Result::is_ok));
    }
    // The tree of the records that lie beside it.
    primary.sql("update ehealth.tree_node set hash = decode(repeat('00', 32), 'hex') where number = 1");
    let problems: Vec<_> = search().into_iter().filter_map(Result::err).collect();
    let is_unproven =
        |problem: &SearchError| matches!(problem, SearchError::Copy { problem: CopyProblem::Unproven(_), .. });
    assert!(problems.iter().any(is_unproven), "{problems:?}");
}

#[test]
fn a_month_is_removed_once_no_node_has_a_part_of_it() {
    let Some(cluster) = database(1) else { return };
    let settings = settings_of(&cluster, &cluster.tls);
    let dir = tempfile::tempdir().expect("a folder");
    let log = audit_log::Settings {
        missing_keys: MissingKeys::Make,
        ..audit_log::Settings::new(dir.path().join("log"), dir.path().join("keys"))
    };
    write_month(&settings, &log, "2026-09-10T12:00:00Z", 0..20);
    write_month(&settings, &log, "2026-10-10T12:00:00Z", 20..40);
    let primary = cluster.server(1);
    let (server, identity) = (primary.address(), cluster.tls.client("pruner"));
    let pruner = Settings {
        database: format!("postgresql://pruner@{server}/ehealth").parse().expect("a database"),
        certificate: identity.certificate,
        key: identity.key,
        ..settings
    };
    let month = |text: &str| Month::new(Timestamp::parse(text).expect("a moment"));
    let (september, november) = (month("2026-09-10T12:00:00Z"), month("2026-11-10T12:00:00Z"));
    let october = month("2026-10-10T12:00:00Z");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let prune = |past, first| {
        runtime.block_on(async {
            let session = Connector::new(&pruner).expect("files").connect().await.expect("a connection");
            prune(&session.client, past, &[("a".to_owned(), first)]).await.expect("pruned")
        })
    };
    let count = |month: u32| primary.sql(&format!("select count(*) > 0 from ehealth.record where month = {month}"));
    let last: u64 = primary.sql("select max(sequence) from ehealth.record where month = 202609").parse().expect("one");
    let kept = |month| PrunedMonth::KeptBy(month, "a".to_owned());
    assert_eq!(prune(september, Some(last + 1)), [], "no month is past");
    assert_eq!(prune(october, None), [kept(september)], "the node has not said what it has");
    assert_eq!(prune(october, Some(last)), [kept(september)], "its last record is still there");
    assert_eq!((count(202_609), count(202_610)), ("t".into(), "t".into()));
    assert_eq!(prune(november, Some(last + 1)), [PrunedMonth::Removed(september), kept(october)]);
    assert_eq!((count(202_609), count(202_610)), ("f".into(), "t".into()));
    assert_eq!(prune(november, Some(last + 1)), [kept(october)]);
}
