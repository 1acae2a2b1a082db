//! Connections to the database: TLS with certificates both ways, and sessions that wait for the
//! standby.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustls::ClientConfig;
use tls_files::{ClientTls, ClientTlsError, FileError, Identity, read_certificates, read_private_key};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::settings::Settings;

/// Reason why there is no connection to the database.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// A file of the settings cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// Certificates and key do not make a TLS client.
    #[error(transparent)]
    Tls(#[from] ClientTlsError),
    /// The server does not respond in time.
    #[error("the database does not respond within {} s", .0.as_secs())]
    Timeout(Duration),
    /// The server, TLS or the network refused.
    #[error("{}", describe(.0))]
    Database(#[from] tokio_postgres::Error),
}

/// The whole chain of an error of the database, in one line.
pub(crate) fn describe(error: &tokio_postgres::Error) -> String {
    if let Some(database) = error.as_db_error() {
        let code = database.code().code();
        return format!("the database says: {} (SQLSTATE {code})", database.message());
    }
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Connects to the database, each time with the certificates that the files have then.
#[derive(Clone)]
pub struct Connector {
    /// One for each server of the database.
    servers: Vec<Config>,
    settings: Settings,
}

impl Connector {
    /// Checks the certificates and the key of the settings.
    ///
    /// # Errors
    /// [`ConnectError::File`] or [`ConnectError::Tls`].
    pub fn new(settings: &Settings) -> Result<Self, ConnectError> {
        client_config(settings)?;
        let mut servers = settings.database.servers();
        for config in &mut servers {
            config.tcp_user_timeout(settings.timeout);
            config.keepalives_idle(Duration::from_secs(5));
            config.keepalives_interval(Duration::from_secs(2)).keepalives_retries(3);
        }
        Ok(Self { servers, settings: settings.clone() })
    }

    /// Opens a session with the primary: commits wait until a standby has flushed them, and nothing
    /// ends a commit early. Each server has an equal part of the time: one that accepts connections
    /// and does not answer keeps no node from the others.
    ///
    /// # Errors
    /// [`ConnectError`] of the last server.
    pub async fn connect(&self) -> Result<Session, ConnectError> {
        let tls = MakeRustlsConnect::new(client_config(&self.settings)?);
        let servers = u32::try_from(self.servers.len()).unwrap_or(u32::MAX);
        let limit = self.settings.timeout.checked_div(servers).unwrap_or(self.settings.timeout);
        let mut failure = ConnectError::Timeout(self.settings.timeout);
        for config in &self.servers {
            match timeout(limit, open(config, tls.clone())).await {
                Ok(Ok(session)) => return Ok(session),
                // That a server is the standby says less than why the other one is not there.
                Ok(Err(error)) if is_standby(&error) && servers > 1 => {}
                Ok(Err(error)) => failure = error.into(),
                Err(_) => failure = ConnectError::Timeout(limit),
            }
        }
        Err(failure)
    }
}

/// Whether the server was refused because it does not take writes.
fn is_standby(error: &tokio_postgres::Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>());
    source.is_some_and(|source| source.kind() == io::ErrorKind::PermissionDenied)
}

async fn open(config: &Config, tls: MakeRustlsConnect) -> Result<Session, tokio_postgres::Error> {
    let (client, connection) = config.connect(tls).await?;
    let warnings = Arc::new(AtomicU64::new(0));
    let driver = tokio::spawn(drive(connection, Arc::clone(&warnings)));
    let session = Session { client, warnings, _driver: AbortOnDrop(driver) };
    session.client.batch_execute(SESSION).await?;
    Ok(session)
}

fn client_config(settings: &Settings) -> Result<ClientConfig, ConnectError> {
    let authorities = read_certificates(&settings.authorities)?;
    let identity = Identity { chain: read_certificates(&settings.certificate)?, key: read_private_key(&settings.key)? };
    Ok(ClientTls::new(authorities).with_identity(identity).build()?)
}

/// A statement's time limit would end the wait for the standby, and the commit would count as done
/// although only one machine has it. The program has its own time limit, and drops the connection.
const SESSION: &str = "\
    set synchronous_commit = on; \
    set statement_timeout = 0; \
    set idle_in_transaction_session_timeout = 0; \
    set search_path = pg_catalog, pg_temp; \
    set client_min_messages = warning; \
    set client_connection_check_interval = '2s'; \
    set tcp_keepalives_idle = 5; \
    set tcp_keepalives_interval = 2; \
    set tcp_keepalives_count = 3";

/// An open session. Dropping it closes the connection without cancelling anything.
pub struct Session {
    /// Sends statements.
    pub client: Client,
    /// Number of warnings that the server has sent.
    warnings: Arc<AtomicU64>,
    _driver: AbortOnDrop,
}

impl Session {
    /// Number of warnings that the server has sent. One that comes during a commit may say that the
    /// commit did not wait for the standby.
    #[must_use]
    pub fn warnings(&self) -> u64 {
        self.warnings.load(Ordering::Acquire)
    }
}

struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Reads what the server sends until the connection ends.
async fn drive<T>(mut connection: Connection<Socket, T>, warnings: Arc<AtomicU64>)
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        match poll_fn(|context| connection.poll_message(context)).await {
            Some(Ok(AsyncMessage::Notice(notice))) => {
                warnings.fetch_add(1, Ordering::Release);
                tracing::warn!(message = notice.message(), code = notice.code().code(), "the database warns");
            }
            // A foreign enum that may grow.
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                tracing::debug!(error = describe(&error), "the connection to the database ended");
                return;
            }
            None => return,
        }
    }
}
