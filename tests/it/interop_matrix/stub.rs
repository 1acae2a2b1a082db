//! A service that answers every question with the same text, to test what stacks refuse. Its
//! contract is the real one.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use ehealth_attributes::server::tls;
use ehealth_core::lookup::Operation;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use soap::{names, wsdl};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::support::simulation::Simulation;

/// A running stub, until it is dropped.
pub struct Stub {
    port: u16,
    serving: JoinHandle<()>,
}

impl Stub {
    /// Answers with this text, with the certificate of the simulator.
    pub async fn start(simulation: &Simulation, answer: String) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let folder = simulation.file("/ca").parent().expect("a folder").to_owned();
        let chain = tls::read_certificates(&folder.join("server.pem")).expect("a certificate");
        let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).expect("a key");
        let config = ServerConfig::builder_with_provider(tls::provider())
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("an identity");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let answer = Arc::new(answer);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, answer) = (acceptor.clone(), Arc::clone(&answer));
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let respond = service_fn(move |request| respond(request, port, Arc::clone(&answer)));
                    // An error of the connection concerns only the stack.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), respond)
                        .await;
                });
            }
        });
        Self { port, serving }
    }

    pub fn url(&self) -> String {
        url(self.port)
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn url(port: u16) -> String {
    format!("https://localhost:{port}")
}

async fn respond(
    request: Request<Incoming>,
    port: u16,
    answer: Arc<String>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let _ = body.collect().await;
    let operation = Operation::ALL.into_iter().find(|operation| names::path(*operation) == head.uri.path());
    let text = match (head.method, operation, head.uri.query().and_then(|query| query.strip_prefix("xsd="))) {
        (Method::GET, Some(operation), None) => wsdl::wsdl(operation, &url(port)),
        (Method::GET, Some(operation), Some(file)) => wsdl::schema(operation, file, &url(port)).unwrap_or_default(),
        (..) => answer.as_ref().clone(),
    };
    let response = Response::builder().header("content-type", "text/xml; charset=utf-8");
    Ok(response.body(Full::new(Bytes::from(text))).expect("a response"))
}
