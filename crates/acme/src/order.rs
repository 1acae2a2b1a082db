//! An order: from the names to the certificate.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use instant_acme::{
    AuthorizationStatus, ChallengeType, Identifier, KeyAuthorization, NewOrder, Order, OrderStatus, RetryPolicy,
};
use rustls::pki_types::CertificateDer;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::account::{ATTEMPTS, Account};
use crate::error::AcmeError;
use crate::listener::Listener;
use crate::token::is_token;
use crate::webroot::Webroot;

/// Limit of an order, with all its repetitions: 5 minutes.
pub const ORDER_TIMEOUT: Duration = Duration::from_secs(300);
/// Wait for the ACME server to verify the challenges, and to make the certificate: at most 2 minutes each. A wait
/// grows to less than half of the time that has passed.
const POLLING: RetryPolicy =
    RetryPolicy::new().initial_delay(Duration::from_millis(500)).backoff(1.4).timeout(Duration::from_secs(120));

/// Who answers the challenge `http-01`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    /// A listener of this process on this address.
    Listen(SocketAddr),
    /// A web server that serves this folder.
    Webroot(PathBuf),
}

/// What answers while an order runs.
enum Responder {
    Listener(Listener),
    Webroot(Option<Webroot>),
}

impl Responder {
    async fn open(challenge: &Challenge) -> Result<Self, AcmeError> {
        match challenge {
            Challenge::Listen(address) => Listener::open(*address).await.map(Self::Listener),
            Challenge::Webroot(folder) => {
                let folder = folder.clone();
                let opened = blocking(move || Webroot::open(&folder)).await?;
                Ok(Self::Webroot(Some(opened)))
            }
        }
    }

    async fn put(&mut self, token: &str, answer: &KeyAuthorization) -> Result<(), AcmeError> {
        match self {
            Self::Listener(listener) => listener.put(token, answer.as_str()),
            Self::Webroot(place) => {
                if let Some(mut webroot) = place.take() {
                    let (token, answer) = (token.to_owned(), answer.as_str().to_owned());
                    *place = Some(blocking(move || webroot.put(&token, &answer).map(|()| webroot)).await?);
                }
            }
        }
        Ok(())
    }
}

/// Runs what waits for a disk on a thread of its own.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AcmeError> + Send + 'static,
) -> Result<T, AcmeError> {
    spawn_blocking(work).await.unwrap_or_else(|error| Err(AcmeError::Protocol(error.to_string())))
}

impl Account {
    /// Orders a certificate for these host names. `request` is the certificate request (DER). Returns the chain as the
    /// server sent it, not yet verified.
    ///
    /// # Errors
    /// [`AcmeError`]; within [`ORDER_TIMEOUT`].
    pub async fn order(
        &self,
        names: &[String],
        request: &[u8],
        challenge: &Challenge,
    ) -> Result<Vec<CertificateDer<'static>>, AcmeError> {
        let ordered = timeout(ORDER_TIMEOUT, async {
            // Before the first request: a port that is taken costs no order, of which CAs limit the number.
            let mut responder = Responder::open(challenge).await?;
            for _ in 1..ATTEMPTS {
                match self.try_order(names, request, &mut responder).await {
                    Err(error) if error.is_bad_nonce() => {}
                    done => return done,
                }
            }
            self.try_order(names, request, &mut responder).await
        });
        ordered.await.unwrap_or(Err(AcmeError::Timeout(ORDER_TIMEOUT)))
    }

    async fn try_order(
        &self,
        names: &[String],
        request: &[u8],
        responder: &mut Responder,
    ) -> Result<Vec<CertificateDer<'static>>, AcmeError> {
        let identifiers: Vec<_> = names.iter().map(|name| Identifier::Dns(name.clone())).collect();
        let mut order = self.0.new_order(&NewOrder::new(&identifiers)).await?;
        authorise(&mut order, responder).await?;
        match order.poll_ready(&POLLING).await {
            Ok(OrderStatus::Ready | OrderStatus::Valid) => {}
            Ok(OrderStatus::Pending | OrderStatus::Processing | OrderStatus::Invalid) => {
                return Err(find_reason(&mut order).await);
            }
            Err(error) => {
                let error = AcmeError::from(error);
                return Err(if error.is_bad_nonce() {
                    error
                } else {
                    find_challenge(&mut order).await.unwrap_or(error)
                });
            }
        }
        order.finalize_csr(request).await?;
        let pem = order.poll_certificate(&POLLING).await?;
        tls_files::parse_certificates(pem.as_bytes())
            .map_err(|error| AcmeError::Protocol(format!("the certificate cannot be read: {error}")))
    }
}

/// Answers the challenge of each name that the server has not verified lately.
async fn authorise(order: &mut Order, responder: &mut Responder) -> Result<(), AcmeError> {
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        let name = authorization.identifier().to_string();
        match authorization.status {
            AuthorizationStatus::Valid => continue,
            AuthorizationStatus::Pending => {}
            AuthorizationStatus::Invalid
            | AuthorizationStatus::Revoked
            | AuthorizationStatus::Expired
            | AuthorizationStatus::Deactivated => {
                let reason = "the authorization is no longer pending".to_owned();
                return Err(AcmeError::Challenge { name, reason });
            }
        }
        let Some(mut challenge) = authorization.challenge(ChallengeType::Http01) else {
            return Err(AcmeError::NoChallenge(name));
        };
        if !is_token(&challenge.token) {
            return Err(AcmeError::Protocol("the token of a challenge is not base64url".to_owned()));
        }
        responder.put(&challenge.token, &challenge.key_authorization()).await?;
        challenge.set_ready().await?;
    }
    Ok(())
}

/// Why an order is invalid.
async fn find_reason(order: &mut Order) -> AcmeError {
    let found = find_challenge(order).await;
    found.unwrap_or_else(|| AcmeError::Protocol("the order is invalid, and no challenge says why".to_owned()))
}

/// The challenge that failed, with the server's reason.
async fn find_challenge(order: &mut Order) -> Option<AcmeError> {
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization.ok()?;
        authorization.refresh().await.ok()?;
        let name = authorization.identifier().to_string();
        if let Some(problem) = authorization.challenges.iter().find_map(|challenge| challenge.error.as_ref()) {
            let reason = problem.detail.clone().unwrap_or_else(|| problem.to_string());
            return Some(AcmeError::Challenge { name, reason });
        }
    }
    None
}
