//! Why a certificate is refused: closed lists of reasons, each with a code for logs, metrics and
//! readiness.
//!
//! Nothing is verified here. The end of the file maps webpki's errors to these lists.

use certificates::UnfitLeaf;

ehealth_core::closed_enum! {
    /// Why an issuer is closed: its certificates are refused until its revocation list is usable.
    /// Codes: logs, metrics and readiness.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
    pub enum ClosedIssuer {
        /// There is no list of this issuer.
        #[error("there is no revocation list of this issuer")]
        Missing => "crl-missing",
        /// The list is not DER, or violates RFC 5280.
        #[error("the revocation list is malformed")]
        Malformed => "crl-malformed",
        /// The list would never become stale.
        #[error("the revocation list has no nextUpdate")]
        NoNextUpdate => "crl-no-next-update",
        /// The list is partial, indirect or a delta, or has another critical extension.
        #[error("the revocation list has a critical extension; partial, indirect and delta lists are not supported")]
        CriticalExtension => "crl-critical-extension",
        /// The list is not signed by this issuer.
        #[error("the revocation list is not signed by its issuer")]
        Signature => "crl-signature",
        /// The issuer's key usage does not allow it to sign lists.
        #[error("the issuer's key usage lacks cRLSign")]
        NotListSigner => "crl-signer",
        /// The list's nextUpdate has passed.
        #[error("the revocation list is stale")]
        Stale => "crl-stale",
        /// The list is not valid yet: the issuer's clock or ours is wrong.
        #[error("the revocation list is from the future")]
        FromTheFuture => "crl-future",
    }
}

/// Why a client's certificate is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefusedCertificate {
    /// The certificate is malformed.
    #[error("the certificate is malformed")]
    Malformed,
    /// It may not be a client's.
    #[error(transparent)]
    Unfit(#[from] UnfitLeaf),
    /// No valid path leads from it to an authority.
    #[error("no valid path to an authority: {0}")]
    Path(PathError),
    /// The path has more than four certificates.
    #[error("the path to the authority has more than four certificates")]
    PathTooLong,
    /// An issuer in the path may not sign certificates (keyCertSign).
    #[error("an issuer in the path may not sign certificates (key usage keyCertSign)")]
    IssuerMayNotSign,
    /// The certificate or one of its issuers is revoked.
    #[error("the certificate, or one of its issuers, is revoked")]
    Revoked,
    /// An issuer in the path is closed.
    #[error("an issuer in the path is closed: {0}")]
    Closed(ClosedIssuer),
}

/// What webpki found wrong with a path, as far as it makes a difference to a reader of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PathError {
    /// A certificate of the path has expired.
    #[error("a certificate has expired")]
    Expired,
    /// A certificate of the path is not valid yet.
    #[error("a certificate is not valid yet")]
    NotValidYet,
    /// No configured authority signed it.
    #[error("no configured authority signed it")]
    UnknownIssuer,
    /// A signature is wrong, or of an unsupported kind (SHA-1, MD5, short RSA keys).
    #[error("a signature is wrong or its algorithm is not supported")]
    Signature,
    /// The extended key usage does not fit.
    #[error("an extended key usage lacks clientAuth")]
    KeyUsage,
    /// Another rule of RFC 5280: basic constraints, path length, name constraints, form.
    #[error("it violates RFC 5280 (basic constraints, path length, name constraints or form)")]
    Rule,
}

ehealth_core::closed_enum! {
    /// Codes of refused certificates, for logs and metrics, except those of closed issuers
    /// ([`ClosedIssuer`]).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum RefusalCode {
        /// [`RefusedCertificate::Malformed`].
        Malformed => "malformed",
        /// [`UnfitLeaf::Authority`].
        LeafIsAuthority => "leaf-is-authority",
        /// [`UnfitLeaf::NoClientAuth`].
        LeafNoClientAuth => "leaf-no-client-auth",
        /// [`UnfitLeaf::NoDigitalSignature`].
        LeafNoDigitalSignature => "leaf-no-digital-signature",
        /// [`UnfitLeaf::Key`].
        LeafKey => "leaf-key",
        /// [`PathError::Expired`].
        Expired => "expired",
        /// [`PathError::NotValidYet`].
        NotValidYet => "not-valid-yet",
        /// [`PathError::UnknownIssuer`].
        UnknownIssuer => "unknown-issuer",
        /// [`PathError::Signature`].
        Signature => "signature",
        /// [`PathError::KeyUsage`].
        KeyUsage => "key-usage",
        /// [`PathError::Rule`].
        PathRule => "path-rule",
        /// [`RefusedCertificate::PathTooLong`].
        PathTooLong => "path-too-long",
        /// [`RefusedCertificate::IssuerMayNotSign`].
        IssuerNoCertSign => "issuer-no-cert-sign",
        /// [`RefusedCertificate::Revoked`].
        Revoked => "revoked",
    }
}

impl RefusedCertificate {
    /// Code for logs and metrics: a [`RefusalCode`], or that of a [`ClosedIssuer`].
    #[must_use]
    pub fn code(self) -> &'static str {
        let code = match self {
            Self::Malformed => RefusalCode::Malformed,
            Self::Unfit(UnfitLeaf::Authority) => RefusalCode::LeafIsAuthority,
            Self::Unfit(UnfitLeaf::NoClientAuth) => RefusalCode::LeafNoClientAuth,
            Self::Unfit(UnfitLeaf::NoDigitalSignature) => RefusalCode::LeafNoDigitalSignature,
            Self::Unfit(UnfitLeaf::Key) => RefusalCode::LeafKey,
            Self::Path(PathError::Expired) => RefusalCode::Expired,
            Self::Path(PathError::NotValidYet) => RefusalCode::NotValidYet,
            Self::Path(PathError::UnknownIssuer) => RefusalCode::UnknownIssuer,
            Self::Path(PathError::Signature) => RefusalCode::Signature,
            Self::Path(PathError::KeyUsage) => RefusalCode::KeyUsage,
            Self::Path(PathError::Rule) => RefusalCode::PathRule,
            Self::PathTooLong => RefusalCode::PathTooLong,
            Self::IssuerMayNotSign => RefusalCode::IssuerNoCertSign,
            Self::Revoked => RefusalCode::Revoked,
            Self::Closed(closed) => return closed.code(),
        };
        code.code()
    }

    /// How far a path came before it was refused. Of several paths, the furthest is reported.
    fn progress(self) -> u8 {
        match self {
            Self::Malformed => 0,
            Self::Unfit(_) => 1,
            Self::Path(PathError::UnknownIssuer | PathError::Signature | PathError::KeyUsage | PathError::Rule) => 2,
            Self::PathTooLong => 3,
            Self::IssuerMayNotSign => 4,
            Self::Path(PathError::Expired | PathError::NotValidYet) => 5,
            Self::Closed(_) => 6,
            Self::Revoked => 7,
        }
    }

    /// The refusal of the path that came further; the first if both came as far.
    pub(super) fn or(self, other: Self) -> Self {
        if other.progress() > self.progress() { other } else { self }
    }
}

/// Why a certificate of the operator's files cannot be an authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityError {
    /// The certificate is malformed.
    #[error("an authority's certificate is malformed")]
    Malformed,
    /// It may not sign certificates.
    #[error("an authority's certificate may not sign certificates (basic constraints cA, key usage keyCertSign)")]
    MayNotSign,
    /// None of the certificates is a root.
    #[error("none of the authorities is a root (self-issued)")]
    NoRoot,
}

/// Refusal of a leaf that webpki cannot even parse.
#[allow(clippy::wildcard_enum_match_arm, reason = "foreign enum, grows with its library")]
pub(super) fn unreadable(error: &webpki::Error) -> RefusedCertificate {
    use webpki::Error;
    match error {
        Error::SignatureAlgorithmMismatch | Error::UnsupportedCriticalExtension => {
            RefusedCertificate::Path(path_error_of(error))
        }
        // Every other error concerns the form.
        _ => RefusedCertificate::Malformed,
    }
}

/// Maps webpki's error for a path.
#[allow(clippy::wildcard_enum_match_arm, reason = "foreign enum, grows with its library")]
pub(super) fn path_error_of(error: &webpki::Error) -> PathError {
    use webpki::Error;
    match error {
        Error::CertExpired { .. } => PathError::Expired,
        Error::CertNotValidYet { .. } => PathError::NotValidYet,
        Error::UnknownIssuer => PathError::UnknownIssuer,
        Error::InvalidSignatureForPublicKey
        | Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_)
        | Error::SignatureAlgorithmMismatch => PathError::Signature,
        Error::RequiredEkuNotFoundContext(_) | Error::EmptyEkuExtension => PathError::KeyUsage,
        // Every other error is a rule of the path.
        _ => PathError::Rule,
    }
}
