//! Where a simulation injects faults: into the handshake, the bytes and the answers of a connection.
//!
//! The server is generic over them. Production has [`NoFaults`], of which nothing is left in the
//! compiled program: no branch, no allocation, no dynamic call.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{Request, Response};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// What happens to the handshake of a connection.
#[derive(Debug, Clone)]
pub enum Handshake {
    /// It is performed with this configuration.
    With(Arc<ServerConfig>),
    /// The connection is closed without one.
    Close,
}

/// Fault injection into connections and responses.
pub trait FaultInjection: Send + Sync + 'static {
    /// Bytes of a connection, behind TLS.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    /// State of a connection.
    type Connection: Send + Sync + 'static;
    /// What is known of a request before it is answered.
    type Request: Send;

    /// Decides on the handshake of the next connection; `active` is the service's own configuration.
    fn handshake(&self, active: &Arc<ServerConfig>) -> Handshake;

    /// Takes a connection whose handshake is complete.
    fn connect(&self, tls: TlsStream<TcpStream>) -> (Self::Stream, Self::Connection);

    /// Sees a request before it is answered.
    fn receive(&self, request: &Request<Incoming>) -> Self::Request;

    /// The response to a request. `answer` is that of the service.
    fn answer(
        &self,
        connection: &Self::Connection,
        request: Self::Request,
        answer: impl Future<Output = Response<Full<Bytes>>> + Send,
    ) -> impl Future<Output = Response<Full<Bytes>>> + Send;
}

/// No fault injection.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFaults;

impl FaultInjection for NoFaults {
    type Stream = TlsStream<TcpStream>;
    type Connection = ();
    type Request = ();

    fn handshake(&self, active: &Arc<ServerConfig>) -> Handshake {
        Handshake::With(Arc::clone(active))
    }

    fn connect(&self, tls: TlsStream<TcpStream>) -> (Self::Stream, ()) {
        (tls, ())
    }

    fn receive(&self, _: &Request<Incoming>) {}

    fn answer(
        &self,
        (): &(),
        (): (),
        answer: impl Future<Output = Response<Full<Bytes>>> + Send,
    ) -> impl Future<Output = Response<Full<Bytes>>> + Send {
        answer
    }
}
