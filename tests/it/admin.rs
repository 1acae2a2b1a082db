//! The operators' port, over the wire and in a browser: health with its reasons, metrics, page.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ehealth_attributes::admin::{self, AdminError, ClusterReport, LinkReport, ReasonCode};
use ehealth_attributes::config::{MetricsAccess, MetricsListener, Settings};
use ehealth_attributes::server::tls::{self, OperatorFiles, RevocationFiles};
use ehealth_core::model::{Clock, FixedClock, Timestamp};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustls::pki_types::PrivateKeyDer;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::support::canary;
use crate::support::environment::{skip, with_real_clock};
use crate::support::nodes;
use crate::support::program::DEADLINE;
use crate::support::python::Python;
use crate::support::service::{
    Answered, CONSULT, NOW, TEST, TestService, ask_operators_for_certificates, envelope, question, read_at, tls_between,
};
use crate::support::unread;

const ANNA: &str = "85073099932";
const UNKNOWN: &str = "62062099936";
const FUND: &str = "0999010126";
const STRANGER: &str = "0999090102";
const PHYSICIAN: &str = "BACKTOWORK:ADVISORY_PHYSICIAN";

async fn send(address: SocketAddr, request: Request<Full<Bytes>>) -> Answered {
    let stream = TcpStream::connect(address).await.expect("operators are answered");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("HTTP/1.1");
    let connection = tokio::spawn(connection);
    let (head, body) = sender.send_request(request).await.expect("an answer").into_parts();
    let body = body.collect().await.expect("a complete body").to_bytes();
    drop(sender);
    let _ = connection.await;
    let body = String::from_utf8(body.to_vec()).expect("UTF-8");
    Answered { status: head.status.as_u16(), headers: head.headers, body }
}

fn address(service: &TestService) -> SocketAddr {
    service.admin.expect("operators are answered")
}

async fn get(service: &TestService, path: &str) -> Answered {
    let request = Request::get(path).header("host", "localhost").body(Full::default()).expect("a request");
    send(address(service), request).await
}

/// Status of `/health/ready`, and the codes and subjects of its reasons.
async fn ready(service: &TestService) -> (u16, Vec<(String, String)>) {
    let answered = get(service, "/health/ready").await;
    let json: serde_json::Value = serde_json::from_str(&answered.body).expect("JSON");
    let reasons = json["reasons"].as_array().expect("reasons");
    let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
    assert_eq!(json["ready"].as_bool(), Some(reasons.is_empty()));
    let codes = ReasonCode::ALL.map(ReasonCode::code);
    assert!(reasons.iter().all(|reason| codes.contains(&text(&reason["code"]).as_str())), "{json}");
    (answered.status, reasons.iter().map(|reason| (text(&reason["code"]), text(&reason["about"]))).collect())
}

fn reason(code: &str, about: &str) -> (String, String) {
    (code.to_owned(), about.to_owned())
}

/// Sets the maximum age of the coprev dataset to one hour.
async fn with_a_stale_dataset() -> TestService {
    TestService::start_with(|settings| settings.server.freshness.coprev = Duration::from_secs(3_600)).await
}

/// Removes the audit log's keys, changes the month, and asks one question.
async fn with_an_unwritable_audit_log() -> TestService {
    let service = TestService::start().await;
    fs::remove_dir_all(&service.settings.audit_log.keys).expect("the keys were there");
    fs::write(&service.settings.audit_log.keys, "no folder").expect("written");
    service.clock.set(Timestamp::parse("2026-02-02T09:30:00Z").expect("a moment"));
    let answered = service.post("fund", CONSULT, question(FUND, PHYSICIAN, ANNA, "")).await;
    assert_eq!(answered.code(), Some("MSG90053"), "{}", answered.body);
    service
}

#[tokio::test]
async fn ready_is_true_while_everything_works() {
    let service = TestService::start().await;
    assert_eq!(ready(&service).await, (200, vec![]));
    let live = get(&service, "/health/live").await;
    assert_eq!((live.status, live.body.as_str()), (200, "live\n"));
    service.finish().await;
}

#[tokio::test]
async fn ready_is_false_while_a_dataset_is_stale_or_missing() {
    let service = with_a_stale_dataset().await;
    assert_eq!(ready(&service).await, (503, vec![reason("dataset-stale", "coprev")]));
    // Remove its feed first: the schedule would bring the dataset back.
    fs::remove_dir_all(service.settings.policy.with_file_name("feeds").join("persons")).expect("it was there");
    let expected = vec![reason("dataset-stale", "coprev"), reason("dataset-missing", "persons")];
    let noticed = timeout(Duration::from_secs(20), async {
        while ready(&service).await.1 != expected {
            // A run in progress may have brought it back once more.
            let _ = fs::remove_file(service.settings.sync.data.join("persons.current"));
            tokio::task::yield_now().await;
        }
    });
    noticed.await.expect("a missing dataset is reported");
    service.finish().await;
}

#[tokio::test]
async fn ready_is_false_while_the_audit_log_cannot_be_written() {
    let service = with_an_unwritable_audit_log().await;
    assert_eq!(ready(&service).await, (503, vec![reason("audit-log-unwritable", "")]));
    let samples = metrics(&service).await;
    assert_eq!(samples["ehealth_attributes_audit_log_writable"], "0");
    assert_eq!(samples["ehealth_attributes_not_ready_reasons{reason=\"audit-log-unwritable\"}"], "1");
    service.finish().await;
}

#[tokio::test]
async fn ready_is_false_while_an_issuer_has_no_crl() {
    let service = TestService::start_with(|settings| {
        let lists = settings.policy.with_file_name("lists");
        fs::create_dir(&lists).expect("a folder");
        settings.tls.revocation = RevocationFiles::Lists(vec![lists]);
    })
    .await;
    let (status, reasons) = ready(&service).await;
    assert_eq!((status, reasons.len()), (503, 1));
    let (code, issuer) = &reasons[0];
    assert!(code == "issuer-refused" && issuer.contains("CN="), "{reasons:?}");
    assert!(get(&service, "/health/ready").await.body.contains("crl-missing"));
    service.finish().await;
}

#[tokio::test]
async fn ready_is_false_once_a_certificate_has_expired() {
    let service = TestService::start().await;
    service.clock.set(Timestamp::parse("2060-01-15T09:30:00Z").expect("a moment"));
    let (status, reasons) = ready(&service).await;
    assert_eq!(status, 503);
    assert!(reasons.iter().any(|(code, _)| code == "certificate-expired"), "{reasons:?}");
    service.finish().await;
}

/// Parses a metrics text strictly: each family announced once, before its samples; each sample
/// once; buckets rising.
fn parse_exposition(text: &str) -> BTreeMap<String, String> {
    assert!(text.ends_with('\n'));
    let (mut samples, mut families) = (BTreeMap::new(), BTreeSet::new());
    let (mut family, mut kind) = (String::new(), String::new());
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            family = help.split_once(' ').expect("a help").0.to_owned();
            assert!(families.insert(family.clone()), "{family} is announced twice");
        } else if let Some(announced) = line.strip_prefix("# TYPE ") {
            let (name, of_kind) = announced.split_once(' ').expect("a type");
            assert!(name == family && ["counter", "gauge", "histogram"].contains(&of_kind), "{line}");
            assert_eq!(of_kind == "counter", name.ends_with("_total"), "{line}");
            of_kind.clone_into(&mut kind);
        } else {
            let (series, value) = line.rsplit_once(' ').expect("a value");
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            let behind = name.strip_prefix(family.as_str()).expect("a sample of its family");
            let allowed: &[&str] = if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
            assert!(allowed.contains(&behind), "{line}");
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{line}");
            let labels = labels.strip_suffix('}').expect("labels end");
            assert!(labels.is_empty() || labels.ends_with('"'), "{line}");
            assert!(value.parse::<f64>().is_ok(), "{line}");
            assert!(samples.insert(series.to_owned(), value.to_owned()).is_none(), "{series} occurs twice");
        }
    }
    samples
}

async fn metrics(service: &TestService) -> BTreeMap<String, String> {
    let answered = get(service, "/metrics").await;
    assert_eq!(answered.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    parse_exposition(&answered.body)
}

fn exchanges(operation: &str, code: &str) -> String {
    format!("ehealth_attributes_exchanges_total{{operation=\"{operation}\",code=\"{code}\"}}")
}

#[tokio::test]
async fn every_outcome_is_counted_and_no_label_comes_from_a_message() {
    let service = TestService::start().await;
    let before = metrics(&service).await;
    let echo = envelope(&format!(
        "<t:sendTestMessageRequest xmlns:t=\"http://kszbcss.fgov.be/intf/TestConnectionServiceService/v1\"><echo>{ANNA}</echo></t:sendTestMessageRequest>"
    ));
    let mut provoked: BTreeMap<String, u64> = BTreeMap::new();
    // The page's text of each code: the sentence that callers get with it.
    let mut descriptions = BTreeSet::new();
    for (caller, operation, path, body) in [
        ("fund", "consultAttributes", CONSULT, question(FUND, PHYSICIAN, ANNA, "")),
        ("fund", "consultAttributes", CONSULT, question(FUND, PHYSICIAN, UNKNOWN, "")),
        ("fund", "consultAttributes", CONSULT, question(FUND, PHYSICIAN, "85073099933", "")),
        ("fund", "consultAttributes", CONSULT, question(FUND, PHYSICIAN, ANNA, "2026-02-30")),
        ("fund", "consultAttributes", CONSULT, question(FUND, "BACKTOWORK:CURIOSITY", ANNA, "")),
        ("fund", "consultAttributes", CONSULT, question(STRANGER, PHYSICIAN, ANNA, "")),
        ("fund", "consultAttributes", CONSULT, "<no-xml".to_owned()),
        ("stranger", "consultAttributes", CONSULT, question(STRANGER, PHYSICIAN, ANNA, "")),
        ("fund", "sendTestMessage", TEST, echo),
    ] {
        let answered = service.post(caller, path, body).await;
        // An echo has no code; it counts as an answer.
        let code = if path == TEST { "MSG00000" } else { answered.code().expect("a code") };
        assert!(path == CONSULT || answered.status == 200, "{}", answered.body);
        *provoked.entry(exchanges(operation, code)).or_default() += 1;
        descriptions.extend(answered.text("description").map(|words| format!("{code}</td><td>{words}</td>")));
    }
    assert_eq!(service.get("fund", "/nowhere").await.status, 404);
    let page = get(&service, "/").await.body;
    assert!(
        descriptions.len() > 4 && descriptions.iter().all(|words| page.contains(words)),
        "{descriptions:?}\n{page}"
    );
    let after = metrics(&service).await;
    assert_eq!(
        before.keys().filter(|series| !series.contains("unregistered")).collect::<Vec<_>>(),
        after.keys().filter(|series| !series.contains("unregistered")).collect::<Vec<_>>()
    );
    for (series, times) in &provoked {
        assert_eq!(after.get(series), Some(&times.to_string()), "{series}");
    }
    let counted = after.iter().filter(|(series, times)| series.contains("exchanges_total{operation") && *times != "0");
    assert_eq!(counted.count(), provoked.len());
    let whole = |series: &str| after[&format!("ehealth_attributes_{series}")].as_str();
    assert_eq!(whole("refused_requests_total{status=\"404\",reason=\"not-found\"}"), "1");
    assert_eq!(whole("tls_handshakes_total{outcome=\"accepted\"}"), "10");
    assert_eq!(whole("consumer_exchanges_total{consumer=\"unregistered\",kind=\"fault\"}"), "1");
    assert_eq!(whole("consumer_exchanges_total{consumer=\"0999010126\",kind=\"answered\"}"), "2");
    assert_eq!(whole("stage_duration_seconds_count{stage=\"read\"}"), "9");
    assert_eq!(whole("stage_duration_seconds_count{stage=\"record\"}"), "9");
    assert_eq!(whole("stage_duration_seconds_count{stage=\"resolve\"}"), "2");
    assert_eq!(whole("dataset_serial{dataset=\"dimona\"}"), "1");
    // The schedule may have run again since.
    let last_run = |outcome: &str| whole(&format!("feed_last_run{{dataset=\"dimona\",outcome=\"{outcome}\"}}")) == "1";
    assert!(last_run("snapshot/first") != last_run("nothing"));
    assert!(!after.keys().any(|series| series.contains(STRANGER)), "an unregistered organisation has a label");
    for path in ["/metrics", "/", "/health/ready"] {
        let body = get(&service, path).await.body;
        for ssin in [ANNA, UNKNOWN, "85073099933"] {
            assert!(!body.contains(ssin), "{path} names a person");
        }
    }
    service.finish().await;
}

#[tokio::test]
async fn histogram_buckets_rise_and_end_at_their_count() {
    let service = TestService::start().await;
    service.post("fund", CONSULT, question(FUND, PHYSICIAN, ANNA, "")).await;
    let text = get(&service, "/metrics").await.body;
    for stage in ["handshake", "read", "decide", "resolve", "record", "write"] {
        let begin = format!("ehealth_attributes_stage_duration_seconds_bucket{{stage=\"{stage}\",");
        let buckets = text.lines().filter(|line| line.starts_with(&begin));
        let counts: Vec<u64> = buckets.filter_map(|line| line.rsplit(' ').next()?.parse().ok()).collect();
        assert!(counts.len() > 10 && counts.is_sorted() && counts.last() == Some(&1), "{stage}: {counts:?}");
        assert!(text.contains(&format!("{begin}le=\"+Inf\"}} 1\n")), "{stage}");
    }
    service.finish().await;
}

#[tokio::test]
async fn open_metrics_has_the_trace_ids_of_traced_requests() {
    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    let service = TestService::start().await;
    let open_metrics = async || {
        let accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";
        let request = Request::get("/metrics").header("host", "localhost").header("accept", accept);
        let answered = send(address(&service), request.body(Full::default()).expect("a request")).await;
        assert_eq!(answered.headers["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
        assert!(answered.body.ends_with("# EOF\n"), "{}", answered.body);
        answered.body
    };
    service.post("fund", CONSULT, question(FUND, PHYSICIAN, ANNA, "")).await;
    assert!(!open_metrics().await.contains(" # {"), "no request had a trace ID");
    let traced = format!("00-{TRACE}-b7ad6b7169203331-01");
    // A caller hides the number of a person in its trace ID.
    let person = format!("00-{ANNA}d43dd8448eb211c80319c-b7ad6b7169203331-01");
    for trace in [&traced, &person] {
        let fields = [("content-type", "text/xml; charset=utf-8"), ("traceparent", trace)];
        service.post_with("fund", CONSULT, question(FUND, PHYSICIAN, ANNA, ""), &fields).await;
    }
    let written = open_metrics().await;
    for stage in ["read", "decide", "resolve", "record", "write"] {
        let bucket = "ehealth_attributes_stage_duration_seconds_bucket{le=";
        let is_traced = |line: &&str| {
            line.starts_with(bucket)
                && line.contains(&format!("stage=\"{stage}\""))
                && line.contains(&format!(" # {{trace_id=\"{TRACE}\"}} 0."))
        };
        assert_eq!(written.lines().filter(is_traced).count(), 1, "{stage}: {written}");
    }
    assert_eq!(canary::search(written.as_bytes()), [], "a number of a person in the metrics");
    assert!(!get(&service, "/metrics").await.body.contains(TRACE), "the older format has no exemplars");
    if let Some(python) = Python::find() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("metrics");
        fs::write(&file, &written).expect("written");
        let read = python.run("open_metrics.py", [&file]).expect("valid OpenMetrics");
        assert_eq!(read.lines().filter(|line| line.contains(TRACE)).count(), 5, "{read}");
    }
    service.finish().await;
}

#[tokio::test]
async fn the_process_says_what_it_uses_after_it_is_confined() {
    let (_folder, workspace) = unread::workspace();
    let (program, _, admin) = unread::serve(&workspace);
    let samples = parse_exposition(&unread::read_admin(admin, "/metrics").1);
    let value = |name: &str| samples[&format!("process_{name}")].parse::<f64>().expect("a number");
    assert!(value("cpu_seconds_total") > 0.0);
    let cpu = &samples["process_cpu_seconds_total"];
    let decimals = cpu.split_once('.').map_or("", |(_, decimals)| decimals);
    assert!(decimals.len() <= 3, "{cpu}: with the nanoseconds it can read as the number of a person");
    assert!(value("resident_memory_bytes") > 1e6 && value("virtual_memory_bytes") > value("resident_memory_bytes"));
    assert!(value("open_fds") > 5.0 && value("max_fds") > value("open_fds"));
    let observed = samples["ehealth_attributes_observed_state_timestamp_seconds"].parse::<f64>().expect("a number");
    assert!(value("start_time_seconds") <= observed + 1.0);
    assert_eq!(program.stop().0, Some(0));
}

#[tokio::test]
async fn the_page_loads_nothing_but_its_own_style_and_script() {
    let service = TestService::start().await;
    let page = get(&service, "/").await;
    assert_eq!(page.status, 200);
    let policy = page.headers["content-security-policy"].to_str().expect("text");
    assert_eq!(
        policy,
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action \
         'none'; frame-ancestors 'none'"
    );
    let own = page.body.replacen("<script src=\"/page.js\" defer></script>", "", 1);
    for loading in ["<script", "style=", "src=", "@import", "url(", "http-equiv", " onload", " onclick"] {
        assert!(!own.contains(loading), "{loading}");
    }
    for link in page.body.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(
            link.starts_with('#')
                || link.starts_with("/guide/")
                || link.starts_with("/?range=")
                || ["/style.css", "/metrics"].contains(&link),
            "{link}"
        );
    }
    assert_eq!(get(&service, "/style.css").await.status, 200);
    let script = get(&service, "/page.js").await;
    assert_eq!(script.headers["content-type"], "text/javascript; charset=utf-8");
    assert!(script.body.lines().count() <= 40, "a small script");
    assert_eq!(get(&service, "/secrets").await.status, 404);
    service.finish().await;
}

#[tokio::test]
async fn admin_answers_only_loopback_asked_by_its_own_name() {
    let service = TestService::start().await;
    let ask = |request: hyper::http::request::Builder| request.body(Full::default()).expect("a request");
    let rebound = send(address(&service), ask(Request::get("/").header("host", "gateway.example.be:9443"))).await;
    assert_eq!(rebound.status, 421);
    let posted = send(address(&service), ask(Request::post("/").header("host", "localhost"))).await;
    assert_eq!((posted.status, posted.headers["allow"].to_str().ok()), (405, Some("GET, HEAD")));
    let everywhere = admin::Settings { listen: "0.0.0.0:0".parse().expect("an address") };
    let bound = admin::Listener::bind(everywhere, None, admin::AdminAccess::Loopback).await;
    assert!(matches!(bound, Err(AdminError::NotLoopback(_))));
    service.finish().await;
}

/// Has Chromium show a page in dark mode.
const DARK: &str = "--blink-settings=preferredColorScheme=0";

/// Screenshots of the page in light and dark, and its DOM; `None` without a browser.
async fn browse(service: &TestService, name: &str) -> Option<String> {
    browse_at(address(service), service.folder(), name, 1_180).await
}

/// The same, of a window with this width in pixels.
async fn browse_at(address: SocketAddr, profiles: &Path, name: &str, width: u32) -> Option<String> {
    let url = format!("http://{address}/");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("admin");
    fs::create_dir_all(&folder).expect("a folder");
    let pictures = [(format!("{name}.png"), None), (format!("{name}-dark.png"), Some(DARK))];
    let profile = profiles.join(format!("browser-{name}"));
    let shown = tokio::task::spawn_blocking(move || {
        let browser = |action: &str, scheme: Option<&str>| {
            with_real_clock(&mut Command::new("chromium"))
                .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"])
                .arg(format!("--window-size={width},2600"))
                .arg(format!("--user-data-dir={}", profile.display()))
                .args(scheme)
                .args([action, &url])
                .output()
        };
        for (picture, scheme) in pictures {
            let picture = folder.join(picture);
            let shot = browser(&format!("--screenshot={}", picture.display()), scheme).ok()?;
            assert!(shot.status.success() && picture.exists(), "{}", String::from_utf8_lossy(&shot.stderr));
        }
        let dump = browser("--dump-dom", None).ok()?;
        Some(String::from_utf8_lossy(&dump.stdout).into_owned())
    });
    let shown = shown.await.expect("no panic");
    if shown.is_none() {
        skip("chromium is missing; no browser shows the page");
    }
    shown
}

#[tokio::test]
async fn a_browser_shows_the_page_healthy_in_light_and_dark() {
    let service = TestService::start_with(|settings| {
        let file = settings.policy.with_file_name("verified");
        fs::write(&file, "at 2026-01-15T03:30:00Z\nrecords 1234\nsound yes\n").expect("written");
        settings.verification_report = Some(file);
    })
    .await;
    for minute in 0..30 {
        let moment = format!("2026-01-15T09:{:02}:00Z", 30 + minute);
        service.clock.set(Timestamp::parse(&moment).expect("a moment"));
        for ssin in [ANNA, ANNA, UNKNOWN].iter().take(1 + minute % 3) {
            service.post("fund", CONSULT, question(FUND, PHYSICIAN, ssin, "")).await;
        }
        if minute % 7 == 0 {
            service.post("stranger", CONSULT, question(STRANGER, PHYSICIAN, ANNA, "")).await;
        }
    }
    if let Some(shown) = browse(&service, "healthy").await {
        assert!(shown.contains("<title>Healthy"), "{shown}");
        assert!(shown.contains("De Linde") && shown.contains("class=\"kind-2\""), "{shown}");
        assert!(!shown.contains(ANNA) && !shown.contains(UNKNOWN));
    }
    service.finish().await;
}

#[tokio::test]
async fn a_browser_shows_the_page_unhealthy() {
    let stale = with_a_stale_dataset().await;
    if let Some(shown) = browse(&stale, "stale-dataset").await {
        assert!(shown.contains("<title>Not ready") && shown.contains("Dataset coprev is stale:"), "{shown}");
    }
    stale.finish().await;
    let unwritable = with_an_unwritable_audit_log().await;
    if let Some(shown) = browse(&unwritable, "audit-log-unwritable").await {
        assert!(shown.contains("The audit log is not writable, so no request is answered"), "{shown}");
    }
    unwritable.finish().await;
    let expiring = TestService::start().await;
    let ends = |metrics: &BTreeMap<String, String>| {
        let (_, end) = metrics.iter().find(|(series, _)| series.contains("role=\"service\"")).expect("a certificate");
        end.parse::<i64>().expect("seconds")
    };
    let end = ends(&metrics(&expiring).await);
    expiring.clock.set(Timestamp::from_millis((end - 20 * 86_400) * 1_000));
    if let Some(shown) = browse(&expiring, "certificate-expiring").await {
        assert!(shown.contains("<title>Healthy"), "20 days are enough to be ready");
        assert!(shown.contains("class=\"tag warn\">20 d left"), "{shown}");
        assert!(shown.contains("<p>The service certificate of CN=localhost expires in 20 d. <code"), "{shown}");
    }
    expiring.finish().await;
}

/// Three nodes: one is silent, one has another policy, an older serial and another version.
fn a_cluster_with_problems() -> ClusterReport {
    let mut cluster = nodes::healthy_cluster();
    let [_, other, silent] = cluster.nodes.as_mut_slice() else { panic!("three nodes") };
    other.policy = Some("6e".repeat(32));
    other.version = Some("0.4.0".to_owned());
    other.replicated = Some(1_204_017);
    other.serials[0].1 = 6;
    (silent.age, silent.is_silent) = (Duration::from_secs(95), true);
    cluster
}

#[tokio::test]
async fn the_page_and_the_metrics_show_every_node() {
    let report = nodes::report(Some(a_cluster_with_problems()));
    let address = nodes::show(report).await;
    let page = nodes::read(address, "/").await;
    for shown in [
        "<h2 id=\"cluster-title\">Cluster</h2>",
        "<th scope=\"row\">node-a<span class=\"quiet\">this node</span></th>",
        "<p>Node node-b has another policy than this node. <code",
        "<p>Node node-b has serial 6 of dataset dimona; this node loaded serial 7 1 h ago. <code",
        "<p>Node node-c is silent for 1 min. <code",
        "<td class=\"number\">300</td>",
        "<span class=\"tag warn\">0.4.0</span>",
    ] {
        assert!(page.contains(shown), "{shown}\n{page}");
    }
    let samples = parse_exposition(&nodes::read(address, "/metrics").await);
    let sample = |name: &str| samples[&format!("ehealth_attributes_cluster_{name}")].as_str();
    assert_eq!(sample("link_state{state=\"confirmed\"}"), "1");
    let now = Timestamp::parse(NOW).expect("a moment").as_millis() / 1_000;
    assert_eq!(sample("node_report_timestamp_seconds{node=\"node-c\"}"), (now - 98).to_string());
    assert_eq!(sample("node_lag_records{node=\"node-b\"}"), "300");
    assert_eq!(sample("differing_nodes{subject=\"policy\"}"), "1");
    assert_eq!(sample("differing_nodes{subject=\"program\"}"), "1");
    let folder = tempfile::tempdir().expect("a folder");
    for (name, width) in [("cluster", 1_180), ("cluster-narrow", 390)] {
        if let Some(shown) = browse_at(address, folder.path(), name, width).await {
            assert!(shown.contains("<title>Healthy") && shown.contains("node-b"), "{shown}");
        }
    }
}

#[tokio::test]
async fn ready_is_false_while_records_are_not_replicated() {
    let mut cluster = nodes::healthy_cluster();
    cluster.link = LinkReport::Down;
    cluster.reason = Some("synchronous_standby_names is empty".to_owned());
    let ready = async |cluster: &ClusterReport| {
        let address = nodes::show(nodes::report(Some(cluster.clone()))).await;
        (nodes::read(address, "/health/ready").await, nodes::read(address, "/").await)
    };
    // With local durability it answers, and warns.
    let (health, page) = ready(&cluster).await;
    assert!(health.contains("\"ready\":true") && page.contains("id=\"warnings\""), "{health}");
    cluster.is_answering = false;
    let (health, page) = ready(&cluster).await;
    assert!(health.contains("\"code\":\"not-replicated\""), "{health}");
    assert!(health.contains("synchronous_standby_names is empty"), "{health}");
    assert!(
        page.contains("<title>Not ready") && page.contains("<code class=\"quiet\">not-replicated</code>"),
        "{page}"
    );
}

#[tokio::test]
async fn one_machine_shows_no_cluster() {
    let address = nodes::show(nodes::report(None)).await;
    let (page, metrics) = (nodes::read(address, "/").await, nodes::read(address, "/metrics").await);
    assert!(!page.contains("luster"), "{page}");
    assert!(metrics.contains("# TYPE ehealth_attributes_cluster_link_state gauge\n"), "{metrics}");
    assert!(!metrics.lines().any(|line| line.starts_with("ehealth_attributes_cluster_")), "{metrics}");
}

#[tokio::test]
async fn admin_needs_a_client_certificate_beyond_loopback() {
    let service = TestService::start_with(|settings| {
        settings.admin = Some(admin::Settings { listen: "0.0.0.0:0".parse().expect("an address") });
        settings.admin_tls = Some(OperatorFiles {
            certificate: settings.tls.certificate.clone(),
            key: settings.tls.key.clone(),
            client_ca: settings.tls.client_ca[0].clone(),
        });
    })
    .await;
    let connect = async |config: rustls::ClientConfig| {
        let stream = TcpStream::connect(("127.0.0.1", address(&service).port())).await.expect("it listens");
        let stream =
            TlsConnector::from(Arc::new(config)).connect("localhost".try_into().expect("a name"), stream).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(std::io::Error::other)?;
        tokio::spawn(connection);
        let request = Request::get("/health/ready").header("host", "gateway.example.be").body(Full::<Bytes>::default());
        sender
            .send_request(request.expect("a request"))
            .await
            .map(|answer| answer.status())
            .map_err(std::io::Error::other)
    };
    assert_eq!(connect(service.tls_of("fund")).await.expect("an operator is answered"), 200);
    let roots = tls::load_authorities(&service.workspace.authority()).expect("an authority");
    let anonymous = rustls::ClientConfig::builder_with_details(
        tls::provider(),
        tls::time_of(Arc::clone(&service.clock) as Arc<dyn Clock>),
    )
    .with_safe_default_protocol_versions()
    .expect("versions")
    .with_root_certificates(roots)
    .with_no_client_auth();
    assert!(connect(anonymous).await.is_err(), "no certificate was required");
    service.stop().await;
}

#[tokio::test]
async fn clients_that_read_nothing_do_not_silence_the_admin_listener() {
    let service = TestService::start().await;
    let request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(200);
    let mut held = Vec::new();
    for _ in 0..40 {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4_096).expect("set");
        let stream = socket.connect(address(&service)).await.expect("it listens");
        // As many requests as the sockets hold: their answers find no reader.
        while timeout(Duration::from_millis(200), stream.writable()).await.is_ok() {
            match stream.try_write(&request) {
                Err(error) if error.kind() != ErrorKind::WouldBlock => break,
                Ok(_) | Err(_) => {}
            }
        }
        held.push(stream);
    }
    let live = timeout(DEADLINE, get(&service, "/health/live")).await.expect("it is answered");
    assert_eq!(live.status, 200);
    let ready = timeout(DEADLINE, get(&service, "/health/ready")).await.expect("it is answered");
    assert_eq!(ready.status, 200, "{}", ready.body);
    drop(held);
    service.finish().await;
}

/// A service with a listener for scrapers.
async fn with_scrapers(access: impl FnOnce(&mut Settings) -> MetricsAccess) -> TestService {
    TestService::start_with(|settings| {
        let access = access(settings);
        settings.metrics = Some(MetricsListener { listen: settings.listen, access });
    })
    .await
}

fn networks(listed: &[&str]) -> MetricsAccess {
    MetricsAccess::Networks(listed.iter().map(|network| network.parse().expect("a prefix")).collect())
}

#[tokio::test]
async fn scrapers_have_metrics_and_health_alone() {
    let service = with_scrapers(|_| networks(&["10.42.0.0/16", "127.0.0.0/8"])).await;
    let address = service.metrics.expect("scrapers are answered");
    let get = async |path: &str| {
        // As from another machine: by a name that is not of loopback.
        let request = Request::get(path).header("host", "gateway.example.be:9464").body(Full::default());
        send(address, request.expect("a request")).await
    };
    let metrics = get("/metrics").await;
    assert_eq!(metrics.status, 200);
    assert!(parse_exposition(&metrics.body).contains_key("ehealth_attributes_ready"));
    assert_eq!((get("/health/live").await.status, get("/health/ready").await.status), (200, 200));
    for path in ["/", "/style.css", "/guide/incident", "/secrets"] {
        assert_eq!(get(path).await.status, 404, "{path}");
    }
    service.finish().await;
}

#[tokio::test]
async fn an_address_beyond_the_listed_networks_is_not_answered() {
    let service = with_scrapers(|_| networks(&["10.42.0.0/16", "fd00::/8"])).await;
    let mut stream = TcpStream::connect(service.metrics.expect("it listens")).await.expect("it listens");
    let own = stream.local_addr().expect("an address");
    let mut byte = [0];
    let read = timeout(DEADLINE, tokio::io::AsyncReadExt::read(&mut stream, &mut byte)).await.expect("it is closed");
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    let refused = canary::logged();
    let line = refused.lines().find(|line| line.contains(&format!("address={own}")));
    assert!(line.is_some_and(|line| line.contains("its address has no prefix of metrics.networks")), "{refused}");
    service.finish().await;
}

#[tokio::test]
async fn scrapers_show_certificates_and_a_reload_replaces_the_own() {
    let service = with_scrapers(|settings| {
        ask_operators_for_certificates(settings, (2030, 1, 1));
        MetricsAccess::MutualTls(settings.admin_tls.take().expect("files"))
    })
    .await;
    let files = service.settings.metrics_tls().expect("files").clone();
    let address = service.metrics.expect("scrapers are answered");
    let scrape = async || {
        let clock = Arc::clone(&service.clock) as Arc<dyn Clock>;
        let tls = tls_between(&files.certificate, clock, service.workspace.client("fund"));
        let stream = TcpStream::connect(address).await.expect("it listens");
        let connected =
            TlsConnector::from(Arc::new(tls)).connect("localhost".try_into().expect("a name"), stream).await;
        Some(String::from_utf8(read_at(connected.ok()?, "/metrics").await).expect("UTF-8"))
    };
    let shown = scrape().await.expect("a scraper with a certificate is admitted");
    assert!(shown.contains("role=\"operators\",subject=\"CN=for-operators\""), "{shown}");
    let mut plain = TcpStream::connect(address).await.expect("it listens");
    let request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut plain, request).await.expect("sent");
    let mut answer = Vec::new();
    let _ = tokio::io::AsyncReadExt::read_to_end(&mut plain, &mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "it was answered without TLS");
    // Another certificate in the same files: the client trusts it, the service does not show it yet.
    ask_operators_for_certificates(&mut service.settings.clone(), (2031, 1, 1));
    assert!(scrape().await.is_none(), "the old certificate is in use");
    service.reloader.reload().expect("valid files");
    assert!(scrape().await.is_some(), "the new certificate is in use");
    service.finish().await;
}

#[tokio::test]
async fn silent_strangers_leave_operators_a_handshake() {
    let service = TestService::start_with(|settings| ask_operators_for_certificates(settings, (2030, 1, 1))).await;
    let mut silent = Vec::new();
    for _ in 0..96 {
        silent.push(TcpStream::connect(address(&service)).await.expect("it listens"));
    }
    let answer = timeout(DEADLINE, service.read_admin("/health/live")).await.expect("it is answered");
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    // It was answered beside them, and not after their time was over.
    let newest = silent.last().expect("connections");
    let mut byte = [0];
    assert_eq!(newest.try_read(&mut byte).map_err(|error| error.kind()), Err(ErrorKind::WouldBlock));
    drop(service.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_does_not_respond_stops_no_answer() {
    let service = TestService::start_with(|settings| {
        // Opening it waits for a writer that never comes.
        let file = settings.policy.with_file_name("verified");
        mknodat(CWD, &file, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a FIFO");
        settings.verification_report = Some(file);
    })
    .await;
    let live = timeout(DEADLINE, get(&service, "/health/live")).await.expect("it is answered");
    assert_eq!(live.status, 200);
    let answered = service.post("fund", CONSULT, question(FUND, PHYSICIAN, ANNA, "")).await;
    assert_eq!(answered.code(), Some("MSG00000"), "{}", answered.body);
    let (status, reasons) = timeout(DEADLINE, ready(&service)).await.expect("it is answered");
    assert_eq!(status, 503);
    assert!(reasons.contains(&reason("disk-unresponsive", "")), "{reasons:?}");
    drop(service.stop().await);
}

#[tokio::test]
async fn a_rejected_reload_is_shown_until_the_next_is_accepted() {
    let service = TestService::start().await;
    let successful = "ehealth_attributes_config_last_reload_successful";
    let time = "ehealth_attributes_config_last_reload_timestamp_seconds";
    let before = metrics(&service).await;
    let started = (Timestamp::parse(NOW).expect("a moment").as_millis() / 1_000).to_string();
    assert_eq!((before[successful].as_str(), &before[time]), ("1", &started));

    let right = fs::read_to_string(&service.settings.policy).expect("a policy");
    service.clock.set(Timestamp::parse("2026-01-15T09:40:00Z").expect("a moment"));
    fs::write(&service.settings.policy, "nonsense").expect("written");
    service.reloader.reload().expect_err("the policy has an error");
    let rejected = metrics(&service).await;
    assert_eq!((rejected[successful].as_str(), rejected[time].as_str()), ("0", "1768470000"));
    let page = get(&service, "/").await.body;
    assert!(page.contains("<p>The reload at 2026-01-15T09:40:00.000Z was rejected;"), "{page}");
    let (status, reasons) = ready(&service).await;
    assert_eq!((status, reasons), (200, vec![]), "the previous configuration answers");
    assert!(get(&service, "/health/ready").await.body.contains("\"reload\":{\"accepted\":false,"));

    fs::write(&service.settings.policy, right).expect("written");
    service.reloader.reload().expect("the policy is right");
    assert_eq!(metrics(&service).await[successful], "1");
    service.finish().await;
}

/// A certificate of another authority, with an SSIN in its subject, and its key.
fn foreign_identity(service: &TestService) -> rustls::ClientConfig {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, format!("SSIN={ANNA}, CBE={FUND}"));
    params.serial_number = Some(vec![0x0a, 0xbc, 0xde].into());
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    let roots = tls::load_authorities(&service.workspace.authority()).expect("an authority");
    rustls::ClientConfig::builder_with_details(
        tls::provider(),
        tls::time_of(Arc::clone(&service.clock) as Arc<dyn Clock>),
    )
    .with_safe_default_protocol_versions()
    .expect("versions")
    .with_root_certificates(roots)
    .with_client_auth_cert(
        vec![certificate.der().clone()],
        PrivateKeyDer::try_from(key.serialize_der()).expect("a key"),
    )
    .expect("an identity")
}

#[tokio::test]
async fn a_refused_certificate_is_logged_with_its_public_parts() {
    let service = TestService::start().await;
    let config = foreign_identity(&service);
    let stream = TcpStream::connect(service.address).await.expect("it listens");
    let own = stream.local_addr().expect("an address");
    // In TLS 1.3 the client learns of the refusal with its first read.
    if let Ok(mut stream) =
        TlsConnector::from(Arc::new(config)).connect("localhost".try_into().expect("a name"), stream).await
    {
        let mut byte = [0];
        assert!(tokio::io::AsyncReadExt::read(&mut stream, &mut byte).await.is_err(), "it was admitted");
    }
    let deadline = std::time::Instant::now() + DEADLINE;
    let address = format!("address={own} ");
    let line = loop {
        let log = canary::logged();
        if let Some(line) = log.lines().find(|line| line.contains(&address) && line.contains("refused")) {
            break line.to_owned();
        }
        assert!(std::time::Instant::now() < deadline, "nothing is logged");
        tokio::task::yield_now().await;
    };
    for part in [
        "client certificate refused",
        "reason=\"unknown-issuer\"",
        "subject=\"CN=SSIN=***********\\\\, CBE=0999010126\"",
        "issuer=\"CN=SSIN=***********",
        "serial=\"0ABCDE\"",
        "fingerprint=",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    service.finish().await;
}

#[tokio::test]
async fn callers_need_no_operator_certificate() {
    let service = TestService::start_with(|settings| ask_operators_for_certificates(settings, (2025, 12, 11))).await;
    // The operator's own clock is behind: for it the certificate is valid.
    let clock: Arc<dyn Clock> = Arc::new(FixedClock::new(Timestamp::parse("2025-06-01T00:00:00Z").expect("a moment")));
    let read = async |path| {
        let answer = String::from_utf8(service.read_admin_by(Arc::clone(&clock), path).await).expect("UTF-8");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        (head.to_owned(), body.to_owned())
    };
    let samples = parse_exposition(&read("/metrics").await.1);
    let now = Timestamp::parse(NOW).expect("a moment").as_millis() / 1_000;
    let days = |role: &str| -> i64 {
        let role = format!("role=\"{role}\"");
        let answer = samples.iter().find(|(series, _)| series.contains("certificate_expiry") && series.contains(&role));
        let ends: i64 = answer.unwrap_or_else(|| panic!("{role}: {samples:#?}")).1.parse().expect("seconds");
        (ends - now).div_euclid(86_400)
    };
    assert_eq!(days("operators"), -36);
    assert_eq!(days("operator-authority"), days("client-authority"));
    assert!(days("service") > 300 && days("client-authority") > 300);
    let page = read("/").await.1;
    assert!(
        page.contains("<span class=\"quiet\">operators</span></td><td><span class=\"tag bad\">expired 35 d ago</span>"),
        "{page}"
    );
    assert!(
        page.contains("<title>Healthy") && page.contains("The operators certificate of CN=for-operators has expired.")
    );
    assert!(read("/health/ready").await.0.starts_with("HTTP/1.1 200"));
    let answered = service.post("fund", CONSULT, question(FUND, PHYSICIAN, ANNA, "")).await;
    assert_eq!(answered.code(), Some("MSG00000"), "{}", answered.body);
    drop(service.stop().await);
}

#[tokio::test]
async fn the_page_shows_the_verification_and_where_settings_come_from() {
    let service = TestService::start_with(|settings| {
        let file = settings.policy.with_file_name("verified");
        fs::write(&file, "at 2026-01-15T03:30:00Z\nrecords 1234\nsound no\n").expect("written");
        settings.verification_report = Some(file);
    })
    .await;
    let page = get(&service, "/").await.body;
    assert!(page.contains("1\u{a0}234 records") && page.contains("class=\"tag bad\">failed"), "{page}");
    assert!(page.contains("<p>The audit log differs from what was signed."), "{page}");
    for setting in &service.settings.active_config {
        assert!(page.contains(&format!("<dt>{}</dt>", setting.key)), "{}", setting.key);
    }
    assert!(page.contains("<span class=\"quiet\">default</span>"), "{page}");
    service.finish().await;
}
