//! Values in a template: never markup, whatever they contain.

/// Returns the value as visible text on one line. White space becomes single spaces. Control characters and
/// the controls of writing direction, which could hide or reorder what follows, become U+FFFD. A value with
/// letters that are written from right to left is isolated (UAX 9), so that it does not reorder its sentence.
pub(crate) fn visible(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            // A no-break space stays: French needs it.
            '\u{a0}' | '\u{202f}' => text.push('\u{a0}'),
            space if space.is_whitespace() => {
                if !text.is_empty() && !text.ends_with(' ') {
                    text.push(' ');
                }
            }
            control if control.is_control() || is_direction_control(control) => text.push('\u{fffd}'),
            other => text.push(other),
        }
    }
    text.truncate(text.trim_end_matches(' ').len());
    if text.chars().any(is_right_to_left) { format!("\u{2068}{text}\u{2069}") } else { text }
}

/// Returns the value as Markdown that shows exactly its visible text: each sign of ASCII is escaped
/// (CommonMark 0.31, 2.4).
pub(crate) fn markdown(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in visible(value).chars() {
        if character.is_ascii_punctuation() {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// Appends text to HTML.
pub(crate) fn push_html(html: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
}

/// Characters that have no glyph and that no reader sees.
pub(crate) fn is_ignorable(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{34f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{e0000}'..='\u{e0fff}'
    )
}

fn is_direction_control(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Hebrew, Arabic and their neighbours, with the presentation forms and the scripts of plane 1.
fn is_right_to_left(character: char) -> bool {
    matches!(
        character,
        '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_visible_line() {
        assert_eq!(visible("  a\r\n\n b\t\tc \u{2028}d "), "a b c d");
        assert_eq!(visible("a\u{0}b\u{202e}c\u{2066}"), "a\u{fffd}b\u{fffd}c\u{fffd}");
        assert_eq!(visible("Fonds\u{a0}: x"), "Fonds\u{a0}: x");
        assert_eq!(visible("\u{5d0}\u{5d1}"), "\u{2068}\u{5d0}\u{5d1}\u{2069}");
        assert_eq!(markdown("1. <b>*|`\\"), "1\\. \\<b\\>\\*\\|\\`\\\\");
    }
}
