//! Identifies the organisation of a subject by the two conventions in use
//! (docs/reference/domain.md "Identifiers").
//!
//! Federal certificates have an OU `urn:be:fgov:kbo-bce:organization:cbe-number:NNNNNNNNNN`;
//! eHealth certificates have a CN or OU `CBE=NNNNNNNNNN`, and the CN may continue with
//! `, APPLICATION`. Every such claim in every CN and OU counts, and all must name the same number.
//! Text that could be a claim but is malformed refuses the whole certificate: what one parser
//! overlooks, another might accept.

use x509_parser::asn1_rs::{Any, Class, Tag};
use x509_parser::oid_registry::{OID_X509_COMMON_NAME, OID_X509_ORGANIZATIONAL_UNIT};
use x509_parser::x509::X509Name;

use ehealth_core::model::{EnterpriseNumber, EnterpriseNumberError};

/// Prefix of the claim in a federal certificate.
const URN: &str = "urn:be:fgov:kbo-bce:organization:cbe-number:";
/// Prefix of the claim in an eHealth certificate.
const CBE: &str = "CBE=";

ehealth_core::closed_enum! {
    /// Why a subject identifies no organisation. Codes: logs and metrics.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
    pub enum IdentityError {
        /// No claim at all.
        #[error("no CN or OU names an organisation")]
        NoOrganisation => "no-organisation",
        /// Two claims with different numbers.
        #[error("the subject names two organisations")]
        TwoOrganisations => "two-organisations",
        /// A claim that does not begin its part, or is not followed by ten digits and the part's
        /// end.
        #[error("the subject names an organisation in a malformed way")]
        Malformed => "malformed-number",
        /// A claim whose number has wrong check digits or begins with 9.
        #[error("the subject names an invalid enterprise number (first digit or check digits)")]
        NoEnterpriseNumber => "no-enterprise-number",
        /// A claim with the number of an establishment unit.
        #[error("the subject names an establishment unit, not an enterprise")]
        EstablishmentUnit => "establishment-unit",
        /// A control character in a CN or OU: some software stops reading at a NUL.
        #[error("a CN or OU contains a control character")]
        ControlCharacter => "control-character",
        /// A CN or OU that is neither a UTF8String nor a PrintableString.
        #[error("a CN or OU is neither a UTF8String nor a PrintableString")]
        StringType => "string-type",
        /// A relative distinguished name of several attributes, whose order has no meaning.
        #[error("the subject has a multi-valued relative distinguished name")]
        MultiValued => "multi-valued",
    }
}

/// Identifies the organisation of a subject.
///
/// # Errors
/// [`IdentityError`] if it names none, or not unambiguously.
pub(super) fn identify(subject: &X509Name<'_>) -> Result<EnterpriseNumber, IdentityError> {
    let mut found = None;
    for rdn in subject.iter_rdn() {
        if rdn.iter().nth(1).is_some() {
            return Err(IdentityError::MultiValued);
        }
        for attribute in rdn.iter() {
            let oid = attribute.attr_type();
            if *oid == OID_X509_COMMON_NAME || *oid == OID_X509_ORGANIZATIONAL_UNIT {
                let text = read_text(attribute.attr_value())?;
                read_claims(text, &mut found)?;
            }
        }
    }
    found.ok_or(IdentityError::NoOrganisation)
}

fn read_text<'a>(value: &'a Any<'_>) -> Result<&'a str, IdentityError> {
    // A tag number has its meaning in the universal class only, and DER has no constructed strings.
    let is_string = value.header.class() == Class::Universal
        && !value.header.is_constructed()
        && matches!(value.header.tag(), Tag::Utf8String | Tag::PrintableString);
    if !is_string {
        return Err(IdentityError::StringType);
    }
    let text = std::str::from_utf8(value.data).map_err(|_| IdentityError::StringType)?;
    if text.chars().any(char::is_control) { Err(IdentityError::ControlCharacter) } else { Ok(text) }
}

/// Reads every claim in one CN or OU, a comma-separated list of parts.
fn read_claims(text: &str, found: &mut Option<EnterpriseNumber>) -> Result<(), IdentityError> {
    for part in text.split(',') {
        let part = part.trim_start_matches(' ');
        let claim = part.strip_prefix(CBE).or_else(|| part.strip_prefix(URN));
        let Some(number) = claim else {
            if part.contains(CBE) || part.contains(URN) {
                return Err(IdentityError::Malformed);
            }
            continue;
        };
        let number = EnterpriseNumber::parse(number).map_err(|error| match error {
            EnterpriseNumberError::Form => IdentityError::Malformed,
            EnterpriseNumberError::EstablishmentUnit => IdentityError::EstablishmentUnit,
            EnterpriseNumberError::FirstDigit | EnterpriseNumberError::CheckDigits => IdentityError::NoEnterpriseNumber,
        })?;
        if found.is_some_and(|other| other != number) {
            return Err(IdentityError::TwoOrganisations);
        }
        *found = Some(number);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(texts: &[&str]) -> Result<Option<EnterpriseNumber>, IdentityError> {
        let mut found = None;
        texts.iter().try_for_each(|text| read_claims(text, &mut found))?;
        Ok(found)
    }

    #[test]
    fn both_conventions_are_read_in_cn_and_ou() {
        let number = EnterpriseNumber::parse("0202239951").ok();
        for texts in [
            &["CBE=0202239951"][..],
            &["CBE=0202239951, ROUTER"],
            &["urn:be:fgov:kbo-bce:organization:cbe-number:0202239951"],
            &["SSIN=85073099932, CBE=0202239951", "CBE=0202239951"],
            &["Fund", "CBE=0202239951", "urn:be:fgov:kbo-bce:organization:cbe-number:0202239951"],
        ] {
            assert_eq!(claims(texts), Ok(number), "{texts:?}");
        }
        for texts in [&["Fund"][..], &["cbe=0202239951"], &["SSIN=85073099932"], &["NIHII=12345678"], &[""]] {
            assert_eq!(claims(texts), Ok(None), "{texts:?}");
        }
    }

    #[test]
    fn an_ambiguous_claim_is_refused() {
        for (texts, expected) in [
            (&["CBE=0202239951, CBE=0809394427"][..], IdentityError::TwoOrganisations),
            (
                &["CBE=0202239951", "urn:be:fgov:kbo-bce:organization:cbe-number:0809394427"],
                IdentityError::TwoOrganisations,
            ),
            (&["CBE=0202239950"], IdentityError::NoEnterpriseNumber),
            (&["CBE=9202239951"], IdentityError::NoEnterpriseNumber),
            (&["CBE=2202239951"], IdentityError::EstablishmentUnit),
            (&["CBE=02022399511"], IdentityError::Malformed),
            (&["CBE=0202.239.951"], IdentityError::Malformed),
            (&["CBE= 0202239951"], IdentityError::Malformed),
            (&["CBE=0202239951 APP"], IdentityError::Malformed),
            (&["APP CBE=0202239951"], IdentityError::Malformed),
            (&["CBE=０２０２２３９９５１"], IdentityError::Malformed),
            (&["CBE="], IdentityError::Malformed),
            (&["x-urn:be:fgov:kbo-bce:organization:cbe-number:0202239951"], IdentityError::Malformed),
        ] {
            assert_eq!(claims(texts), Err(expected), "{texts:?}");
        }
    }
}
