//! Requests over mutual TLS: one service per data folder, on kept connections, interleaved.
//!
//! The services are the real ones, in this process, on loopback, each with its own audit log that
//! records every answer durably before it is sent. They have no feeds, so that nothing is loaded
//! meanwhile. The caller may see all nine fields of every person, so that a request reads all five
//! datasets.

use std::error::Error;
use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use ehealth_attributes::app::App;
use ehealth_attributes::config::read_settings;
use ehealth_attributes::server::tls;
use ehealth_core::model::{Clock, FixedClock, Ssin, Timestamp};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use testkit::Workspace;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{Folder, Times};

/// Within the freshness limits of the demo settings, and after the data that `generate` writes.
const NOW: &str = "2026-01-15T09:30:00Z";

/// Requests per connection, below the limit of the service.
const REQUESTS: usize = 500;

/// A running service and the connection to it.
struct Connection {
    address: SocketAddr,
    tls: Arc<ClientConfig>,
    sender: Option<SendRequest<Full<Bytes>>>,
}

/// Sends requests for the given duration; returns the times of each folder.
pub async fn ask(folders: &[Folder], duration: Duration) -> Result<Vec<Times>, Box<dyn Error>> {
    let temporary = tempfile::tempdir()?;
    let mut services = Vec::new();
    for (number, folder) in folders.iter().enumerate() {
        services.push(start(folder, Workspace::new(temporary.path().join(number.to_string()))).await?);
    }
    let mut times = vec![Times::default(); folders.len()];
    let since = Instant::now();
    for turn in 0.. {
        for ((folder, times), service) in folders.iter().zip(&mut times).zip(&mut services) {
            if turn % REQUESTS == 0 {
                service.sender = Some(connect(service).await?);
            }
            let Some(sender) = &mut service.sender else { continue };
            let body = question(folder.person(turn));
            let request = Request::post("/eHealthAttributesService/v1/consult")
                .header("host", "localhost")
                .header("content-type", "text/xml; charset=utf-8")
                .header("content-length", body.len())
                .body(Full::new(Bytes::from(body)))?;
            sender.ready().await?;
            let begun = Instant::now();
            let response = sender.send_request(request).await?;
            let status = response.status();
            let answer = response.into_body().collect().await?.to_bytes();
            times.add(since, duration, begun.elapsed());
            if status != 200 {
                return Err(format!("{status}: {}", String::from_utf8_lossy(&answer)).into());
            }
            times.found += String::from_utf8_lossy(&answer).matches("<employer>").count();
        }
        if since.elapsed() > duration {
            break;
        }
    }
    Ok(times)
}

async fn start(folder: &Folder, workspace: Workspace) -> Result<Connection, Box<dyn Error>> {
    let clock: Arc<dyn Clock> = Arc::new(FixedClock::new(Timestamp::parse(NOW)?));
    workspace.prepare(clock.now(), "")?;
    let policy = workspace.settings().with_file_name("policy.toml");
    let text = fs::read_to_string(&policy)?;
    // One caller sends as many requests as all callers of a country together.
    let plenty = "[[consumer]]\nquota_per_minute = 1000000\nquota_per_day = 1000000000\nempty_answers_percent = 100\nempty_answers_per_hour = 100000000\ndates_per_person_and_month = 366\n";
    fs::write(&policy, text.replace("[[consumer]]\n", plenty))?;
    let mut settings = read_settings(&workspace.settings())?;
    settings.listen = "127.0.0.1:0".parse()?;
    settings.admin = None;
    settings.sync.data = folder.data.clone();
    settings.sync.feeds.clear();
    settings.server.limits.age = Duration::from_secs(86_400);
    let bound = App::bind(&settings).await?;
    let address = bound.address();
    let (certificate, key) = workspace.client("platform");
    let tls = ClientConfig::builder_with_details(tls::provider(), tls::time_of(Arc::clone(&clock)))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(tls::load_authorities(&workspace.authority())?)
        .with_client_auth_cert(tls::read_certificates(&certificate)?, PrivateKeyDer::from_pem_file(key)?)?;
    let app = App::open_on(bound, &settings, clock)?;
    // Ends with the process.
    tokio::spawn(app.run(std::future::pending()));
    Ok(Connection { address, tls: Arc::new(tls), sender: None })
}

async fn connect(service: &Connection) -> Result<SendRequest<Full<Bytes>>, Box<dyn Error>> {
    let tcp = TcpStream::connect(service.address).await?;
    tcp.set_nodelay(true)?;
    let tls = TlsConnector::from(Arc::clone(&service.tls)).connect("localhost".try_into()?, tcp).await?;
    let (sender, connection) = http1::handshake(TokioIo::new(tls)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

fn question(person: Ssin) -> String {
    let ssin: String = person.digits().map(char::from).iter().collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"><soapenv:Body>\
         <q:consultAttributesRequest xmlns:q=\"http://kszbcss.fgov.be/intf/eHealthAttributesService/v1\">\
         <informationCustomer><ticket>a-bench</ticket><customerIdentification><cbeNumber>0999000129</cbeNumber>\
         </customerIdentification></informationCustomer><legalContext>BACKTOWORK:EHEALTH_PLATFORM</legalContext>\
         <criteria><ssin>{ssin}</ssin></criteria></q:consultAttributesRequest></soapenv:Body></soapenv:Envelope>"
    )
}
