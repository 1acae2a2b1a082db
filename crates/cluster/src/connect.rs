//! Connections to the database: TLS with certificates both ways, and sessions that wait for the
//! standby.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustls::ClientConfig;
use tls_files::{ClientTls, ClientTlsError, FileError, Identity, read_certificates, read_private_key};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::{AsyncMessage, Client, Connection, Socket};
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

/// Connects to the database, each time with the same identity.
#[derive(Clone)]
pub struct Connector {
    config: tokio_postgres::Config,
    tls: MakeRustlsConnect,
    timeout: Duration,
}

impl Connector {
    /// Reads the certificates and the key of the settings.
    ///
    /// # Errors
    /// [`ConnectError::File`] or [`ConnectError::Tls`].
    pub fn new(settings: &Settings) -> Result<Self, ConnectError> {
        let tls = client_config(settings)?;
        let mut config = settings.database.0.clone();
        config.connect_timeout(settings.timeout).tcp_user_timeout(settings.timeout);
        config
            .keepalives_idle(Duration::from_secs(5))
            .keepalives_interval(Duration::from_secs(2))
            .keepalives_retries(3);
        Ok(Self { config, tls: MakeRustlsConnect::new(tls), timeout: settings.timeout })
    }

    /// Opens a session: commits wait until a standby has flushed them, and nothing ends a commit
    /// early.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub async fn connect(&self) -> Result<Session, ConnectError> {
        let opened = timeout(self.timeout, async {
            let (client, connection) = self.config.connect(self.tls.clone()).await?;
            let warnings = Arc::new(AtomicU64::new(0));
            let driver = tokio::spawn(drive(connection, Arc::clone(&warnings)));
            let session = Session { client, warnings, driver: AbortOnDrop(driver) };
            session.client.batch_execute(SESSION).await?;
            Ok(session)
        });
        opened.await.map_err(|_| ConnectError::Timeout(self.timeout))?
    }
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
    driver: AbortOnDrop,
}

impl Session {
    /// Number of warnings that the server has sent. One that comes during a commit may say that the
    /// commit did not wait for the standby.
    #[must_use]
    pub fn warnings(&self) -> u64 {
        self.warnings.load(Ordering::Acquire)
    }

    /// Whether the connection has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.client.is_closed() || self.driver.0.is_finished()
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
