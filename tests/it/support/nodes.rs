//! The operators' port of a made report: a service that is healthy, as one of three nodes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use datasets::store::{DatasetStatus, HistoryEntry};
use datasets::sync::Outcome;
use ehealth_attributes::admin::{
    self, AdminAccess, AuditLogReport, AuthorityReport, CertificateReport, CertificateRole, ClusterReport, CrlReport,
    DatasetReport, History, LeaseReport, LinkReport, Listener, NodeReport, Phase, PolicyReport, ProcessReport,
    ReloadReport, Report, SharedHistory, Traffic, TransactionReport, Verification,
};
use ehealth_attributes::peer_log::PeerLog;
use ehealth_attributes::server::counters::BUCKETS_MICROS;
use ehealth_core::model::{Dataset, DatasetState, Timestamp};

use super::service::{NOW, read_at};

/// What a node says while nothing is wrong.
fn healthy_node(name: &str) -> NodeReport {
    NodeReport {
        name: name.to_owned(),
        age: Duration::from_secs(2),
        is_silent: false,
        version: Some("0.3.0".to_owned()),
        link: Some(LinkReport::Confirmed.code().to_owned()),
        reason: None,
        records: Some(1_204_317),
        replicated: Some(1_204_317),
        first: Some(0),
        signed: 1_204_290,
        serials: Dataset::ALL.map(|dataset| (dataset.code().to_owned(), 7)).into(),
        policy: Some("5f".repeat(32)),
        revocation: Some("c0".repeat(32)),
    }
}

/// Three nodes, of which nothing is wrong, as `node-a` sees them.
pub fn healthy_cluster() -> ClusterReport {
    ClusterReport {
        node: "node-a".to_owned(),
        link: LinkReport::Confirmed,
        reason: None,
        is_answering: true,
        lag: 3,
        waiting: 3,
        refused: 0,
        unreplicated: 0,
        unknown_outcomes: 0,
        transactions: TransactionReport { count: 31_204, records: 1_204_317, duration: Duration::from_secs(203) },
        leases: LeaseReport { exchanges: 50_211, granted: 1_300_411, returned: 96_094 },
        nodes: ["node-a", "node-b", "node-c"].map(healthy_node).into(),
        nodes_read: Some(Duration::from_secs(3)),
        nodes_error: None,
    }
}

/// Healthy except for the cluster. Like the demo, it checks no revocation.
pub fn report(cluster: Option<ClusterReport>) -> Report {
    let now = Timestamp::parse(NOW).expect("a moment");
    let ends = Timestamp::parse("2030-01-01T00:00:00Z").expect("a moment");
    let loaded = Timestamp::from_millis(now.as_millis() - 3_600_000);
    let run = HistoryEntry {
        outcome: Outcome::parse("deltas"),
        serial: Some(7),
        first: loaded,
        last: loaded,
        times: 1,
        records: 1,
        rejected: 0,
    };
    let state = Some(DatasetState { serial: 7, created: loaded });
    let status = DatasetStatus { state, records: 1, history: vec![run] };
    let certificate = CertificateReport {
        role: CertificateRole::ClientAuthority,
        subject: "CN=ehealth-attributes development CA".to_owned(),
        not_before: now,
        not_after: ends,
    };
    Report {
        now,
        started: now,
        version: "0.3.0",
        phase: Phase::Serving,
        datasets: Dataset::ALL
            .map(|dataset| DatasetReport { dataset, limit: Duration::from_secs(86_400), status: Some(status.clone()) })
            .into(),
        run_codes: Outcome::all().map(Outcome::code).collect(),
        audit_log: AuditLogReport {
            health: audit_log::Health::Writable,
            counters: audit_log::Counters::default(),
            checkpoint: Some(now),
            free_bytes: Some(64 << 30),
            reserve_bytes: 1 << 30,
            verified: Some(Verification { at: now, records: 1, is_sound: true }),
        },
        cluster,
        observed: Some(Duration::ZERO),
        reload: ReloadReport { at: now, errors: None },
        dropped_log_lines: 0,
        certificates: Vec::new(),
        authorities: vec![AuthorityReport { certificate, crl: CrlReport::NotChecked }],
        unused_crls: Vec::new(),
        for_operators: Vec::new(),
        policy: PolicyReport {
            sha256: None,
            contexts: Vec::new(),
            grant_ends: Vec::new(),
            warnings: Vec::new(),
            consumers: Vec::new(),
        },
        traffic: Traffic {
            outcomes: Vec::new(),
            refusals: Vec::new(),
            overloads: Vec::new(),
            not_identified: Vec::new(),
            signatures: Vec::new(),
            handshakes: Vec::new(),
            bucket_ends_micros: &[],
            stages: Vec::new(),
            kinds: ["answered", "empty", "refused", "fault"],
            consumers: Vec::new(),
        },
        process: ProcessReport::default(),
        configuration: Vec::new(),
        rejected_reloads: Vec::new(),
        history: SharedHistory::new(History::new(&BUCKETS_MICROS)),
    }
}

/// An operators' port that shows this report until the test's runtime ends.
pub async fn show(report: Report) -> SocketAddr {
    let settings = admin::Settings { listen: "127.0.0.1:0".parse().expect("an address") };
    let listener = Listener::bind(settings, None, AdminAccess::Loopback).await.expect("bound");
    let address = listener.address();
    let source: admin::Source = Arc::new(move || {
        let report = report.clone();
        Box::pin(async move { report })
    });
    tokio::spawn(admin::serve(listener, source, Arc::new(PeerLog::default()), std::future::pending()));
    address
}

/// The body of the answer for this path.
pub async fn read(address: SocketAddr, path: &str) -> String {
    let stream = tokio::net::TcpStream::connect(address).await.expect("it listens");
    let answer = String::from_utf8(read_at(stream, path).await).expect("UTF-8");
    answer.split_once("\r\n\r\n").expect("a head and a body").1.to_owned()
}
