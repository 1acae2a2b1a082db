//! The bound sockets: from now on, connections queue.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::finding::{Finding, Severity, remedy_of_io};
use super::operators::OperatorTls;
use crate::admin::{self, AdminAccess, AdminError};
use crate::config::Settings;
use crate::server::listen;

/// Bound sockets for consumers and, if the settings say so, for operators.
pub struct Bound {
    pub(super) listener: TcpListener,
    pub(super) address: SocketAddr,
    pub(super) admin: Option<admin::Listener>,
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
        let access = if settings.admin_tls.is_some() { operators.access() } else { AdminAccess::Loopback };
        let failed = |reason| AdminError::Listen { address: own.listen, reason };
        let bound = match take(own.listen) {
            Ok(bound) => admin::Listener::bind(own, bound, access).await,
            Err(error) => Err(failed(error)),
        };
        match bound {
            Ok(listener) => admin = Some(listener),
            Err(AdminError::Listen { address, reason }) => {
                findings.push(unbound(settings, "admin.listen", address, &reason));
            }
            Err(error @ AdminError::NotLoopback(_)) => {
                findings.push(Finding::new(Severity::Error, settings, "admin.listen", error));
            }
        }
    }
    for unused in passed {
        let address = unused.local_addr().ok().map(tracing::field::display);
        tracing::warn!(address, "systemd passed a socket for an address that no setting has");
    }
    let hangups = signal(SignalKind::hangup()).ok();
    match listener {
        Ok((address, listener)) if findings.is_empty() => Ok(Bound { listener, address, admin, operators, hangups }),
        _ => Err(findings),
    }
}

fn unbound(settings: &Settings, setting: &str, address: SocketAddr, error: &io::Error) -> Finding {
    let text = format!("cannot listen on {address}: {error}");
    Finding::new(Severity::Error, settings, setting, text).remedy(remedy_of_io(error)).of_system()
}
