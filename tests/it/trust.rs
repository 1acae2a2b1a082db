//! What happens to a caller after its admission: expiry, revocation, reload and quota, on open
//! connections.
//!
//! The tests move the clock, and wait until another thread has read a changed file.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use ehealth_attributes::server::tls::{self, RevocationFiles};
use ehealth_core::model::{Clock, Timestamp};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
    date_time_ymd,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, HandshakeKind, SupportedProtocolVersion};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::support::service::{self, CONSULT, TestService, question};

const ANNA: &str = "85073099932";
const FUND: &str = "0999010126";
const PHYSICIAN: &str = "BACKTOWORK:ADVISORY_PHYSICIAN";
const VERSIONS: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS12, &rustls::version::TLS13];

/// The test's own authority, whose CRLs the service requires, and a client certificate of it.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    leaf: String,
    key: String,
    list: PathBuf,
}

impl Authority {
    const SERIAL: u64 = 4_242;

    fn new(folder: PathBuf) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = date_time_ymd(2025, 1, 1);
        params.not_after = date_time_ymd(2035, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("an authority");

        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, format!("CBE={FUND}"));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.serial_number = Some(SerialNumber::from(Self::SERIAL));
        params.not_before = date_time_ymd(2025, 12, 1);
        params.not_after = date_time_ymd(2026, 3, 1);
        let key = KeyPair::generate().expect("a key");
        let leaf = params.signed_by(&key, &issuer).expect("a certificate").pem();
        fs::create_dir(&folder).expect("a folder");
        fs::write(folder.join("ca.pem"), issuer.pem()).expect("written");
        let authority = Self { issuer, leaf, key: key.serialize_pem(), list: folder.join("ca.crl") };
        authority.publish(&[]);
        authority
    }

    /// Publishes a CRL, valid from 2026-01-01 until 2026-02-01.
    fn publish(&self, revoked: &[u64]) {
        let entry = |serial: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: date_time_ymd(2026, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, 1, 1),
            next_update: date_time_ymd(2026, 2, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.iter().map(entry).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = list.signed_by(&self.issuer).expect("a list").pem().expect("text");
        // As publishers should: write a new file, then rename it.
        let beside = self.list.with_extension("new");
        fs::write(&beside, list).expect("written");
        fs::rename(beside, &self.list).expect("renamed");
    }

    fn client(&self, service: &TestService, version: &'static SupportedProtocolVersion) -> Arc<ClientConfig> {
        let leaf = PemObject::from_pem_slice(self.leaf.as_bytes()).expect("a certificate");
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).expect("a key");
        let roots = tls::load_authorities(&service.workspace.authority()).expect("an authority");
        let clock = Arc::clone(&service.clock) as Arc<dyn Clock>;
        let config = ClientConfig::builder_with_details(tls::provider(), tls::time_of(clock))
            .with_protocol_versions(&[version])
            .expect("a version")
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![leaf], key)
            .expect("a client identity");
        Arc::new(config)
    }
}

async fn start() -> (TestService, Authority) {
    let mut authority = None;
    let service = TestService::start_with(|settings| {
        // The clock is fixed, and with it every quota.
        let policy = fs::read_to_string(&settings.policy).expect("a policy");
        let own = format!("organisation = \"{FUND}\"");
        let more = format!("{own}\nquota_per_minute = 1000000\nquota_per_day = 1000000");
        fs::write(&settings.policy, policy.replace(&own, &more)).expect("written");
        let folder = settings.policy.with_file_name("authority");
        authority = Some(Authority::new(folder.clone()));
        settings.tls.client_ca.push(folder.join("ca.pem"));
        let list = folder.join("ca.crl");
        settings.tls.revocation = RevocationFiles::Lists(vec![list]);
    })
    .await;
    (service, authority.expect("it was made"))
}

/// A connection, and whether its handshake was full or resumed.
struct Open {
    sender: SendRequest<Full<Bytes>>,
    handshake: Option<HandshakeKind>,
}

/// Connects; `None` if the service refuses. In TLS 1.3 a client notices with its first request.
async fn connect(service: &TestService, config: &Arc<ClientConfig>) -> Option<Open> {
    let stream = TcpStream::connect(service.address).await.expect("the service listens");
    let name = "localhost".try_into().expect("a name");
    let tls = TlsConnector::from(Arc::clone(config)).connect(name, stream).await.ok()?;
    let handshake = tls.get_ref().1.handshake_kind();
    let (sender, connection) = http1::handshake(TokioIo::new(tls)).await.ok()?;
    tokio::spawn(connection);
    Some(Open { sender, handshake })
}

/// Asks on an open connection: status, code, `Retry-After`; `None` if the connection is closed.
async fn ask(service: &TestService, open: &mut Open) -> Option<(u16, String, Option<String>)> {
    open.sender.ready().await.ok()?;
    let request = Request::post(CONSULT).header("host", "localhost").header("content-type", "text/xml");
    let request = request.body(Full::new(Bytes::from(question(FUND, PHYSICIAN, ANNA, "")))).expect("a request");
    let response = open.sender.send_request(request).await.ok()?;
    let status = response.status().as_u16();
    let retry_after = response.headers().get("retry-after").map(|value| value.to_str().expect("text").to_owned());
    let body = response.into_body().collect().await.expect("a complete body").to_bytes();
    let body = String::from_utf8(body.to_vec()).expect("text");
    service.keep_text(&body);
    let code = ["reasonCode", "code"].into_iter().find_map(|element| {
        let (_, after) = body.split_once(&format!("<{element}>"))?;
        Some(after.split_once('<')?.0.to_owned())
    });
    Some((status, code.expect("a code"), retry_after))
}

/// Asks until the answer has this code.
async fn ask_until(service: &TestService, open: &mut Open, code: &str) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let (_, answered, _) = ask(service, open).await.expect("the connection stays open until then");
        if answered == code {
            return;
        }
        assert!(Instant::now() < deadline, "still {answered}");
        tokio::task::yield_now().await;
    }
}

fn moment(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("a moment")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_certificate_is_refused_on_any_connection() {
    for version in VERSIONS {
        let (service, authority) = start().await;
        let config = authority.client(&service, version);
        let mut open = connect(&service, &config).await.expect("admitted");
        assert_eq!(ask(&service, &mut open).await.expect("open").1, "MSG00000");
        authority.publish(&[Authority::SERIAL]);
        ask_until(&service, &mut open, "SOA-01001").await;
        assert_eq!(ask(&service, &mut open).await, None, "the connection is closed afterwards");
        let again = match connect(&service, &config).await {
            Some(mut open) => ask(&service, &mut open).await,
            None => None,
        };
        assert_eq!(again, None, "a new connection is refused in TLS");
        service.finish().await;
    }
}

#[tokio::test]
async fn an_expired_certificate_is_refused_on_an_open_connection() {
    for version in VERSIONS {
        let (service, authority) = start().await;
        let config = authority.client(&service, version);
        let mut open = connect(&service, &config).await.expect("admitted");
        assert_eq!(ask(&service, &mut open).await.expect("open").1, "MSG00000");
        service.clock.set(moment("2026-03-01T00:00:01Z"));
        assert_eq!(ask(&service, &mut open).await.expect("a fault").1, "SOA-01001");
        service.clock.set(moment(service::NOW));
        service.finish().await;
    }
}

#[tokio::test]
async fn a_stale_crl_closes_its_issuer_and_a_new_one_opens_it() {
    let (service, authority) = start().await;
    let config = authority.client(&service, &rustls::version::TLS13);
    let mut open = connect(&service, &config).await.expect("admitted");
    assert_eq!(ask(&service, &mut open).await.expect("open").1, "MSG00000");
    service.clock.set(moment("2026-02-01T00:00:00Z"));
    assert_eq!(ask(&service, &mut open).await.expect("a fault").1, "SOA-01001");
    service.clock.set(moment("2026-01-31T23:59:59Z"));
    let mut open = connect(&service, &config).await.expect("admitted");
    assert_eq!(ask(&service, &mut open).await.expect("open").1, "MSG00000");
    service.finish().await;
}

#[tokio::test]
async fn only_callers_of_an_issuer_without_a_crl_are_refused() {
    let (service, authority) = start().await;
    let mut open = connect(&service, &authority.client(&service, &rustls::version::TLS13)).await.expect("admitted");
    assert_eq!(ask(&service, &mut open).await.expect("open").1, "MSG00000");
    let closed = Arc::new(service.tls_of("fund"));
    let refused = match connect(&service, &closed).await {
        Some(mut open) => ask(&service, &mut open).await,
        None => None,
    };
    assert_eq!(refused, None);
    service.finish().await;
}

#[tokio::test]
async fn no_session_is_resumed() {
    for version in VERSIONS {
        let (service, authority) = start().await;
        let config = authority.client(&service, version);
        for _ in 0..3 {
            let mut open = connect(&service, &config).await.expect("admitted");
            assert_eq!(ask(&service, &mut open).await.expect("open").1, "MSG00000");
            assert_ne!(open.handshake, Some(HandshakeKind::Resumed));
        }
        service.finish().await;
    }
}

#[tokio::test]
async fn a_reload_with_errors_reports_all_and_keeps_the_old_state() {
    let (service, authority) = start().await;
    let config = authority.client(&service, &rustls::version::TLS13);
    let mut open = connect(&service, &config).await.expect("admitted");
    let policy = fs::read_to_string(&service.settings.policy).expect("a policy");
    let certificate = fs::read_to_string(&service.settings.tls.certificate).expect("a certificate");
    fs::write(&service.settings.policy, policy.replace("relation = \"insured\"", "relation = \"none\""))
        .expect("written");
    fs::write(&service.settings.tls.certificate, "nothing").expect("written");
    let printed = service.reloader.reload().expect_err("broken").to_string();
    assert!(printed.contains("BACKTOWORK:ADVISORY_PHYSICIAN does not allow the relation `none`"), "{printed}");
    assert!(printed.contains("expected certificates"), "{printed}");
    assert_eq!(ask(&service, &mut open).await.expect("open").1, "MSG00000");

    fs::write(&service.settings.tls.certificate, certificate).expect("written");
    let without = policy.replace(
        "legal_context = \"BACKTOWORK:ADVISORY_PHYSICIAN\"\nfields = [1, 2, 3, 4, 5, 6, 7, 8]\nrelation = \"insured\"",
        "legal_context = \"BACKTOWORK:PREVENTION_SERVICE\"\nfields = [1]\nrelation = \"affiliated-employer\"",
    );
    assert_ne!(without, policy);
    fs::write(&service.settings.policy, without).expect("written");
    service.reloader.reload().expect("right");
    assert_eq!(ask(&service, &mut open).await.expect("open").1, "MSG00013", "on the open connection too");
    service.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_policy_file_is_reloaded_by_itself() {
    let (service, authority) = start().await;
    let mut open = connect(&service, &authority.client(&service, &rustls::version::TLS13)).await.expect("admitted");
    assert_eq!(ask(&service, &mut open).await.expect("open").1, "MSG00000");
    let policy = fs::read_to_string(&service.settings.policy).expect("a policy");
    fs::write(&service.settings.policy, policy.replace("valid_from = \"2020-01-01\"", "valid_from = \"2026-01-16\""))
        .expect("written");
    ask_until(&service, &mut open, "MSG00013").await;
    service.finish().await;
}

#[tokio::test]
async fn a_spent_quota_is_a_fault_that_says_when_to_retry() {
    let service = TestService::start_with(|settings| {
        let policy = fs::read_to_string(&settings.policy).expect("a policy");
        let own = format!("organisation = \"{FUND}\"");
        fs::write(&settings.policy, policy.replace(&own, &format!("{own}\nquota_per_minute = 2"))).expect("written");
    })
    .await;
    let mut open = connect(&service, &Arc::new(service.tls_of("fund"))).await.expect("admitted");
    for _ in 0..2 {
        assert_eq!(ask(&service, &mut open).await.expect("open").1, "MSG00000");
    }
    let spent = (500, "MSG90052".to_owned(), Some("30".to_owned()));
    assert_eq!(ask(&service, &mut open).await, Some(spent.clone()));
    service.clock.set(moment("2026-01-15T09:30:30Z"));
    assert_eq!(ask(&service, &mut open).await, Some(spent), "a clock that is set refills nothing");
    service.clock.advance(Duration::from_secs(30));
    assert_eq!(ask(&service, &mut open).await.expect("open").1, "MSG00000");
    service.finish().await;
}
