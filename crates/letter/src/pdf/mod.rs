//! A letter as a tagged PDF that conforms to PDF/UA-1: an error of conformance is an error.

mod flow;
mod font;
mod pages;
mod tags;
mod wrap;

use ehealth_core::model::{BrusselsTime, Language, Timestamp};
use krilla::configure::{Accessibility, ConfigurationBuilder};
use krilla::destination::XyzDestination;
use krilla::geom::{PathBuilder, Point, Rect, Size, Transform};
use krilla::image::Image;
use krilla::metadata::{DateTime, Metadata};
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::surface::Surface;
use krilla::tagging::{Artifact, ArtifactType, ContentTag, SpanTag};
use krilla::{Document as Pdf, SerializeSettings};

use self::flow::{Flow, LEFT, Part, Shape, TEXT_WIDTH};
use self::font::Fonts;
use self::pages::{Placed, TOP, paginate};
use self::tags::Tags;
use crate::document::{Document, Style};

/// Twips in a point.
const SCALE: f32 = 0.05;
/// Size of the page numbers.
const SMALL: i32 = 170;
/// Baseline of the page numbers, from the top of the page.
const FOOTER: i32 = 16_838 - 850;

/// A letter cannot be written as PDF.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PdfError {
    /// The built-in fonts cannot be read.
    #[error("the built-in fonts cannot be read")]
    Fonts,
    /// The logo cannot be read.
    #[error("the logo is no PNG image that can be read: {0}")]
    Logo(String),
    /// The document does not conform to PDF/UA-1, or not to PDF.
    #[error("the PDF does not conform to PDF/UA-1: {0}")]
    Conformance(String),
}

/// What a letter says of itself.
pub(crate) struct About<'a> {
    pub language: Language,
    pub author: &'a str,
    pub made: Timestamp,
    /// Bytes of a PNG image.
    pub logo: Option<&'a [u8]>,
}

/// Writes the PDF.
pub(crate) fn write(document: &Document, about: &About<'_>) -> Result<Vec<u8>, PdfError> {
    let fonts = Fonts::new().ok_or(PdfError::Fonts)?;
    let logo =
        about.logo.map(|logo| Image::from_png(logo.to_vec().into(), true)).transpose().map_err(PdfError::Logo)?;
    let flow = Flow::new(&fonts, document, logo.as_ref().map(Image::size));
    let Flow { mut tags, lines, heads, .. } = flow;
    let pages = paginate(lines, &heads);
    let accessible = ConfigurationBuilder::new().with_accessibility_validator(Accessibility::UA1).finish();
    let configuration = accessible.map_err(|_| PdfError::Conformance("no version of PDF allows it".to_owned()))?;
    let mut pdf = Pdf::new_with(SerializeSettings { configuration, ..SerializeSettings::default() });
    let count = pages.len();
    let mut bookmarks = Vec::new();
    for (page, index) in pages.iter().zip(0_usize..) {
        let mut drawn = pdf.start_page_with(PageSettings::from_wh(595.3, 841.9).unwrap_or_default());
        let mut surface = drawn.surface();
        surface.push_transform(&Transform::from_scale(SCALE, SCALE));
        let mut artist = Artist { surface: &mut surface, fonts: &fonts, tags: &mut tags, logo: logo.as_ref() };
        for placed in page {
            artist.line(placed);
            if let Some((level, text)) = placed.line.bookmark.clone() {
                let at = Point::from_xy(0.0, float((TOP + placed.y) / 20));
                bookmarks.push((level, OutlineNode::new(text, XyzDestination::new(index, at))));
            }
        }
        artist.page_number(&format!("{}/{count}", index + 1));
        surface.pop();
        surface.finish();
        drawn.finish();
    }
    pdf.set_outline(outline(bookmarks));
    pdf.set_metadata(metadata(document, about));
    pdf.set_tag_tree(tags.into_tree(about.language.code()));
    pdf.finish().map_err(|error| PdfError::Conformance(error.to_string()))
}

/// Headings of level 2 and 3 under those above them.
fn outline(bookmarks: Vec<(u16, OutlineNode)>) -> Outline {
    let mut open: Vec<(u16, OutlineNode)> = Vec::new();
    let mut outline = Outline::new();
    let close = |open: &mut Vec<(u16, OutlineNode)>, outline: &mut Outline| {
        if let Some((_, node)) = open.pop() {
            match open.last_mut() {
                Some((_, parent)) => parent.push_child(node),
                None => outline.push_child(node),
            }
        }
    };
    for (level, node) in bookmarks {
        while open.last().is_some_and(|(other, _)| *other >= level) {
            close(&mut open, &mut outline);
        }
        open.push((level, node));
    }
    while !open.is_empty() {
        close(&mut open, &mut outline);
    }
    outline
}

fn metadata(document: &Document, about: &About<'_>) -> Metadata {
    let (year, month, day) = about.made.brussels_day().calendar();
    let BrusselsTime { hour, minute, second, is_summer } = about.made.brussels_time();
    let part = |value: u64| u8::try_from(value).unwrap_or(0);
    let date = DateTime::new(u16::try_from(year).unwrap_or(0))
        .month(part(u64::from(month)))
        .day(part(u64::from(day)))
        .hour(part(hour))
        .minute(part(minute))
        .second(part(second))
        .utc_offset_hour(if is_summer { 2 } else { 1 })
        .utc_offset_minute(0);
    Metadata::new()
        .title(document.title.clone())
        .language(about.language.code().to_owned())
        .authors(vec![about.author.to_owned()])
        .creator("ehealth-attributes".to_owned())
        .creation_date(date)
}

/// Draws lines on a page.
struct Artist<'a, 'p> {
    surface: &'a mut Surface<'p>,
    fonts: &'a Fonts,
    tags: &'a mut Tags,
    logo: Option<&'a Image>,
}

impl Artist<'_, '_> {
    fn line(&mut self, placed: &Placed) {
        for Part { x, y, shape, tag } in &placed.line.parts {
            let (x, y) = (LEFT + x, TOP + placed.y + y);
            let content = match (tag, shape) {
                (Some(_), Shape::Text { .. }) if !placed.is_repeated => ContentTag::Span(SpanTag::empty()),
                (Some(_), Shape::Logo { .. }) if !placed.is_repeated => ContentTag::Other,
                (Some(_), _) => ContentTag::Artifact(Artifact::with_kind(ArtifactType::PaginationOther)),
                (None, _) => ContentTag::Artifact(Artifact::with_kind(ArtifactType::Layout)),
            };
            let identifier = self.surface.start_tagged(content);
            self.shape(x, y, shape);
            self.surface.end_tagged();
            if let Some(tag) = tag.filter(|_| !placed.is_repeated) {
                self.tags.push(tag, identifier);
            }
        }
    }

    fn shape(&mut self, x: i32, y: i32, shape: &Shape) {
        match shape {
            Shape::Text { run, size } => {
                let glyphs = self.fonts.shape(&run.text, run.style);
                let (start, font) = (Point::from_xy(float(x), float(y)), self.fonts.font(run.style));
                self.surface.draw_glyphs(start, &glyphs, font, &run.text, float(*size), false);
            }
            Shape::Rule { width } => {
                let mut path = PathBuilder::new();
                if let Some(rule) = Rect::from_xywh(float(x), float(y), float(*width), 8.0) {
                    path.push_rect(rule);
                }
                if let Some(path) = path.finish() {
                    self.surface.draw_path(&path);
                }
            }
            Shape::Logo { width, height } => {
                if let (Some(logo), Some(size)) = (self.logo, Size::from_wh(float(*width), float(*height))) {
                    self.surface.push_transform(&Transform::from_translate(float(x), float(y)));
                    self.surface.draw_image(logo.clone(), size);
                    self.surface.pop();
                }
            }
        }
    }

    fn page_number(&mut self, text: &str) {
        let width = self.fonts.width(text, Style::Plain, SMALL);
        self.surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(ArtifactType::Footer)));
        let glyphs = self.fonts.shape(text, Style::Plain);
        let start = Point::from_xy(float(LEFT + TEXT_WIDTH - width), float(FOOTER));
        self.surface.draw_glyphs(start, &glyphs, self.fonts.font(Style::Plain), text, float(SMALL), false);
        self.surface.end_tagged();
    }
}

/// A length on a page: it is exact.
fn float(length: i32) -> f32 {
    f32::from(i16::try_from(length).unwrap_or(i16::MAX))
}
