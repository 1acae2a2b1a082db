//! The parts of a letter, parsed from Markdown: CommonMark with tables and lists of definitions.
//!
//! A letter loads nothing and runs nothing: HTML, code and images other than the logo are errors.

#![expect(clippy::wildcard_enum_match_arm, reason = "the library's events: one that is not named is an error")]

use pulldown_cmark::{Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd};

/// Deepest nesting of lists and quotes.
const MAX_DEPTH: usize = 8;
/// Destination of the image that is the logo.
const LOGO: &str = "logo";

/// A letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    /// Text of the first heading.
    pub title: String,
    pub blocks: Vec<Block>,
}

/// A part that begins on a line of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Block {
    /// Level from 1, text.
    Heading(u16, Vec<Inline>),
    Paragraph(Vec<Inline>),
    /// The logo, with its alternative text.
    Logo(String),
    List(List),
    /// The address of the addressee.
    Quote(Vec<Block>),
    Table(Table),
    Terms(Vec<Term>),
    Rule,
}

/// A list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct List {
    /// First number; `None`: the items have no numbers.
    pub first: Option<u64>,
    pub items: Vec<Vec<Block>>,
}

/// A table: cells are one paragraph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    pub head: Vec<Vec<Inline>>,
    pub rows: Vec<Vec<Vec<Inline>>>,
}

/// A term and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Term {
    pub term: Vec<Inline>,
    pub definition: Vec<Block>,
}

/// Text in one style. A line break is `\n`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Inline {
    pub text: String,
    pub style: Style,
    /// Destination of a link.
    pub link: Option<String>,
}

/// Style of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Style {
    Plain,
    Strong,
    Emphasis,
}

/// A template makes something that a letter cannot have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// Not a part of letters.
    #[error("a letter has no {0}; write text, headings, lists, tables, definitions, a quote for the address, links")]
    Part(&'static str),
    /// An image is not the logo.
    #[error("a letter has no image but the logo: write ![TEXT](logo) in a paragraph of its own")]
    Image,
    /// A link leads elsewhere than to the web, to mail or to a telephone.
    #[error("a link must begin with https:, http:, mailto: or tel:")]
    Link,
    /// There is no title.
    #[error("the first heading must have level 1 (`# TITLE`): it is the title of the letter")]
    NoTitle,
    /// Levels of headings are left out.
    #[error("a heading of level {1} follows one of level {0}; readers of screens need every level")]
    Level(u16, u16),
    /// Nesting.
    #[error("lists and quotes are nested deeper than {MAX_DEPTH} levels")]
    Depth,
}

impl Document {
    /// Parses a letter.
    pub fn parse(markdown: &str) -> Result<Self, DocumentError> {
        let options = Options::ENABLE_TABLES | Options::ENABLE_DEFINITION_LIST;
        let mut reader = Reader { events: Parser::new_ext(markdown, options), depth: 0 };
        let blocks = reader.blocks(None)?;
        let title = check_headings(&blocks)?;
        Ok(Self { title, blocks })
    }
}

/// Text without its styles, on one line.
pub(crate) fn plain(inlines: &[Inline]) -> String {
    inlines.iter().map(|inline| inline.text.replace('\n', " ")).collect()
}

fn check_headings(blocks: &[Block]) -> Result<String, DocumentError> {
    let headings = blocks.iter().filter_map(|block| match block {
        Block::Heading(level, text) => Some((*level, plain(text))),
        Block::Paragraph(_)
        | Block::Logo(_)
        | Block::List(_)
        | Block::Quote(_)
        | Block::Table(_)
        | Block::Terms(_)
        | Block::Rule => None,
    });
    let (mut title, mut before) = (None, 0);
    for (level, text) in headings {
        if title.is_none() && (level != 1 || text.trim().is_empty()) {
            return Err(DocumentError::NoTitle);
        }
        if level > before + 1 {
            return Err(DocumentError::Level(before, level));
        }
        before = level;
        title.get_or_insert(text);
    }
    title.ok_or(DocumentError::NoTitle)
}

struct Reader<'a> {
    events: Parser<'a>,
    depth: usize,
}

impl<'a> Reader<'a> {
    /// Reads blocks up to the end of what contains them. Text without a paragraph, as in a tight list, is one.
    fn blocks(&mut self, until: Option<TagEnd>) -> Result<Vec<Block>, DocumentError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(DocumentError::Depth);
        }
        let (mut blocks, mut loose) = (Vec::new(), Inlines::default());
        while let Some(event) = self.events.next() {
            match event {
                Event::End(end) if Some(end) == until => break,
                Event::Start(tag) if is_block(&tag) => {
                    loose.flush(&mut blocks);
                    let block = self.block(tag)?;
                    blocks.extend(block);
                }
                Event::Rule => {
                    loose.flush(&mut blocks);
                    blocks.push(Block::Rule);
                }
                other => loose.push(other)?,
            }
        }
        loose.flush(&mut blocks);
        self.depth -= 1;
        Ok(blocks)
    }

    fn block(&mut self, tag: Tag<'a>) -> Result<Option<Block>, DocumentError> {
        Ok(match tag {
            Tag::Paragraph => self.paragraph()?,
            Tag::Heading { level, .. } => {
                let text = self.inlines(TagEnd::Heading(level))?;
                Some(Block::Heading(level_of(level), text.texts))
            }
            Tag::BlockQuote(kind) => Some(Block::Quote(self.blocks(Some(TagEnd::BlockQuote(kind)))?)),
            Tag::List(first) => Some(Block::List(List { first, items: self.items(first.is_some())? })),
            Tag::DefinitionList => Some(Block::Terms(self.terms()?)),
            Tag::Table(_) => Some(Block::Table(self.table()?)),
            Tag::CodeBlock(_) => return Err(DocumentError::Part("code (indented or between ```)")),
            Tag::HtmlBlock => return Err(DocumentError::Part("HTML")),
            _ => return Err(DocumentError::Part("footnotes, metadata")),
        })
    }

    fn paragraph(&mut self) -> Result<Option<Block>, DocumentError> {
        let inlines = self.inlines(TagEnd::Paragraph)?;
        Ok(match inlines.logo {
            Some(alternative) if inlines.texts.is_empty() => Some(Block::Logo(alternative)),
            Some(_) => return Err(DocumentError::Image),
            None if inlines.texts.is_empty() => None,
            None => Some(Block::Paragraph(inlines.texts)),
        })
    }

    fn inlines(&mut self, until: TagEnd) -> Result<Inlines, DocumentError> {
        let mut inlines = Inlines::default();
        for event in self.events.by_ref() {
            match event {
                Event::End(end) if end == until => break,
                other => inlines.push(other)?,
            }
        }
        Ok(inlines)
    }

    fn items(&mut self, is_numbered: bool) -> Result<Vec<Vec<Block>>, DocumentError> {
        let mut items = Vec::new();
        while let Some(event) = self.events.next() {
            match event {
                Event::Start(Tag::Item) => items.push(self.blocks(Some(TagEnd::Item))?),
                Event::End(TagEnd::List(numbered)) if numbered == is_numbered => break,
                _ => {}
            }
        }
        Ok(items)
    }

    fn terms(&mut self) -> Result<Vec<Term>, DocumentError> {
        let mut terms: Vec<Term> = Vec::new();
        while let Some(event) = self.events.next() {
            match event {
                Event::Start(Tag::DefinitionListTitle) => {
                    let term = self.inlines(TagEnd::DefinitionListTitle)?.texts;
                    terms.push(Term { term, definition: Vec::new() });
                }
                Event::Start(Tag::DefinitionListDefinition) => {
                    let definition = self.blocks(Some(TagEnd::DefinitionListDefinition))?;
                    if let Some(term) = terms.last_mut() {
                        term.definition.extend(definition);
                    }
                }
                Event::End(TagEnd::DefinitionList) => break,
                _ => {}
            }
        }
        Ok(terms)
    }

    fn table(&mut self) -> Result<Table, DocumentError> {
        let (mut head, mut rows, mut row) = (Vec::new(), Vec::new(), Vec::new());
        while let Some(event) = self.events.next() {
            match event {
                Event::Start(Tag::TableCell) => row.push(self.inlines(TagEnd::TableCell)?.texts),
                Event::End(TagEnd::TableHead) => head = std::mem::take(&mut row),
                Event::End(TagEnd::TableRow) => rows.push(std::mem::take(&mut row)),
                Event::End(TagEnd::Table) => break,
                _ => {}
            }
        }
        Ok(Table { head, rows })
    }
}

/// Whether a tag begins a block and no text.
fn is_block(tag: &Tag<'_>) -> bool {
    !matches!(tag, Tag::Emphasis | Tag::Strong | Tag::Link { .. } | Tag::Image { .. })
}

fn level_of(level: HeadingLevel) -> u16 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

/// Texts that are being read.
#[derive(Default)]
struct Inlines {
    texts: Vec<Inline>,
    strong: usize,
    emphasis: usize,
    link: Option<String>,
    /// Alternative text of the logo.
    logo: Option<String>,
    is_in_image: bool,
}

impl Inlines {
    fn push(&mut self, event: Event<'_>) -> Result<(), DocumentError> {
        match event {
            Event::Text(text) => self.text(&text),
            Event::SoftBreak => self.text(" "),
            Event::HardBreak => self.text("\n"),
            Event::Start(Tag::Strong) => self.strong += 1,
            Event::End(TagEnd::Strong) => self.strong = self.strong.saturating_sub(1),
            Event::Start(Tag::Emphasis) => self.emphasis += 1,
            Event::End(TagEnd::Emphasis) => self.emphasis = self.emphasis.saturating_sub(1),
            Event::Start(Tag::Link { link_type, dest_url, .. }) => self.link = Some(destination(link_type, &dest_url)?),
            Event::End(TagEnd::Link) => self.link = None,
            Event::Start(Tag::Image { dest_url, .. }) if &*dest_url == LOGO && self.logo.is_none() => {
                self.logo = Some(String::new());
                self.is_in_image = true;
            }
            Event::Start(Tag::Image { .. }) => return Err(DocumentError::Image),
            Event::End(TagEnd::Image) => self.is_in_image = false,
            Event::Code(_) => return Err(DocumentError::Part("code (between `)")),
            Event::Html(_) | Event::InlineHtml(_) => return Err(DocumentError::Part("HTML")),
            Event::Start(_)
            | Event::End(_)
            | Event::Rule
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::FootnoteReference(_)
            | Event::TaskListMarker(_) => return Err(DocumentError::Part("part of this kind in a text")),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if self.is_in_image {
            self.logo.get_or_insert_default().push_str(text);
            return;
        }
        let style = match (self.strong, self.emphasis) {
            (0, 0) => Style::Plain,
            (0, _) => Style::Emphasis,
            (_, _) => Style::Strong,
        };
        match self.texts.last_mut() {
            Some(last) if last.style == style && last.link == self.link => last.text.push_str(text),
            _ => self.texts.push(Inline { text: text.to_owned(), style, link: self.link.clone() }),
        }
    }

    /// Ends a paragraph that has no tag.
    fn flush(&mut self, blocks: &mut Vec<Block>) {
        let Self { texts, .. } = std::mem::take(self);
        if !plain(&texts).trim().is_empty() {
            blocks.push(Block::Paragraph(texts));
        }
    }
}

fn destination(link_type: LinkType, link: &str) -> Result<String, DocumentError> {
    let link = if link_type == LinkType::Email { format!("mailto:{link}") } else { link.to_owned() };
    let is_known = ["https:", "http:", "mailto:", "tel:"].iter().any(|scheme| link.starts_with(scheme));
    if is_known { Ok(link) } else { Err(DocumentError::Link) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::escape::markdown;

    #[test]
    fn what_a_letter_cannot_have_is_named() {
        let error = |text: &str| Document::parse(&format!("# T\n\n{text}\n")).expect_err(text);
        assert_eq!(error("<b>x</b>"), DocumentError::Part("HTML"));
        assert_eq!(error("<div>x</div>"), DocumentError::Part("HTML"));
        assert_eq!(error("    code"), DocumentError::Part("code (indented or between ```)"));
        assert_eq!(error("`code`"), DocumentError::Part("code (between `)"));
        assert_eq!(error("![x](https://a.example/b.png)"), DocumentError::Image);
        assert_eq!(error("text ![x](logo)"), DocumentError::Image);
        assert_eq!(error("[x](javascript:alert)"), DocumentError::Link);
        assert_eq!(error("### x"), DocumentError::Level(1, 3));
        assert_eq!(error(&"> ".repeat(20).replace(' ', "")), DocumentError::Depth);
        assert_eq!(Document::parse("text"), Err(DocumentError::NoTitle));
        assert_eq!(Document::parse("## x"), Err(DocumentError::NoTitle));
    }

    #[test]
    fn a_value_stays_text_in_every_place() {
        let hostile = "# <b> | [x](https://e.example) **s** `c` &amp; 1. - > ~ ![i](logo) \\ {{ x }} ::: ===";
        let value = markdown(hostile);
        let texts = format!(
            "# {value}\n\n{value}\n\n- {value}\n\n> {value}\n\nTerm {value}\n: {value}\n\n| a |\n|---|\n| {value} |\n"
        );
        let document = Document::parse(&texts).expect("a letter");
        assert_eq!(document.title, hostile);
        let shown = format!("{:?}", document.blocks).matches(&format!("{hostile:?}")).count();
        assert_eq!(shown, 6, "{:#?}", document.blocks);
        for first in ["1. x", "- x", "+ x", "> x", "# x", "=====", "---", "***", "    x", ": x", "| x |", "```", "<!--"]
        {
            let document = Document::parse(&format!("# T\n\n{}\n", markdown(first))).expect("a letter");
            let [_, Block::Paragraph(inlines)] = document.blocks.as_slice() else { panic!("{:?}", document.blocks) };
            assert_eq!(plain(inlines), first.trim());
        }
    }

    #[test]
    fn every_part_is_parsed() {
        let text = "![Us](logo)\n\n# T\n\n> A\\\n> B\n\n- a **b**\n- c\n\nTerm\n: Meaning\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n---\n\n<a@b.be>\n";
        let document = Document::parse(text).expect("a letter");
        let kinds: Vec<_> =
            document.blocks.iter().map(|block| format!("{block:?}").chars().take(4).collect::<String>()).collect();
        assert_eq!(kinds, ["Logo", "Head", "Quot", "List", "Term", "Tabl", "Rule", "Para"]);
        assert!(format!("{:?}", document.blocks).contains("A\\nB"));
        assert!(format!("{:?}", document.blocks).contains("mailto:a@b.be"));
    }
}
