//! Accounts at an ACME server.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use instant_acme::{AccountBuilder, AccountCredentials, ExternalAccountKey, NewAccount};
use rustls::ClientConfig;

use crate::AcmeError;
use crate::transport::Transport;

/// How often a request is sent again if the server refuses its nonce. `instant-acme` itself sends it three times; a
/// busy server with several machines can refuse them all.
pub(crate) const ATTEMPTS: usize = 5;

/// An ACME server.
#[derive(Clone)]
pub struct Directory {
    /// URL of the directory, HTTPS.
    pub url: String,
    /// Trust.
    pub tls: Arc<ClientConfig>,
    /// Limit of one request.
    pub timeout: Duration,
}

/// Account at the CA to which the ACME account is bound (RFC 8555, 7.3.4).
pub struct ExternalAccount {
    /// Key identifier that the CA gave.
    pub id: String,
    /// HMAC key that the CA gave.
    pub key: Vec<u8>,
}

/// An account, ready for orders.
pub struct Account(pub(crate) instant_acme::Account);

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Account").field(&self.0.id()).finish()
    }
}

impl Directory {
    /// Makes an account, and accepts the terms of service. Returns it with its file, which contains its private key.
    ///
    /// # Errors
    /// [`AcmeError`].
    pub async fn register(
        &self,
        mail: &[String],
        external: Option<&ExternalAccount>,
    ) -> Result<(Account, Vec<u8>), AcmeError> {
        let contact: Vec<_> = mail.iter().map(|address| format!("mailto:{address}")).collect();
        let contact: Vec<_> = contact.iter().map(String::as_str).collect();
        let new = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
        let external = external.map(|external| ExternalAccountKey::new(external.id.clone(), &external.key));
        for _ in 1..ATTEMPTS {
            match self.create(&new, external.as_ref()).await {
                Err(error) if error.is_bad_nonce() => {}
                done => return done,
            }
        }
        self.create(&new, external.as_ref()).await
    }

    async fn create(
        &self,
        new: &NewAccount<'_>,
        external: Option<&ExternalAccountKey>,
    ) -> Result<(Account, Vec<u8>), AcmeError> {
        let (account, credentials) = self.builder().create(new, self.url.clone(), external).await?;
        let file = serde_json::to_vec(&credentials).map_err(|error| AcmeError::Account(error.to_string()))?;
        Ok((Account(account), file))
    }

    /// Opens the account of a file that [`register`](Self::register) made.
    ///
    /// # Errors
    /// [`AcmeError::Account`] if it is no such file, [`AcmeError::OtherDirectory`] if it belongs to another server.
    pub async fn open(&self, file: &[u8]) -> Result<Account, AcmeError> {
        // A message about JSON could repeat the key.
        let malformed = |_| AcmeError::Account("the file is malformed".to_owned());
        let fields: serde_json::Value = serde_json::from_slice(file).map_err(malformed)?;
        let of = fields.get("directory").and_then(serde_json::Value::as_str).unwrap_or_default();
        if of != self.url {
            return Err(AcmeError::OtherDirectory(of.to_owned()));
        }
        let credentials: AccountCredentials = serde_json::from_value(fields).map_err(malformed)?;
        Ok(Account(self.builder().from_credentials(credentials).await?))
    }

    fn builder(&self) -> AccountBuilder {
        let transport = Transport { tls: Arc::clone(&self.tls), limit: self.timeout };
        instant_acme::Account::builder_with_http(Box::new(transport))
    }
}

/// Parses the HMAC key of an external account as CAs give it: base64url or base64, with or without padding.
#[must_use]
pub fn parse_external_key(text: &str) -> Option<Vec<u8>> {
    let text = text.trim().trim_end_matches('=');
    let key = URL_SAFE_NO_PAD.decode(text).or_else(|_| STANDARD_NO_PAD.decode(text)).ok()?;
    (!key.is_empty()).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_an_external_account_is_read_in_both_alphabets() {
        let key = Some(vec![0xfb, 0xff, 0xfe, 0x01]);
        for text in ["-__-AQ", "-__-AQ==\n", "+//+AQ==", " +//+AQ"] {
            assert_eq!(parse_external_key(text), key, "{text}");
        }
        for text in ["", "=", "a b", "-/", "é"] {
            assert_eq!(parse_external_key(text), None, "{text}");
        }
    }
}
