//! Code of a legal context: `DOMAIN:PURPOSE` (`docs/reference/domain.md` "Who may ask").

use std::fmt;

use super::ascii_name::AsciiName;

/// Code of a legal context, as on the wire and in the policy file.
///
/// 1 to 64 of the characters `A` to `Z`, `0` to `9`, `_`, `-`, `.` and `:`, a letter first, at most
/// 10 digits: eleven could be an SSIN, and codes are shown in logs. A code says nothing about what
/// may be asked: the policy defines that ([`ContextDefinition`](crate::policy::ContextDefinition)).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LegalContext(AsciiName<{ LegalContext::MAX_BYTES }>);

/// The text is not the code of a legal context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the code of a legal context has 1 to 64 characters of A to Z, 0 to 9, _ - . and :, begins with a letter, and has at most 10 digits"
)]
pub struct LegalContextError;

impl LegalContext {
    /// Maximum length of a code, in bytes.
    pub const MAX_BYTES: usize = 64;

    /// Health-insurance funds: their advisory physicians send a file to the occupational physician.
    pub const ADVISORY_PHYSICIAN: Self = Self::known("BACKTOWORK:ADVISORY_PHYSICIAN");
    /// Prevention services: they look for the person's advisory physician.
    pub const PREVENTION_SERVICE: Self = Self::known("BACKTOWORK:PREVENTION_SERVICE");
    /// The eHealth platform, which checks its own users.
    pub const EHEALTH_PLATFORM: Self = Self::known("BACKTOWORK:EHEALTH_PLATFORM");

    /// The contexts that a policy file without contexts has.
    pub const BUILT_IN: [Self; 3] = [Self::ADVISORY_PHYSICIAN, Self::PREVENTION_SERVICE, Self::EHEALTH_PLATFORM];

    const MAX_DIGITS: usize = 10;

    /// A constant code. A test parses each.
    const fn known(code: &'static str) -> Self {
        match AsciiName::new(code) {
            Some(name) => Self(name),
            None => Self(AsciiName::EMPTY),
        }
    }

    /// Parses a code.
    ///
    /// # Errors
    /// [`LegalContextError`] if the text breaks a rule of [`LegalContext`].
    pub fn parse(text: &str) -> Result<Self, LegalContextError> {
        let is_allowed =
            |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-' | b'.' | b':');
        let begins_right = text.bytes().next().is_some_and(|byte| byte.is_ascii_uppercase());
        let name = AsciiName::new(text).filter(|name| name.has_at_most_digits(Self::MAX_DIGITS));
        name.filter(|_| begins_right && text.bytes().all(is_allowed)).map(Self).ok_or(LegalContextError)
    }

    /// Whether this is its code.
    #[must_use]
    pub fn is(&self, code: &str) -> bool {
        self.0.is(code)
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for LegalContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for LegalContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_letters_digits_and_four_signs() {
        let longest = "X".repeat(LegalContext::MAX_BYTES);
        for code in ["TRIO", "TRIO:RE-INTEGRATION_3.0", "BACKTOWORK:PREVENTION_SERVICE", &longest] {
            let context = LegalContext::parse(code).expect("a code");
            assert_eq!((context.code(), context.is(code)), (code, true));
            let longer = format!("{code}X");
            let others = ["", "\0", &code[1..], &code[..code.len() - 1], &longer, &format!("{code}\0")];
            assert!(others.iter().all(|other| !context.is(other)), "{code}");
        }
        let too_long = "X".repeat(LegalContext::MAX_BYTES + 1);
        for text in
            ["", "trio", "3TRIO", ":TRIO", " TRIO", "TRIO ", "TRIO A", "TRÍO", "A\0", "A85073099932", "A,B", &too_long]
        {
            assert_eq!(LegalContext::parse(text), Err(LegalContextError), "{text:?}");
        }
    }

    #[test]
    fn the_built_in_codes_are_codes() {
        for context in LegalContext::BUILT_IN {
            assert_eq!(LegalContext::parse(context.code()), Ok(context));
        }
    }
}
