//! The fonts, and text as glyphs.

use std::ops::Range;

use krilla::surface::Location;
use krilla::text::{Font, Glyph, GlyphId};
use rustybuzz::{Face, UnicodeBuffer};

use crate::document::Style;
use crate::escape::is_ignorable;

const REGULAR: &[u8] = include_bytes!("../../fonts/NotoSans-Regular.ttf");
const BOLD: &[u8] = include_bytes!("../../fonts/NotoSans-Bold.ttf");
const ITALIC: &[u8] = include_bytes!("../../fonts/NotoSans-Italic.ttf");

/// Shown in place of a character that the fonts do not have.
const SUBSTITUTE: char = '\u{fffd}';

/// The three styles of the font.
pub(super) struct Fonts {
    plain: OneFont,
    strong: OneFont,
    emphasis: OneFont,
}

struct OneFont {
    face: Face<'static>,
    font: Font,
}

impl OneFont {
    fn new(bytes: &'static [u8]) -> Option<Self> {
        Some(Self { face: Face::from_slice(bytes, 0)?, font: Font::new(bytes.into(), 0)? })
    }
}

impl Fonts {
    /// The built-in fonts; `None` if the program was built with something else.
    pub fn new() -> Option<Self> {
        Some(Self { plain: OneFont::new(REGULAR)?, strong: OneFont::new(BOLD)?, emphasis: OneFont::new(ITALIC)? })
    }

    fn of(&self, style: Style) -> &OneFont {
        match style {
            Style::Plain => &self.plain,
            Style::Strong => &self.strong,
            Style::Emphasis => &self.emphasis,
        }
    }

    /// The font of a style, for the document.
    pub fn font(&self, style: Style) -> Font {
        self.of(style).font.clone()
    }

    /// The text with characters that the fonts have: characters without a glyph are dropped if they are
    /// invisible, and otherwise replaced.
    pub fn showable(&self, text: &str) -> String {
        let face = &self.plain.face;
        let shown = text.chars().filter(|character| !is_ignorable(*character));
        let shown = shown.map(|character| match character {
            '\n' => '\n',
            // A no-break hyphen: the line breaker has seen it.
            '\u{2011}' => '-',
            known if face.glyph_index(known).is_some_and(|glyph| glyph.0 != 0) => known,
            _ => SUBSTITUTE,
        });
        shown.collect()
    }

    /// Shapes a text of one style on one line.
    pub fn shape(&self, text: &str, style: Style) -> Vec<Shaped> {
        let face = &self.of(style).face;
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        // Every script of the fonts is written from left to right.
        buffer.set_direction(rustybuzz::Direction::LeftToRight);
        buffer.guess_segment_properties();
        let shaped = rustybuzz::shape(face, &[], buffer);
        let clusters: Vec<usize> =
            shaped.glyph_infos().iter().map(|info| usize::try_from(info.cluster).unwrap_or(0)).collect();
        let end_of = |index: usize, begin: usize| {
            let after = clusters.iter().skip(index).find(|cluster| **cluster > begin);
            after.copied().unwrap_or(text.len())
        };
        let glyphs = shaped.glyph_infos().iter().zip(shaped.glyph_positions()).zip(&clusters).enumerate();
        glyphs
            .map(|(index, ((info, position), begin))| Shaped {
                glyph: info.glyph_id,
                range: *begin..end_of(index, *begin),
                advance: position.x_advance,
                x_offset: position.x_offset,
                y_offset: position.y_offset,
                units: face.units_per_em(),
            })
            .collect()
    }

    /// Width of a text of one style, in twentieths of a point.
    pub fn width(&self, text: &str, style: Style, size: i32) -> i32 {
        let advance: i32 = self.shape(text, style).iter().map(|glyph| glyph.advance).sum();
        let units = self.of(style).face.units_per_em();
        advance.saturating_mul(size).checked_div(units).unwrap_or(0)
    }
}

/// A glyph in its place. Lengths are in units of the font.
#[derive(Debug, Clone)]
pub(super) struct Shaped {
    glyph: u32,
    /// Bytes of the text that it shows.
    range: Range<usize>,
    advance: i32,
    x_offset: i32,
    y_offset: i32,
    units: i32,
}

impl Shaped {
    #[expect(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "the library draws with fractions")]
    fn scaled(&self, length: i32, size: f32) -> f32 {
        length as f32 * size / self.units as f32
    }
}

impl Glyph for Shaped {
    fn glyph_id(&self) -> GlyphId {
        GlyphId::new(self.glyph)
    }

    fn text_range(&self) -> Range<usize> {
        self.range.clone()
    }

    fn x_advance(&self, size: f32) -> f32 {
        self.scaled(self.advance, size)
    }

    fn x_offset(&self, size: f32) -> f32 {
        self.scaled(self.x_offset, size)
    }

    fn y_offset(&self, size: f32) -> f32 {
        self.scaled(self.y_offset, size)
    }

    fn y_advance(&self, _: f32) -> f32 {
        0.0
    }

    fn location(&self) -> Option<Location> {
        None
    }
}
