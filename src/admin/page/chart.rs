//! A small SVG chart: one bar per minute, with the kinds of outcomes stacked.
//!
//! The style sheet defines the colours. The table has the same data as numbers, and the chart's
//! label refers to them for readers who cannot see it.

use maud::{Markup, html};

/// Width of a bar with its gap.
const STEP: u64 = 4;
const BAR: u64 = 3;
const HEIGHT: u64 = 36;

/// Draws the counts of each minute by kind, oldest minute first; a bar of `most` has the full
/// height.
pub(super) fn draw(minutes: &[[u64; 4]], most: u64, label: &str) -> Markup {
    let width = STEP * u64::try_from(minutes.len()).unwrap_or(0);
    html! {
        svg role="img" aria-label=(label) viewBox={ "0 0 " (width) " " (HEIGHT + 1) } width=(width) height=(HEIGHT + 1) {
            rect class="axis" x="0" y=(HEIGHT) width=(width) height="1" {}
            @for (x, kinds) in (0..).step_by(4).zip(minutes) {
                @for (kind, y, height) in stack(*kinds, most) {
                    rect class={ "kind-" (kind) } x=(x) y=(y) width=(BAR) height=(height) {}
                }
            }
        }
    }
}

/// Parts of a bar from the bottom up: kind, y, height. A part that is not zero has a height of at
/// least 1.
fn stack(kinds: [u64; 4], most: u64) -> Vec<(usize, u64, u64)> {
    let mut parts = Vec::new();
    let mut top = HEIGHT;
    for (kind, count) in kinds.into_iter().enumerate().filter(|(_, count)| *count > 0) {
        let height = (count.saturating_mul(HEIGHT - 4) / most.max(1)).clamp(1, top);
        top -= height;
        parts.push((kind, top, height));
        if top == 0 {
            break;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_stays_inside_its_chart_and_shows_every_kind() {
        assert_eq!(stack([0; 4], 10), []);
        for kinds in [[1, 0, 0, 0], [10_000, 1, 1, 1], [1, 1, 1, 10_000], [u64::MAX; 4]] {
            let most = kinds.iter().fold(0, |sum: u64, count| sum.saturating_add(*count));
            let parts = stack(kinds, most);
            assert_eq!(parts.len(), kinds.iter().filter(|count| **count > 0).count(), "{kinds:?}");
            assert!(parts.iter().all(|(_, y, height)| *height > 0 && y + height <= HEIGHT), "{parts:?}");
        }
    }
}
