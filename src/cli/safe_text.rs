//! Texts of others in rows that people open: in a terminal, as CSV, in a spreadsheet.

/// What replaces a character that could break a row, a terminal or the direction of a text.
const REPLACEMENT: char = '_';

/// Makes a text safe for a row, at most this many characters: no separator or quote of CSV, no control
/// character and none that changes the direction of a text, and no beginning that a spreadsheet takes for
/// a formula.
pub(super) fn make_safe(text: &str, max: usize) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    let prefix = is_formula.then_some('\'');
    let safe = text.chars().map(|c| if is_unsafe(c) { REPLACEMENT } else { c });
    prefix.into_iter().chain(safe).take(max).collect()
}

/// Makes a text of a peer safe for a terminal, as one line of at most this many characters.
#[cfg(feature = "acme")]
pub(super) fn make_line(text: &str, max: usize) -> String {
    text.chars().map(|c| if is_hidden(c) { REPLACEMENT } else { c }).take(max).collect()
}

/// Whether a character could end a terminal's line or a field of CSV, or hides, or changes the direction
/// of a text.
pub(super) fn is_unsafe(c: char) -> bool {
    is_hidden(c) || [',', ';', '"'].contains(&c)
}

/// Whether a terminal acts on a character instead of showing it.
pub(super) fn is_hidden(c: char) -> bool {
    let is_invisible = matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}');
    c.is_control() || is_invisible
}
