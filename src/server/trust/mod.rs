//! Whom TLS lets in: the authorities, their revocation lists, and what webpki leaves open.
//!
//! webpki builds and verifies the path (signatures, validity, basic constraints, path length, name constraints). It
//! does not ask for keyCertSign, digitalSignature or an explicit clientAuth, and it would verify a revocation list's
//! signature in every handshake. Here lists are verified once, when they are read, and every path is held against
//! domain.md's rules, and a root against its own validity, path length and purposes, which webpki leaves out of its
//! anchors. What a path's certificates and lists promise has an end: an [`Admission`] says when, so that a
//! connection that stays open can be asked again.
//!
//! A list that is missing, stale, from the future or badly signed closes its issuer, not the service.

use std::cell::Cell;
use std::time::Duration;

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter, VerifiedPath, anchor_from_trusted_cert};

use crate::certificates::{ListAge, Profile, RevocationList};
use ehealth_core::model::Timestamp;

mod admission;
mod lists;
mod refused;

pub use admission::Admission;
use lists::find_list;
pub use refused::{AuthorityError, ClosedIssuer, PathFlaw, RefusedCertificate};
use refused::{flaw_of, unreadable};

/// The longest path, leaf and root counted (domain.md). A caller may send no more certificates either: webpki tries
/// every order of those whose names fit before it looks at a signature, and ten of one name among two hundred others
/// keep it busy for seconds.
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

/// An authority at a moment.
#[derive(Debug, Clone, Copy)]
pub struct AuthorityAt<'a> {
    /// Its certificate.
    pub profile: &'a Profile,
    /// Its list, or why it is closed; `None` where revocation is ignored.
    pub list: Option<Result<&'a RevocationList, ClosedIssuer>>,
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
            let is_known = |known: &Authority| known.certificate == certificate;
            if trust.roots.iter().chain(&trust.intermediates).any(is_known) {
                // In two of the operator's files: one is enough.
                continue;
            }
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

    /// Every authority, roots first, as it is at the moment `now`.
    pub fn authorities(&self, now: Timestamp) -> impl Iterator<Item = AuthorityAt<'_>> {
        let lists_are_demanded = self.revocation == RevocationRule::Demanded;
        self.roots.iter().chain(&self.intermediates).map(move |authority| AuthorityAt {
            profile: &authority.profile,
            list: lists_are_demanded.then(|| self.open_list(&authority.profile, now)),
        })
    }

    /// The issuers whose certificates are refused at the moment `now`, and why; empty where revocation is ignored.
    pub fn closed_issuers(&self, now: Timestamp) -> impl Iterator<Item = (&Profile, ClosedIssuer)> {
        let is_demanded = self.revocation == RevocationRule::Demanded;
        let authorities = self.roots.iter().chain(&self.intermediates).filter(move |_| is_demanded);
        authorities
            .filter_map(move |authority| Some((&authority.profile, self.open_list(&authority.profile, now).err()?)))
    }

    /// Judges a caller's certificate at the moment `now`.
    ///
    /// # Errors
    /// [`RefusedCertificate`]: of several paths, the reason that the one that came furthest was refused.
    pub fn admit(
        &self,
        leaf: &CertificateDer<'_>,
        sent: &[CertificateDer<'_>],
        now: Timestamp,
    ) -> Result<Admission, RefusedCertificate> {
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
        let outcome: Cell<Option<Result<Admission, RefusedCertificate>>> = Cell::new(None);
        let judge = |path: &VerifiedPath<'_>| {
            let judged = self.judge_path(&profile, path, now).map_err(|refused| match outcome.get() {
                Some(Err(earlier)) => refused.or(earlier),
                Some(Ok(_)) | None => refused,
            });
            outcome.set(Some(judged));
            judged.map(|_| ()).map_err(|_| webpki::Error::CertRevoked)
        };
        let seconds = u64::try_from(now.as_millis().div_euclid(1_000)).unwrap_or(0);
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

    /// Holds a verified path against domain.md's rules.
    fn judge_path(
        &self,
        leaf: &Profile,
        path: &VerifiedPath<'_>,
        now: Timestamp,
    ) -> Result<Admission, RefusedCertificate> {
        let certificates = path.intermediate_certificates().map(|certificate| Profile::from_der(&certificate.der()));
        let intermediates: Vec<_> =
            certificates.collect::<Result<_, _>>().map_err(|_| RefusedCertificate::Malformed)?;
        // By place, not by value: a root that was renewed under its old key makes an equal anchor.
        let root = self.anchors.iter().position(|anchor| std::ptr::eq(anchor, path.anchor()));
        let root = root.and_then(|place| self.roots.get(place)).ok_or(RefusedCertificate::Path(PathFlaw::Rule))?;
        let issuers: Vec<_> = intermediates.iter().chain([&root.profile]).collect();
        if issuers.len() >= MAX_PATH {
            return Err(RefusedCertificate::PathTooLong);
        }
        // webpki looks at the others' path length and purposes, but of a root it knows only name, key and constraints.
        if !root.profile.allows_below(intermediates.len()) {
            return Err(RefusedCertificate::Path(PathFlaw::Rule));
        }
        if !root.profile.vouches_for_clients() {
            return Err(RefusedCertificate::Path(PathFlaw::KeyUsage));
        }
        let mut judged = Ok(Admission::of_certificate(leaf));
        for (issued, issuer) in std::iter::once(leaf).chain(issuers.iter().copied()).zip(issuers.iter().copied()) {
            judged = match (judged, self.judge_issued(issued, issuer, now)) {
                (Ok(before), Ok(also)) => Ok(before.and(also)),
                (Err(before), Err(also)) => Err(before.or(also)),
                (Err(refused), Ok(_)) | (Ok(_), Err(refused)) => Err(refused),
            };
        }
        judged
    }

    /// For how long a certificate may be believed to this issuer.
    fn judge_issued(
        &self,
        issued: &Profile,
        issuer: &Profile,
        now: Timestamp,
    ) -> Result<Admission, RefusedCertificate> {
        if !issuer.signs_certificates() {
            return Err(RefusedCertificate::IssuerMayNotSign);
        }
        let admission = Admission::of_certificate(issuer);
        if let Some(flaw) = admission.flaw(now) {
            // A root's: webpki looked at the others.
            return Err(RefusedCertificate::Path(flaw));
        }
        match self.revocation {
            RevocationRule::Ignored => Ok(admission),
            RevocationRule::Demanded => {
                let list = self.open_list(issuer, now).map_err(RefusedCertificate::Closed)?;
                if list.is_revoked(issued.serial) {
                    return Err(RefusedCertificate::Revoked);
                }
                Ok(admission.and(Admission::of_list(list)))
            }
        }
    }

    /// The list of an issuer. A list is a name's and a key's, not a certificate's: one that the issuer has under another
    /// certificate of the same name and key (renewed, or signed by another authority) is its list as well.
    fn open_list(&self, issuer: &Profile, now: Timestamp) -> Result<&RevocationList, ClosedIssuer> {
        let authorities = self.roots.iter().chain(&self.intermediates);
        let same = authorities.filter(|known| known.profile.has_name_and_key_of(issuer));
        let mut lists = same.map(|known| known.open_list(now));
        let first = lists.next().unwrap_or(Err(ClosedIssuer::Missing));
        // An open one if there is one, or else the reason of the first.
        lists.fold(first, |found, list| found.or(list.or(found)))
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

/// The leaf's clientAuth is judged by [`Profile::check_leaf`]; an issuer that limits its purposes must name it too.
struct ClientAuthNamed;

impl ExtendedKeyUsageValidator for ClientAuthNamed {
    fn validate(&self, iter: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        webpki::KeyUsage::client_auth().validate(iter)
    }
}
