//! Why a certificate is not let in: closed lists of reasons, each with one word for logs, metrics and readiness.
//!
//! Nothing is judged here. What webpki has to say is put in the words of these lists at the end of the file.

use crate::certificates::{ListError, UnfitLeaf};

/// Why an issuer's certificates are refused until its list is mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ClosedIssuer {
    /// There is no list of this issuer.
    #[error("there is no revocation list of this issuer")]
    Missing,
    /// The list cannot be used.
    #[error(transparent)]
    Unusable(#[from] ListError),
    /// The issuer's key usage does not let it sign lists.
    #[error("the issuer's key usage lacks cRLSign")]
    NotListSigner,
    /// The next list was due.
    #[error("the revocation list is stale")]
    Stale,
    /// The list is not yet valid: a clock is wrong, here or there.
    #[error("the revocation list is from the future")]
    FromTheFuture,
}

impl ClosedIssuer {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Missing,
        Self::Unusable(ListError::Malformed),
        Self::Unusable(ListError::NoNextUpdate),
        Self::Unusable(ListError::CriticalExtension),
        Self::Unusable(ListError::Signature),
        Self::NotListSigner,
        Self::Stale,
        Self::FromTheFuture,
    ];

    /// The word for logs, metrics and readiness.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Missing => "crl-missing",
            Self::Unusable(ListError::Malformed) => "crl-malformed",
            Self::Unusable(ListError::NoNextUpdate) => "crl-no-next-update",
            Self::Unusable(ListError::CriticalExtension) => "crl-critical-extension",
            Self::Unusable(ListError::Signature) => "crl-signature",
            Self::NotListSigner => "crl-signer",
            Self::Stale => "crl-stale",
            Self::FromTheFuture => "crl-future",
        }
    }
}

/// Why a caller's certificate is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefusedCertificate {
    /// The certificate cannot be read.
    #[error("the certificate cannot be read")]
    Malformed,
    /// It may not stand for a caller.
    #[error(transparent)]
    Unfit(#[from] UnfitLeaf),
    /// No path leads from it to an authority.
    #[error("no valid path to an authority: {0:?}")]
    Path(PathFlaw),
    /// The path is longer than four certificates.
    #[error("the path to the authority has more than four certificates")]
    PathTooLong,
    /// An issuer in the path may not sign certificates (keyCertSign).
    #[error("an issuer in the path may not sign certificates (key usage keyCertSign)")]
    IssuerMayNotSign,
    /// It or one of its issuers is revoked.
    #[error("the certificate, or one of its issuers, is revoked")]
    Revoked,
    /// An issuer in the path is closed.
    #[error("an issuer in the path is closed: {0}")]
    Closed(ClosedIssuer),
}

/// What webpki found wrong with a path, as far as it makes a difference to whoever reads the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PathFlaw {
    /// A certificate of the path has run out.
    Expired,
    /// A certificate of the path is not valid yet.
    NotValidYet,
    /// No configured authority signed it.
    UnknownIssuer,
    /// A signature is wrong, or of a kind that is not accepted (SHA-1, MD5, short RSA keys).
    Signature,
    /// The extended key usage does not fit.
    KeyUsage,
    /// Another rule of RFC 5280: basic constraints, path length, name constraints, form.
    Rule,
}

impl RefusedCertificate {
    /// All of them but those of a closed issuer, which are [`ClosedIssuer::ALL`].
    pub const ALL_BUT_CLOSED: [Self; 14] = [
        Self::Malformed,
        Self::Unfit(UnfitLeaf::Authority),
        Self::Unfit(UnfitLeaf::NoClientAuth),
        Self::Unfit(UnfitLeaf::NoDigitalSignature),
        Self::Unfit(UnfitLeaf::Key),
        Self::Path(PathFlaw::Expired),
        Self::Path(PathFlaw::NotValidYet),
        Self::Path(PathFlaw::UnknownIssuer),
        Self::Path(PathFlaw::Signature),
        Self::Path(PathFlaw::KeyUsage),
        Self::Path(PathFlaw::Rule),
        Self::PathTooLong,
        Self::IssuerMayNotSign,
        Self::Revoked,
    ];

    /// The word for logs and metrics.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Unfit(UnfitLeaf::Authority) => "leaf-is-authority",
            Self::Unfit(UnfitLeaf::NoClientAuth) => "leaf-no-client-auth",
            Self::Unfit(UnfitLeaf::NoDigitalSignature) => "leaf-no-digital-signature",
            Self::Unfit(UnfitLeaf::Key) => "leaf-key",
            Self::Path(PathFlaw::Expired) => "expired",
            Self::Path(PathFlaw::NotValidYet) => "not-valid-yet",
            Self::Path(PathFlaw::UnknownIssuer) => "unknown-issuer",
            Self::Path(PathFlaw::Signature) => "signature",
            Self::Path(PathFlaw::KeyUsage) => "key-usage",
            Self::Path(PathFlaw::Rule) => "path-rule",
            Self::PathTooLong => "path-too-long",
            Self::IssuerMayNotSign => "issuer-no-cert-sign",
            Self::Revoked => "revoked",
            Self::Closed(closed) => closed.code(),
        }
    }

    /// How far a path came before it was refused for this: of several paths, the one that came furthest tells most.
    fn progress(self) -> u8 {
        match self {
            Self::Malformed => 0,
            Self::Unfit(_) => 1,
            Self::Path(PathFlaw::UnknownIssuer | PathFlaw::Signature | PathFlaw::KeyUsage | PathFlaw::Rule) => 2,
            Self::PathTooLong => 3,
            Self::IssuerMayNotSign => 4,
            Self::Path(PathFlaw::Expired | PathFlaw::NotValidYet) => 5,
            Self::Closed(_) => 6,
            Self::Revoked => 7,
        }
    }

    /// The one that tells more, the first if both tell as much.
    pub(super) fn or(self, other: Self) -> Self {
        if other.progress() > self.progress() { other } else { self }
    }
}

/// Why a certificate of the operator's files cannot be an authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityError {
    /// It cannot be read.
    #[error("an authority's certificate cannot be read")]
    Malformed,
    /// It may not sign certificates.
    #[error("an authority's certificate may not sign certificates (basic constraints cA, key usage keyCertSign)")]
    MayNotSign,
    /// None of them is a root.
    #[error("none of the authorities is a root (self-issued)")]
    NoRoot,
}

/// What is wrong with a leaf of which webpki does not even take the form.
pub(super) fn unreadable(error: &webpki::Error) -> RefusedCertificate {
    use webpki::Error;
    match error {
        Error::SignatureAlgorithmMismatch | Error::UnsupportedCriticalExtension => {
            RefusedCertificate::Path(flaw_of(error))
        }
        // webpki's list is open: whatever else it finds is a matter of form.
        _ => RefusedCertificate::Malformed,
    }
}

/// What webpki found wrong with a path, in the words of the log.
pub(super) fn flaw_of(error: &webpki::Error) -> PathFlaw {
    use webpki::Error;
    match error {
        Error::CertExpired { .. } => PathFlaw::Expired,
        Error::CertNotValidYet { .. } => PathFlaw::NotValidYet,
        Error::UnknownIssuer => PathFlaw::UnknownIssuer,
        Error::InvalidSignatureForPublicKey
        | Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_)
        | Error::SignatureAlgorithmMismatch => PathFlaw::Signature,
        Error::RequiredEkuNotFoundContext(_) | Error::EmptyEkuExtension => PathFlaw::KeyUsage,
        // webpki's list is open: whatever else it finds is a rule of the path.
        _ => PathFlaw::Rule,
    }
}
