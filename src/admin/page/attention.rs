//! The first screen: is all well, and what needs an operator.

use maud::{Markup, html};

use super::super::attention::{Attention, Item, Verdict};
use super::format::with_code;
use super::frame::more;

/// Items of each list.
const SHOWN: usize = 50;

/// Shows the verdict, and every reason and warning with its next step.
pub(super) fn show(attention: &Attention) -> Markup {
    let class = match attention.verdict() {
        Verdict::Healthy => "good",
        Verdict::Attention => "warn",
        Verdict::NotReady => "bad",
    };
    let Attention { reasons, warnings } = attention;
    html! {
        section #verdict .verdict .(class) data-live aria-labelledby="verdict-line" {
            h2 #verdict-line { (attention.line()) }
            @if reasons.is_empty() {
                p { "All datasets are fresh, the audit log is writable, and no issuer is refused." }
            } @else {
                (list("reasons", "Why it is not ready", reasons))
            }
            @if !warnings.is_empty() { (list("warnings", "Warnings", warnings)) }
        }
    }
}

fn list(id: &str, title: &str, items: &[Item]) -> Markup {
    html! {
        h3 id=(id) { (title) }
        ul .items { @for item in items.iter().take(SHOWN) { li { (show_item(item)) } } }
        (more(SHOWN, items.len(), "repair these first, or read the JSON form of this page."))
    }
}

fn show_item(Item { code, text, guidance }: &Item) -> Markup {
    html! {
        p { (text) " " code .quiet { (code) } }
        p .step {
            "Next: " (with_code(guidance.step)) " "
            a href=(guidance.section.address()) { "Guide: " (guidance.section.title().unwrap_or("operations")) }
        }
    }
}
