//! The control API of a simulation: HTTP and JSON, by which a test changes failures and outages
//! between two cases, and sees what its client sent.
//!
//! It listens on a loopback address unless its user names another one. Against web pages that make
//! a browser send requests: on loopback the `Host` must be a loopback name, a body must be
//! `application/json`, which a page of another origin may not send, and no answer allows another
//! origin.

mod answers;
mod json;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::plan::LivePlan;

/// Maximum open connections; the next ones wait in the system's queue.
const CONNECTIONS: usize = 32;
/// Time-out of a head, and between requests.
const HEAD: Duration = Duration::from_secs(10);
/// Maximum age of a connection.
const AGE: Duration = Duration::from_mins(2);
/// Pause after a failed accept.
const PAUSE: Duration = Duration::from_millis(50);

/// What the API answers from.
pub(super) struct Control {
    pub plan: Arc<LivePlan>,
    /// Content of the ready file.
    pub description: Value,
    /// Folder of the certificates that may be fetched.
    pub folder: PathBuf,
}

/// A bound control API.
pub(super) struct ControlListener {
    socket: TcpListener,
    address: SocketAddr,
}

impl ControlListener {
    /// Binds the address; port 0 takes a free one.
    ///
    /// # Errors
    /// The system's error.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpListener::bind(address).await?;
        let address = socket.local_addr()?;
        Ok(Self { socket, address })
    }

    /// The bound address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until the task is aborted.
    pub async fn serve(self, control: Control) {
        let (control, slots) = (Arc::new(control), Arc::new(Semaphore::new(CONNECTIONS)));
        let is_loopback = self.address.ip().is_loopback();
        loop {
            // The semaphore is never closed.
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
            match self.socket.accept().await {
                Ok((stream, _)) => {
                    let control = Arc::clone(&control);
                    tokio::spawn(async move {
                        let _ = timeout(AGE, serve_connection(stream, &control, is_loopback)).await;
                        drop(slot);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection to the control API");
                    sleep(PAUSE).await;
                }
            }
        }
    }
}

async fn serve_connection(stream: TcpStream, control: &Control, is_loopback: bool) {
    let answer = service_fn(|request: Request<Incoming>| async move {
        Ok::<_, Infallible>(answers::answer(control, request, is_loopback).await)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), answer);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "connection to the control API ended");
    }
}
