//! Masks SSINs in the service's texts.

use ehealth_core::model::Ssin;

/// Makes a text fit to print and log: control characters become blanks, and each SSIN becomes
/// eleven asterisks.
pub(super) fn mask_ssins(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut digits = String::new();
    let flush = |digits: &mut String, masked: &mut String| {
        match Ssin::parse(digits) {
            Ok(_) => masked.push_str("***********"),
            Err(_) => masked.push_str(digits),
        }
        digits.clear();
    };
    for letter in text.chars() {
        if letter.is_ascii_digit() {
            digits.push(letter);
            continue;
        }
        flush(&mut digits, &mut masked);
        masked.push(if is_unprintable(letter) { ' ' } else { letter });
    }
    flush(&mut digits, &mut masked);
    masked
}

/// Control characters and those that change the direction of the text: a terminal acts on both.
fn is_unprintable(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ssins_and_control_characters_are_masked() {
        assert_eq!(mask_ssins("no 85073099932, line 3"), "no ***********, line 3");
        assert_eq!(mask_ssins("85073099933 1850730999320"), "85073099933 1850730999320");
        assert_eq!(mask_ssins("a\u{1b}[31mred\n\u{202e}b"), "a [31mred  b");
        assert_eq!(mask_ssins("85073099932"), "***********");
    }
}
