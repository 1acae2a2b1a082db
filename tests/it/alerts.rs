//! Every alert rule, fired.
//!
//! Each test case causes a rule's condition in a real service and gives the `/metrics` of that
//! service to Prometheus (`promtool test rules`); the alert must fire there. While everything
//! works, none may. A condition that does not affect readiness, but needs an operator, is shown on
//! the operators' page.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use datasets::sync::{self, FeedLimits, FeedUrl, HttpsFeed, Source};
use ehealth_attributes::admin::{ClusterReport, LinkReport, Verification};
use ehealth_attributes::app::{SystemClock, leave_verification};
use ehealth_attributes::config::Settings;
use ehealth_attributes::server::tls::RevocationFiles;
use ehealth_core::model::{Clock, Timestamp};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::certificates::Authority;
use crate::support::environment::skip;
use crate::support::nodes::{self, healthy_cluster};
use crate::support::program::{DEADLINE, PROGRAM, Program, address_in};
use crate::support::python;
use crate::support::service::{CONSULT, NOW, TestService, ask_operators_for_certificates, question};
use crate::support::unread::{Unread, client_tls, read_admin, workspace};

const ANNA: &str = "85073099932";
const FUND: &str = "0999010126";
const OTHER_FUND: &str = "0999010225";
const STRANGER: &str = "0999090102";
const PHYSICIAN: &str = "BACKTOWORK:ADVISORY_PHYSICIAN";

/// Metrics of a service before an event and after.
struct Case {
    /// Name of the alert without its prefix; empty if none may fire.
    alert: &'static str,
    before: String,
    after: String,
    /// The operators' page, after.
    page: String,
    /// Whether Prometheus reached it.
    up: bool,
}

/// Text of the admin page for each alert.
const WARNINGS: [(&str, &str); 22] = [
    ("ConsumerSlowed", "Consumer 0999010225 is slowed: it asks about too many people"),
    (
        "TooManyDates",
        "1 questions of consumer 0999010126 were refused since the start: too many days about one person.",
    ),
    ("LegalContextEnds", "Policy: legal context BACKTOWORK:EHEALTH_PLATFORM ends on 2026-03-01, in 45 days."),
    (
        "GrantEnds",
        "Policy: consumer 0999010126 (De Linde, health-insurance fund): the grant for BACKTOWORK:ADVISORY_PHYSICIAN ends \
         on 2026-03-16, in 60 days.",
    ),
    ("AuditLogReserveUsed", "less than audit_log.reserve: only registered consumers are answered."),
    ("ConfigReloadRejected", "was rejected; the previous policy, certificates and CRLs stay active"),
    ("LogLinesDropped", "log lines were dropped since the start"),
    ("CertificateExpiring", "expires in 20 d."),
    ("CheckpointFailed", "A checkpoint could not be written to one of its files"),
    ("CheckpointBehind", "not signed for 1 min"),
    ("CheckpointCopyBehind", "The copy of the checkpoint is 2 min behind"),
    ("DatasetAgeing", "Dataset coprev becomes stale in"),
    ("CrlExpiring", "The CRL of CN=another authority,C=BE expires in 10 h 30 min"),
    ("AuditLogDiskFilling", "MiB are free for the audit log."),
    ("AuditLogVerificationFailed", "The audit log differs from what was signed."),
    ("AuditLogUnverified", "The audit log was "),
    ("NotReplicated", "Requests are answered before their records are replicated: the standby does not respond."),
    ("NodeSilent", "Node node-c is silent for 1 min."),
    ("NodesDiffer", "Node node-b has "),
    ("CommitOutcomeUnknown", "The outcome of a commit in the database was unknown 1 times since the start"),
    ("UnreplicatedAnswers", "Requests are answered before their records are replicated: the standby does not respond."),
    ("", "Revoked certificates of CN=ehealth-attributes development CA are accepted."),
];

/// The warnings of the page.
fn warnings(page: &str) -> Vec<&str> {
    let section =
        page.split_once("id=\"warnings\"").map_or("", |(_, rest)| rest.split("</section>").next().unwrap_or(""));
    section.split("<li>").skip(1).filter_map(|item| item.split("</li>").next()).collect()
}

async fn scrape_at(address: SocketAddr) -> String {
    read_at(address, "/metrics").await
}

async fn read_at(address: SocketAddr, path: &str) -> String {
    let stream = TcpStream::connect(address).await.expect("operators are answered");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("HTTP/1.1");
    tokio::spawn(connection);
    let request = Request::get(path).header("host", "localhost").body(Full::<Bytes>::default());
    let answer = sender.send_request(request.expect("a request")).await.expect("an answer");
    let body = answer.into_body().collect().await.expect("a complete body").to_bytes();
    String::from_utf8(body.to_vec()).expect("UTF-8")
}

async fn scrape(service: &TestService) -> String {
    read(service, "/metrics").await
}

async fn read(service: &TestService, path: &str) -> String {
    let shown = String::from_utf8(service.read_admin(path).await).expect("UTF-8");
    shown.split_once("\r\n\r\n").expect("a head and a body").1.to_owned()
}

/// A verified, healthy service, except for what `change` does to its settings.
async fn start(change: impl FnOnce(&mut Settings)) -> TestService {
    TestService::start_with(|settings| {
        let file = settings.policy.with_file_name("verified");
        leave(&file, NOW, true);
        settings.verification_report = Some(file);
        change(settings);
    })
    .await
}

fn leave(file: &Path, at: &str, is_sound: bool) {
    let at = Timestamp::parse(at).expect("a moment");
    leave_verification(file, &Verification { at, records: 1, is_sound }).expect("written");
}

async fn ask(service: &TestService, caller: &str, organisation: &str) {
    service.post(caller, CONSULT, question(organisation, PHYSICIAN, ANNA, "")).await;
}

/// Adds a line to this consumer's limits.
fn limit(settings: &Settings, consumer: &str, line: &str) {
    let policy = fs::read_to_string(&settings.policy).expect("a policy");
    let own = format!("organisation = \"{consumer}\"");
    fs::write(&settings.policy, policy.replace(&own, &format!("{own}\n{line}"))).expect("written");
}

fn value(scraped: &str, series: &str) -> Option<u64> {
    scraped.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

/// Time of the scrape, in seconds since 1970, by the clock of the service.
fn read_now(scraped: &str) -> u64 {
    value(scraped, "ehealth_attributes_observed_state_timestamp_seconds").expect("the state was read")
}

/// Scrapes until the condition holds.
async fn scrape_until(service: &TestService, is_so: impl Fn(&str) -> bool) -> String {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let scraped = scrape(service).await;
        if is_so(&scraped) {
            return scraped;
        }
        assert!(Instant::now() < deadline, "it never appeared:\n{scraped}");
        tokio::task::yield_now().await;
    }
}

/// Applies an event to a service that was healthy until then.
async fn after(
    alert: &'static str,
    change: impl FnOnce(&mut Settings),
    happen: impl AsyncFnOnce(&TestService) -> Option<String>,
) -> Case {
    let service = start(change).await;
    let before = scrape(&service).await;
    let shown = happen(&service).await;
    let after = match shown {
        Some(shown) => shown,
        None => scrape(&service).await,
    };
    let page = read(&service, "/").await;
    drop(service.stop().await);
    Case { alert, before, after, page, up: true }
}

async fn well() -> Case {
    let case = after(
        "",
        |_| {},
        async |service| {
            ask(service, "fund", FUND).await;
            // The checks of a load balancer.
            for _ in 0..25 {
                drop(TcpStream::connect(service.address).await.expect("it listens"));
            }
            let probes = "ehealth_attributes_tls_handshakes_total{outcome=\"probe\"}";
            Some(scrape_until(service, |shown| value(shown, probes) == Some(25)).await)
        },
    )
    .await;
    // Other programs write to the disk of this machine meanwhile.
    let series = "ehealth_attributes_audit_log_free_bytes";
    let line = |shown: &str| format!("{series} {}\n", value(shown, series).expect("it is known"));
    Case { after: case.after.replace(&line(&case.after), &line(&case.before)), ..case }
}

async fn of_service() -> Vec<Case> {
    let down = well().await;
    vec![
        Case { alert: "Down", up: false, ..down },
        after(
            "Overloaded",
            |settings| settings.server.limits.messages = 0,
            async |service| {
                ask(service, "fund", FUND).await;
                None
            },
        )
        .await,
        after(
            "ConfigReloadRejected",
            |_| {},
            async |service| {
                fs::write(&service.settings.policy, "nonsense").expect("written");
                service.reloader.reload().expect_err("the policy has an error");
                None
            },
        )
        .await,
        after(
            "RequestsSuppressed",
            |settings| settings.server.limits.unregistered_burst = 1,
            async |service| {
                for _ in 0..3 {
                    ask(service, "stranger", STRANGER).await;
                }
                None
            },
        )
        .await,
        after("AuditLogReserveUsed", |settings| settings.server.limits.audit_reserve = u64::MAX, async |_| None).await,
        after(
            "AuditLogDiskFullSoon",
            |_| {},
            async |service| {
                // The same service on a disk that lost half of its free space.
                let shown = scrape(service).await;
                let series = "ehealth_attributes_audit_log_free_bytes";
                let free = value(&shown, series).expect("it is known");
                Some(shown.replace(&format!("{series} {free}\n"), &format!("{series} {}\n", free / 2)))
            },
        )
        .await,
        after(
            "HandshakesRefused",
            |_| {},
            async |service| {
                for _ in 0..25 {
                    let mut stream = TcpStream::connect(service.address).await.expect("it listens");
                    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.expect("sent");
                }
                let refused = "ehealth_attributes_tls_handshakes_total{outcome=\"refused\"}";
                Some(scrape_until(service, |shown| value(shown, refused).is_some_and(|count| count >= 25)).await)
            },
        )
        .await,
        after(
            "UnregisteredConsumer",
            |_| {},
            async |service| {
                ask(service, "stranger", STRANGER).await;
                None
            },
        )
        .await,
    ]
}

/// Adds a line behind this one in the policy.
fn add_behind(settings: &Settings, line: &str, more: &str) {
    let policy = fs::read_to_string(&settings.policy).expect("a policy");
    assert!(policy.contains(line), "{line}\n{policy}");
    fs::write(&settings.policy, policy.replacen(line, &format!("{line}\n{more}"), 1)).expect("written");
}

async fn of_policy() -> Vec<Case> {
    let nothing = async |_: &TestService| None;
    vec![
        after(
            "LegalContextEnds",
            |settings| {
                add_behind(settings, "code = \"BACKTOWORK:EHEALTH_PLATFORM\"", "valid_to = \"2026-03-01\"");
            },
            nothing,
        )
        .await,
        after(
            "GrantEnds",
            |settings| {
                add_behind(
                    settings,
                    "[[consumer.grant]]\nlegal_context = \"BACKTOWORK:ADVISORY_PHYSICIAN\"",
                    "valid_to = \"2026-03-16\"",
                );
            },
            nothing,
        )
        .await,
    ]
}

async fn of_questions() -> Vec<Case> {
    vec![
        after(
            "ConsumerSlowed",
            |settings| limit(settings, OTHER_FUND, "empty_answers_per_hour = 0"),
            async |service| {
                ask(service, "other-fund", OTHER_FUND).await;
                None
            },
        )
        .await,
        after(
            "TooManyDates",
            |settings| limit(settings, FUND, "dates_per_person_and_month = 1"),
            async |service| {
                for day in ["2026-01-01", "2026-01-02"] {
                    service.post("fund", CONSULT, question(FUND, PHYSICIAN, ANNA, day)).await;
                }
                None
            },
        )
        .await,
        after(
            "QuotaExceeded",
            |settings| limit(settings, FUND, "quota_per_minute = 1"),
            async |service| {
                for _ in 0..4 {
                    ask(service, "fund", FUND).await;
                }
                None
            },
        )
        .await,
    ]
}

/// No checkpoint can be written any more, and records come.
async fn checkpoints_stop(service: &TestService) -> Option<String> {
    let checkpoint = service.settings.audit_log.folder.join("checkpoint");
    fs::remove_file(&checkpoint).expect("it was there");
    fs::create_dir(&checkpoint).expect("a folder in its place");
    ask(service, "fund", FUND).await;
    service.clock.set(Timestamp::parse("2026-01-15T09:31:00Z").expect("a moment"));
    let behind = "ehealth_attributes_audit_log_unsigned_seconds";
    let shown = scrape_until(service, |shown| value(shown, behind).is_some_and(|age| age > 30)).await;
    fs::remove_dir(&checkpoint).expect("ours");
    Some(shown)
}

/// Another program empties the segment, and records come.
async fn change_a_signed_record(service: &TestService) -> Option<String> {
    let is_signed = |shown: &str| {
        let [all, signed] = ["records", "signed_records"].map(|name| format!("ehealth_attributes_audit_log_{name}"));
        value(shown, &all) == value(shown, &signed)
    };
    ask(service, "fund", FUND).await;
    scrape_until(service, is_signed).await;
    for entry in fs::read_dir(&service.settings.audit_log.folder).expect("there") {
        let path = entry.expect("a file").path();
        if path.extension().is_some_and(|end| end == "seg") {
            fs::write(path, "").expect("written");
        }
    }
    ask(service, "fund", FUND).await;
    Some(scrape_until(service, |shown| value(shown, "ehealth_attributes_audit_log_compromised") == Some(1)).await)
}

async fn of_audit_log() -> Vec<Case> {
    let take_keys = async |service: &TestService| {
        fs::remove_dir_all(&service.settings.audit_log.keys).expect("the keys were there");
        fs::write(&service.settings.audit_log.keys, "no folder").expect("written");
        service.clock.set(Timestamp::parse("2026-02-02T09:30:00Z").expect("a moment"));
        leave(service.settings.verification_report.as_ref().expect("a file"), "2026-02-02T09:00:00Z", true);
        ask(service, "fund", FUND).await;
        None
    };
    let verified = async |service: &TestService, at, is_sound| {
        leave(service.settings.verification_report.as_ref().expect("a file"), at, is_sound);
        None
    };
    vec![
        after("AuditLogUnwritable", |_| {}, take_keys).await,
        after("NotReady", |_| {}, take_keys).await,
        after("ServerFaults", |_| {}, take_keys).await,
        after(
            "CheckpointFailed",
            |settings| {
                settings.audit_log.checkpoints.copy = Some(settings.policy.with_file_name("copies").join("checkpoint"));
            },
            async |service| {
                let failures = "ehealth_attributes_audit_log_checkpoint_failures_total";
                let before = value(&scrape(service).await, failures).expect("it is counted");
                ask(service, "fund", FUND).await;
                // The feed is tried again at every interval.
                Some(scrape_until(service, |shown| value(shown, failures).is_some_and(|now| now > before + 1)).await)
            },
        )
        .await,
        after("CheckpointBehind", |_| {}, checkpoints_stop).await,
        after(
            "CheckpointCopyBehind",
            |settings| {
                settings.audit_log.checkpoints.copy = Some(settings.policy.with_file_name("copies").join("checkpoint"));
            },
            async |service| {
                ask(service, "fund", FUND).await;
                service.clock.set(Timestamp::parse("2026-01-15T09:32:00Z").expect("a moment"));
                let behind = "ehealth_attributes_audit_log_uncopied_seconds";
                Some(scrape_until(service, |shown| value(shown, behind).is_some_and(|age| age > 60)).await)
            },
        )
        .await,
        after("AuditLogCompromised", |_| {}, change_a_signed_record).await,
        after("AuditLogUnverified", |_| {}, async |service| verified(service, "2026-01-10T00:00:00Z", true).await)
            .await,
        after("AuditLogUnverified", |settings| settings.verification_report = None, async |_| None).await,
        after("AuditLogVerificationFailed", |_| {}, async |service| verified(service, NOW, false).await).await,
    ]
}

async fn of_datasets() -> Vec<Case> {
    let created = "ehealth_attributes_dataset_created_timestamp_seconds{dataset=\"coprev\"}";
    let healthy = well().await.after;
    let age = read_now(&healthy) - value(&healthy, created).expect("a moment");
    let max_age = move |percent: u64| {
        move |settings: &mut Settings| {
            settings.server.freshness.coprev = Duration::from_secs(age * percent / 100);
        }
    };
    let gone = |service: &TestService, name: &str| {
        // The feed first: the schedule would bring the dataset back.
        fs::remove_dir_all(service.settings.policy.with_file_name("feeds").join(name)).expect("it was there");
    };
    let elsewhere =
        |settings: &mut Settings| settings.fetch_mode = ehealth_attributes::config::FetchMode::SeparateProcess;
    let refused = |code: &'static str| {
        move |shown: &str| {
            value(shown, &format!("ehealth_attributes_feed_last_run{{dataset=\"dimona\",outcome=\"{code}\"}}"))
                == Some(1)
        }
    };
    vec![
        after("DatasetStale", max_age(50), async |_| None).await,
        after("DatasetAgeing", max_age(110), async |_| None).await,
        after("DatasetMissing", elsewhere, async |service| {
            gone(service, "persons");
            fs::remove_file(service.settings.sync.data.join("persons.current")).expect("it was there");
            let missing = "ehealth_attributes_not_ready_reasons{reason=\"dataset-missing\"}";
            Some(scrape_until(service, |shown| value(shown, missing) == Some(1)).await)
        })
        .await,
        after("DatasetUnreadable", elsewhere, async |service| {
            fs::write(service.settings.sync.data.join("persons.current"), "nonsense\n").expect("written");
            let unreadable = "ehealth_attributes_not_ready_reasons{reason=\"dataset-unreadable\"}";
            Some(scrape_until(service, |shown| value(shown, unreadable) == Some(1)).await)
        })
        .await,
        after("FeedRefused", elsewhere, async |service| {
            let feed = service.settings.policy.with_file_name("feeds").join("dimona");
            fs::write(feed.join("notification.xml"), "<nonsense/>").expect("written");
            sync::run_all(&service.settings.sync, service.clock.as_ref());
            Some(scrape_until(service, refused("refused/notification")).await)
        })
        .await,
        after("FeedFailing", elsewhere, async |service| {
            let mut unreachable = service.settings.sync.clone();
            for feed in &mut unreachable.feeds {
                // Port 1 of this machine: nothing listens there.
                feed.source = Source::Https(HttpsFeed {
                    url: FeedUrl::parse("https://localhost:1/").expect("a URL"),
                    authorities: service.workspace.authority(),
                    identity: None,
                    limits: FeedLimits::default(),
                });
            }
            let clock = std::sync::Arc::clone(&service.clock);
            tokio::task::spawn_blocking(move || sync::run_all(&unreachable, clock.as_ref())).await.expect("no panic");
            Some(scrape_until(service, refused("failed/source")).await)
        })
        .await,
    ]
}

/// An authority whose CRL is due soon, in addition to the demo's, which has no CRL.
fn with_lists(settings: &mut Settings) {
    let folder = settings.policy.with_file_name("lists");
    fs::create_dir(&folder).expect("a folder");
    let authority = Authority::root("another authority");
    let list = authority.list_with(|list| {
        list.this_update = "2026-01-14T10:00:00Z".to_owned();
        list.next_update = Some("2026-01-15T20:00:00Z".to_owned());
    });
    fs::write(folder.join("list.crl"), list.as_ref()).expect("written");
    let file = settings.policy.with_file_name("another.der");
    fs::write(&file, authority.certificate.as_ref()).expect("written");
    settings.tls.client_ca.push(file);
    settings.tls.revocation = RevocationFiles::Lists(vec![folder]);
}

async fn of_certificates() -> Vec<Case> {
    let expiry = "ehealth_attributes_certificate_expiry_timestamp_seconds{number=\"1\"";
    let end = |shown: &str| {
        let line = shown.lines().find(|line| line.starts_with(expiry)).expect("a certificate");
        line.rsplit(' ').next().and_then(|end| end.parse::<i64>().ok()).expect("a number")
    };
    let before_end = async |service: &TestService, days: i64| {
        let end = end(&scrape(service).await);
        service.clock.set(Timestamp::from_millis((end - days * 86_400) * 1_000));
        None
    };
    vec![
        after("CertificateExpiring", |_| {}, async |service| before_end(service, 20).await).await,
        // A certificate that callers never see: no other has few days left.
        after("CertificateExpiring", |settings| ask_operators_for_certificates(settings, (2026, 2, 5)), async |_| None)
            .await,
        after("CertificateExpired", |_| {}, async |service| before_end(service, -2).await).await,
        after("IssuerRefused", with_lists, async |_| None).await,
        after("CrlExpiring", with_lists, async |_| None).await,
    ]
}

/// An event in a healthy cluster. Its reports are made: no database is needed.
async fn in_cluster(alert: &'static str, happen: impl FnOnce(&mut ClusterReport)) -> Case {
    let (before, mut cluster) = (healthy_cluster(), healthy_cluster());
    happen(&mut cluster);
    let before = nodes::show(nodes::report(Some(before))).await;
    let after = nodes::show(nodes::report(Some(cluster))).await;
    Case {
        alert,
        before: nodes::read(before, "/metrics").await,
        after: nodes::read(after, "/metrics").await,
        page: nodes::read(after, "/").await,
        up: true,
    }
}

async fn of_cluster() -> Vec<Case> {
    let lose_the_standby = |cluster: &mut ClusterReport| {
        cluster.link = LinkReport::Down;
        cluster.reason = Some("the standby does not respond".to_owned());
    };
    let silent_node = |cluster: &mut ClusterReport| {
        cluster.nodes[2].age = Duration::from_secs(90);
        cluster.nodes[2].is_silent = true;
    };
    vec![
        in_cluster("", |_| {}).await,
        // An upgrade, one node after the other.
        in_cluster("", |cluster| cluster.nodes[1].version = Some("0.4.0".to_owned())).await,
        // This node cannot read the reports of the others: that says nothing about them.
        in_cluster("", |cluster| cluster.nodes_read = Some(Duration::from_secs(300))).await,
        in_cluster("NotReplicated", lose_the_standby).await,
        in_cluster("ReplicationLagging", |cluster| cluster.lag = 10_001).await,
        in_cluster("NodeSilent", silent_node).await,
        in_cluster("NodesDiffer", |cluster| cluster.nodes[1].policy = Some("6e".repeat(32))).await,
        in_cluster("NodesDiffer", |cluster| cluster.nodes[1].revocation = Some("6e".repeat(32))).await,
        in_cluster("NodesDiffer", |cluster| cluster.nodes[1].serials[4].1 = 6).await,
        in_cluster("CommitOutcomeUnknown", |cluster| cluster.unknown_outcomes = 1).await,
        in_cluster("UnreplicatedAnswers", |cluster| {
            lose_the_standby(cluster);
            cluster.unreplicated = 12;
        })
        .await,
    ]
}

/// The real program, with its audit log on a disk of 4 MB; `None` if no disk can be created.
async fn of_a_small_disk() -> Option<Vec<Case>> {
    let folder = tempfile::tempdir().expect("a folder");
    let workspace = testkit::Workspace::new(folder.path().join("demo"));
    workspace.prepare(SystemClock.now(), "").expect("the workspace can be created");
    let audit_log = workspace.settings().with_file_name("audit-log");
    fs::create_dir(&audit_log).expect("made");
    leave(&workspace.settings().with_file_name("verified"), &SystemClock.now().to_string(), true);
    let mount = "mount -t tmpfs -o size=4m none \"$1\" && shift && exec \"$@\"";
    let within = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]).arg(&audit_log);
        command
    };
    if !within(mount).arg("true").status().is_ok_and(|status| status.success()) {
        skip("cannot create a small disk in a namespace; a full disk is not tested");
        return None;
    }
    let mut command = within(mount);
    command.args([PROGRAM, "serve", "--config"]).arg(workspace.settings()).args([
        "--set=server.listen=127.0.0.1:0",
        "--set=admin.listen=127.0.0.1:0",
        "--set=audit_log.verification_report=verified",
    ]);
    let (program, lines) = Program::start(&mut command, "admin listener ready");
    let admin: SocketAddr = address_in(lines.last().expect("a line")).parse().expect("an address");
    let ready = async |value_of: &str, wanted: u64| {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let shown = scrape_at(admin).await;
            if value(&shown, value_of) == Some(wanted) {
                return shown;
            }
            assert!(Instant::now() < deadline, "{value_of} never reached {wanted}:\n{shown}");
            tokio::task::yield_now().await;
        }
    };
    let small = ready("ehealth_attributes_ready", 1).await;
    // The disk is filled while no request is open, through the mount of the process.
    let inside = format!("/proc/{}/root{}/filler", program.id(), audit_log.display());
    let mut filler = fs::File::create(inside).expect("its disk is reported");
    while filler.write_all(&[0; 4_096]).is_ok() {}
    let full = ready("ehealth_attributes_audit_log_writable", 0).await;
    let page = read_at(admin, "/").await;
    assert_eq!(value(&full, "ehealth_attributes_ready"), Some(0));
    assert_eq!(value(&full, "ehealth_attributes_not_ready_reasons{reason=\"audit-log-unwritable\"}"), Some(1));
    filler.set_len(0).expect("emptied");
    ready("ehealth_attributes_ready", 1).await;
    assert_eq!(program.stop().0, Some(0));
    Some(vec![
        Case { alert: "AuditLogDiskFilling", before: small.clone(), after: small, page: page.clone(), up: true },
        Case { alert: "AuditLogUnwritable", before: full.clone(), after: full, page, up: true },
    ])
}

/// The real program, whose log is not read.
fn of_an_unread_log() -> Case {
    let (_folder, workspace) = workspace();
    let verified = workspace.settings().with_file_name("verified");
    leave(&verified, &SystemClock.now().to_string(), true);
    let program = Unread::start(&workspace.settings());
    let before = read_admin(program.admin, "/metrics").1;
    program.fill_log(&client_tls(&workspace, "fund"));
    let after = read_admin(program.admin, "/metrics").1;
    let page = read_admin(program.admin, "/").1;
    assert_eq!(program.stop().code(), Some(0));
    Case { alert: "LogLinesDropped", before, after, page, up: true }
}

/// Minutes of a case before its event.
const MINUTES_BEFORE: i64 = 6;

/// The case as promtool reads it: five minutes as before, two hours as after.
///
/// Its time begins at 0. Moments are moved as far as the scrape, and then move with the time: all
/// that happens is as long ago, or as far ahead, as it was at the scrape.
fn write_case(case: &Case) -> String {
    let mut text = String::from("  - interval: 1m\n    input_series:\n");
    let mut put = |series: &str, before: &str, after: &str| {
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let comma = if labels == "}" { "" } else { "," };
        let (before, after, step) = if name.ends_with("_timestamp_seconds") {
            let since = |moment: &str, shown: &str| {
                let moment: i64 = moment.parse().expect("whole seconds");
                moment - i64::try_from(read_now(shown)).expect("seconds")
            };
            let after = since(after, &case.after) + 60 * MINUTES_BEFORE;
            (since(before, &case.before).to_string(), after.to_string(), 60)
        } else {
            (before.to_owned(), after.to_owned(), 0)
        };
        let series = format!("{name}{{job=\"ehealth-attributes\",instance=\"a\"{comma}{labels}");
        let _ = writeln!(
            text,
            "      - series: '{}'\n        values: '{before}+{step}x{} {after}+{step}x120'",
            series.replace('\'', "''"),
            MINUTES_BEFORE - 1
        );
    };
    let samples = |shown: &str| -> Vec<(String, String)> {
        let lines = shown.lines().filter(|line| !line.starts_with('#'));
        lines
            .filter_map(|line| line.rsplit_once(' '))
            .map(|(series, value)| (series.to_owned(), value.to_owned()))
            .collect()
    };
    let before: std::collections::BTreeMap<_, _> = samples(&case.before).into_iter().collect();
    let up = if case.up { "1" } else { "0" };
    put("up", "1", up);
    for (series, value) in samples(&case.after) {
        put(&series, before.get(&series).unwrap_or(&value), &value);
    }
    text.push_str("    promql_expr_test:\n");
    let firing = |name: &str| format!("count(ALERTS{{alertstate=\"firing\"{name}}}) > bool 0");
    if case.alert.is_empty() {
        for minute in ["4m", "12m", "100m"] {
            let _ =
                writeln!(text, "      - expr: '{}'\n        eval_time: {minute}\n        exp_samples: []", firing(""));
        }
    } else {
        let expr = firing(&format!(",alertname=\"EhealthAttributes{}\"", case.alert));
        // An increase of a counter is visible for some minutes, longer than every `for` of a rule.
        let minute = if ["AuditLogUnverified", "FeedFailing", "NodesDiffer"].contains(&case.alert) {
            "90m"
        } else if [
            "DatasetAgeing",
            "DatasetMissing",
            "AuditLogDiskFilling",
            "AuditLogDiskFullSoon",
            "ReplicationLagging",
        ]
        .contains(&case.alert)
        {
            "20m"
        } else {
            "8m"
        };
        let _ = writeln!(
            text,
            "      - expr: '{expr}'\n        eval_time: {minute}\n        exp_samples:\n          - labels: '{{}}'\n            value: 1"
        );
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn each_alert_fires_on_its_condition_and_only_then() {
    let rules = python::project().join("deploy/prometheus/alerts.yml");
    let mut cases = vec![well().await];
    cases.extend(of_service().await);
    cases.extend(of_questions().await);
    cases.extend(of_policy().await);
    cases.extend(of_audit_log().await);
    cases.extend(of_datasets().await);
    cases.extend(of_certificates().await);
    cases.extend(of_cluster().await);
    cases.push(tokio::task::spawn_blocking(of_an_unread_log).await.expect("no panic"));
    let small_disk = of_a_small_disk().await;
    let is_whole = small_disk.is_some();
    cases.extend(small_disk.into_iter().flatten());

    let text = fs::read_to_string(&rules).expect("the rules");
    let alerts: Vec<_> =
        text.lines().filter_map(|line| line.trim().strip_prefix("- alert: EhealthAttributes")).collect();
    for alert in &alerts {
        let is_caused = cases.iter().any(|case| case.alert == *alert);
        assert!(is_caused || (!is_whole && *alert == "AuditLogDiskFilling"), "nothing causes {alert}");
    }
    for case in &cases {
        let shown = warnings(&case.page);
        for (_, words) in WARNINGS.iter().filter(|(alert, _)| *alert == case.alert) {
            assert!(shown.iter().any(|warning| warning.contains(words)), "{}: {shown:?}", case.alert);
        }
        assert!(!case.alert.is_empty() || shown.len() == 1, "no problem exists, but the page shows {shown:?}");
    }
    if Command::new("promtool").arg("--version").output().is_err() {
        skip("promtool is missing (Debian: prometheus); the alerts are not checked");
        return;
    }
    let promtool = |arguments: &[&str]| {
        let checked = Command::new("promtool").args(arguments).output().expect("promtool");
        let shown = format!("{}{}", String::from_utf8_lossy(&checked.stdout), String::from_utf8_lossy(&checked.stderr));
        assert!(checked.status.success(), "{shown}");
    };
    promtool(&["check", "rules", &rules.display().to_string()]);
    let folder = tempfile::tempdir().expect("a folder");
    for (number, case) in cases.iter().enumerate() {
        let file = folder.path().join(format!("{number}-{}.yml", case.alert));
        let head = format!("rule_files: ['{}']\nevaluation_interval: 1m\ntests:\n", rules.display());
        fs::write(&file, head + &write_case(case)).expect("written");
        promtool(&["test", "rules", &file.display().to_string()]);
    }
    check_names(&cases);
}

/// Gives the metrics to promtool, which knows the conventions: names, units, help texts.
fn check_names(cases: &[Case]) {
    let shown: Vec<_> = cases.iter().filter(|case| case.alert.is_empty()).map(|case| &case.after).collect();
    assert!(shown.len() > 1, "one machine, and a node of a cluster");
    for text in shown {
        let mut promtool = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("promtool");
        promtool.stdin.take().expect("piped").write_all(text.as_bytes()).expect("written");
        let checked = promtool.wait_with_output().expect("it ends");
        let said = [checked.stdout, checked.stderr].concat();
        assert!(checked.status.success() && said.is_empty(), "{}", String::from_utf8_lossy(&said));
    }
}
