//! Whom TLS lets in: the authorities, their revocation lists, and what webpki leaves open.
//!
//! webpki builds and verifies the path (signatures, validity, basic constraints, path length, name constraints). It
//! does not ask for keyCertSign, digitalSignature or an explicit clientAuth, and it would verify a revocation list's
//! signature in every handshake. Here lists are verified once, when they are read, and every path is held against
//! domain.md's rules. What a path's certificates and lists promise has an end: an [`Admission`] says when, so that a
//! connection that stays open can be asked again.
//!
//! A list that is missing, stale, from the future or badly signed closes its issuer, not the service.

use std::cell::Cell;
use std::time::Duration;

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime,
};
use webpki::{EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter, VerifiedPath, anchor_from_trusted_cert};

use crate::cert::{ListAge, ListError, Profile, RevocationList, SignedBytes, UnfitLeaf, read_issuer};
use crate::model::Timestamp;

/// The longest path, leaf and root counted (domain.md): a longer one only costs signature checks.
const MAX_PATH: usize = 4;

/// What is done about revoked certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revocation {
    /// Nothing: the configuration says so in so many words.
    None,
    /// Every issuer in a path must have a list that can be relied upon.
    Lists(Vec<CertificateRevocationListDer<'static>>),
}

/// The authorities whose callers are let in. Does not change; new files make a new one.
#[derive(Debug)]
pub struct Trust {
    anchors: Vec<TrustAnchor<'static>>,
    /// Of each anchor, in the same order.
    roots: Vec<Authority>,
    /// Of authorities that are not roots: known beside those that a caller sends.
    intermediates: Vec<Authority>,
    intermediate_certificates: Vec<CertificateDer<'static>>,
    revocation: RevocationRule,
    algorithms: WebPkiSupportedAlgorithms,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RevocationRule {
    Ignored,
    Demanded,
}

#[derive(Debug)]
struct Authority {
    certificate: CertificateDer<'static>,
    profile: Profile,
    list: Result<RevocationList, ClosedIssuer>,
}

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
    /// The word for logs and metrics.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Unfit(UnfitLeaf::Authority) => "leaf-is-authority",
            Self::Unfit(UnfitLeaf::NoClientAuth) => "leaf-no-client-auth",
            Self::Unfit(UnfitLeaf::NoDigitalSignature) => "leaf-no-digital-signature",
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
}

/// For how long a caller stays let in, as far as its path and the lists are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    from: Timestamp,
    until: Timestamp,
}

impl Admission {
    /// Whether the caller is still let in at the moment `now`.
    #[must_use]
    pub fn holds(self, now: Timestamp) -> bool {
        self.from <= now && now <= self.until
    }

    /// The span in which both hold.
    fn narrow(self, from: Timestamp, until: Timestamp) -> Self {
        Self { from: self.from.max(from), until: self.until.min(until) }
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

impl Trust {
    /// Judges the authorities' certificates and the lists. Self-issued certificates are roots, the others known
    /// intermediates.
    ///
    /// # Errors
    /// [`AuthorityError`] of the first certificate that cannot be an authority. A list never fails this: a bad one
    /// closes its issuer ([`Trust::closed_issuers`]).
    pub fn new(
        authorities: Vec<CertificateDer<'static>>,
        revocation: &Revocation,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Result<Self, AuthorityError> {
        let (rule, lists) = match revocation {
            Revocation::None => (RevocationRule::Ignored, &[][..]),
            Revocation::Lists(lists) => (RevocationRule::Demanded, lists.as_slice()),
        };
        let mut trust = Self {
            anchors: Vec::new(),
            roots: Vec::new(),
            intermediates: Vec::new(),
            intermediate_certificates: Vec::new(),
            revocation: rule,
            algorithms,
        };
        for certificate in authorities {
            let profile = Profile::from_der(&certificate).map_err(|_| AuthorityError::Malformed)?;
            if !profile.signs_certificates() {
                return Err(AuthorityError::MayNotSign);
            }
            let list = find_list(&profile, lists, algorithms);
            let is_root = profile.is_self_issued();
            let authority = Authority { certificate: certificate.clone(), profile, list };
            if is_root {
                let anchor = anchor_from_trusted_cert(&certificate).map_err(|_| AuthorityError::Malformed)?;
                trust.anchors.push(anchor.to_owned());
                trust.roots.push(authority);
            } else {
                trust.intermediate_certificates.push(certificate);
                trust.intermediates.push(authority);
            }
        }
        if trust.anchors.is_empty() { Err(AuthorityError::NoRoot) } else { Ok(trust) }
    }

    /// The issuers whose certificates are refused at the moment `now`, and why; empty where revocation is ignored.
    pub fn closed_issuers(&self, now: Timestamp) -> impl Iterator<Item = (&Profile, ClosedIssuer)> {
        let is_demanded = self.revocation == RevocationRule::Demanded;
        let authorities = self.roots.iter().chain(&self.intermediates).filter(move |_| is_demanded);
        authorities.filter_map(move |authority| Some((&authority.profile, authority.open_list(now).err()?)))
    }

    /// Judges a caller's certificate at the moment `now`.
    ///
    /// # Errors
    /// [`RefusedCertificate`]: of several paths, the reason that the last one was refused.
    pub fn admit(
        &self,
        leaf: &CertificateDer<'_>,
        sent: &[CertificateDer<'_>],
        now: Timestamp,
    ) -> Result<Admission, RefusedCertificate> {
        let profile = Profile::from_der(leaf).map_err(|_| RefusedCertificate::Malformed)?;
        profile.check_leaf()?;
        let intermediates: Vec<_> = sent
            .iter()
            .map(|sent| CertificateDer::from(sent.as_ref()))
            .chain(self.intermediate_certificates.iter().cloned())
            .collect();
        let end_entity = EndEntityCert::try_from(leaf).map_err(|_| RefusedCertificate::Malformed)?;
        let outcome: Cell<Option<Result<Admission, RefusedCertificate>>> = Cell::new(None);
        let judge = |path: &VerifiedPath<'_>| {
            let judged = self.judge_path(&profile, path, now);
            outcome.set(Some(judged));
            judged.map(|_| ()).map_err(|_| webpki::Error::CertRevoked)
        };
        let seconds = u64::try_from(now.as_millis() / 1_000).unwrap_or(0);
        let verified = end_entity.verify_for_usage(
            self.algorithms.all,
            &self.anchors,
            &intermediates,
            UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
            ClientAuthNamed,
            None,
            Some(&judge),
        );
        match (outcome.get(), verified) {
            (Some(Ok(admission)), Ok(_)) => Ok(admission),
            (Some(Err(refused)), _) => Err(refused),
            (_, Err(error)) => Err(RefusedCertificate::Path(flaw_of(&error))),
            // webpki accepts no path that was not judged.
            (None, Ok(_)) => Err(RefusedCertificate::Path(PathFlaw::Rule)),
        }
    }

    /// Holds a verified path against domain.md's rules, from the leaf to the root.
    fn judge_path(
        &self,
        leaf: &Profile,
        path: &VerifiedPath<'_>,
        now: Timestamp,
    ) -> Result<Admission, RefusedCertificate> {
        let root = self.anchors.iter().position(|anchor| anchor == path.anchor());
        let root = root.and_then(|place| self.roots.get(place)).ok_or(RefusedCertificate::Path(PathFlaw::Rule))?;
        let mut admission = Admission { from: leaf.not_before, until: leaf.not_after };
        let mut below = leaf.clone();
        let mut length = 2_usize;
        for certificate in path.intermediate_certificates() {
            length = length.saturating_add(1);
            let known = self.intermediates.iter().find(|known| known.certificate == certificate.der());
            let issuer = match known {
                Some(known) => known.profile.clone(),
                None => Profile::from_der(&certificate.der()).map_err(|_| RefusedCertificate::Malformed)?,
            };
            let list = known.map_or(Err(ClosedIssuer::Missing), |known| known.open_list(now));
            admission = self.judge_issued(&below, &issuer, list, admission)?;
            below = issuer;
        }
        if length > MAX_PATH {
            return Err(RefusedCertificate::PathTooLong);
        }
        admission = self.judge_issued(&below, &root.profile, root.open_list(now), admission)?;
        if !admission.holds(now) {
            // Only a root's own validity is left: webpki looked at the others.
            return Err(RefusedCertificate::Path(PathFlaw::Expired));
        }
        Ok(admission)
    }

    fn judge_issued(
        &self,
        issued: &Profile,
        issuer: &Profile,
        list: Result<&RevocationList, ClosedIssuer>,
        admission: Admission,
    ) -> Result<Admission, RefusedCertificate> {
        if !issuer.signs_certificates() {
            return Err(RefusedCertificate::IssuerMayNotSign);
        }
        let admission = admission.narrow(issuer.not_before, issuer.not_after);
        match self.revocation {
            RevocationRule::Ignored => Ok(admission),
            RevocationRule::Demanded => {
                let list = list.map_err(RefusedCertificate::Closed)?;
                if list.is_revoked(issued.serial) {
                    return Err(RefusedCertificate::Revoked);
                }
                Ok(admission.narrow(list.this_update(), list.next_update()))
            }
        }
    }
}

impl Authority {
    fn open_list(&self, now: Timestamp) -> Result<&RevocationList, ClosedIssuer> {
        let list = self.list.as_ref().map_err(|closed| *closed)?;
        match list.age(now) {
            ListAge::Current => Ok(list),
            ListAge::Stale => Err(ClosedIssuer::Stale),
            ListAge::FromTheFuture => Err(ClosedIssuer::FromTheFuture),
        }
    }
}

/// The issuer's list among those configured: of several that can be used, the one that was made last.
fn find_list(
    issuer: &Profile,
    lists: &[CertificateRevocationListDer<'static>],
    algorithms: WebPkiSupportedAlgorithms,
) -> Result<RevocationList, ClosedIssuer> {
    let own = lists.iter().filter(|list| read_issuer(list).is_ok_and(|name| name == issuer.subject));
    let read = own.map(|list| {
        if !issuer.signs_lists() {
            return Err(ClosedIssuer::NotListSigner);
        }
        let verify = |signed: SignedBytes<'_>| is_signed(signed, issuer, algorithms.all);
        RevocationList::from_der(list, verify).map_err(ClosedIssuer::Unusable)
    });
    let rank = |list: &Result<RevocationList, ClosedIssuer>| list.as_ref().map(RevocationList::this_update).ok();
    read.max_by_key(rank).unwrap_or(Err(ClosedIssuer::Missing))
}

fn is_signed(signed: SignedBytes<'_>, issuer: &Profile, algorithms: &[&dyn SignatureVerificationAlgorithm]) -> bool {
    let fits = |algorithm: &&&dyn SignatureVerificationAlgorithm| {
        algorithm.signature_alg_id().as_ref() == signed.algorithm
            && algorithm.public_key_alg_id().as_ref() == issuer.key_algorithm
    };
    algorithms
        .iter()
        .filter(fits)
        .any(|algorithm| algorithm.verify_signature(&issuer.key_bits, signed.message, signed.signature).is_ok())
}

/// The leaf's clientAuth is judged by [`Profile::check_leaf`]; an issuer that limits its purposes must name it too.
struct ClientAuthNamed;

impl ExtendedKeyUsageValidator for ClientAuthNamed {
    fn validate(&self, iter: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        webpki::KeyUsage::client_auth().validate(iter)
    }
}

fn flaw_of(error: &webpki::Error) -> PathFlaw {
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
