//! The bound sockets: from now on, connections queue.

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::error::AppError;
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
/// [`AppError::Listen`] or [`AppError::Admin`] if an address is in use, or does not belong to this
/// machine.
pub(super) async fn bind(settings: &Settings, mut passed: Vec<std::net::TcpListener>) -> Result<Bound, AppError> {
    let mut take = |address: SocketAddr| {
        let index = passed.iter().position(|socket| socket.local_addr().is_ok_and(|bound| bound == address));
        let socket = index.map(|index| passed.swap_remove(index));
        socket.map(|socket| socket.set_nonblocking(true).and_then(|()| TcpListener::from_std(socket))).transpose()
    };
    let failed = |reason| AppError::Listen { address: settings.listen, reason };
    let listener = match take(settings.listen).map_err(failed)? {
        Some(listener) => listener,
        None => listen(settings.listen, settings.listen_mode).map_err(failed)?,
    };
    let address = listener.local_addr().map_err(failed)?;
    let operators = OperatorTls::default();
    let admin = match settings.admin {
        Some(admin) => {
            let access = if settings.admin_tls.is_some() { operators.access() } else { AdminAccess::Loopback };
            let failed = |reason| AdminError::Listen { address: admin.listen, reason };
            let bound = take(admin.listen).map_err(failed)?;
            Some(admin::Listener::bind(admin, bound, access).await?)
        }
        None => None,
    };
    for unused in passed {
        let address = unused.local_addr().ok().map(tracing::field::display);
        tracing::warn!(address, "systemd passed a socket for an address that no setting has");
    }
    let hangups = signal(SignalKind::hangup()).ok();
    Ok(Bound { listener, address, admin, operators, hangups })
}
