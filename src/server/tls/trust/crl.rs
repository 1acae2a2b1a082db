//! Finds and verifies the revocation list of an issuer, once, when the lists are read.

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateRevocationListDer, SignatureVerificationAlgorithm};

use super::refusal::ClosedIssuer;
use certificates::{ListError, Profile, RevocationList, SignedBytes, read_issuer};

/// The issuer's list among those configured: of several usable ones, the newest. If none is usable,
/// the reason is that of one that the issuer signed: the others may be signed by another key of its
/// name.
pub(super) fn find_list(
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
        RevocationList::from_der(list, verify).map_err(closed_by)
    });
    let rank = |list: &Result<RevocationList, ClosedIssuer>| match list {
        Ok(list) => (2, Some((list.this_update(), list.next_update(), list.revoked_count()))),
        Err(ClosedIssuer::Signature) => (0, None),
        Err(
            ClosedIssuer::Missing
            | ClosedIssuer::Malformed
            | ClosedIssuer::NoNextUpdate
            | ClosedIssuer::CriticalExtension
            | ClosedIssuer::NotListSigner
            | ClosedIssuer::Stale
            | ClosedIssuer::FromTheFuture,
        ) => (1, None),
    };
    read.max_by_key(rank).unwrap_or(Err(ClosedIssuer::Missing))
}

/// Why an unusable list closes its issuer.
fn closed_by(error: ListError) -> ClosedIssuer {
    match error {
        ListError::Malformed => ClosedIssuer::Malformed,
        ListError::NoNextUpdate => ClosedIssuer::NoNextUpdate,
        ListError::CriticalExtension => ClosedIssuer::CriticalExtension,
        ListError::Signature => ClosedIssuer::Signature,
    }
}

/// Whether the signature is the issuer's.
pub(super) fn is_signed(
    signed: SignedBytes<'_>,
    issuer: &Profile,
    algorithms: &[&dyn SignatureVerificationAlgorithm],
) -> bool {
    let fits = |algorithm: &&&dyn SignatureVerificationAlgorithm| {
        algorithm.signature_alg_id().as_ref() == signed.algorithm
            && algorithm.public_key_alg_id().as_ref() == issuer.key_algorithm
    };
    algorithms
        .iter()
        .filter(fits)
        .any(|algorithm| algorithm.verify_signature(&issuer.key_bits, signed.message, signed.signature).is_ok())
}
