//! The number of an organisation in the Crossroads Bank for Enterprises (KBO/BCE).
//!
//! The number of an establishment unit (first digit 2 to 8) is not an enterprise number: it never
//! identifies an employer, a service or a fund. On the wire it may identify a customer, see
//! [`crate::model::CustomerId`].

use std::fmt;

use super::digits::{decimal, write_ascii};

/// A valid enterprise number: ten digits, the first 0 or 1, with correct check digits.
///
/// The last two digits are 97 − (the first eight mod 97). Source: `docs/reference/domain.md`
/// "Identifiers".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnterpriseNumber(u32);

/// Why a text or an integer is not an enterprise number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnterpriseNumberError {
    /// Not exactly ten ASCII digits.
    #[error("an enterprise number has exactly 10 digits")]
    Form,
    /// The first digit is 2 to 8: the number of an establishment unit.
    #[error("this is an establishment unit number, not an enterprise number")]
    EstablishmentUnit,
    /// The first digit is 9: no register issues such numbers.
    #[error("an enterprise number starts with 0 or 1")]
    FirstDigit,
    /// The last two digits do not match the rule.
    #[error("the check digits are wrong")]
    CheckDigits,
}

impl EnterpriseNumber {
    /// Parses ten digits, without white space, points or a country prefix.
    ///
    /// # Errors
    /// [`EnterpriseNumberError`] names the first rule that is violated.
    pub fn parse(text: &str) -> Result<Self, EnterpriseNumberError> {
        let bytes = text.as_bytes();
        if bytes.len() != 10 || !bytes.iter().all(u8::is_ascii_digit) {
            return Err(EnterpriseNumberError::Form);
        }
        Self::from_u64(bytes.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
    }

    /// Creates the number from the integer of its ten digits: the form in the database.
    ///
    /// # Errors
    /// [`EnterpriseNumberError`] names the first rule that is violated.
    pub fn from_u64(number: u64) -> Result<Self, EnterpriseNumberError> {
        match number / 1_000_000_000 {
            0 | 1 => {}
            2..=8 => return Err(EnterpriseNumberError::EstablishmentUnit),
            9 => return Err(EnterpriseNumberError::FirstDigit),
            _ => return Err(EnterpriseNumberError::Form),
        }
        if number % 100 != 97 - number / 100 % 97 {
            return Err(EnterpriseNumberError::CheckDigits);
        }
        u32::try_from(number).map(Self).map_err(|_| EnterpriseNumberError::Form)
    }

    /// The integer of the ten digits: the form in the database.
    #[must_use]
    pub fn as_u64(self) -> u64 {
        u64::from(self.0)
    }
}

impl fmt::Display for EnterpriseNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_ascii(f, &decimal::<10>(self.as_u64()))
    }
}

impl fmt::Debug for EnterpriseNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EnterpriseNumber({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_violated_rule() {
        assert!(EnterpriseNumber::parse("0202239951").is_ok());
        assert_eq!(EnterpriseNumber::parse("0202239950"), Err(EnterpriseNumberError::CheckDigits));
        assert_eq!(EnterpriseNumber::parse("2202239951"), Err(EnterpriseNumberError::EstablishmentUnit));
        assert_eq!(EnterpriseNumber::parse("9202239951"), Err(EnterpriseNumberError::FirstDigit));
        assert_eq!(EnterpriseNumber::parse("BE0202239951"), Err(EnterpriseNumberError::Form));
    }

    #[test]
    fn a_remainder_of_zero_gives_check_digits_97() {
        let base = 97 * 20_000;
        let number = |check: u64| EnterpriseNumber::from_u64(base * 100 + check);
        assert!(number(97).is_ok());
        assert_eq!(number(0), Err(EnterpriseNumberError::CheckDigits));
    }

    #[test]
    fn displays_all_ten_digits() {
        let number = EnterpriseNumber::parse("0202239951").expect("valid by construction");
        assert_eq!(number.to_string(), "0202239951");
    }
}
