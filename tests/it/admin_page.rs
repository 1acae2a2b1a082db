//! The operators' page: what it says first, its links into the guide, its history over a restart, and
//! what hostile or large content does to it.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use ehealth_attributes::admin::{
    BUCKETS, CertificateReport, CertificateRole, ConsumerReport, ContextReport, GrantReport, GrantsReport, History,
    Reading, ReloadReport, SharedHistory,
};
use ehealth_attributes::server::counters::BUCKETS_MICROS;
use ehealth_core::model::{Date, EnterpriseNumber, FieldSet, LegalContext, Timestamp};
use ehealth_core::policy::{Consumer, ConsumerId, DateRule, EndUserRule};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::accessibility::{PACKAGES, chromium};
use crate::support::environment::{skip, with_real_clock};
use crate::support::nodes;
use crate::support::npm;
use crate::support::python::project;
use crate::support::service::{CONSULT, TestService, question};

const ANNA: &str = "85073099932";
const FUND: &str = "0999010126";
const PHYSICIAN: &str = "BACKTOWORK:ADVISORY_PHYSICIAN";

/// The pages of the guide with their sources in the book.
const GUIDE: [(&str, &str); 21] = [
    ("install", "operations"),
    ("configure", "operations"),
    ("consumers", "operations"),
    ("acme", "operations"),
    ("diagnose", "operations"),
    ("incident", "operations"),
    ("rotate", "operations"),
    ("back-up", "operations"),
    ("restore", "operations"),
    ("upgrade", "operations"),
    ("audit-visit", "operations"),
    ("gdpr-request", "operations"),
    ("timetable", "operations"),
    ("capacity", "operations"),
    ("cluster", "operations"),
    ("faults", "operations"),
    ("codes", "reference"),
    ("feeds", "reference"),
    ("json", "reference"),
    ("policy", "reference"),
    ("settings", "reference"),
];

/// Status line and body of the answer for a path.
async fn get(address: SocketAddr, path: &str, accept: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("UTF-8");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    (head.to_owned(), body.to_owned())
}

async fn page(address: SocketAddr) -> String {
    get(address, "/", "text/html").await.1
}

async fn json(address: SocketAddr, path: &str) -> Value {
    let (head, body) = get(address, path, "application/json").await;
    assert!(head.contains("content-type: application/json") && head.contains("vary: Accept"), "{head}");
    serde_json::from_str(&body).expect("JSON")
}

/// Targets of the links of a page.
fn links(page: &str) -> Vec<String> {
    page.split("<a href=\"").skip(1).filter_map(|rest| Some(rest.split('"').next()?.to_owned())).collect()
}

/// Ids of the headings of a page, in their order.
fn heading_ids(page: &str) -> Vec<String> {
    let headings = (1..=6).flat_map(|level| page.match_indices(&format!("<h{level} id=\"")).collect::<Vec<_>>());
    let mut places: Vec<_> = headings.map(|(at, begin)| (at, at + begin.len())).collect();
    places.sort_unstable();
    places.into_iter().filter_map(|(_, at)| Some(page[at..].split('"').next()?.to_owned())).collect()
}

#[tokio::test]
async fn each_reason_and_warning_has_a_step_and_a_link_that_works() {
    let mut report = nodes::report(Some(nodes::healthy_cluster()));
    report.audit_log.health = audit_log::Health::Closed;
    report.datasets[0].status = None;
    report.reload.errors = Some("policy.toml:1: wrong".to_owned());
    report.audit_log.verified = None;
    report.dropped_log_lines = 3;
    let address = nodes::show(report).await;
    let shown = page(address).await;
    assert!(shown.contains("Not ready: 2 reasons, and 4 warnings."), "{shown}");
    let read = json(address, "/").await;
    assert_eq!(read["verdict"]["code"], "not-ready");
    let items: Vec<_> =
        ["reasons", "warnings"].iter().flat_map(|list| read[list].as_array().expect("a list")).collect();
    assert_eq!(items.len(), 6, "{read:#}");
    for item in items {
        let (step, guide) = (item["step"].as_str().expect("text"), item["guide"].as_str().expect("text"));
        assert!(shown.contains(&format!("href=\"{guide}\"")), "{guide}");
        let first = step.split('`').next().expect("a begin");
        assert!(shown.contains(&format!("Next: {first}")), "{step}");
        let (path, anchor) = guide.split_once('#').expect("an anchor");
        let (head, body) = get(address, path, "text/html").await;
        assert!(head.starts_with("HTTP/1.1 200"), "{guide}: {head}");
        assert!(heading_ids(&body).iter().any(|id| id == anchor), "{guide}");
    }
}

#[tokio::test]
async fn every_link_of_the_guide_works_on_the_listener() {
    let address = nodes::show(nodes::report(None)).await;
    let mut pages = vec![get(address, "/guide/", "text/html").await.1];
    for (name, _) in GUIDE {
        let (head, body) = get(address, &format!("/guide/{name}"), "text/html").await;
        assert!(head.starts_with("HTTP/1.1 200") && head.contains("script-src 'self'"), "{name}: {head}");
        pages.push(body);
    }
    let mut checked = 0;
    for shown in &pages {
        for link in links(shown).iter().filter(|link| !link.contains("://")) {
            let (path, anchor) = link.split_once('#').map_or((link.as_str(), ""), |(path, anchor)| (path, anchor));
            let target = match path {
                "" => shown,
                "/" => continue,
                "/guide/" => &pages[0],
                _ => {
                    let name = path.strip_prefix("/guide/").unwrap_or_else(|| panic!("{link} leaves the guide"));
                    &pages[1 + GUIDE.iter().position(|(page, _)| *page == name).expect("a page")]
                }
            };
            assert!(anchor.is_empty() || target.contains(&format!(" id=\"{anchor}\"")), "{link}");
            checked += 1;
        }
    }
    assert!(checked > 100, "{checked} links");
    for absent in ["/guide/absent", "/guide/../Cargo.toml", "/guide/install.md", "/guide/%69nstall"] {
        let (head, _) = get(address, absent, "text/html").await;
        assert!(head.starts_with("HTTP/1.1 404"), "{absent}: {head}");
    }
}

#[tokio::test]
async fn headings_have_the_ids_of_the_book() {
    let folder = tempfile::tempdir().expect("a folder");
    let built = Command::new("mdbook").args(["build", "--dest-dir"]).arg(folder.path()).current_dir(project()).output();
    if built.is_err() {
        return skip("mdbook is missing; the ids of headings are not compared");
    }
    let address = nodes::show(nodes::report(None)).await;
    for (name, part) in GUIDE {
        let book = fs::read_to_string(folder.path().join(part).join(format!("{name}.html"))).expect("a page");
        let book = book.split_once("<main>").expect("a text").1;
        let book = book.split_once("</main>").expect("its end").0;
        let served = get(address, &format!("/guide/{name}"), "text/html").await.1;
        let served = served.split_once("<article").expect("a text").1;
        let ids = heading_ids(served);
        assert_eq!(ids, heading_ids(book), "{name}");
        assert!(!ids.is_empty(), "{name}");
    }
}

fn consumer(number: u64) -> ConsumerId {
    let digits = 999_000_000 / 100 + number;
    let check = 97 - digits % 97;
    let text = format!("{digits:08}{check:02}");
    Consumer::new(EnterpriseNumber::parse(&text).expect("a number"), "").id()
}

#[tokio::test]
async fn markup_in_names_and_errors_is_shown_as_text() {
    let evil = "<script>alert(1)</script>\"'><img src=x onerror=y>&amp;";
    let mut report = nodes::report(Some(nodes::healthy_cluster()));
    report.certificates = vec![CertificateReport {
        role: CertificateRole::Service,
        subject: format!("CN={evil}"),
        not_before: report.now,
        not_after: report.now,
    }];
    report.unused_crls = vec![evil.to_owned()];
    report.reload.errors = Some(evil.to_owned());
    report.rejected_reloads = vec![ReloadReport { at: report.now, errors: Some(evil.to_owned()) }];
    report.policy.consumers = vec![GrantsReport { consumer: consumer(1), name: evil.to_owned(), grants: Vec::new() }];
    report.traffic.consumers = vec![ConsumerReport {
        id: Some(consumer(1)),
        name: Some(evil.to_owned()),
        kinds: [1; 4],
        hour: vec![[1; 4]; 60],
        is_slowed: true,
        refused_dates: 1,
    }];
    let cluster = report.cluster.as_mut().expect("a cluster");
    cluster.nodes[1].name = evil.to_owned();
    cluster.nodes[1].version = Some(evil.to_owned());
    cluster.nodes_error = Some(evil.to_owned());
    let address = nodes::show(report).await;
    let shown = page(address).await;
    assert!(!shown.contains("<script>") && !shown.contains("<img"), "{shown}");
    assert!(shown.matches("&lt;script&gt;alert(1)&lt;/script&gt;").count() >= 8, "{shown}");
    let read = json(address, "/").await;
    assert_eq!(read["policy"]["grants"][0]["name"], evil);
    assert_eq!(read["rejectedReloads"][0]["errors"], evil);
}

#[tokio::test]
async fn a_large_policy_makes_no_large_page() {
    let mut report = nodes::report(None);
    let day = Date::parse("2026-01-01").expect("a day");
    let contexts: Vec<_> =
        (0..200).map(|number| LegalContext::parse(&format!("TEST:C{number}")).expect("a context")).collect();
    report.policy.contexts = contexts
        .iter()
        .map(|context| ContextReport {
            context: *context,
            deliberation: "16/108".to_owned(),
            is_valid: true,
            end: Some((day, -14)),
            end_user: EndUserRule::ALL[0],
            dates: DateRule::ALL[0],
            grants: 1,
        })
        .collect();
    let grant = |context: &LegalContext| GrantReport {
        context: *context,
        fields: FieldSet::ALL,
        begin: day,
        end: Some((day, -14)),
        is_valid: false,
    };
    report.policy.consumers = (0..5_000)
        .map(|number| GrantsReport {
            consumer: consumer(number),
            name: "x".repeat(80),
            grants: contexts.iter().take(20).map(grant).collect(),
        })
        .collect();
    report.traffic.consumers = (0..5_000)
        .map(|number| ConsumerReport {
            id: Some(consumer(number)),
            name: Some("x".repeat(80)),
            kinds: [number; 4],
            hour: vec![[number, 1, 2, 3]; 60],
            is_slowed: true,
            refused_dates: 1,
        })
        .collect();
    report.unused_crls = (0..5_000).map(|number| format!("/crl/{number}")).collect();
    let history = History::new(&BUCKETS_MICROS);
    report.history = SharedHistory::new(full(history, report.now));
    let address = nodes::show(report).await;
    for range in ["1h", "24h", "30d"] {
        let shown = get(address, &format!("/?range={range}"), "text/html").await.1;
        assert!(shown.len() < 1_500_000, "{range}: {} bytes", shown.len());
        assert!(shown.contains("more: "), "what is left out is said");
    }
    // The busiest consumer is among those that are shown.
    assert!(page(address).await.contains(&consumer(4_999).to_string()));
    let read = json(address, "/").await;
    assert_eq!(read["consumers"].as_array().map(Vec::len), Some(1_000));
    assert_eq!(read["warnings"].as_array().map(Vec::len), Some(1_000));
}

/// A history whose every minute of the last 30 days has large numbers.
fn full(mut history: History, now: Timestamp) -> History {
    let mut count = 0;
    for minutes in (0..30 * 24 * 60).rev() {
        count += u64::from(u32::MAX);
        let reading =
            Reading { kinds: [count; 4], overloads: count, durations: [count; BUCKETS], ..Reading::default() };
        let at = Timestamp::from_millis(now.as_millis() - minutes * 60_000);
        history.add(at, std::time::Duration::from_secs(60), reading);
    }
    history
}

/// Sum of the exchanges of a range.
async fn exchanges(address: SocketAddr, range: &str) -> u64 {
    let read = json(address, &format!("/?range={range}")).await;
    assert_eq!(read["history"]["range"], range);
    let points = read["history"]["points"].as_array().expect("points").clone();
    let counts = points.iter().filter_map(|point| point["exchanges"].as_object());
    counts.flat_map(|kinds| kinds.values()).filter_map(Value::as_u64).sum()
}

#[tokio::test]
async fn the_history_survives_a_restart() {
    let service = TestService::start().await;
    for _ in 0..5 {
        assert_eq!(service.post("fund", CONSULT, question(FUND, PHYSICIAN, ANNA, "")).await.status, 200);
    }
    let settings = service.settings.clone();
    let folder = service.stop().await;
    let file = settings.sync.data.join("history");
    let written = fs::read(&file).expect("a history");
    assert!(!written.windows(ANNA.len()).any(|part| part == ANNA.as_bytes()));

    let service = TestService::start_again(folder, settings).await;
    let address = service.admin.expect("operators are answered");
    for range in ["1h", "24h", "30d"] {
        assert_eq!(exchanges(address, range).await, 5, "{range}");
    }
    assert_eq!(exchanges(address, "1h").await, 5, "no exchange is counted twice");
    let shown = get(address, "/?range=30d", "text/html").await.1;
    assert!(shown.contains("History: 30 days") && shown.contains("class=\"gap\""), "{shown}");
    assert!(get(address, "/?range=nonsense", "text/html").await.1.contains("History: 1 hour"));

    // A damaged file is kept, and the history begins again.
    let settings = service.settings.clone();
    let folder = service.stop().await;
    let mut damaged = fs::read(&file).expect("a history");
    assert_eq!(damaged.len(), written.len(), "the file has one size");
    damaged[200] ^= 1;
    fs::write(&file, &damaged).expect("written");
    let service = TestService::start_again(folder, settings).await;
    assert_eq!(exchanges(service.admin.expect("operators are answered"), "30d").await, 0);
    assert_eq!(fs::read(file.with_file_name("history.unusable")).expect("kept"), damaged);
    service.finish().await;
}

#[tokio::test]
async fn rejected_reloads_are_listed_and_bounded() {
    let service = TestService::start().await;
    let address = service.admin.expect("operators are answered");
    let right = fs::read_to_string(&service.settings.policy).expect("a policy");
    for number in 0..12 {
        fs::write(&service.settings.policy, format!("nonsense_{number} = {}", "\"é\", ".repeat(3_000)))
            .expect("written");
        service.reloader.reload().expect_err("the policy has an error");
    }
    fs::write(&service.settings.policy, right).expect("written");
    service.reloader.reload().expect("the policy is right");
    let read = json(address, "/").await;
    assert_eq!(read["reload"]["accepted"], true);
    let rejected = read["rejectedReloads"].as_array().expect("a list");
    assert_eq!(rejected.len(), 10);
    assert!(rejected.iter().all(|reload| reload["errors"].as_str().is_some_and(|errors| errors.len() <= 4_100)));
    let shown = page(address).await;
    assert!(shown.contains("The last 10 rejected reloads since the start"), "{shown}");
    service.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_refreshes_and_keeps_focus_scroll_and_details() {
    let Some(browser) = chromium() else { return skip("chromium is missing; no browser refreshes the page") };
    let modules = match npm::install("accessibility", &PACKAGES) {
        Ok(modules) => modules,
        Err(reason) => return skip(&format!("no browser refreshes the page: {reason}")),
    };
    let service = TestService::start().await;
    let address = service.admin.expect("operators are answered");
    let run = tokio::task::spawn_blocking(move || {
        with_real_clock(&mut Command::new("node"))
            .arg(project().join("tests/it/support/refresh_page.js"))
            .args([&modules, &browser])
            .arg(format!("http://{address}/?range=24h"))
            .output()
            .expect("node runs")
    });
    let output = run.await.expect("no panic");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(seen["kept"], serde_json::json!(["datasets"]), "the part with the focus stays: {seen:#}");
    assert!(seen["replaced"].as_array().is_some_and(|parts| parts.len() >= 8), "{seen:#}");
    assert_eq!(seen["focused"], "datasets", "{seen:#}");
    assert_eq!(seen["open"], serde_json::json!(["history-values", "settings"]), "{seen:#}");
    assert!(seen["scrolled"] == seen["before"] && seen["before"] != 0, "{seen:#}");
    assert_eq!((&seen["complaints"], seen["text"].as_str()), (&serde_json::json!([]), Some("")), "{seen:#}");
    assert!(seen["old"].as_str().is_some_and(|old| old.starts_with("This page is old: no answer since")), "{seen:#}");
    service.finish().await;
}
