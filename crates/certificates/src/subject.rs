//! Subject names as text (RFC 4514) for the caller and for operators, with every SSIN masked.
//!
//! The text has no control characters, so that it needs no further escaping in XML or a log line.

use std::fmt::Write;

use x509_parser::asn1_rs::Oid;
use x509_parser::oid_registry::{
    OID_X509_COMMON_NAME, OID_X509_COUNTRY_NAME, OID_X509_LOCALITY_NAME, OID_X509_ORGANIZATION_NAME,
    OID_X509_ORGANIZATIONAL_UNIT, OID_X509_SERIALNUMBER, OID_X509_STATE_OR_PROVINCE_NAME,
};
use x509_parser::x509::X509Name;

use super::text::ORGANIZATION_IDENTIFIER;
use ehealth_core::model::Ssin;

/// Maximum characters; longer subjects are cut. A certificate may carry megabytes of names.
const MAX_CHARS: usize = 1_024;

/// Writes a subject as RFC 4514 does: last relative name first, special characters escaped.
pub(super) fn describe(subject: &X509Name<'_>) -> String {
    let mut rdns: Vec<_> = subject.iter_rdn().collect();
    rdns.reverse();
    let mut text = String::new();
    for rdn in rdns {
        for (index, attribute) in rdn.iter().enumerate() {
            if !text.is_empty() {
                text.push(if index == 0 { ',' } else { '+' });
            }
            write_key(attribute.attr_type(), &mut text);
            text.push('=');
            match attribute.as_str() {
                Ok(value) => write_value(&mask(value), &mut text),
                // RFC 4514, section 2.4, writes other encodings as hexadecimal digits. Those might
                // spell an SSIN past the mask, so only tag and size are written.
                Err(_) => {
                    let value = attribute.attr_value();
                    let _ = write!(text, "#(tag {}, {} bytes)", value.header.tag().0, value.data.len());
                }
            }
        }
    }
    if let Some((end, _)) = text.char_indices().nth(MAX_CHARS) {
        text.truncate(end);
    }
    // Again over the whole text: a type's number, an escape before digits, and the cut each make
    // new runs of digits.
    mask_runs(text.into_bytes())
}

fn write_key(oid: &Oid<'_>, text: &mut String) {
    let short = [
        (OID_X509_COMMON_NAME, "CN"),
        (OID_X509_ORGANIZATIONAL_UNIT, "OU"),
        (OID_X509_ORGANIZATION_NAME, "O"),
        (OID_X509_COUNTRY_NAME, "C"),
        (OID_X509_LOCALITY_NAME, "L"),
        (OID_X509_STATE_OR_PROVINCE_NAME, "ST"),
        (OID_X509_SERIALNUMBER, "serialNumber"),
        (ORGANIZATION_IDENTIFIER, "organizationIdentifier"),
    ];
    match short.iter().find(|(known, _)| known == oid) {
        Some((_, name)) => text.push_str(name),
        None => text.push_str(&oid.to_id_string()),
    }
}

fn write_value(value: &str, text: &mut String) {
    for (index, character) in value.char_indices() {
        match character {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => text.extend(['\\', character]),
            '#' | ' ' if index == 0 => text.extend(['\\', character]),
            _ if is_plain(character) => text.push(character),
            _ => character.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| {
                let _ = write!(text, "\\{byte:02x}");
            }),
        }
    }
}

/// Whether the character is allowed in XML 1.0 and on one log line.
pub(super) fn is_plain(character: char) -> bool {
    !character.is_control() && !matches!(character, '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}')
}

/// Masks the digits after every `SSIN=` (in any case) to the end of its part, and every other run
/// of eleven digits that is an SSIN (the serialNumber of an identity card).
pub(super) fn mask(value: &str) -> String {
    const SSIN: &[u8] = b"ssin=";
    let mut masked: Vec<u8> = value.as_bytes().to_vec();
    for part in masked.split_mut(|byte| *byte == b',') {
        let key = part.windows(SSIN.len()).position(|window| window.eq_ignore_ascii_case(SSIN));
        let after = part.iter_mut().skip(key.unwrap_or(usize::MAX));
        after.filter(|byte| byte.is_ascii_digit()).for_each(|digit| *digit = b'*');
    }
    mask_runs(masked)
}

/// Masks every run of eleven digits that is an SSIN.
pub(super) fn mask_runs(mut text: Vec<u8>) -> String {
    for run in text.chunk_by_mut(|a, b| a.is_ascii_digit() && b.is_ascii_digit()) {
        let is_ssin = std::str::from_utf8(run).is_ok_and(|digits| Ssin::parse(digits).is_ok());
        if is_ssin {
            run.fill(b'*');
        }
    }
    // Only ASCII digits were replaced, by ASCII, so the bytes are still UTF-8.
    String::from_utf8(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use x509_parser::prelude::FromDer;

    use super::*;

    #[test]
    fn ssins_are_masked_and_enterprise_numbers_are_not() {
        assert_eq!(mask("CBE=0202239951, APP 3"), "CBE=0202239951, APP 3");
        assert_eq!(mask("SSIN=85073099932, CBE=0202239951"), "SSIN=***********, CBE=0202239951");
        assert_eq!(mask("ssin=85.07.30-999.32"), "ssin=**.**.**-***.**");
        assert_eq!(mask("a1, b2 SSIN=3 ssin=4, c5"), "a1, b2 SSIN=* ssin=*, c5");
        assert_eq!(mask("é sSiN=85073099932"), "é sSiN=***********");
        assert_eq!(mask("85073099932"), "***********");
        assert_eq!(mask("85073099933"), "85073099933");
    }

    /// Describes a DER name with one attribute. `arc` is the base-128 end of a type below 2.5.
    fn described(arc: &[u8], value: &str) -> String {
        fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
            let length = u16::try_from(content.len()).expect("a short content").to_be_bytes();
            [&[tag, 0x82], &length[..], content].concat()
        }
        let attribute = [tlv(0x06, &[&[0x55], arc].concat()), tlv(0x0c, value.as_bytes())].concat();
        let name = tlv(0x30, &tlv(0x31, &tlv(0x30, &attribute)));
        let (_, name) = X509Name::from_der(&name).expect("a name");
        describe(&name)
    }

    #[test]
    fn an_ssin_that_only_the_whole_text_spells_is_masked() {
        const CN: &[u8] = &[4, 3];
        assert_eq!(described(CN, "85073099932"), "CN=***********");
        assert_eq!(described(&[0x82, 0xbc, 0xf6, 0x81, 0xf9, 0x1c], "x"), "2.5.***********=x", "the type's last arc");
        assert_eq!(described(CN, "\u{85}073099932"), "CN=\\c2\\***********", "an escape before nine digits");
        let cut = described(CN, &format!("{}850730999329", "x".repeat(MAX_CHARS - 3 - 11)));
        assert!(cut.ends_with("x***********") && cut.len() == MAX_CHARS, "{cut}");
    }

    #[test]
    fn special_characters_of_rfc_4514_and_xml_are_escaped() {
        let written = |value: &str| {
            let mut text = String::new();
            write_value(value, &mut text);
            text
        };
        assert_eq!(written("CBE=0202239951, APP"), "CBE=0202239951\\, APP");
        assert_eq!(written("#a\u{0}b\u{7f}\u{ffff}"), "\\#a\\00b\\7f\\ef\\bf\\bf");
        assert_eq!(written("Müller & <Co>"), "Müller & \\<Co\\>");
    }
}
