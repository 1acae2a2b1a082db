//! Lines on pages.

use super::flow::Line;

/// Height of the text on a page: A4 less 20 mm above and 25 mm below.
pub(super) const TEXT_HEIGHT: i32 = 16_838 - TOP - 1_417;
/// Top margin, 20 mm.
pub(super) const TOP: i32 = 1_134;

/// A line in its place.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    /// From the top of the text.
    pub y: i32,
    pub line: Line,
    /// Whether it repeats the head of a table.
    pub is_repeated: bool,
}

/// Puts lines on pages. Lines that are kept together go to the next page together, unless a page is too short for them.
/// There is at least one page.
pub(super) fn paginate(lines: Vec<Line>, heads: &[Vec<Line>]) -> Vec<Vec<Placed>> {
    let mut pages = Pages { done: Vec::new(), page: Vec::new(), y: 0 };
    let mut chain: Vec<Line> = Vec::new();
    for line in lines {
        let keeps_next = line.keeps_next;
        chain.push(line);
        if !keeps_next {
            pages.add(std::mem::take(&mut chain), heads);
        }
    }
    pages.add(chain, heads);
    pages.done.push(pages.page);
    pages.done
}

struct Pages {
    done: Vec<Vec<Placed>>,
    page: Vec<Placed>,
    y: i32,
}

impl Pages {
    /// Adds lines that are kept together.
    fn add(&mut self, chain: Vec<Line>, heads: &[Vec<Line>]) {
        let height: i32 = chain.iter().map(|line| line.before + line.height).sum();
        if height > TEXT_HEIGHT - self.y && height <= TEXT_HEIGHT {
            self.turn();
        }
        for line in chain {
            if line.before + line.height > TEXT_HEIGHT - self.y {
                self.turn();
            }
            if self.page.is_empty() {
                let head = line.table.and_then(|table| heads.get(table.0)).into_iter().flatten();
                // A head that fills a page would leave none for the rows.
                let is_short = head.clone().map(|line| line.height).sum::<i32>() < TEXT_HEIGHT / 3;
                head.filter(|_| is_short).for_each(|line| self.put(line.clone(), true));
            }
            self.put(line, false);
        }
    }

    fn put(&mut self, line: Line, is_repeated: bool) {
        self.y += if self.page.is_empty() { 0 } else { line.before };
        let y = self.y;
        self.y += line.height;
        self.page.push(Placed { y, line, is_repeated });
    }

    fn turn(&mut self) {
        if !self.page.is_empty() {
            self.done.push(std::mem::take(&mut self.page));
        }
        self.y = 0;
    }
}
