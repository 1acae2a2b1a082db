//! Puts the rows of concurrent requests into the order of the input.
//!
//! At most [`WINDOW`] entries are between the oldest one without an answer and the newest one that was
//! begun: a slow answer holds back at most that many finished rows in memory. The deadline of a call
//! and the number of attempts end the wait for it.

use std::collections::BTreeMap;

/// Maximum entries from the oldest open one on.
pub(super) const WINDOW: usize = 256;

/// Order of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowOrder {
    /// That of the input.
    Input,
    /// That of the answers.
    Arrival,
}

/// Position of an entry among those that were begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(usize);

/// Rows that wait for the rows before them.
pub(super) struct Reorder {
    order: RowOrder,
    begun: usize,
    /// Entries whose rows were returned, or have none.
    done: usize,
    /// `None`: the entry gets no row.
    waiting: BTreeMap<Place, Option<String>>,
}

impl Reorder {
    pub fn new(order: RowOrder) -> Self {
        Self { order, begun: 0, done: 0, waiting: BTreeMap::new() }
    }

    /// Whether another entry may begin.
    pub fn has_room(&self) -> bool {
        match self.order {
            RowOrder::Input => self.begun - self.done < WINDOW,
            RowOrder::Arrival => true,
        }
    }

    /// Place of the next entry.
    pub fn begin(&mut self) -> Place {
        self.begun += 1;
        Place(self.begun - 1)
    }

    /// Takes the row of an entry, or that it gets none; returns the rows that can be written.
    pub fn put(&mut self, place: Place, row: Option<String>) -> Vec<String> {
        if self.order == RowOrder::Arrival {
            return row.into_iter().collect();
        }
        self.waiting.insert(place, row);
        let mut ready = Vec::new();
        while let Some(row) = self.waiting.remove(&Place(self.done)) {
            self.done += 1;
            ready.extend(row);
        }
        ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(reorder: &mut Reorder, place: Place, text: &str) -> Vec<String> {
        reorder.put(place, Some(text.to_owned()))
    }

    #[test]
    fn rows_leave_in_the_order_of_the_input() {
        let mut reorder = Reorder::new(RowOrder::Input);
        let places: Vec<_> = (0..4).map(|_| reorder.begin()).collect();
        assert_eq!(put(&mut reorder, places[2], "c"), [""; 0]);
        assert_eq!(put(&mut reorder, places[0], "a"), ["a"]);
        assert_eq!(reorder.put(places[1], None), ["c"]);
        assert_eq!(put(&mut reorder, places[3], "d"), ["d"]);
    }

    #[test]
    fn a_slow_answer_closes_the_window_and_opens_it_again() {
        let mut reorder = Reorder::new(RowOrder::Input);
        let slow = reorder.begin();
        for _ in 1..WINDOW {
            assert!(reorder.has_room());
            let place = reorder.begin();
            assert_eq!(put(&mut reorder, place, "x").len(), 0);
        }
        assert!(!reorder.has_room());
        assert_eq!(reorder.put(slow, None).len(), WINDOW - 1);
        assert!(reorder.has_room());
    }

    #[test]
    fn without_an_order_rows_leave_at_once() {
        let mut reorder = Reorder::new(RowOrder::Arrival);
        let (first, second) = (reorder.begin(), reorder.begin());
        assert_eq!(put(&mut reorder, second, "b"), ["b"]);
        assert_eq!(put(&mut reorder, first, "a"), ["a"]);
        assert!(reorder.has_room());
    }
}
