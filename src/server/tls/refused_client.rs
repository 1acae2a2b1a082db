//! Which certificate a handshake refused, and why: carried from the verifier to the connection.
//!
//! The verifier belongs to the configuration that all connections share, and knows no connection.
//! The TLS library returns its error without the certificate. So a handshake runs inside of
//! [`observe`], and the verifier leaves the refusal there.

use std::cell::RefCell;
use std::future::Future;

use super::trust::RefusedCertificate;
use certificates::Description;

/// A client whose certificate was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RefusedClient {
    /// Why it was refused.
    pub refused: RefusedCertificate,
    /// Its certificate.
    pub certificate: Description,
}

tokio::task_local! {
    static REFUSED: RefCell<Option<RefusedClient>>;
}

/// Runs a handshake; returns its result, and the client that the verifier refused in it.
pub(crate) async fn observe<T>(handshake: impl Future<Output = T>) -> (T, Option<RefusedClient>) {
    let observed = async {
        let done = handshake.await;
        (done, REFUSED.with(RefCell::take))
    };
    REFUSED.scope(RefCell::new(None), observed).await
}

/// Leaves a refusal for the handshake that is running, if it is observed.
pub(super) fn leave(refused: RefusedCertificate, certificate: &[u8]) {
    let _ = REFUSED.try_with(|left| {
        left.replace(Some(RefusedClient { refused, certificate: Description::from_der(certificate) }))
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_refusal_reaches_its_own_handshake_only() {
        let refused = |reason| {
            observe(async move {
                tokio::task::yield_now().await;
                leave(reason, b"certificate");
            })
        };
        let (first, second) =
            tokio::join!(refused(RefusedCertificate::Revoked), refused(RefusedCertificate::Malformed));
        assert_eq!(first.1.map(|client| client.refused), Some(RefusedCertificate::Revoked));
        assert_eq!(second.1.map(|client| client.refused), Some(RefusedCertificate::Malformed));
        assert_eq!(observe(async {}).await.1, None);
        // Outside of a handshake nothing is left, and nothing fails.
        leave(RefusedCertificate::Revoked, b"certificate");
    }
}
