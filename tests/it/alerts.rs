//! Every alert rule, fired: its condition is caused in a real service, what that service then says in `/metrics` is given
//! to Prometheus's own judge (`promtool test rules`), and the alert must fire there. While all is well, none may. What is
//! no reason not to be ready, yet wants somebody, the operators' page says in words of its own.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use bytes::Bytes;
use datasets::sync::{self, FeedLimits, FeedUrl, HttpsFeed, Source};
use ehealth_attributes::admin::Verification;
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
use crate::support::program::{DEADLINE, PROGRAM, Program, address_in};
use crate::support::python;
use crate::support::service::{CONSULT, NOW, TestService, ask_operators_for_certificates, question};

const ANNA: &str = "85073000160";
const FUND: &str = "0999010126";
const STRANGER: &str = "0999090102";
const PHYSICIAN: &str = "BACKTOWORK:ADVISORY_PHYSICIAN";

/// What a service said before something happened, and after.
struct Case {
    /// The alert, without its prefix; empty: none may fire.
    alert: &'static str,
    before: String,
    after: String,
    /// The operators' page, after.
    page: String,
    /// Whether Prometheus reached it.
    up: bool,
}

/// What the page must say where this alert fires.
const CAUTIONS: [(&str, &str); 8] = [
    ("CertificateExpiring", "has 20 d left."),
    ("CheckpointNotKept", "Checkpoints could not be kept in one of their places"),
    ("DatasetAgeing", "Dataset coprev will be over-age in"),
    ("RevocationListDue", "The revocation list of CN=another authority,C=BE runs out in 10 h 30 min"),
    ("TrailDiskFilling", "MiB are left for evidence."),
    ("TrailNotSound", "The trail is not what was signed."),
    ("TrailUnverified", "The trail was "),
    ("", "Revoked certificates of CN=ehealth-attributes development CA are let in."),
];

/// What the page says under "To look at".
fn cautions(page: &str) -> Vec<&str> {
    let section = page.split_once("id=\"care\"").map_or("", |(_, rest)| rest.split("</section>").next().unwrap_or(""));
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
    let body = answer.into_body().collect().await.expect("a whole body").to_bytes();
    String::from_utf8(body.to_vec()).expect("UTF-8")
}

async fn scrape(service: &TestService) -> String {
    read(service, "/metrics").await
}

async fn read(service: &TestService, path: &str) -> String {
    let told = String::from_utf8(service.read_admin(path).await).expect("UTF-8");
    told.split_once("\r\n\r\n").expect("a head and a body").1.to_owned()
}

/// A service that was verified and is well, but for what `change` does to its settings.
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

fn value(scraped: &str, series: &str) -> Option<u64> {
    scraped.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

/// Scrapes until it says so.
async fn scrape_until(service: &TestService, is_so: impl Fn(&str) -> bool) -> String {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let scraped = scrape(service).await;
        if is_so(&scraped) {
            return scraped;
        }
        assert!(Instant::now() < deadline, "it never came:\n{scraped}");
        tokio::task::yield_now().await;
    }
}

/// Something is done to a service that was well until then.
async fn after(
    alert: &'static str,
    change: impl FnOnce(&mut Settings),
    happen: impl AsyncFnOnce(&TestService) -> Option<String>,
) -> Case {
    let service = start(change).await;
    let before = scrape(&service).await;
    let told = happen(&service).await;
    let after = match told {
        Some(told) => told,
        None => scrape(&service).await,
    };
    let page = read(&service, "/").await;
    drop(service.stop().await);
    Case { alert, before, after, page, up: true }
}

async fn well() -> Case {
    after(
        "",
        |_| {},
        async |service| {
            ask(service, "fund", FUND).await;
            None
        },
    )
    .await
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
            "HandshakesRefused",
            |_| {},
            async |service| {
                for _ in 0..25 {
                    let mut stream = TcpStream::connect(service.address).await.expect("it listens");
                    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.expect("sent");
                }
                let refused = "ehealth_attributes_handshakes_total{outcome=\"refused\"}";
                Some(scrape_until(service, |told| value(told, refused).is_some_and(|count| count >= 25)).await)
            },
        )
        .await,
        after(
            "CallerUnregistered",
            |_| {},
            async |service| {
                ask(service, "stranger", STRANGER).await;
                None
            },
        )
        .await,
        after(
            "QuotaSpent",
            |settings| {
                let policy = fs::read_to_string(&settings.policy).expect("a policy");
                let own = format!("organisation = \"{FUND}\"");
                let policy = policy.replace(&own, &format!("{own}\nquota_per_minute = 1"));
                fs::write(&settings.policy, policy).expect("written");
            },
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

async fn of_trail() -> Vec<Case> {
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
        after("TrailUnwritable", |_| {}, take_keys).await,
        after("NotReady", |_| {}, take_keys).await,
        after("OurFaults", |_| {}, take_keys).await,
        after(
            "CheckpointNotKept",
            |settings| {
                settings.audit_log.checkpoints.copy = Some(settings.policy.with_file_name("copies").join("checkpoint"));
            },
            async |service| {
                let failures = "ehealth_attributes_trail_checkpoint_failures_total";
                let before = value(&scrape(service).await, failures).expect("it is counted");
                ask(service, "fund", FUND).await;
                // Tried again at every interval.
                Some(scrape_until(service, |told| value(told, failures).is_some_and(|now| now > before + 1)).await)
            },
        )
        .await,
        after("TrailUnverified", |_| {}, async |service| verified(service, "2026-01-10T00:00:00Z", true).await).await,
        after("TrailUnverified", |settings| settings.verification_report = None, async |_| None).await,
        after("TrailNotSound", |_| {}, async |service| verified(service, NOW, false).await).await,
    ]
}

async fn of_datasets() -> Vec<Case> {
    let age = "ehealth_attributes_dataset_age_seconds{dataset=\"coprev\"}";
    let age = value(&well().await.after, age).expect("an age");
    let limit = move |percent: u64| {
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
        move |told: &str| {
            value(told, &format!("ehealth_attributes_dataset_last_run{{dataset=\"dimona\",outcome=\"{code}\"}}"))
                == Some(1)
        }
    };
    vec![
        after("DatasetStale", limit(50), async |_| None).await,
        after("DatasetAgeing", limit(110), async |_| None).await,
        after("DatasetMissing", elsewhere, async |service| {
            gone(service, "persons");
            fs::remove_file(service.settings.sync.data.join("persons.current")).expect("it was there");
            let missing = "ehealth_attributes_not_ready_reasons{reason=\"dataset-missing\"}";
            Some(scrape_until(service, |told| value(told, missing) == Some(1)).await)
        })
        .await,
        after("DatasetUnreadable", elsewhere, async |service| {
            fs::write(service.settings.sync.data.join("persons.current"), "nonsense\n").expect("written");
            let unreadable = "ehealth_attributes_not_ready_reasons{reason=\"dataset-unreadable\"}";
            Some(scrape_until(service, |told| value(told, unreadable) == Some(1)).await)
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
                // Port 1 of this machine: nobody listens there.
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

/// An authority with a list that is soon due, beside the demonstration's, which has none.
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
    let days = "ehealth_attributes_certificate_days_left{number=\"1\"";
    let left = |told: &str| {
        let line = told.lines().find(|line| line.starts_with(days)).expect("a certificate");
        line.rsplit(' ').next().and_then(|days| days.parse::<i64>().ok()).expect("a number")
    };
    let before_end = async |service: &TestService, days: i64| {
        let ends = left(&scrape(service).await);
        let now = service.clock.now().as_millis();
        service.clock.set(Timestamp::from_millis(now + (ends - days) * 86_400_000));
        None
    };
    vec![
        after("CertificateExpiring", |_| {}, async |service| before_end(service, 20).await).await,
        // One that callers never see: no other certificate has few days left.
        after("CertificateExpiring", |settings| ask_operators_for_certificates(settings, (2026, 2, 5)), async |_| None)
            .await,
        after("CertificateRunOut", |_| {}, async |service| before_end(service, -2).await).await,
        after("IssuerClosed", with_lists, async |_| None).await,
        after("RevocationListDue", with_lists, async |_| None).await,
    ]
}

/// The real program, with its trail on a disk of four megabytes; `None` where no disk can be made.
async fn of_a_small_disk() -> Option<Vec<Case>> {
    let folder = tempfile::tempdir().expect("a folder");
    let workspace = testkit::Workspace::new(folder.path().join("demo"));
    workspace.prepare(SystemClock.now(), "").expect("the workspace can be made");
    let trail = workspace.settings().with_file_name("audit-log");
    fs::create_dir(&trail).expect("made");
    leave(&workspace.settings().with_file_name("verified"), &SystemClock.now().to_string(), true);
    let mount = "mount -t tmpfs -o size=4m none \"$1\" && shift && exec \"$@\"";
    let within = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]).arg(&trail);
        command
    };
    if !within(mount).arg("true").status().is_ok_and(|status| status.success()) {
        skip("no small disk can be made in a namespace; a full disk is not tested");
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
            let told = scrape_at(admin).await;
            if value(&told, value_of) == Some(wanted) {
                return told;
            }
            assert!(Instant::now() < deadline, "{value_of} never came to {wanted}:\n{told}");
            tokio::task::yield_now().await;
        }
    };
    let small = ready("ehealth_attributes_ready", 1).await;
    // The disk is filled while nobody asks anything: through the eyes of the process, where it is mounted.
    let inside = format!("/proc/{}/root{}/filler", program.id(), trail.display());
    let mut filler = fs::File::create(inside).expect("its disk is seen");
    while filler.write_all(&[0; 4_096]).is_ok() {}
    let full = ready("ehealth_attributes_trail_writable", 0).await;
    let page = read_at(admin, "/").await;
    assert_eq!(value(&full, "ehealth_attributes_ready"), Some(0));
    assert_eq!(value(&full, "ehealth_attributes_not_ready_reasons{reason=\"trail-unwritable\"}"), Some(1));
    filler.set_len(0).expect("emptied");
    ready("ehealth_attributes_ready", 1).await;
    assert_eq!(program.stop().0, Some(0));
    Some(vec![
        Case { alert: "TrailDiskFilling", before: small.clone(), after: small, page: page.clone(), up: true },
        Case { alert: "TrailUnwritable", before: full.clone(), after: full, page, up: true },
    ])
}

/// The case as promtool reads it: five minutes as before, two hours as after.
fn write_case(case: &Case) -> String {
    let mut text = String::from("  - interval: 1m\n    input_series:\n");
    let mut put = |series: &str, before: &str, after: &str| {
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let comma = if labels == "}" { "" } else { "," };
        let series = format!("{name}{{job=\"ehealth-attributes\",instance=\"a\"{comma}{labels}");
        let _ = writeln!(
            text,
            "      - series: '{}'\n        values: '{before}+0x5 {after}+0x120'",
            series.replace('\'', "''")
        );
    };
    let samples = |told: &str| -> Vec<(String, String)> {
        let lines = told.lines().filter(|line| !line.starts_with('#'));
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
        // Counts that rose show for some minutes; what waits before it fires has waited by then.
        let minute = if ["TrailUnverified", "FeedFailing"].contains(&case.alert) {
            "90m"
        } else if ["DatasetAgeing", "DatasetMissing", "TrailDiskFilling"].contains(&case.alert) {
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
    cases.extend(of_trail().await);
    cases.extend(of_datasets().await);
    cases.extend(of_certificates().await);
    let small_disk = of_a_small_disk().await;
    let is_whole = small_disk.is_some();
    cases.extend(small_disk.into_iter().flatten());

    let text = fs::read_to_string(&rules).expect("the rules");
    let alerts: Vec<_> =
        text.lines().filter_map(|line| line.trim().strip_prefix("- alert: EhealthAttributes")).collect();
    for alert in &alerts {
        let is_caused = cases.iter().any(|case| case.alert == *alert);
        assert!(is_caused || (!is_whole && *alert == "TrailDiskFilling"), "nothing causes {alert}");
    }
    for case in &cases {
        let told = cautions(&case.page);
        for (_, words) in CAUTIONS.iter().filter(|(alert, _)| *alert == case.alert) {
            assert!(told.iter().any(|caution| caution.contains(words)), "{}: {told:?}", case.alert);
        }
        assert!(!case.alert.is_empty() || told.len() == 1, "all is well, but {told:?}");
    }
    if Command::new("promtool").arg("--version").output().is_err() {
        skip("promtool is missing (Debian: prometheus); the alerts are not checked");
        return;
    }
    let promtool = |arguments: &[&str]| {
        let judged = Command::new("promtool").args(arguments).output().expect("promtool");
        let told = format!("{}{}", String::from_utf8_lossy(&judged.stdout), String::from_utf8_lossy(&judged.stderr));
        assert!(judged.status.success(), "{told}");
    };
    promtool(&["check", "rules", &rules.display().to_string()]);
    let folder = tempfile::tempdir().expect("a folder");
    for (number, case) in cases.iter().enumerate() {
        let file = folder.path().join(format!("{number}-{}.yml", case.alert));
        let head = format!("rule_files: ['{}']\nevaluation_interval: 1m\ntests:\n", rules.display());
        fs::write(&file, head + &write_case(case)).expect("written");
        promtool(&["test", "rules", &file.display().to_string()]);
    }
}
