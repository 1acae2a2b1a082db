//! Pins: an authority that signs a certificate of an organisation for someone else gains nothing.
//!
//! Two roots are trusted. Each has an intermediate of the same name, with a key of its own, and each
//! intermediate has signed a certificate that names the same organisation.

use std::fs;
use std::process::Command;
use std::sync::Arc;

use bytes::Bytes;
use certificates::{Profile, sha256};
use ehealth_attributes::server::tls;
use ehealth_core::model::{Clock, Digest};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{HeaderMap, Request};
use hyper_util::rt::TokioIo;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::ClientConfig;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::support::program::PROGRAM;
use crate::support::service::{CONSULT, TEST, TestService, envelope, question};

const ANNA: &str = "85073099932";
const FUND: &str = "0999010126";
const PHYSICIAN: &str = "BACKTOWORK:ADVISORY_PHYSICIAN";

type Issuer = CertifiedIssuer<'static, KeyPair>;

/// A root, its intermediate, and a client certificate of the fund with its key.
struct Chain {
    root: Issuer,
    issuer: Issuer,
    leaf: String,
    key: String,
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (params.not_before, params.not_after) = (date_time_ymd(2025, 1, 1), date_time_ymd(2035, 1, 1));
    params
}

impl Chain {
    fn new(root: &str) -> Self {
        let key = || KeyPair::generate().expect("a key");
        let root = Issuer::self_signed(authority(root), key()).expect("a root");
        let issuer = Issuer::signed_by(authority("Issuing authority"), key(), &root).expect("an intermediate");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, format!("CBE={FUND}"));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        (params.not_before, params.not_after) = (date_time_ymd(2025, 12, 1), date_time_ymd(2026, 3, 1));
        let own = key();
        let leaf = params.signed_by(&own, &issuer).expect("a certificate").pem();
        Self { root, issuer, leaf, key: own.serialize_pem() }
    }

    fn issuer_key(&self) -> Digest {
        Profile::from_der(self.issuer.der()).expect("a certificate").key
    }

    /// SHA-256 of the intermediate's name: a pin of version 0.1.
    fn issuer_name(&self) -> Digest {
        sha256(&Profile::from_der(self.issuer.der()).expect("a certificate").subject)
    }

    fn client(&self, service: &TestService) -> Arc<ClientConfig> {
        let leaf = PemObject::from_pem_slice(self.leaf.as_bytes()).expect("a certificate");
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).expect("a key");
        let roots = tls::load_authorities(&service.workspace.authority()).expect("an authority");
        let clock = Arc::clone(&service.clock) as Arc<dyn Clock>;
        let config = ClientConfig::builder_with_details(tls::provider(), tls::time_of(clock))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![leaf, self.issuer.der().clone()], key)
            .expect("a client identity");
        Arc::new(config)
    }
}

/// A service that trusts the roots and the intermediates of both chains, with these lines in the
/// entry of the fund.
async fn start(chains: [&Chain; 2], pins: &str) -> TestService {
    TestService::start_with(|settings| {
        pin(&settings.policy, pins);
        for (number, issuer) in chains.iter().flat_map(|chain| [&chain.root, &chain.issuer]).enumerate() {
            let file = settings.policy.with_file_name(format!("trusted-{number}.pem"));
            fs::write(&file, issuer.pem()).expect("written");
            settings.tls.client_ca.push(file);
        }
        // One connection and one message at once for each consumer, and no waiting.
        let limits = &mut settings.server.limits;
        (limits.connections_per_consumer, limits.messages_per_consumer) = (1, 1);
        limits.wait = std::time::Duration::ZERO;
    })
    .await
}

/// Replaces the pins of the fund in the policy file.
fn pin(policy: &std::path::Path, pins: &str) {
    let text = fs::read_to_string(policy).expect("a policy");
    let own = format!("organisation = \"{FUND}\"");
    let unpinned: String =
        text.lines().filter(|line| !line.starts_with("pinned_")).map(|line| format!("{line}\n")).collect();
    fs::write(policy, unpinned.replace(&own, &format!("{own}\n{pins}"))).expect("written");
}

async fn connect(service: &TestService, config: &Arc<ClientConfig>) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(service.address).await.expect("the service listens");
    let name = "localhost".try_into().expect("a name");
    let tls = TlsConnector::from(Arc::clone(config)).connect(name, stream).await.expect("a handshake");
    let (sender, connection) = http1::handshake(TokioIo::new(tls)).await.expect("HTTP/1.1");
    tokio::spawn(connection);
    sender
}

/// Posts a message; returns the status, the body, and whether the connection closes.
async fn post(sender: &mut SendRequest<Full<Bytes>>, path: &str, body: String) -> (u16, String, bool) {
    let (status, body, headers) = post_for_headers(sender, path, body).await;
    (status, body, headers.get("connection").is_some_and(|value| value == "close"))
}

/// Posts a message; returns the status, the body and the headers.
async fn post_for_headers(sender: &mut SendRequest<Full<Bytes>>, path: &str, body: String) -> (u16, String, HeaderMap) {
    sender.ready().await.expect("an open connection");
    let request = Request::post(path).header("host", "localhost").header("content-type", "text/xml");
    let response = sender.send_request(request.body(Full::from(body)).expect("a request")).await.expect("an answer");
    let (head, body) = response.into_parts();
    let body = body.collect().await.expect("a complete body").to_bytes();
    (head.status.as_u16(), String::from_utf8(body.to_vec()).expect("text"), head.headers)
}

fn consult() -> String {
    question(FUND, PHYSICIAN, ANNA, "")
}

fn echo() -> String {
    envelope(
        "<t:sendTestMessageRequest xmlns:t=\"http://kszbcss.fgov.be/intf/TestConnectionServiceService/v1\"><echo>a</echo>\
         </t:sendTestMessageRequest>",
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_with_a_pinned_name_and_another_key_is_refused() {
    let [right, forged] = ["One", "Other"].map(Chain::new);
    assert_eq!(right.issuer_name(), forged.issuer_name());
    let service = start([&right, &forged], &format!("pinned_issuers = [\"{}\"]", right.issuer_key())).await;
    let mut forger = connect(&service, &forged.client(&service)).await;
    let (status, body, _) = post(&mut forger, CONSULT, consult()).await;
    assert!(status == 500 && body.contains(">SOA-01001<"), "{body}");
    let (status, body, headers) = post_for_headers(&mut forger, TEST, echo()).await;
    assert!(status == 200 && !body.contains("De Linde"), "{body}");
    assert_eq!(headers.get("x-consumer"), None, "the name of the consumer is not disclosed");
    // The forger's connection is open, and takes nothing of the only one that the fund may have.
    let mut fund = connect(&service, &right.client(&service)).await;
    let (status, body, _) = post(&mut fund, CONSULT, consult()).await;
    assert!(status == 200 && body.contains("MSG00000"), "{body}");
    let (_, _, headers) = post_for_headers(&mut fund, TEST, echo()).await;
    assert_eq!(headers["x-consumer"], "De Linde, health-insurance fund");
    let shown = String::from_utf8(service.read_admin("/metrics").await).expect("text");
    let counted = "ehealth_attributes_consumer_exchanges_total{consumer=\"unregistered\",kind=\"fault\"} 1\n";
    assert!(shown.contains(counted), "{shown}");
    drop((forger, fund));
    service.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_changes_the_pins_of_open_connections() {
    let [right, forged] = ["One", "Other"].map(Chain::new);
    let service = start([&right, &forged], "").await;
    let mut open = connect(&service, &forged.client(&service)).await;
    let (status, body, closes) = post(&mut open, CONSULT, consult()).await;
    assert!(status == 200 && !closes, "without pins every trusted issuer is accepted: {body}");
    pin(&service.settings.policy, &format!("pinned_issuers = [\"{}\"]", right.issuer_key()));
    service.reloader.reload().expect("a valid policy");
    let (status, body, closes) = post(&mut open, CONSULT, consult()).await;
    assert!(status == 500 && body.contains(">SOA-01001<"), "{body}");
    assert!(closes, "the connection gives the organisation's slot back");
    service.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_of_an_issuers_name_is_an_error_with_its_line() {
    let [right, forged] = ["One", "Other"].map(Chain::new);
    let service = start([&right, &forged], "").await;
    pin(&service.settings.policy, &format!("pinned_issuers = [\"{}\"]", right.issuer_name()));
    let error = service.reloader.reload().expect_err("a name is no key").to_string();
    let text = fs::read_to_string(&service.settings.policy).expect("a policy");
    let line = text.lines().position(|line| line.starts_with("pinned_issuers")).expect("written") + 1;
    assert!(error.contains(&format!("policy.toml:{line}: pinned_issuers: consumer {FUND}")), "{error}");
    assert!(error.contains("CN=Issuing authority") && error.contains("policy pin CERTIFICATE --issuer"), "{error}");
    service.finish().await;
}

#[test]
fn policy_pin_prints_the_key_that_signed_the_certificate() {
    let [right, forged] = ["One", "Other"].map(Chain::new);
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: String| {
        let file = folder.path().join(name);
        fs::write(&file, text).expect("written");
        file
    };
    let alone = write("alone.pem", right.leaf.clone());
    let chain = write("chain.pem", format!("{}{}{}", right.leaf, forged.issuer.pem(), right.issuer.pem()));
    let [issuer, other] =
        [("issuer.pem", &right), ("other.pem", &forged)].map(|(name, of)| write(name, of.issuer.pem()));
    let run = |arguments: &[&std::path::Path]| {
        let printed = Command::new(PROGRAM).args(["policy", "pin"]).args(arguments).output().expect("it runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (printed.status.code(), text(&printed.stdout), text(&printed.stderr))
    };
    let expected = format!("\npinned_issuers = [\"{}\"]\n", right.issuer_key());
    let flag = std::path::Path::new("--issuer");
    for arguments in [&[chain.as_path()][..], &[&alone, flag, &issuer], &[&alone, flag, folder.path()]] {
        let (code, out, error) = run(arguments);
        assert!(code == Some(0) && out.contains(&expected) && out.contains("pinned_keys = ["), "{out}{error}");
    }
    let (code, out, _) = run(&[&alone]);
    assert!(
        code == Some(0)
            && out.contains("pinned_keys = [")
            && out.contains("--issuer")
            && !out.contains("pinned_issuers = ["),
        "{out}"
    );
    let (code, _, error) = run(&[&alone, flag, &other]);
    assert!(code == Some(1) && error.contains("no certificate there signed"), "{error}");
}
