//! The bound sockets: from now on, connections queue.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::finding::{Finding, Severity, remedy_of_io};
use super::operators::OperatorTls;
use crate::admin::{self, AdminAccess, AdminError};
use crate::config::{MetricsAccess, MetricsListener, Settings};
use crate::server::listen;

/// Bound sockets for consumers and, if the settings say so, for operators and scrapers.
pub struct Bound {
    pub(super) listener: TcpListener,
    pub(super) address: SocketAddr,
    pub(super) admin: Option<admin::Listener>,
    pub(super) metrics: Option<admin::Listener>,
    pub(super) operators: OperatorTls,
    /// SIGHUP, caught from now on: it would end a process that is still starting.
    pub(super) hangups: Option<Signal>,
}

impl Bound {
    /// Address for consumers: port 0 in the settings is replaced by the chosen port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Address for operators, if there is one.
    #[must_use]
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(admin::Listener::address)
    }

    /// Address for scrapers, if they have one of their own.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(admin::Listener::address)
    }
}

/// Uses the sockets that were passed for the addresses of the settings, and binds the other
/// addresses.
///
/// # Errors
/// A finding for each address that is in use, or does not belong to this machine.
pub(super) async fn bind(settings: &Settings, mut passed: Vec<std::net::TcpListener>) -> Result<Bound, Vec<Finding>> {
    let mut take = |address: SocketAddr| {
        let index = passed.iter().position(|socket| socket.local_addr().is_ok_and(|bound| bound == address));
        let socket = index.map(|index| passed.swap_remove(index));
        socket.map(|socket| socket.set_nonblocking(true).and_then(|()| TcpListener::from_std(socket))).transpose()
    };
    let mut findings = Vec::new();
    let listener = take(settings.listen).and_then(|taken| match taken {
        Some(listener) => Ok(listener),
        None => listen(settings.listen, settings.listen_mode),
    });
    let listener = listener.and_then(|listener| Ok((listener.local_addr()?, listener)));
    let listener = listener.map_err(|error| findings.push(unbound(settings, "server.listen", settings.listen, &error)));
    let operators = OperatorTls::default();
    let mut admin = None;
    if let Some(own) = settings.admin {
        let is_tls = settings.admin_tls.is_some();
        let access = if is_tls { operators.access(|sides| sides.admin.as_ref()) } else { AdminAccess::Loopback };
        let bound = bind_admin(own, take(own.listen), access).await;
        admin = bound.map_err(|error| findings.push(refused(settings, "admin.listen", error))).ok();
    }
    let mut metrics = None;
    if let Some(MetricsListener { listen, access }) = &settings.metrics {
        let access = match access {
            MetricsAccess::Loopback => AdminAccess::Loopback,
            MetricsAccess::MutualTls(_) => operators.access(|sides| sides.metrics.as_ref()),
            MetricsAccess::Networks(networks) => AdminAccess::Networks(networks.clone()),
        };
        let bound = bind_admin(admin::Settings { listen: *listen }, take(*listen), access).await;
        let bound = bound.map_err(|error| findings.push(refused(settings, "metrics.listen", error))).ok();
        metrics = bound.map(admin::Listener::for_scrapers);
    }
    for unused in passed {
        let address = unused.local_addr().ok().map(tracing::field::display);
        tracing::warn!(address, "systemd passed a socket for an address that no setting has");
    }
    let hangups = signal(SignalKind::hangup()).ok();
    match listener {
        Ok((address, listener)) if findings.is_empty() => {
            Ok(Bound { listener, address, admin, metrics, operators, hangups })
        }
        _ => Err(findings),
    }
}

/// Binds a listener for operators or scrapers, or uses the socket that was passed for it.
async fn bind_admin(
    own: admin::Settings,
    passed: io::Result<Option<TcpListener>>,
    access: AdminAccess,
) -> Result<admin::Listener, AdminError> {
    let passed = passed.map_err(|reason| AdminError::Listen { address: own.listen, reason })?;
    admin::Listener::bind(own, passed, access).await
}

fn refused(settings: &Settings, setting: &str, error: AdminError) -> Finding {
    match error {
        AdminError::Listen { address, reason } => unbound(settings, setting, address, &reason),
        AdminError::NotLoopback(_) => Finding::new(Severity::Error, settings, setting, error),
    }
}

fn unbound(settings: &Settings, setting: &str, address: SocketAddr, error: &io::Error) -> Finding {
    let text = format!("cannot listen on {address}: {error}");
    Finding::new(Severity::Error, settings, setting, text).remedy(remedy_of_io(error)).of_system()
}
