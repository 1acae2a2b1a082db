//! The upper limit: throughput of hyper and rustls on this machine, without any processing.
//!
//! `limit --config FILE --answer FILE` takes address, certificate and client authorities from the
//! settings of a service, so that cipher suites, certificates, client verification and the number
//! of worker threads are the same. Every request is read to its end and answered with the bytes of
//! the answer file: no XML, no policy, no data, no audit log, no limits.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use clap::Parser;
use ehealth_attributes::app::SystemClock;
use ehealth_attributes::config::read_settings;
use ehealth_attributes::server::{listen, tls};
use ehealth_core::model::Clock;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// Answers every request with the same bytes.
#[derive(Parser)]
struct Arguments {
    /// Settings file of the measured service.
    #[arg(long)]
    config: PathBuf,
    /// File with the body of every answer; use an answer of the service.
    #[arg(long)]
    answer: PathBuf,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let arguments = Arguments::parse();
    let settings = read_settings(&arguments.config).map_err(|problems| problems.to_string())?;
    let answer = Bytes::from(std::fs::read(&arguments.answer)?);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (config, _) = tls::load(&settings.tls, &clock).map_err(|errors| format!("{errors:?}"))?;
    let acceptor = TlsAcceptor::from(config);
    let listener = listen(settings.listen, settings.listen_mode)?;
    // A task, like the accept loop of the service.
    tokio::spawn(serve(listener, acceptor, answer)).await?
}

async fn serve(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    answer: Bytes,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (acceptor, answer) = (acceptor.clone(), answer.clone());
        tokio::spawn(async move {
            // Failed connections are not measured.
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let service = service_fn(|request| respond(request, answer.clone()));
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn respond(request: Request<Incoming>, answer: Bytes) -> Result<Response<Full<Bytes>>, Infallible> {
    // Read to its end, as the service does.
    let _ = request.into_body().collect().await;
    let mut response = Response::new(Full::new(answer));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"));
    // The same length as in answers of the service.
    let id = HeaderValue::from_static("00000000-0000-4000-8000-000000000000");
    headers.insert(HeaderName::from_static("x-request-id"), id);
    Ok(response)
}
