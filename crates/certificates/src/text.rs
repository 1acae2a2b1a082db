//! Text of the attributes that name the holder. Software differs in how it reads unusual strings, so
//! only plain ones are accepted.

use x509_parser::asn1_rs::{Any, Class, Oid, Tag, oid};
use x509_parser::x509::X509Name;

/// organizationIdentifier (ITU-T X.520, 6.4.4).
pub(super) const ORGANIZATION_IDENTIFIER: Oid<'static> = oid!(2.5.4.97);

/// Why an attribute cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextError {
    /// It is neither a UTF8String nor a PrintableString.
    StringType,
    /// It contains a control character.
    ControlCharacter,
}

/// Reads an attribute's value.
pub(super) fn read_text<'a>(value: &'a Any<'_>) -> Result<&'a str, TextError> {
    // A tag number has its meaning in the universal class only, and DER has no constructed strings.
    let is_string = value.header.class() == Class::Universal
        && !value.header.is_constructed()
        && matches!(value.header.tag(), Tag::Utf8String | Tag::PrintableString);
    if !is_string {
        return Err(TextError::StringType);
    }
    let text = std::str::from_utf8(value.data).map_err(|_| TextError::StringType)?;
    if text.chars().any(char::is_control) { Err(TextError::ControlCharacter) } else { Ok(text) }
}

/// The attributes of this type that can be read.
pub(super) fn readable<'a>(subject: &'a X509Name<'_>, kind: &'a Oid<'_>) -> impl Iterator<Item = &'a str> {
    let attributes = subject.iter_attributes().filter(move |attribute| attribute.attr_type() == kind);
    attributes.filter_map(|attribute| read_text(attribute.attr_value()).ok())
}
