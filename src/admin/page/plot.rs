//! Charts of the history as inline SVG: step lines and stacked bars, without script.
//!
//! The style sheet defines colours and dashes. The drawing is stretched to the width of the window, so all
//! text is outside of it. Points without data are shaded; they are never drawn as zero.

use std::fmt::Write as _;

use maud::{Markup, html};

/// Height of the drawing.
const HEIGHT: u64 = 60;
/// Width of a point.
const STEP: u64 = 4;

/// A line of a chart.
pub(super) struct Line {
    /// Name in the legend.
    pub name: &'static str,
    /// A value for each point; `None`: no data.
    pub values: Vec<Option<u64>>,
}

/// Draws step lines. A value of `most` has the full height.
pub(super) fn draw_lines(lines: &[Line], gaps: &[bool], most: u64, label: &str) -> Markup {
    let paths = html! {
        @for (index, line) in lines.iter().enumerate() {
            path class={ "line line-" (index) } d=(steps(&line.values, most)) {}
        }
    };
    frame(gaps, label, &paths)
}

/// Draws stacked bars: for each point its counts by kind.
pub(super) fn draw_bars(points: &[[u64; 4]], gaps: &[bool], most: u64, label: &str) -> Markup {
    frame(gaps, label, &bars(points, most, HEIGHT))
}

/// Draws the counts of each minute by kind, oldest minute first, in the size of a table's row.
pub(super) fn draw_minutes(minutes: &[[u64; 4]], most: u64, label: &str) -> Markup {
    const ROW: u64 = 36;
    let width = STEP.saturating_mul(u64::try_from(minutes.len()).unwrap_or(0));
    html! {
        svg role="img" aria-label=(label) viewBox={ "0 0 " (width) " " (ROW + 1) } width=(width) height=(ROW + 1) {
            rect class="axis" x="0" y=(ROW) width=(width) height="1" {}
            (bars(minutes, most, ROW))
        }
    }
}

/// One path for each kind.
fn bars(points: &[[u64; 4]], most: u64, height: u64) -> Markup {
    let mut paths: [String; 4] = Default::default();
    for (x, kinds) in (0_u64..).step_by(4).zip(points) {
        for (kind, y, part) in stack(*kinds, most, height) {
            if let Some(path) = paths.get_mut(kind) {
                // Writing to a String does not fail.
                let _ = write!(path, "M{x} {y}h3v{part}h-3z");
            }
        }
    }
    html! {
        @for (kind, path) in paths.iter().enumerate() {
            @if !path.is_empty() { path class={ "kind-" (kind) } d=(path) {} }
        }
    }
}

fn frame(gaps: &[bool], label: &str, inside: &Markup) -> Markup {
    let width = STEP.saturating_mul(u64::try_from(gaps.len()).unwrap_or(0));
    html! {
        svg .plot role="img" aria-label=(label) viewBox={ "0 0 " (width) " " (HEIGHT + 1) } preserveAspectRatio="none" {
            path class="gap" d=(shade(gaps)) {}
            rect class="axis" x="0" y=(HEIGHT) width=(width) height="1" {}
            (inside)
        }
    }
}

/// Rectangles over the points without data; neighbours share one.
fn shade(gaps: &[bool]) -> String {
    let mut path = String::new();
    let mut begin = None;
    let ends = gaps.iter().copied().chain([false]);
    for (x, is_gap) in (0_u64..).step_by(4).zip(ends) {
        match (is_gap, begin) {
            (true, None) => begin = Some(x),
            (false, Some(from)) => {
                let width = x.saturating_sub(from);
                let _ = write!(path, "M{from} 0h{width}v{HEIGHT}h-{width}z");
                begin = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }
    path
}

/// A step line; it is interrupted where there is no value.
fn steps(values: &[Option<u64>], most: u64) -> String {
    let mut path = String::new();
    let mut is_open = false;
    for (x, value) in (0_u64..).step_by(4).zip(values) {
        let Some(value) = value else {
            is_open = false;
            continue;
        };
        let y = HEIGHT.saturating_sub(scaled(*value, most, HEIGHT.saturating_sub(2))).saturating_sub(1);
        let _ = if is_open { write!(path, "V{y}") } else { write!(path, "M{x} {y}") };
        let _ = write!(path, "h{STEP}");
        is_open = true;
    }
    path
}

/// `value` of `most`, on a scale of `height`.
fn scaled(value: u64, most: u64, height: u64) -> u64 {
    let scaled = u128::from(value) * u128::from(height) / u128::from(most.max(1));
    u64::try_from(scaled).unwrap_or(height).min(height)
}

/// Parts of a bar from the bottom up: kind, y, height. A part that is not zero has a height of at
/// least 1.
fn stack(kinds: [u64; 4], most: u64, height: u64) -> Vec<(usize, u64, u64)> {
    let mut parts = Vec::new();
    let mut top = height;
    let mut left = kinds.iter().fold(0_u64, |left, count| left.saturating_add(u64::from(*count > 0)));
    for (kind, count) in kinds.into_iter().enumerate().filter(|(_, count)| *count > 0) {
        left = left.saturating_sub(1);
        // Room for the kinds above.
        let most_here = top.saturating_sub(left).max(1);
        let part = scaled(count, most, height.saturating_sub(4)).clamp(1, most_here);
        top = top.saturating_sub(part);
        parts.push((kind, top, part));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_stays_inside_its_chart_and_shows_every_kind() {
        assert_eq!(stack([0; 4], 10, 36), []);
        for kinds in [[1, 0, 0, 0], [10_000, 1, 1, 1], [1, 1, 1, 10_000], [u64::MAX; 4]] {
            let most = kinds.iter().fold(0, |sum: u64, count| sum.saturating_add(*count));
            let parts = stack(kinds, most, 36);
            assert_eq!(parts.len(), kinds.iter().filter(|count| **count > 0).count(), "{kinds:?}");
            assert!(parts.iter().all(|(_, y, height)| *height > 0 && y + height <= 36), "{parts:?}");
        }
    }

    #[test]
    fn a_gap_interrupts_the_line_and_is_shaded() {
        let values = [Some(0), Some(10), None, None, Some(5)];
        assert_eq!(steps(&values, 10), "M0 59h4V1h4M16 30h4");
        assert_eq!(shade(&values.map(|value| value.is_none())), "M8 0h8v60h-8z");
        assert_eq!(shade(&[true, true]), "M0 0h8v60h-8z");
        assert_eq!(steps(&[Some(u64::MAX)], 1), "M0 1h4");
    }
}
