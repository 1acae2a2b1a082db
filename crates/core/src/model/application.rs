//! Names of applications: the part of an organisation's software to which a certificate belongs.

use std::fmt;

use super::ascii_name::AsciiName;

/// Name of an application in a client certificate.
///
/// 1 to 64 printable ASCII characters without comma, equals sign, quotation mark and backslash, with
/// no space at its ends, and with at most 10 digits. Other text names no application: a letter of
/// another alphabet looks like one of these and differs, a comma or equals sign belongs to the form
/// of the subject, and eleven digits could be an SSIN. Names are compared byte for byte.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Application(AsciiName<{ Application::MAX_BYTES }>);

/// The text is not a name of an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "an application has 1 to 64 printable ASCII characters without , = \" and \\, no space at its ends, and at most 10 digits"
)]
pub struct ApplicationError;

impl Application {
    /// Maximum length of a name, in bytes.
    pub const MAX_BYTES: usize = 64;

    const MAX_DIGITS: usize = 10;

    /// Parses a name.
    ///
    /// # Errors
    /// [`ApplicationError`] if the text breaks a rule of [`Application`].
    pub fn parse(text: &str) -> Result<Self, ApplicationError> {
        let is_allowed = |byte: u8| !matches!(byte, b',' | b'=' | b'"' | b'\\');
        let is_name = text.bytes().all(is_allowed) && text.trim_matches(' ').len() == text.len();
        let name = AsciiName::new(text).filter(|name| name.has_at_most_digits(Self::MAX_DIGITS));
        name.filter(|_| is_name).map(Self).ok_or(ApplicationError)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Application").field(&self.as_str()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_printable_ascii_without_separators() {
        let longest = "x".repeat(Application::MAX_BYTES);
        for text in ["FUND", "RETURN TO WORK", "employment:job-attest:werkkaart", "0202239951", "a.b/c_d-e", &longest] {
            assert_eq!(Application::parse(text).expect("a name").as_str(), text);
        }
        let too_long = "x".repeat(Application::MAX_BYTES + 1);
        for text in [
            "",
            " FUND",
            "FUND ",
            "A, B",
            "SSIN=1",
            "A\"B",
            "A\\B",
            "FUND\0",
            "FU\nND",
            "FÜND",
            "FUN\u{200b}D",
            &too_long,
        ] {
            assert_eq!(Application::parse(text), Err(ApplicationError), "{text:?}");
        }
    }

    #[test]
    fn no_name_can_hold_an_ssin() {
        for text in ["85073099932", "85.07.30-999.32", "85 07 30 999 32", "X85073099932Y"] {
            assert_eq!(Application::parse(text), Err(ApplicationError), "{text}");
        }
    }

    #[test]
    fn names_are_compared_byte_for_byte() {
        let name = |text| Application::parse(text).expect("a name");
        assert_ne!(name("FUND"), name("Fund"));
        assert_ne!(name("FUND"), name("FUND2"));
        // Cyrillic Ғ and full-width F.
        assert!(["\u{492}UND", "\u{ff26}UND"].iter().all(|text| Application::parse(text).is_err()));
    }
}
