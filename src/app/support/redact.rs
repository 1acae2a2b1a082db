//! The one redactor of a support bundle: every text that enters it passes here.
//!
//! It masks what a log of this program cannot contain either, and what an operator may have written into
//! a file by accident: numbers of persons in every spelling, private keys, users and passwords in URLs,
//! values of words that name a secret. It does not know names of persons: texts that may have one are
//! left out of the bundle ([`super::log_lines`], [`super::gather`]).

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use ehealth_core::explained::mask_ssins;
use serde_json::Value;

/// What replaces a text that is removed.
const REMOVED: &str = "[removed]";
/// Words whose value is removed, in lower case.
const SECRETS: [&str; 9] =
    ["password", "passwd", "passphrase", "secret", "token", "authorization", "api-key", "api_key", "apikey"];
/// Shortest run of base64 that can have an SSIN.
const BASE64_SSIN: usize = 15;
/// Shortest run of base64 that is removed whatever it has: a line of a key has 64 characters. A run of
/// hexadecimal digits is a digest.
const BASE64_KEY: usize = 60;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Redacts a text.
#[must_use]
pub fn redact(text: &str) -> String {
    let text = remove_private_keys(text);
    let text = remove_user_info(&text);
    let text = remove_secrets(&text);
    let text = remove_base64(&text);
    mask_numbers(&text)
}

/// Redacts every text, number and key of a value.
#[must_use]
pub fn redact_value(value: &Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) => value.clone(),
        Value::Number(number) => {
            let text = number.to_string();
            let redacted = mask_numbers(&text);
            if redacted == text { value.clone() } else { Value::String(redacted) }
        }
        Value::String(text) => Value::String(redact(text)),
        Value::Array(values) => values.iter().map(redact_value).collect(),
        Value::Object(values) => {
            Value::Object(values.iter().map(|(key, value)| (redact(key), redact_member(key, value))).collect())
        }
    }
}

/// The value of a key that names a secret is removed.
fn redact_member(key: &str, value: &Value) -> Value {
    let lower = key.to_ascii_lowercase();
    match value {
        Value::String(_) if SECRETS.iter().any(|word| lower == *word) => Value::String(REMOVED.to_owned()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            redact_value(value)
        }
    }
}

/// Replaces what is in quotes: values that a peer sent or an operator wrote. A quote that is not closed
/// removes the rest.
#[must_use]
pub fn remove_quoted(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut characters = text.chars();
    let mut before = ' ';
    while let Some(character) = characters.next() {
        kept.push(character);
        // An apostrophe inside a word is no quote.
        if matches!(character, '"' | '`' | '\'') && !before.is_alphanumeric() {
            kept.push('…');
            let mut is_escaped = false;
            let end = characters.find(|next| {
                let is_end = *next == character && !is_escaped;
                is_escaped = *next == '\\' && !is_escaped;
                is_end
            });
            kept.extend(end);
        }
        before = character;
    }
    kept
}

/// Removes the content of each private key in PEM, also of one without an end.
fn remove_private_keys(text: &str) -> String {
    let (mut kept, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, behind)) = rest.split_once("-----BEGIN ") {
        let label = behind.split_once("-----").map_or(behind, |(label, _)| label);
        kept.push_str(before);
        if label.contains("PRIVATE KEY") {
            kept.push_str(REMOVED);
            let end = behind.split_once("-----END ").and_then(|(_, behind)| behind.split_once("-----"));
            rest = end.map_or("", |(_, behind)| behind);
        } else {
            kept.push_str("-----BEGIN ");
            rest = behind;
        }
    }
    kept.push_str(rest);
    kept
}

/// Removes user and password of each URL (RFC 3986, 3.2.1).
fn remove_user_info(text: &str) -> String {
    let (mut kept, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, behind)) = rest.split_once("://") {
        kept.push_str(before);
        kept.push_str("://");
        let is_end = |c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'' | '<' | '>' | '`');
        let (authority, after) = behind.split_at(behind.find(is_end).unwrap_or(behind.len()));
        match authority.rsplit_once('@') {
            Some((_, host)) => {
                kept.push_str(REMOVED);
                kept.push('@');
                kept.push_str(host);
            }
            None => kept.push_str(authority),
        }
        rest = after;
    }
    kept.push_str(rest);
    kept
}

/// Removes the rest of a line behind a word that names a secret and `=` or `:`.
fn remove_secrets(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(remove_secret_of_line).collect();
    lines.join("\n")
}

fn remove_secret_of_line(line: &str) -> String {
    let lower = line.to_ascii_lowercase();
    let ends =
        SECRETS.iter().flat_map(|word| lower.match_indices(word).map(|(at, word)| at.saturating_add(word.len())));
    let value = ends.filter_map(|end| {
        let behind = line.get(end..)?.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`'));
        behind.strip_prefix(['=', ':']).map(|value| line.len().saturating_sub(value.len()))
    });
    match value.min().and_then(|at| line.get(..at)) {
        Some(kept) => format!("{kept} {REMOVED}"),
        None => line.to_owned(),
    }
}

/// Removes runs of base64 that can be a key, or have an SSIN in them.
fn remove_base64(text: &str) -> String {
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/');
    let (mut kept, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(is_base64) {
        let (before, run) = rest.split_at(at);
        kept.push_str(before);
        let (run, behind) = run.split_at(run.find(|c| !is_base64(c)).unwrap_or(run.len()));
        let is_digest = run.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_key = run.len() >= BASE64_KEY && !is_digest;
        kept.push_str(if is_key || (run.len() >= BASE64_SSIN && has_ssin(run)) { REMOVED } else { run });
        rest = behind;
    }
    kept.push_str(rest);
    kept
}

/// Whether a run decodes to a text with an SSIN. Where the text begins in its run is unknown: one of four
/// places is right.
fn has_ssin(run: &str) -> bool {
    (0..4).filter_map(|start| run.get(start..)).any(|run| {
        let whole = run.get(..run.len().saturating_sub(usize::from(run.len() % 4 == 1))).unwrap_or(run);
        let decoded = BASE64.decode(whole).unwrap_or_default();
        // Latin-1: a byte is a character, whatever stands around the digits.
        let text: String = decoded.iter().map(|byte| char::from(*byte)).collect();
        mask_numbers(&text) != text
    })
}

/// Masks the numbers of persons: as they are written, and as they read once escapes are decoded.
fn mask_numbers(text: &str) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    mask_ssins(&mut characters);
    let decoded = decode(&characters);
    let before: Vec<char> = decoded.iter().map(|(character, ..)| *character).collect();
    let mut masked = before.clone();
    mask_ssins(&mut masked);
    for ((decoded, before), after) in decoded.iter().zip(&before).zip(&masked) {
        if before != after {
            let (_, at, length) = *decoded;
            let spelled = characters.get_mut(at..at.saturating_add(length));
            spelled.into_iter().flatten().for_each(|character| *character = '*');
        }
    }
    characters.into_iter().collect()
}

/// Characters with their places and lengths: percent escapes, character references and `\u` escapes are
/// decoded, also twice, and digits of other scripts are read as digits.
fn decode(text: &[char]) -> Vec<(char, usize, usize)> {
    let plain = text.iter().enumerate().map(|(at, character)| (digit_of(*character), at, 1)).collect();
    decode_once(&decode_once(&plain))
}

type Decoded = Vec<(char, usize, usize)>;

fn decode_once(text: &Decoded) -> Decoded {
    let mut decoded = Vec::with_capacity(text.len());
    let mut at = 0_usize;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let head: Vec<char> = rest.iter().take(8).map(|(character, ..)| *character).collect();
        let (character, length) = read_escape(&head).unwrap_or((head.first().copied().unwrap_or(' '), 1));
        let spelled = rest.get(..length).unwrap_or(rest);
        let begin = spelled.first().map_or(0, |(_, at, _)| *at);
        let end = spelled.last().map_or(begin, |(_, at, length)| at.saturating_add(*length));
        decoded.push((character, begin, end.saturating_sub(begin)));
        at = at.saturating_add(length);
    }
    decoded
}

/// The escape with which a text begins, and its length.
fn read_escape(text: &[char]) -> Option<(char, usize)> {
    let number = |digits: &[char], radix| {
        let number = digits
            .iter()
            .try_fold(0_u32, |number, digit| number.checked_mul(radix)?.checked_add(digit.to_digit(radix)?));
        number.filter(|_| !digits.is_empty()).and_then(char::from_u32)
    };
    match text {
        ['%', digits @ ..] => Some((number(digits.get(..2)?, 16)?, 3)),
        ['\\', 'u', digits @ ..] => Some((number(digits.get(..4)?, 16)?, 6)),
        ['\\', 'x', digits @ ..] => Some((number(digits.get(..2)?, 16)?, 4)),
        ['&', '#', 'x' | 'X', digits @ ..] => {
            let length = digits.iter().position(|c| *c == ';')?;
            Some((number(digits.get(..length)?, 16)?, length.saturating_add(4)))
        }
        ['&', '#', digits @ ..] => {
            let length = digits.iter().position(|c| *c == ';')?;
            Some((number(digits.get(..length)?, 10)?, length.saturating_add(3)))
        }
        [..] => None,
    }
}

/// The ASCII digit of a full-width, Arabic-Indic or extended Arabic-Indic digit.
fn digit_of(character: char) -> char {
    let zero = match character {
        '０'..='９' => '０',
        '٠'..='٩' => '٠',
        '۰'..='۹' => '۰',
        other => return other,
    };
    let value = u32::from(character).saturating_sub(u32::from(zero));
    char::from_digit(value, 10).unwrap_or(character)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_of_persons_are_masked_in_every_spelling() {
        for text in [
            "a 85073099932 b",
            "a 85.07.30-999.32 b",
            "a 85 07 30 / 999 / 32 b",
            "x85073099932y",
            "a %38%35%30%37%33%30%39%39%39%33%32 b",
            "a 85%2E07%2E30%2D999%2E32 b",
            "a %2538%2535073099932 b",
            "a &#56;5073099932 b",
            "a &#x38;&#x35;073099932 b",
            r"a \u0038\u0035073099932 b",
            r"a \x38\x35073099932 b",
            "a ８５０７３０９９９３２ b",
            "a ٨٥٠٧٣٠٩٩٩٣٢ b",
        ] {
            let redacted = redact(text);
            assert!(!redacted.contains("99932") && redacted.contains("***"), "{text} became {redacted}");
            assert!(redact(&redacted) == redacted, "{redacted}");
        }
        for shift in ["", "x", "xy"] {
            let encoded = STANDARD.encode(format!("{shift}ssin=85073099932&x"));
            assert_eq!(
                redact(&format!("body {encoded} end")),
                format!("body [removed]{} end", "=".repeat(encoded.matches('=').count()))
            );
        }
        // Wrong check digits, digests, and words remain.
        for text in [
            "85073099933",
            "2026-11-30T22:50:00.123Z",
            "d2a84f4b8b650937ec8f73cd8be2c74add5a911ba64df27458ed8229da804a26",
        ] {
            assert_eq!(redact(text), text);
        }
    }

    #[test]
    fn secrets_are_removed() {
        let key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\n-----END PRIVATE KEY-----";
        assert_eq!(redact(&format!("a\n{key}\nb")), "a\n[removed]\nb");
        assert_eq!(redact("a -----BEGIN EC PRIVATE KEY-----\\nMIIEvQ"), "a [removed]", "it has no end");
        let certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";
        assert_eq!(redact(certificate), certificate);
        assert_eq!(redact(&"MIIEvQIBADANBgkqhkiG9w0BAQEFAASC".repeat(2)), "[removed]");
        assert_eq!(redact("to https://anna:x@y@host:1/p?q and b://h"), "to https://[removed]@host:1/p?q and b://h");
        assert_eq!(redact("postgresql://anna:pw@db1,db2/x"), "postgresql://[removed]@db1,db2/x");
        assert_eq!(redact("a\nPassword = hunter2 x\nb"), "a\nPassword = [removed]\nb");
        assert_eq!(redact("{\"token\":\"x\"}"), "{\"token\": [removed]");
        assert_eq!(redact("Authorization: Basic eDp5"), "Authorization: [removed]");
        assert_eq!(redact("no password is needed"), "no password is needed");
        let value = json!({ "secret": "x", "a": ["85073099932", 85_073_099_932_u64, 12], "85073099932": true });
        let redacted = json!({ "secret": "[removed]", "a": ["***********", "***********", 12], "***********": true });
        assert_eq!(redact_value(&value), redacted);
    }

    #[test]
    fn quoted_values_are_removed_and_apostrophes_are_not() {
        for (text, kept) in [
            ("element 'Janssens', namespace 'urn:a'", "element '…', namespace '…'"),
            (r"value 'a\'b' end", "value '…' end"),
            ("the log's disk is `x` \"y\"", "the log's disk is `…` \"…\""),
            ("value 'not closed", "value '…"),
        ] {
            assert_eq!(remove_quoted(text), kept);
        }
    }
}
