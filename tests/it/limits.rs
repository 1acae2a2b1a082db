//! Limits on requests: a burst waits, a flood is counted, and the last space of the disk is for
//! registered consumers.

use std::time::{Duration, Instant};

use audit_log::{AuditLog, Event, Records};
use audit_verify::{VerifyingKey, verify};
use ehealth_core::lookup::SuppressedRequests;
use ehealth_core::model::{Clock, EnterpriseNumber, OutcomeCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use crate::support::program::DEADLINE;
use crate::support::service::{Answered, CONSULT, TEST, TestService, envelope, question};

const ANNA: &str = "85073099932";
const FUND: &str = "0999010126";
const STRANGER: &str = "0999090102";
const PHYSICIAN: &str = "BACKTOWORK:ADVISORY_PHYSICIAN";
/// Time that no wait of a sound service reaches.
const PATIENT: Duration = Duration::from_secs(600);

fn echo() -> String {
    envelope(
        "<t:sendTestMessageRequest xmlns:t=\"http://kszbcss.fgov.be/intf/TestConnectionServiceService/v1\"><echo>a</echo>\
         </t:sendTestMessageRequest>",
    )
}

async fn ask_fund(service: &TestService) -> Answered {
    service.post("fund", CONSULT, question(FUND, PHYSICIAN, ANNA, "")).await
}

fn head(length: usize, fields: &str) -> String {
    format!(
        "POST {CONSULT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: {length}\r\n{fields}\r\n"
    )
}

async fn send(stream: &mut TlsStream<TcpStream>, text: &str) {
    stream.write_all(text.as_bytes()).await.expect("sent");
    stream.flush().await.expect("sent");
}

/// Reads until the service closes the connection; returns the number of answers with this status.
async fn count_answers(stream: &mut TlsStream<TcpStream>, status: u16) -> usize {
    let mut came = Vec::new();
    let _ = timeout(DEADLINE, stream.read_to_end(&mut came)).await.expect("the service closes the connection");
    String::from_utf8(came).expect("text").matches(&format!("HTTP/1.1 {status} ")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_one_consumer_is_answered_whole() {
    let service = TestService::start_with(|settings| settings.server.limits.wait = PATIENT).await;
    let body = question(FUND, PHYSICIAN, ANNA, "");
    // Sixteen requests hold all slots of the consumer: they wait for their bodies.
    let mut holders = Vec::new();
    for _ in 0..16 {
        let mut stream = service.connect("fund").await;
        send(&mut stream, &head(body.len(), "Expect: 100-continue\r\nConnection: close\r\n")).await;
        let mut continued = [0; 25];
        timeout(DEADLINE, stream.read_exact(&mut continued)).await.expect("in time").expect("asked to continue");
        holders.push(stream);
    }
    // Sixteen more on connections of their own, and as many one behind the other on another one.
    let mut waiting = Vec::new();
    for _ in 0..16 {
        let mut stream = service.connect("fund").await;
        send(&mut stream, &format!("{}{body}", head(body.len(), "Connection: close\r\n"))).await;
        waiting.push(stream);
    }
    let mut few = service.connect("fund").await;
    for number in 0..16 {
        let last = if number == 15 { "Connection: close\r\n" } else { "" };
        send(&mut few, &format!("{}{body}", head(body.len(), last))).await;
    }
    let other = question("0999010225", PHYSICIAN, ANNA, "");
    assert_eq!(service.post("other-fund", CONSULT, other).await.status, 200, "another consumer does not wait");
    for stream in &mut holders {
        send(stream, &body).await;
    }
    for stream in holders.iter_mut().chain(&mut waiting) {
        assert_eq!(count_answers(stream, 200).await, 1);
    }
    assert_eq!(count_answers(&mut few, 200).await, 16);
    service.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_strangers_is_recorded_as_a_number() {
    let service = TestService::start_with(|settings| {
        let limits = &mut settings.server.limits;
        (limits.unregistered_per_minute, limits.unregistered_burst) = (1, 3);
    })
    .await;
    let mut statuses = Vec::new();
    for number in 0..10 {
        let (path, body) = match number % 3 {
            0 => (TEST, echo()),
            1 => (CONSULT, "<".to_owned()),
            _ => (CONSULT, question(STRANGER, PHYSICIAN, ANNA, "")),
        };
        let answered = service.post("stranger", path, body).await;
        if answered.status == 503 {
            let wait = answered.headers["retry-after"].to_str().expect("text").parse::<u64>().expect("a number");
            assert!((1..=60).contains(&wait), "{wait}");
        }
        statuses.push(answered.status);
    }
    assert_eq!(statuses, [200, 500, 500, 503, 503, 503, 503, 503, 503, 503]);
    assert_eq!(ask_fund(&service).await.status, 200, "a registered consumer has its own limit");
    let shown = String::from_utf8(service.read_admin("/metrics").await).expect("text");
    assert!(shown.contains("\nehealth_attributes_overloads_total{limit=\"rate\"} 7\n"), "{shown}");

    let (settings, now, clock) = (service.settings.audit_log.clone(), service.clock.now(), service.clock.clone());
    let folder = service.stop().await;
    let records: Vec<_> =
        Records::open(&settings.folder).expect("readable").map(|record| record.expect("sound")).collect();
    let of_stranger = EnterpriseNumber::parse(STRANGER).ok();
    let exchanges = records.iter().filter(|record| match &record.event {
        Event::Exchange(exchange) => exchange.caller == of_stranger,
        Event::SegmentBegun(_)
        | Event::Interruption(_)
        | Event::Pruning(_)
        | Event::Suppressed(_)
        | Event::Vouched(_) => false,
    });
    assert_eq!(exchanges.count(), 3);
    let suppressed: Vec<&SuppressedRequests> = records
        .iter()
        .filter_map(|record| match &record.event {
            Event::Suppressed(requests) => Some(requests),
            Event::SegmentBegun(_)
            | Event::Interruption(_)
            | Event::Pruning(_)
            | Event::Exchange(_)
            | Event::Vouched(_) => None,
        })
        .collect();
    // One record, or several if a summary was due meanwhile.
    assert_eq!(suppressed.iter().map(|requests| requests.count).sum::<u64>(), 7);
    assert!(
        suppressed.iter().all(|requests| (requests.caller, requests.since) == (of_stranger, now)),
        "{suppressed:?}"
    );

    let log = AuditLog::open(&settings, clock).expect("it can be opened again");
    let key = VerifyingKey::parse(&log.verifying_key()).expect("a key");
    log.close();
    let verdict = verify(&settings.folder, &key, None).expect("readable");
    assert!(verdict.findings.is_empty(), "{:?}", verdict.findings);
    drop(folder);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_over_its_rate_limit_gets_503() {
    let service = TestService::start_with(|settings| {
        let policy = std::fs::read_to_string(&settings.policy).expect("a policy");
        let own = format!("organisation = \"{FUND}\"");
        let more = format!("{own}\nquota_per_minute = 1\nrequests_per_minute = 2");
        std::fs::write(&settings.policy, policy.replace(&own, &more)).expect("written");
    })
    .await;
    let mut answers = Vec::new();
    for _ in 0..3 {
        let answered = ask_fund(&service).await;
        answers.push((answered.status, answered.code().map(str::to_owned)));
    }
    let code = |code: OutcomeCode| Some(code.code().to_owned());
    assert_eq!(answers, [(200, code(OutcomeCode::DataFound)), (500, code(OutcomeCode::QuotaSpent)), (503, None)]);
    service.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_for_what_there_is_not_have_a_rate() {
    let service = TestService::start().await;
    let mut stream = service.connect("stranger").await;
    let began = Instant::now();
    // All at once: a hundred are answered as they come, the others fifty a second.
    let last = "GET /none HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    send(&mut stream, &format!("{}{last}", "GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(180))).await;
    assert_eq!(count_answers(&mut stream, 404).await, 181, "none is refused");
    // The least time, which no machine shortens.
    assert!(began.elapsed() >= Duration::from_millis(1_580), "{:?}", began.elapsed());
    service.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reserve_of_the_disk_is_for_consumers_only() {
    let service = TestService::start_with(|settings| {
        let limits = &mut settings.server.limits;
        (limits.unregistered_per_minute, limits.unregistered_burst) = (60_000, 60_000);
        limits.audit_reserve = u64::MAX;
    })
    .await;
    // Another thread looks at the disk.
    let deadline = Instant::now() + DEADLINE;
    let refused = loop {
        let answered = service.post("stranger", TEST, echo()).await;
        if answered.status != 200 {
            break answered;
        }
        assert!(Instant::now() < deadline, "still answered");
    };
    assert_eq!((refused.status, refused.headers["retry-after"].to_str().ok()), (503, Some("60")));
    assert_eq!(ask_fund(&service).await.status, 200);
    service.finish().await;
}
