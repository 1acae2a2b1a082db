//! Runs an order: account, certificate request, order, installation.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use tls_files::{ClientTls, read_certificates, read_private_key, root_store};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::files;
use super::install::{Installed, install};
use super::plan::{Plan, beside, key_digest};
use crate::cli::certificates::failure::Failure;
use crate::cli::exit::Exit;
use crate::cli::log::LogWriter;
use crate::cli::runtime::block_on;
use crate::cli::safe_text::make_line;
use crate::cli::writer_user::check_writer;
use crate::config::{AcmeSettings, ExternalAccountFiles};
use acme::{
    Account, AcmeError, Challenge, Directory, ExternalAccount, ORDER_TIMEOUT, make_key, make_request,
    parse_external_key,
};

/// Longest message: it can have a text of the ACME server.
const MAX_MESSAGE: usize = 1_000;

/// Gets a new certificate and installs it.
pub(super) fn run(plan: &Plan, acme: &AcmeSettings, log: &mut LogWriter) -> Result<Installed, Failure> {
    let folders = [&plan.certificate, &plan.key, &acme.account].map(|file| file.parent().unwrap_or(file));
    check_writer(&folders).map_err(|message| (Exit::Failed, message))?;
    let order = prepare(plan, acme)?;
    let mut chain = Err((Exit::Failed, "the order was not run".to_owned()));
    let ran = block_on(log, async {
        // Its parts have limits of their own, which add up to more.
        let ran = timeout(ORDER_TIMEOUT, order.run()).await;
        chain = ran.unwrap_or_else(|_| Err(failure(AcmeError::Timeout(ORDER_TIMEOUT))));
        Exit::Done
    });
    if ran != Exit::Done {
        return Err((ran, "the order was not run".to_owned()));
    }
    install(plan, acme, &chain?, key_digest(&plan.key)?)
}

/// Everything that an order needs.
struct Order {
    directory: Directory,
    account: PathBuf,
    /// The account, if there is one.
    stored: Option<Vec<u8>>,
    contact: Vec<String>,
    external: Option<ExternalAccount>,
    names: Vec<String>,
    request: Vec<u8>,
    challenge: Challenge,
}

/// Reads and makes the files, before the first connection.
fn prepare(plan: &Plan, acme: &AcmeSettings) -> Result<Order, Failure> {
    let directory = Directory { url: acme.directory.clone(), tls: tls(acme)?, timeout: acme.timeout };
    let stored = files::read_account(&acme.account)?;
    let external = acme.external.as_ref().map(|external| read_external(plan, external)).transpose()?;
    if !plan.has_key {
        files::write_secret(&plan.key, make_key().map_err(failure)?.as_bytes())?;
    }
    let key = read_private_key(&plan.key).map_err(|error| (Exit::Failed, error.to_string()))?;
    let challenge = acme.webroot.clone().map_or(Challenge::Listen(acme.listen), Challenge::Webroot);
    Ok(Order {
        directory,
        account: acme.account.clone(),
        stored,
        contact: acme.contact.clone(),
        external,
        names: acme.names.clone(),
        request: make_request(&key, &acme.names).map_err(failure)?,
        challenge,
    })
}

/// Trust in the ACME server.
fn tls(acme: &AcmeSettings) -> Result<Arc<rustls::ClientConfig>, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        let advice = "set acme.server_ca to the CAs of the ACME server (Debian: install ca-certificates)";
        (Exit::Failed, format!("acme.server_ca: {error}; {advice}"))
    };
    let mut authorities = read_certificates(&acme.server_ca).map_err(|error| failed(&error))?;
    if !acme.is_private() {
        // One old authority of the system that cannot be a trust anchor must not exclude all others.
        authorities.retain(|authority| root_store(vec![authority.clone()]).is_ok());
    }
    ClientTls::new(authorities).build().map(Arc::new).map_err(|error| failed(&error))
}

fn read_external(plan: &Plan, external: &ExternalAccountFiles) -> Result<ExternalAccount, Failure> {
    let file = beside(&plan.certificate, &external.key, &plan.credentials);
    let failed = |error: &dyn std::fmt::Display| (Exit::Failed, format!("acme.eab_key: {}: {error}", file.display()));
    let text = text_file::read(&file).map_err(|error| failed(&error))?;
    let wrong = "must be the HMAC key that the CA gave you, base64url on one line";
    let key = parse_external_key(&text).ok_or_else(|| failed(&wrong))?;
    Ok(ExternalAccount { id: external.id.clone(), key })
}

impl Order {
    async fn run(self) -> Result<Vec<CertificateDer<'static>>, Failure> {
        let account = match &self.stored {
            Some(file) => self.directory.open(file).await.map_err(|error| self.account_failure(error))?,
            None => self.register().await?,
        };
        account.order(&self.names, &self.request, &self.challenge).await.map_err(failure)
    }

    /// Makes an account, and writes its file before it is used: an account that is lost counts all the same.
    async fn register(&self) -> Result<Account, Failure> {
        let registered = self.directory.register(&self.contact, self.external.as_ref()).await;
        let (account, file) = registered.map_err(failure)?;
        let path = self.account.clone();
        let written = spawn_blocking(move || files::write_secret(&path, &file)).await;
        written.map_err(|error| (Exit::Failed, error.to_string()))??;
        Ok(account)
    }

    fn account_failure(&self, error: AcmeError) -> Failure {
        match error {
            AcmeError::Account(_) | AcmeError::OtherDirectory(_) => {
                let (exit, message) = failure(error);
                (exit, format!("{}: {message}", self.account.display()))
            }
            AcmeError::Unreachable(_)
            | AcmeError::Timeout(_)
            | AcmeError::Unfinished
            | AcmeError::Refused(_)
            | AcmeError::Protocol(_)
            | AcmeError::Challenge { .. }
            | AcmeError::NoChallenge(_)
            | AcmeError::Listen { .. }
            | AcmeError::Webroot { .. }
            | AcmeError::Request(_) => failure(error),
        }
    }
}

fn failure(error: AcmeError) -> Failure {
    let exit = if error.is_unreachable() { Exit::Unreachable } else { Exit::Failed };
    (exit, make_line(&error.to_string(), MAX_MESSAGE))
}
