//! Text in lines of a width (UAX 14).

use unicode_linebreak::{BreakOpportunity, linebreaks};

use super::font::Fonts;
use crate::document::{Inline, Style};

/// Text of one style in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    pub text: String,
    pub style: Style,
    /// Distance from the left edge of the line, in twentieths of a point.
    pub x: i32,
}

/// Size of text and line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Face {
    /// Size of the text, in twentieths of a point.
    pub size: i32,
    /// Whether all of it is strong, as in headings.
    pub is_strong: bool,
}

/// Breaks texts into lines. Each line has at least one character, however narrow it is.
pub(super) fn wrap(fonts: &Fonts, inlines: &[Inline], face: Face, width: i32) -> Vec<Vec<Run>> {
    let styled: Vec<(String, Style)> = inlines.iter().map(|inline| styled(fonts, inline, face)).collect();
    let text: String = styled.iter().map(|(text, _)| text.as_str()).collect();
    let mut lines = Lines { fonts, face, width, done: Vec::new(), line: Vec::new(), used: 0 };
    let (mut begin, mut at) = (0, Cursor { styled: &styled, index: 0, offset: 0 });
    for (end, kind) in linebreaks(&text) {
        lines.piece(at.take(end.saturating_sub(begin)));
        begin = end;
        if kind == BreakOpportunity::Mandatory {
            lines.end();
        }
    }
    lines.end();
    lines.done
}

/// Text and style of a part; the destination of a link follows it, unless it is the text.
fn styled(fonts: &Fonts, inline: &Inline, face: Face) -> (String, Style) {
    let Inline { text, style, link } = inline;
    let style = if face.is_strong { Style::Strong } else { *style };
    let bare = link.as_ref().map(|link| link.trim_start_matches("mailto:").trim_start_matches("tel:"));
    let text = match bare {
        Some(bare) if !text.contains(bare) && !bare.trim_end_matches('/').ends_with(text.as_str()) => {
            format!("{text} ({bare})")
        }
        Some(_) | None => text.clone(),
    };
    (fonts.showable(&text), style)
}

/// Reads the styled texts piece by piece.
struct Cursor<'a> {
    styled: &'a [(String, Style)],
    index: usize,
    offset: usize,
}

impl Cursor<'_> {
    /// The next bytes, with their styles.
    fn take(&mut self, mut bytes: usize) -> Vec<(String, Style)> {
        let mut taken = Vec::new();
        while let Some((text, style)) = self.styled.get(self.index).filter(|_| bytes > 0) {
            let rest = text.get(self.offset..).unwrap_or_default();
            let part = rest.get(..bytes).unwrap_or(rest);
            taken.push((part.to_owned(), *style));
            bytes = bytes.saturating_sub(part.len());
            if part.len() == rest.len() {
                (self.index, self.offset) = (self.index + 1, 0);
            } else {
                self.offset += part.len();
            }
        }
        taken
    }
}

struct Lines<'a> {
    fonts: &'a Fonts,
    face: Face,
    width: i32,
    done: Vec<Vec<Run>>,
    line: Vec<Run>,
    used: i32,
}

impl Lines<'_> {
    fn width_of(&self, text: &str, style: Style) -> i32 {
        self.fonts.width(text, style, self.face.size)
    }

    /// Adds text that is not broken unless it is wider than a line.
    fn piece(&mut self, piece: Vec<(String, Style)>) {
        let piece: Vec<_> = piece.into_iter().map(|(text, style)| (text.replace('\n', ""), style)).collect();
        // Space at the end of a line may reach over its edge.
        let widths = piece.iter().map(|(text, style)| self.width_of(text.trim_end_matches(' '), *style));
        let width: i32 = widths.sum();
        if self.used.saturating_add(width) > self.width && !self.line.is_empty() {
            self.end();
        }
        for (text, style) in piece {
            if width > self.width {
                self.characters(&text, style);
            } else {
                self.append(&text, style);
            }
        }
    }

    /// Adds text that may be broken between any two characters.
    fn characters(&mut self, text: &str, style: Style) {
        for character in text.chars() {
            let text = character.to_string();
            let width = self.width_of(&text, style);
            if self.used.saturating_add(width) > self.width && !self.line.is_empty() {
                self.end();
            }
            self.append(&text, style);
        }
    }

    fn append(&mut self, text: &str, style: Style) {
        if text.is_empty() {
            return;
        }
        let width = self.width_of(text, style);
        match self.line.last_mut() {
            Some(last) if last.style == style => last.text.push_str(text),
            _ => self.line.push(Run { text: text.to_owned(), style, x: self.used }),
        }
        self.used = self.used.saturating_add(width);
    }

    fn end(&mut self) {
        self.used = 0;
        if !self.line.is_empty() {
            self.done.push(std::mem::take(&mut self.line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, width: i32) -> Vec<String> {
        let fonts = Fonts::new().expect("fonts");
        let inline = Inline { text: text.to_owned(), style: Style::Plain, link: None };
        let face = Face { size: 210, is_strong: false };
        let lines = wrap(&fonts, &[inline], face, width);
        lines.into_iter().map(|runs| runs.into_iter().map(|run| run.text).collect()).collect()
    }

    #[test]
    fn no_line_is_wider_than_its_width() {
        let text = "Deze brief toont wie uw gegevens via deze dienst heeft opgevraagd, en waarom.";
        let fonts = Fonts::new().expect("fonts");
        for width in [300, 1_000, 2_500, 9_000] {
            let lines = lines(text, width);
            assert_eq!(lines.concat(), text);
            for line in &lines {
                let used = fonts.width(line.trim_end(), Style::Plain, 210);
                assert!(used <= width || line.trim_end().chars().count() == 1, "{used} > {width}: {line}");
            }
        }
        assert_eq!(lines(text, 20_000).len(), 1);
    }

    #[test]
    fn a_no_break_space_never_ends_a_line() {
        let text = "Base légale\u{a0}: retour au travail\u{a0}; plate-forme";
        for width in (1_500..3_000).step_by(50) {
            assert!(lines(text, width).iter().all(|line| !line.starts_with([':', ';'])), "{width}");
        }
    }

    #[test]
    fn a_line_break_and_a_word_that_is_too_long_break() {
        assert_eq!(lines("a\nb", 9_000), ["a", "b"]);
        assert!(lines(&"x".repeat(100), 1_000).len() > 5);
        assert_eq!(lines("\u{5d0}\u{200f}x\u{2068}", 9_000), ["\u{fffd}x"]);
    }
}
