//! Which revocation list is an issuer's, judged once when the lists are read.

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateRevocationListDer, SignatureVerificationAlgorithm};

use super::refused::ClosedIssuer;
use crate::certificates::{ListError, Profile, RevocationList, SignedBytes, read_issuer};

/// The issuer's list among those configured: of several that can be used, the one that was made last. Where none can,
/// the reason is that of one that the issuer did sign: those it did not may be those of another key under its name.
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
        RevocationList::from_der(list, verify).map_err(ClosedIssuer::Unusable)
    });
    let rank = |list: &Result<RevocationList, ClosedIssuer>| match list {
        Ok(list) => (2, Some((list.this_update(), list.next_update(), list.revoked_count()))),
        Err(ClosedIssuer::Unusable(ListError::Signature)) => (0, None),
        Err(_) => (1, None),
    };
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
