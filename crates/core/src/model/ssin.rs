//! SSIN: the number that identifies a person in Belgian social security.
//!
//! An [`Ssin`] can be compared, stored as an integer, and written to the wire by one function,
//! [`Ssin::digits`]. It has no `Display`, and its `Debug` shows nothing: a number cannot get into a
//! log line by formatting.

use std::fmt;
use std::num::NonZeroU64;

use super::digits::decimal;

/// A valid social-security identification number (INSZ/NISS): its pattern and its check digits are
/// correct.
///
/// Eleven digits `YYMMDD SSS CC`. Sources: `docs/reference/domain.md` "Identifiers"; pattern of
/// `SsinType` in `docs/reference/contract.md` "Common types".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ssin(NonZeroU64);

/// Why a text or an integer is not an SSIN. Contains nothing of the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SsinError {
    /// Not exactly eleven ASCII digits.
    #[error("an SSIN has exactly 11 digits")]
    Form,
    /// Month, day or sequence number outside the three patterns: national register, bis and ter
    /// numbers.
    #[error("the month, day or sequence number is invalid")]
    Pattern,
    /// Check digits that match neither the rule for births before 2000 nor the rule from 2000.
    #[error("the check digits are wrong")]
    CheckDigits,
}

impl Ssin {
    /// Parses eleven digits, without white space or separators.
    ///
    /// # Errors
    /// [`SsinError`] names the first rule that is violated.
    pub fn parse(text: &str) -> Result<Self, SsinError> {
        let bytes = text.as_bytes();
        if bytes.len() != 11 || !bytes.iter().all(u8::is_ascii_digit) {
            return Err(SsinError::Form);
        }
        Self::from_u64(bytes.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
    }

    /// Creates the number from the integer of its eleven digits: the form in the database.
    ///
    /// # Errors
    /// [`SsinError`] names the first rule that is violated.
    pub fn from_u64(number: u64) -> Result<Self, SsinError> {
        if number > 99_999_999_999 {
            return Err(SsinError::Form);
        }
        let (base, check) = (number / 100, number % 100);
        let (month, day, sequence) = (base / 100_000 % 100, base / 1_000 % 100, base % 1_000);
        let register = month <= 12 && sequence != 0;
        let bis_or_ter = (20..=32).contains(&month) || (40..=52).contains(&month);
        if !(register || bis_or_ter) || day > 31 || check > 97 {
            return Err(SsinError::Pattern);
        }
        let born_before_2000 = 97 - base % 97;
        let born_from_2000 = 97 - (2_000_000_000 + base) % 97;
        if check != born_before_2000 && check != born_from_2000 {
            return Err(SsinError::CheckDigits);
        }
        // Its last two digits are check digits, from 01 on.
        NonZeroU64::new(number).map(Self).ok_or(SsinError::CheckDigits)
    }

    /// The integer of the eleven digits: the form in the database.
    #[must_use]
    pub fn as_u64(self) -> u64 {
        self.0.get()
    }

    /// The eleven ASCII digits. The only conversion from an SSIN to text: used where the answer
    /// discloses a person's own number, and where the audit log encrypts it.
    #[must_use]
    pub fn digits(self) -> [u8; 11] {
        decimal(self.as_u64())
    }
}

impl fmt::Debug for Ssin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ssin(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_both_check_rules_and_bis_and_ter_numbers() {
        for text in ["85073099932", "00012599904", "85273099975", "85473099921"] {
            let base: u64 = text.split_at(9).0.parse().expect("nine digits");
            for offset in [0, 2_000_000_000_u64] {
                let right = format!("{:09}{:02}", base, 97 - (offset + base) % 97);
                let ssin = Ssin::parse(&right).expect("valid by construction");
                assert_eq!(ssin.digits(), right.as_bytes());
            }
        }
    }

    #[test]
    fn names_the_violated_rule() {
        assert_eq!(Ssin::parse("85073099933"), Err(SsinError::CheckDigits));
        assert_eq!(Ssin::parse("85133099932"), Err(SsinError::Pattern));
        assert_eq!(Ssin::parse("8507309993"), Err(SsinError::Form));
        assert_eq!(Ssin::parse(" 85073099932"), Err(SsinError::Form));
        assert_eq!(Ssin::parse("٨5073099932"), Err(SsinError::Form));
        assert_eq!(Ssin::parse(""), Err(SsinError::Form));
    }

    #[test]
    fn debug_omits_the_number() {
        let ssin = Ssin::parse("85073099932").expect("valid by construction");
        assert_eq!(format!("{ssin:?}"), "Ssin(redacted)");
    }
}
