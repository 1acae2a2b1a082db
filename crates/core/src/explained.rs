//! Refusals in two parts: a reason, which the caller receives, and a cause, which only the operator
//! reads.
//!
//! A [`Cause`] has text of a peer, so it must not reach an answer: what writes answers takes the
//! reason alone, whose type cannot hold such text. Text is made fit for a log line when the cause is
//! made: bounded, escaped, and with every SSIN masked.

use std::borrow::Cow;

use crate::model::Ssin;

/// Maximum characters of one value in a [`Cause`], after it was escaped.
pub const VALUE_CHARS: usize = 128;

/// Characters of a value that are searched for SSINs. More than [`VALUE_CHARS`]: of an SSIN that
/// the bound cuts, the first digits are masked too.
const SEARCHED_CHARS: usize = 2 * VALUE_CHARS;

/// Maximum characters between two digits of one SSIN.
const MAX_SEPARATORS: usize = 3;

/// A refusal: what the caller is answered, and its cause for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained<T> {
    reason: T,
    cause: Cause,
}

impl<T> Explained<T> {
    /// Refusal for this reason.
    pub fn new(reason: T, cause: Cause) -> Self {
        Self { reason, cause }
    }

    /// What the caller is answered.
    pub fn reason(&self) -> &T {
        &self.reason
    }

    /// What only the operator reads.
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// The same refusal with another form of its reason.
    pub fn map<U>(self, reason: impl FnOnce(T) -> U) -> Explained<U> {
        Explained { reason: reason(self.reason), cause: self.cause }
    }

    /// The reason for the answer, and the cause for the log.
    pub fn split(self) -> (T, Cause) {
        (self.reason, self.cause)
    }
}

/// The values that caused a refusal, for the operator's log alone. It has no `Display`, so that no
/// answer is formatted with it.
///
/// ```
/// use ehealth_core::explained::Cause;
///
/// let cause = Cause::new("header block", "Security\n").and("namespace", "urn:85.07.30-999.32");
/// assert_eq!(cause.for_log(), r"header block 'Security\n', namespace 'urn:**.**.**-***.**'");
/// ```
///
/// ```compile_fail
/// let cause = ehealth_core::explained::Cause::new("path", "/a");
/// format!("<diagnostic>{cause}</diagnostic>");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause(String);

impl Cause {
    /// A cause without a value of the peer.
    #[must_use]
    pub fn fixed(what: &'static str) -> Self {
        Self(what.to_owned())
    }

    /// A value, and what it is.
    #[must_use]
    pub fn new(what: &'static str, value: &str) -> Self {
        let mut text = String::with_capacity(what.len().saturating_add(value.len().min(VALUE_CHARS)));
        push(&mut text, what, value);
        Self(text)
    }

    /// A value as bytes. What is not UTF-8 shows as U+FFFD.
    #[must_use]
    pub fn from_bytes(what: &'static str, value: &[u8]) -> Self {
        Self::new(what, &lossy(value))
    }

    /// A number, and what it counts.
    #[must_use]
    pub fn number(what: &'static str, number: u64) -> Self {
        Self::new(what, &number.to_string())
    }

    /// The same cause with one more value.
    #[must_use]
    pub fn and(mut self, what: &'static str, value: &str) -> Self {
        self.0.push_str(", ");
        push(&mut self.0, what, value);
        self
    }

    /// The same cause with one more value, as bytes.
    #[must_use]
    pub fn and_bytes(self, what: &'static str, value: &[u8]) -> Self {
        self.and(what, &lossy(value))
    }

    /// The values on one line, for the operator's log.
    #[must_use]
    pub fn for_log(&self) -> &str {
        &self.0
    }
}

/// As much of a value as is searched, as text.
fn lossy(value: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(value.get(..SEARCHED_CHARS.saturating_mul(char::MAX_LEN_UTF8)).unwrap_or(value))
}

/// Writes a value in quotes, after what it is.
fn push(text: &mut String, what: &str, value: &str) {
    text.push_str(what);
    text.push_str(" '");
    let mut value: Vec<char> = value.chars().take(SEARCHED_CHARS).collect();
    mask_ssins(&mut value);
    let mut left = VALUE_CHARS;
    for character in value {
        let is_kept = escape(character).try_fold(left, |left, _| left.checked_sub(1));
        let Some(rest) = is_kept else {
            text.push_str("...");
            break;
        };
        left = rest;
        text.extend(escape(character));
    }
    text.push('\'');
}

/// A character as the log shows it. Control characters, the quote around values, backslashes, and
/// what changes the direction or the lines of a text are escaped: a terminal and a reader of lines
/// act on them. The log's own quotes are escaped by what writes the log.
fn escape(character: char) -> impl Iterator<Item = char> {
    let is_escaped = character.is_control()
        || matches!(character, '\'' | '\\' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(character, '\u{a0}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{ffff}');
    let (escaped, plain) = if is_escaped && character != char::REPLACEMENT_CHARACTER {
        (Some(character.escape_default()), None)
    } else {
        (None, Some(character))
    };
    escaped.into_iter().flatten().chain(plain)
}

/// How digits are written.
#[derive(Debug, Clone, Copy)]
enum Digits {
    /// As they are.
    Plain,
    /// `%38` in an address.
    Percent,
    /// `&#56;` or `&#x38;` in XML.
    Reference,
}

/// Masks the digits of every SSIN with asterisks: plain, with or without separators, percent-encoded, as
/// character references, also inside longer runs of digits.
pub fn mask_ssins(text: &mut [char]) {
    for form in [Digits::Reference, Digits::Percent, Digits::Plain] {
        let mut run: Vec<(char, usize, usize)> = Vec::new();
        let (mut at, mut separators) = (0_usize, 0_usize);
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            if let Some((digit, length)) = read_digit(rest, form) {
                run.push((digit, at, length));
                (at, separators) = (at.saturating_add(length), 0);
                continue;
            }
            separators = separators.saturating_add(1);
            if separators > MAX_SEPARATORS || rest.first().is_some_and(|other| other.is_alphanumeric()) {
                mask_run(text, &run);
                run.clear();
            }
            at = at.saturating_add(1);
        }
        mask_run(text, &run);
    }
}

/// The digit with which a text begins, and how many characters spell it.
fn read_digit(text: &[char], form: Digits) -> Option<(char, usize)> {
    let spelled = match (form, text) {
        (Digits::Percent, ['%', '3', digit, ..]) | (Digits::Reference, ['&', '#', 'x', '3', digit, ';', ..]) => {
            Some((*digit, if matches!(form, Digits::Percent) { 3 } else { 6 }))
        }
        (Digits::Reference, ['&', '#', tens @ ('4' | '5'), ones, ';', ..]) => {
            let code = tens.to_digit(10)?.checked_mul(10)?.checked_add(ones.to_digit(10)?)?;
            char::from_u32(code).map(|digit| (digit, 5))
        }
        (_, [digit, ..]) => Some((*digit, 1)),
        (_, []) => None,
    };
    spelled.filter(|(digit, _)| digit.is_ascii_digit())
}

/// Masks every eleven neighbouring digits of a run that are an SSIN.
fn mask_run(text: &mut [char], run: &[(char, usize, usize)]) {
    for window in run.windows(11) {
        let digits: String = window.iter().map(|(digit, ..)| *digit).collect();
        if Ssin::parse(&digits).is_ok() {
            for (_, at, length) in window {
                let spelled = text.get_mut(*at..at.saturating_add(*length));
                spelled.into_iter().flatten().for_each(|character| *character = '*');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &str) -> String {
        let cause = Cause::new("value", value);
        let inside = cause.for_log().strip_prefix("value '").and_then(|text| text.strip_suffix('\''));
        inside.expect("in quotes").to_owned()
    }

    #[test]
    fn ssins_are_masked_in_every_spelling() {
        for (value, masked) in [
            ("85073099932", "***********"),
            ("85.07.30-999.32", "**.**.**-***.**"),
            ("no 85 07 30 - 999 32, 12", "no ** ** ** - *** **, 12"),
            ("a85073099932b", "a***********b"),
            ("1850730999320", "1***********0"),
            ("12: 85.07.30-999.32", "12: **.**.**-***.**"),
            ("/%38%35073099932?a", "/***************?a"),
            ("&#56;5073099932", "***************"),
            ("&#x38;5073099932", "****************"),
            ("850730\n99932", "******\\n*****"),
            ("85073099933", "85073099933"),
            ("850730 http 99932", "850730 http 99932"),
            ("oasis-200401-wss-1.0.xsd", "oasis-200401-wss-1.0.xsd"),
            ("http://www.w3.org/2005/08/addressing", "http://www.w3.org/2005/08/addressing"),
        ] {
            assert_eq!(shown(value), masked, "{value:?}");
        }
    }

    #[test]
    fn an_ssin_at_the_bound_is_masked_before_it_is_cut() {
        let cut = shown(&format!("{}85073099932", "x".repeat(VALUE_CHARS - 10)));
        assert!(cut.ends_with("x**********..."), "{cut}");
        let cut = shown(&format!("{}85.07.30-999.32", "x".repeat(VALUE_CHARS - 4)));
        assert!(cut.ends_with("x**.*..."), "{cut}");
    }

    #[test]
    fn values_are_bounded_and_on_one_line() {
        assert_eq!(shown("a\r\n\t\u{1b}[31m\u{202e}\u{0}'\"\\é"), r#"a\r\n\t\u{1b}[31m\u{202e}\u{0}\'"\\é"#);
        assert_eq!(shown("\u{a0}\u{feff}\u{2028}"), r"\u{a0}\u{feff}\u{2028}");
        let long = shown(&"\n".repeat(10_000));
        assert_eq!((long.len(), long.ends_with("n...")), (VALUE_CHARS + 3, true));
        assert_eq!(shown(&"é".repeat(10_000)).chars().count(), VALUE_CHARS + 3);
        assert_eq!(shown(&"x".repeat(VALUE_CHARS)), "x".repeat(VALUE_CHARS));
        assert_eq!(Cause::from_bytes("value", b"\xff\n").for_log(), "value '\u{fffd}\\n'");
        assert_eq!(Cause::from_bytes("value", &vec![b'x'; 10_000]).for_log().len(), "value ''...".len() + VALUE_CHARS);
    }
}
