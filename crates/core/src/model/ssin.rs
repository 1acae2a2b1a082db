//! The number that identifies a person in Belgian social security.
//!
//! An [`Ssin`] can be compared, stored as an integer and written onto the wire by the one function that says so.
//! It has no `Display`, and its `Debug` shows nothing: a number cannot slip into a log line by formatting.

use std::fmt;

use super::digits::decimal;

/// A social-security identification number (INSZ/NISS) whose pattern and check digits are right.
///
/// Eleven digits `YYMMDD SSS CC`. Source: domain.md "Identifiers"; pattern `SsinType` of contract.md.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ssin(u64);

/// Why a text or an integer is no SSIN. Carries nothing of the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SsinError {
    /// Not exactly eleven ASCII digits.
    #[error("an SSIN has eleven digits")]
    Form,
    /// Month, day or sequence outside the three patterns of the national register, bis and ter numbers.
    #[error("no register has numbers of this pattern")]
    Pattern,
    /// Check digits that neither the rule before 2000 nor the rule from 2000 gives.
    #[error("the check digits are wrong")]
    CheckDigits,
}

impl Ssin {
    /// Reads eleven digits, without blanks or separators.
    ///
    /// # Errors
    /// [`SsinError`] names the first rule that is broken.
    pub fn parse(text: &str) -> Result<Self, SsinError> {
        let bytes = text.as_bytes();
        if bytes.len() != 11 || !bytes.iter().all(u8::is_ascii_digit) {
            return Err(SsinError::Form);
        }
        Self::from_u64(bytes.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
    }

    /// Takes the number as the integer that its eleven digits spell, as the store keeps it.
    ///
    /// # Errors
    /// [`SsinError`] names the first rule that is broken.
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
        Ok(Self(number))
    }

    /// The integer that the eleven digits spell: what the store keeps.
    #[must_use]
    pub fn as_u64(self) -> u64 {
        self.0
    }

    /// The eleven ASCII digits. The one way from a number to text: used where a person's own number is told, and
    /// where the trail seals it.
    #[must_use]
    pub fn digits(self) -> [u8; 11] {
        decimal(self.0)
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
    fn accepts_both_check_rules_and_both_foreign_registers() {
        for text in ["85073000160", "00012500177", "85273000155", "85473000150"] {
            let base: u64 = text.split_at(9).0.parse().expect("nine digits");
            for offset in [0, 2_000_000_000_u64] {
                let right = format!("{:09}{:02}", base, 97 - (offset + base) % 97);
                let ssin = Ssin::parse(&right).expect("right by construction");
                assert_eq!(ssin.digits(), right.as_bytes());
            }
        }
    }

    #[test]
    fn names_the_rule_that_is_broken() {
        assert_eq!(Ssin::parse("85073000161"), Err(SsinError::CheckDigits));
        assert_eq!(Ssin::parse("85133000160"), Err(SsinError::Pattern));
        assert_eq!(Ssin::parse("8507300016"), Err(SsinError::Form));
        assert_eq!(Ssin::parse(" 85073000160"), Err(SsinError::Form));
        assert_eq!(Ssin::parse("٨5073000160"), Err(SsinError::Form));
        assert_eq!(Ssin::parse(""), Err(SsinError::Form));
    }

    #[test]
    fn debug_shows_nothing_of_the_number() {
        let ssin = Ssin::parse("85073000160").expect("right by construction");
        assert_eq!(format!("{ssin:?}"), "Ssin(redacted)");
    }
}
