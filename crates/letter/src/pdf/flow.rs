//! The letter as lines, from top to bottom, before there are pages.
//!
//! Lengths are in twentieths of a point (twips): whole numbers, exact enough for print.

use super::font::Fonts;
use super::tags::{Kind, TagId, Tags};
use super::wrap::{Face, Run, wrap};
use crate::document::{Block, Document, Inline, List, Style, Table, Term, plain};

/// Width of the text: A4 less 22 mm on both sides.
pub(super) const TEXT_WIDTH: i32 = 11_906 - 2 * LEFT;
/// Left margin, 22 mm.
pub(super) const LEFT: i32 = 1_247;

const BODY: Face = Face { size: 200, is_strong: false };
const STRONG: Face = Face { size: 200, is_strong: true };
/// Indent of a list.
const INDENT: i32 = 360;
/// Padding of a cell.
const PADDING: i32 = 80;
/// Part of the width that the terms of definitions have, in hundredths.
const TERMS: i32 = 36;
/// Largest logo.
const LOGO_HEIGHT: i32 = 1_200;
const LOGO_WIDTH: i32 = 4_000;
/// A row with more lines may be broken between two pages.
const LONGEST_WHOLE_ROW: usize = 12;

/// Number of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TableId(pub usize);

/// A line: what stands beside each other, and is not broken.
#[derive(Debug, Clone, Default)]
pub(super) struct Line {
    /// Space above, which the top of a page leaves out.
    pub before: i32,
    pub height: i32,
    /// Whether the next line must be on the same page.
    pub keeps_next: bool,
    pub parts: Vec<Part>,
    /// The table to which a row belongs: its head is repeated on each page.
    pub table: Option<TableId>,
    /// Level and text of a heading.
    pub bookmark: Option<(u16, String)>,
}

/// What is drawn in a line.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// From the left edge of the text.
    pub x: i32,
    /// From the top of the line.
    pub y: i32,
    pub shape: Shape,
    /// The element to which it belongs; `None`: decoration.
    pub tag: Option<TagId>,
}

#[derive(Debug, Clone)]
pub(super) enum Shape {
    /// Text on its baseline.
    Text { run: Run, size: i32 },
    /// A thin line of this width.
    Rule { width: i32 },
    /// The logo in this size.
    Logo { width: i32, height: i32 },
}

/// All lines of a letter.
pub(super) struct Flow<'a> {
    fonts: &'a Fonts,
    /// Width and height of the logo in dots.
    logo: Option<(u32, u32)>,
    pub tags: Tags,
    pub lines: Vec<Line>,
    /// The head of each table.
    pub heads: Vec<Vec<Line>>,
}

/// Where a column begins, its width, and the element of its content.
#[derive(Clone, Copy)]
struct Column {
    x: i32,
    width: i32,
    tag: TagId,
}

impl<'a> Flow<'a> {
    /// Sets the lines of a letter.
    pub fn new(fonts: &'a Fonts, document: &Document, logo: Option<(u32, u32)>) -> Self {
        let mut flow = Self { fonts, logo, tags: Tags::new(), lines: Vec::new(), heads: Vec::new() };
        flow.lines = flow.blocks(&document.blocks, Column { x: 0, width: TEXT_WIDTH, tag: Tags::ROOT });
        flow
    }

    fn blocks(&mut self, blocks: &[Block], column: Column) -> Vec<Line> {
        let mut lines = Vec::new();
        for block in blocks {
            lines.extend(self.block(block, column));
        }
        lines
    }

    fn block(&mut self, block: &Block, column: Column) -> Vec<Line> {
        match block {
            Block::Heading(level, text) => self.heading(*level, text, column),
            Block::Paragraph(text) => {
                let tag = self.tags.add(column.tag, Kind::Paragraph);
                let mut lines = self.text(text, BODY, Column { tag, ..column });
                space(&mut lines, 120);
                keep_ends(&mut lines);
                lines
            }
            Block::Logo(alternative) => self.logo_line(alternative, column),
            Block::List(list) => self.list(list, column),
            Block::Quote(blocks) => {
                let tag = self.tags.add(column.tag, Kind::Division);
                let half = column.width / 2;
                let right = Column { x: column.x + half, width: column.width - half, tag };
                let mut lines = self.blocks(blocks, right);
                space(&mut lines, 480);
                // The window of the envelope has its height, however short the address is.
                let height: i32 = lines.iter().map(|line| line.before + line.height).sum();
                lines.push(Line { height: (1_500 - height).max(240), ..Line::default() });
                lines
            }
            Block::Table(table) => self.table(table, column),
            Block::Terms(terms) => self.terms(terms, column),
            Block::Rule => {
                let rule = Part { x: column.x, y: 60, shape: Shape::Rule { width: column.width }, tag: None };
                vec![Line { before: 60, height: 120, parts: vec![rule], ..Line::default() }]
            }
        }
    }

    /// Lines of text, without space around them.
    fn text(&mut self, text: &[Inline], face: Face, column: Column) -> Vec<Line> {
        let height = face.size * 136 / 100;
        let baseline = face.size * 107 / 100;
        let lines = wrap(self.fonts, text, face, column.width).into_iter().map(|runs| {
            let parts = runs.into_iter().map(|run| Part {
                x: column.x + run.x,
                y: baseline,
                shape: Shape::Text { run, size: face.size },
                tag: Some(column.tag),
            });
            Line { height, parts: parts.collect(), ..Line::default() }
        });
        lines.collect()
    }

    fn heading(&mut self, level: u16, text: &[Inline], column: Column) -> Vec<Line> {
        let (size, before, after) = match level {
            1 => (320, 360, 100),
            2 => (240, 280, 40),
            _ => (210, 200, 20),
        };
        let title = plain(text);
        let tag = self.tags.add(column.tag, Kind::Heading(level, title.clone()));
        let mut lines = self.text(text, Face { size, is_strong: true }, Column { tag, ..column });
        if let Some(last) = lines.last_mut() {
            last.height += after;
        }
        lines.iter_mut().for_each(|line| line.keeps_next = true);
        space(&mut lines, before);
        if let Some(first) = lines.first_mut() {
            first.bookmark = Some((level, self.fonts.showable(&title)));
        }
        lines
    }

    fn logo_line(&mut self, alternative: &str, column: Column) -> Vec<Line> {
        let Some((wide, high)) = self.logo else { return Vec::new() };
        let (wide, high) = (i64::from(wide.max(1)), i64::from(high.max(1)));
        let (mut width, mut height) = (i64::from(LOGO_HEIGHT) * wide / high, i64::from(LOGO_HEIGHT));
        if width > i64::from(LOGO_WIDTH) {
            (width, height) = (i64::from(LOGO_WIDTH), i64::from(LOGO_WIDTH) * high / wide);
        }
        let [width, height] = [width, height].map(|length| i32::try_from(length).unwrap_or(LOGO_HEIGHT).max(20));
        let tag = self.tags.add(column.tag, Kind::Figure(alternative.to_owned()));
        let part = Part { x: column.x, y: 0, shape: Shape::Logo { width, height }, tag: Some(tag) };
        vec![Line { before: 0, height: height + 60, parts: vec![part], ..Line::default() }]
    }

    fn list(&mut self, List { first, items }: &List, column: Column) -> Vec<Line> {
        let list = self.tags.add(column.tag, Kind::List(first.is_some()));
        let mut lines = Vec::new();
        for (item, number) in items.iter().zip(first.unwrap_or(1)..) {
            let tag = self.tags.add(list, Kind::Item);
            let label = self.tags.add(tag, Kind::Label);
            let body = self.tags.add(tag, Kind::Body);
            let mark = if first.is_some() { format!("{number}.") } else { "\u{2022}".to_owned() };
            let mark = self.text(&[inline(mark)], BODY, Column { tag: label, width: INDENT, ..column });
            let inside = Column { x: column.x + INDENT, width: column.width - INDENT, tag: body };
            let mut of_item = beside(vec![mark, tighten(self.blocks(item, inside))]);
            space(&mut of_item, 60);
            lines.extend(of_item);
        }
        lines
    }

    fn terms(&mut self, terms: &[Term], column: Column) -> Vec<Line> {
        let list = self.tags.add(column.tag, Kind::List(false));
        let width = column.width * TERMS / 100;
        let mut lines = Vec::new();
        for Term { term, definition } in terms {
            let tag = self.tags.add(list, Kind::Item);
            let label = self.tags.add(tag, Kind::Label);
            let body = self.tags.add(tag, Kind::Body);
            let left = self.text(term, STRONG, Column { tag: label, width: width - 2 * PADDING, ..column });
            let right = Column { x: column.x + width, width: column.width - width, tag: body };
            let mut of_term = beside(vec![left, tighten(self.blocks(definition, right))]);
            keep_row(&mut of_term);
            space(&mut of_term, 30);
            lines.extend(of_term);
        }
        lines
    }

    fn table(&mut self, table: &Table, column: Column) -> Vec<Line> {
        let id = TableId(self.heads.len());
        self.heads.push(Vec::new());
        let tag = self.tags.add(column.tag, Kind::Table);
        let widths = widths(self.fonts, table, column.width);
        let head = self.tags.add(tag, Kind::TableHead);
        let mut lines = self.row(&table.head, &widths, Column { tag: head, ..column }, true);
        lines.iter_mut().for_each(|line| line.keeps_next = true);
        if let Some(place) = self.heads.get_mut(id.0) {
            place.clone_from(&lines);
        }
        let body = self.tags.add(tag, Kind::TableBody);
        for row in &table.rows {
            let mut of_row = self.row(row, &widths, Column { tag: body, ..column }, false);
            of_row.iter_mut().for_each(|line| line.table = Some(id));
            lines.extend(of_row);
        }
        space(&mut lines, 120);
        lines
    }

    fn row(&mut self, cells: &[Vec<Inline>], widths: &[i32], column: Column, is_head: bool) -> Vec<Line> {
        let row = self.tags.add(column.tag, Kind::Row);
        let mut x = column.x;
        let mut columns = Vec::new();
        for (cell, width) in cells.iter().zip(widths) {
            let tag = self.tags.add(row, if is_head { Kind::HeaderCell } else { Kind::Cell });
            let face = if is_head { STRONG } else { BODY };
            let inside = Column { x: x + PADDING / 2, width: width - PADDING, tag };
            columns.push(self.text(cell, face, inside));
            x += width;
        }
        let mut lines = beside(columns);
        if lines.is_empty() {
            lines.push(Line { height: BODY.size, ..Line::default() });
        }
        if let Some(last) = lines.last_mut() {
            let rule = Shape::Rule { width: column.width };
            last.height += 60;
            last.parts.push(Part { x: column.x, y: last.height - 20, shape: rule, tag: None });
        }
        space(&mut lines, 40);
        keep_row(&mut lines);
        lines
    }
}

/// Widths of columns: each has the width of its longest word, and a share of the rest by what its longest cell takes.
fn widths(fonts: &Fonts, table: &Table, width: i32) -> Vec<i32> {
    let of_column = |(index, head): (usize, &Vec<Inline>)| {
        let cells = table.rows.iter().take(200).filter_map(|row| row.get(index));
        let (mut longest_word, mut longest) = (0, 0);
        for (cell, style) in cells.map(|cell| (cell, Style::Plain)).chain([(head, Style::Strong)]) {
            let text = plain(cell);
            let word = |word: &str| fonts.width(word, style, BODY.size);
            longest_word = longest_word.max(text.split(' ').map(word).max().unwrap_or(0));
            longest = longest.max(word(&text));
        }
        (longest_word + PADDING + 20, longest.min(width))
    };
    let columns: Vec<_> = table.head.iter().enumerate().map(of_column).collect();
    let (words, all): (i32, i32) = columns.iter().fold((0, 0), |(words, all), (word, cell)| (words + word, all + cell));
    let scaled = |part: i32, of: i32, whole: i32| {
        i32::try_from(i64::from(part) * i64::from(whole) / i64::from(of.max(1))).unwrap_or(whole)
    };
    let rest = width - words;
    columns
        .into_iter()
        .map(|(word, cell)| if rest < 0 { scaled(word, words, width) } else { word + scaled(cell, all, rest) })
        .collect()
}

fn inline(text: String) -> Inline {
    Inline { text, style: Style::Plain, link: None }
}

/// Lines of columns that stand beside each other.
fn beside(columns: Vec<Vec<Line>>) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for column in columns {
        for (index, line) in column.into_iter().enumerate() {
            match lines.get_mut(index) {
                Some(beside) => {
                    beside.height = beside.height.max(line.height);
                    beside.before = beside.before.max(line.before);
                    beside.keeps_next |= line.keeps_next;
                    beside.parts.extend(line.parts);
                }
                None => lines.push(line),
            }
        }
    }
    lines
}

/// Removes the space before what stands first in a cell.
fn tighten(mut lines: Vec<Line>) -> Vec<Line> {
    if let Some(first) = lines.first_mut() {
        first.before = 0;
    }
    lines
}

fn space(lines: &mut [Line], before: i32) {
    if let Some(first) = lines.first_mut() {
        first.before = first.before.max(before);
    }
}

/// Keeps a row on one page, unless it is long.
fn keep_row(lines: &mut [Line]) {
    if lines.len() <= LONGEST_WHOLE_ROW {
        let all_but_last = lines.len().saturating_sub(1);
        lines.iter_mut().take(all_but_last).for_each(|line| line.keeps_next = true);
    } else {
        keep_ends(lines);
    }
}

/// Leaves no single line of a paragraph at the end or at the top of a page.
fn keep_ends(lines: &mut [Line]) {
    let before_last = lines.len().checked_sub(2);
    if let Some(first) = lines.first_mut().filter(|_| before_last.is_some()) {
        first.keeps_next = true;
    }
    if let Some(line) = before_last.and_then(|index| lines.get_mut(index)) {
        line.keeps_next = true;
    }
}
