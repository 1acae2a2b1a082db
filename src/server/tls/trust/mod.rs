//! Admitted clients: the authorities, their revocation lists, and the rules that webpki leaves
//! open.
//!
//! webpki builds and verifies the path (signatures, validity, basic constraints, path length, name
//! constraints). It does not require keyCertSign, digitalSignature or an explicit clientAuth, and
//! it would verify a revocation list's signature in every handshake. Here lists are verified once,
//! when they are read. Every path is checked against the rules of
//! docs/reference/domain.md "Certificates", and a root against its own validity, path length and
//! purposes, which webpki drops from its anchors. An [`Admission`] says until when a path's
//! certificates and lists are valid, so that a connection that stays open can be checked again.
//!
//! A list that is missing, stale, from the future or badly signed closes its issuer, not the
//! service.

use std::cell::Cell;
use std::time::Duration;

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter, VerifiedPath, anchor_from_trusted_cert};

use certificates::{ListAge, Profile, RevocationList, read_issuer, sha256};
use ehealth_core::model::{Digest, Timestamp};

mod admission;
mod crl;
mod issuer;
mod refusal;

pub use admission::Admission;
use crl::find_list;
pub use issuer::find_issuer_key;
pub use refusal::{AuthorityError, ClosedIssuer, PathError, RefusalCode, RefusedCertificate};
use refusal::{path_error_of, unreadable};

/// Maximum length of a path, including leaf and root (docs/reference/domain.md "Certificates"). A
/// client may send no more certificates either: webpki tries every order of those whose names fit
/// before it verifies a signature, and ten of one name among two hundred others keep it busy for
/// seconds.
const MAX_PATH: usize = 4;

/// How revoked certificates are handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revocation {
    /// They are admitted: the configuration says `none`.
    None,
    /// Every issuer in a path must have a current list.
    Lists(Vec<CertificateRevocationListDer<'static>>),
}

/// The authorities whose clients are admitted. Immutable; a reload makes a new one.
#[derive(Debug)]
pub struct Trust {
    anchors: Vec<TrustAnchor<'static>>,
    /// One for each anchor, in the same order.
    roots: Vec<Authority>,
    /// Authorities that are not roots: known in addition to those that a client sends.
    intermediates: Vec<Authority>,
    intermediate_certificates: Vec<CertificateDer<'static>>,
    revocation: RevocationRule,
    algorithms: WebPkiSupportedAlgorithms,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RevocationRule {
    Ignored,
    Required,
}

#[derive(Debug)]
struct Authority {
    certificate: CertificateDer<'static>,
    profile: Profile,
    list: Result<RevocationList, ClosedIssuer>,
}

/// A client's certificate whose path was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admitted {
    /// Period for which the client is admitted.
    pub admission: Admission,
    /// SHA-256 of the public key (`SubjectPublicKeyInfo`, DER) of the authority that signed the
    /// certificate. Its name proves nothing: another authority may issue an intermediate of the
    /// same name.
    pub issuer_key: Digest,
}

/// An authority at one moment.
#[derive(Debug, Clone, Copy)]
pub struct AuthorityAt<'a> {
    /// Its certificate.
    pub profile: &'a Profile,
    /// Its list, or why it is closed; `None` if revocation is ignored.
    pub list: Option<Result<&'a RevocationList, ClosedIssuer>>,
}

impl Trust {
    /// Validates the authorities' certificates and the lists. Self-issued certificates are roots,
    /// the others known intermediates.
    ///
    /// # Errors
    /// [`AuthorityError`] of the first certificate that cannot be an authority. Lists never cause
    /// an error: an unusable one closes its issuer ([`Trust::closed_issuers`]).
    pub fn new(
        authorities: Vec<CertificateDer<'static>>,
        revocation: &Revocation,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Result<Self, AuthorityError> {
        let (rule, lists) = match revocation {
            Revocation::None => (RevocationRule::Ignored, &[][..]),
            Revocation::Lists(lists) => (RevocationRule::Required, lists.as_slice()),
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
            let is_known = |known: &Authority| known.certificate == certificate;
            if trust.roots.iter().chain(&trust.intermediates).any(is_known) {
                // In two of the operator's files: one is enough.
                continue;
            }
            let profile = read_authority(&certificate)?;
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

    /// Checks one certificate of the operator's files as [`Trust::new`] does.
    pub(super) fn check(certificate: &CertificateDer<'_>) -> Result<(), AuthorityError> {
        if read_authority(certificate)?.is_self_issued() {
            anchor_from_trusted_cert(certificate).map_err(|_| AuthorityError::Malformed)?;
        }
        Ok(())
    }

    /// Every authority, roots first, as it is at `now`.
    pub fn authorities(&self, now: Timestamp) -> impl Iterator<Item = AuthorityAt<'_>> {
        let is_required = self.revocation == RevocationRule::Required;
        self.roots.iter().chain(&self.intermediates).map(move |authority| AuthorityAt {
            profile: &authority.profile,
            list: is_required.then(|| self.open_list(&authority.profile, now)),
        })
    }

    /// Name of each authority, with the SHA-256 of its DER encoding: the form that pins of issuers
    /// had in version 0.1.
    pub fn authority_names(&self) -> impl Iterator<Item = (Digest, String)> {
        let authorities = self.roots.iter().chain(&self.intermediates);
        authorities.map(|authority| (sha256(&authority.profile.subject), authority.profile.subject_text()))
    }

    /// Issuers whose certificates are refused at `now`, and why; none if revocation is ignored.
    pub fn closed_issuers(&self, now: Timestamp) -> impl Iterator<Item = (&Profile, ClosedIssuer)> {
        let is_required = self.revocation == RevocationRule::Required;
        let authorities = self.roots.iter().chain(&self.intermediates).filter(move |_| is_required);
        authorities
            .filter_map(move |authority| Some((&authority.profile, self.open_list(&authority.profile, now).err()?)))
    }

    /// Whether one of the authorities has the name of the list's issuer.
    #[must_use]
    pub fn is_issuer_of(&self, list: &CertificateRevocationListDer<'_>) -> bool {
        let mut authorities = self.roots.iter().chain(&self.intermediates);
        read_issuer(list).is_ok_and(|name| authorities.any(|authority| authority.profile.subject == name))
    }

    /// Verifies a client's certificate at `now`.
    ///
    /// # Errors
    /// [`RefusedCertificate`]: of several paths, the reason of the one that came furthest.
    pub fn admit(
        &self,
        leaf: &CertificateDer<'_>,
        sent: &[CertificateDer<'_>],
        now: Timestamp,
    ) -> Result<Admitted, RefusedCertificate> {
        let profile = Profile::from_der(leaf).map_err(|_| RefusedCertificate::Malformed)?;
        profile.check_leaf()?;
        if sent.len() >= MAX_PATH {
            return Err(RefusedCertificate::PathTooLong);
        }
        let intermediates: Vec<_> = sent
            .iter()
            .map(|sent| CertificateDer::from(sent.as_ref()))
            .chain(self.intermediate_certificates.iter().cloned())
            .collect();
        let end_entity = EndEntityCert::try_from(leaf).map_err(|error| unreadable(&error))?;
        let outcome: Cell<Option<Result<Admitted, RefusedCertificate>>> = Cell::new(None);
        let check = |path: &VerifiedPath<'_>| {
            let checked = self.check_path(&profile, path, now).map_err(|refused| match outcome.get() {
                Some(Err(earlier)) => refused.or(earlier),
                Some(Ok(_)) | None => refused,
            });
            outcome.set(Some(checked));
            checked.map(|_| ()).map_err(|_| webpki::Error::CertRevoked)
        };
        let seconds = u64::try_from(now.as_millis().div_euclid(1_000)).unwrap_or(0);
        let verified = end_entity.verify_for_usage(
            self.algorithms.all,
            &self.anchors,
            &intermediates,
            UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
            ClientAuthNamed,
            None,
            Some(&check),
        );
        match (outcome.get(), verified) {
            (Some(Ok(admitted)), Ok(_)) => Ok(admitted),
            (Some(Err(refused)), _) => Err(refused),
            (Some(Ok(_)) | None, Err(error)) => Err(RefusedCertificate::Path(path_error_of(&error))),
            // webpki accepts no path that was not checked.
            (None, Ok(_)) => Err(RefusedCertificate::Path(PathError::Rule)),
        }
    }

    /// Checks a verified path against the rules of docs/reference/domain.md "Certificates".
    fn check_path(
        &self,
        leaf: &Profile,
        path: &VerifiedPath<'_>,
        now: Timestamp,
    ) -> Result<Admitted, RefusedCertificate> {
        let certificates = path.intermediate_certificates().map(|certificate| Profile::from_der(&certificate.der()));
        let intermediates: Vec<_> =
            certificates.collect::<Result<_, _>>().map_err(|_| RefusedCertificate::Malformed)?;
        // By identity, not by value: a root that was renewed with its old key makes an equal
        // anchor.
        let root = self.anchors.iter().position(|anchor| std::ptr::eq(anchor, path.anchor()));
        let root = root.and_then(|index| self.roots.get(index)).ok_or(RefusedCertificate::Path(PathError::Rule))?;
        let issuers: Vec<_> = intermediates.iter().chain([&root.profile]).collect();
        if issuers.len() >= MAX_PATH {
            return Err(RefusedCertificate::PathTooLong);
        }
        let issuer_key = intermediates.first().unwrap_or(&root.profile).key;
        // webpki checks path length and purposes of the others. Of a root it knows only name, key
        // and name constraints.
        if !root.profile.allows_below(intermediates.len()) {
            return Err(RefusedCertificate::Path(PathError::Rule));
        }
        if !root.profile.vouches_for_clients() {
            return Err(RefusedCertificate::Path(PathError::KeyUsage));
        }
        let mut checked = Ok(Admission::of_certificate(leaf));
        for (issued, issuer) in std::iter::once(leaf).chain(issuers.iter().copied()).zip(issuers.iter().copied()) {
            checked = match (checked, self.check_issued(issued, issuer, now)) {
                (Ok(before), Ok(also)) => Ok(before.and(also)),
                (Err(before), Err(also)) => Err(before.or(also)),
                (Err(refused), Ok(_)) | (Ok(_), Err(refused)) => Err(refused),
            };
        }
        checked.map(|admission| Admitted { admission, issuer_key })
    }

    /// Period for which this issuer's certificate and list support the issued certificate.
    fn check_issued(
        &self,
        issued: &Profile,
        issuer: &Profile,
        now: Timestamp,
    ) -> Result<Admission, RefusedCertificate> {
        if !issuer.signs_certificates() {
            return Err(RefusedCertificate::IssuerMayNotSign);
        }
        let admission = Admission::of_certificate(issuer);
        if let Some(error) = admission.error_at(now) {
            // Only a root gets here: webpki checked the others.
            return Err(RefusedCertificate::Path(error));
        }
        match self.revocation {
            RevocationRule::Ignored => Ok(admission),
            RevocationRule::Required => {
                let list = self.open_list(issuer, now).map_err(RefusedCertificate::Closed)?;
                if list.is_revoked(issued.serial) {
                    return Err(RefusedCertificate::Revoked);
                }
                Ok(admission.and(Admission::of_list(list)))
            }
        }
    }

    /// The list of an issuer. A list belongs to a name and a key, not to a certificate: the list of
    /// another certificate with the same name and key (renewed, or signed by another authority)
    /// counts.
    fn open_list(&self, issuer: &Profile, now: Timestamp) -> Result<&RevocationList, ClosedIssuer> {
        let authorities = self.roots.iter().chain(&self.intermediates);
        let same = authorities.filter(|known| known.profile.has_name_and_key_of(issuer));
        let mut lists = same.map(|known| known.open_list(now));
        let first = lists.next().unwrap_or(Err(ClosedIssuer::Missing));
        // A current one if there is one, or else the reason of the first.
        lists.fold(first, |found, list| found.or(list.or(found)))
    }
}

fn read_authority(certificate: &CertificateDer<'_>) -> Result<Profile, AuthorityError> {
    let profile = Profile::from_der(certificate).map_err(|_| AuthorityError::Malformed)?;
    if profile.signs_certificates() { Ok(profile) } else { Err(AuthorityError::MayNotSign) }
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

/// [`Profile::check_leaf`] checks the leaf's clientAuth. An issuer that limits its purposes must
/// name it too.
struct ClientAuthNamed;

impl ExtendedKeyUsageValidator for ClientAuthNamed {
    fn validate(&self, iter: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        webpki::KeyUsage::client_auth().validate(iter)
    }
}
