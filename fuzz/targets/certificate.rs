//! Certificates and CRLs: no panic, and facts that a second reader confirms.
//!
//! The second reader is x509-cert of RustCrypto, which shares no code with the first. If both read
//! a certificate, they must agree on key, issuer and validity. No text that is made from a subject
//! contains an SSIN.

#![no_main]

use certificates::{Facts, Profile, RevocationList, Serial, read_issuer};
use ehealth_core::model::{Ssin, Timestamp};
use libfuzzer_sys::fuzz_target;
use sha2::{Digest as _, Sha256};
use x509_cert::Certificate;
use x509_cert::der::{Decode, Encode};

fuzz_target!(|der: &[u8]| {
    let facts = Facts::from_der(der);
    let profile = Profile::from_der(der);
    assert!(facts.is_ok() || profile.is_err(), "a profile without facts");
    if let Ok(facts) = &facts {
        check_text(&facts.subject);
        if let Ok(number) = facts.organisation {
            let digits = number.to_string();
            let is_there = der.windows(digits.len()).any(|window| window == digits.as_bytes());
            assert!(is_there, "{digits} is not in the certificate");
        }
        if let Ok(certificate) = Certificate::from_der(der) {
            compare(facts, &certificate);
        }
    }
    if let Ok(profile) = &profile {
        check_text(&profile.subject_text());
        let _ = (profile.check_leaf(), profile.signs_certificates(), profile.vouches_for_clients());
        assert!(profile.has_name_and_key_of(profile));
    }
    let issuer = read_issuer(der);
    if let Ok(list) = RevocationList::from_der(der, |_| true) {
        assert!(issuer.is_ok(), "a CRL without an issuer");
        let _ = list.age(Timestamp::from_millis(1_700_000_000_000));
        if list.revoked_count() == 0 {
            assert!(!Serial::from_der(&[1]).is_some_and(|serial| list.is_revoked(serial)));
        }
    }
});

fn check_text(text: &str) {
    assert!(!text.chars().any(char::is_control), "{text:?}");
    let runs = text.split(|c: char| !c.is_ascii_digit());
    assert_eq!(runs.filter(|run| Ssin::parse(run).is_ok()).count(), 0, "{text:?}");
}

fn compare(facts: &Facts, certificate: &Certificate) {
    let body = &certificate.tbs_certificate;
    let Ok(key) = body.subject_public_key_info.to_der() else { return };
    assert_eq!(facts.key.as_bytes().as_slice(), Sha256::digest(key).as_slice());
    let millis = |time: x509_cert::time::Time| i64::try_from(time.to_unix_duration().as_millis()).expect("a time");
    assert_eq!(facts.not_before.as_millis(), millis(body.validity.not_before));
    assert_eq!(facts.not_after.as_millis(), millis(body.validity.not_after));
}
