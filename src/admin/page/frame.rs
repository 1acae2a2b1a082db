//! What every page of the listener has: head, header, landmarks; and tables that scroll by themselves.

use maud::{DOCTYPE, Markup, html};

/// A whole page. `head` is added to the page's head.
pub(super) fn page(title: &str, head: &Markup, header: &Markup, main: &Markup, footer: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · ehealth-attributes" }
                link rel="stylesheet" href="/style.css";
                (head)
            }
            body {
                a .skip href="#main" { "Skip to the content" }
                header { (header) }
                main #main tabindex="-1" { (main) }
                footer { (footer) }
            }
        }
    };
    page.into_string()
}

/// A table with a caption. In a narrow window it scrolls; the region that scrolls can have the focus.
pub(super) fn table(id: &str, caption: &str, head: &Markup, body: &Markup) -> Markup {
    html! {
        div .scroll role="region" tabindex="0" aria-labelledby={ (id) "-caption" } {
            table #(id) {
                caption id={ (id) "-caption" } { (caption) }
                thead { tr { (head) } }
                tbody { (body) }
            }
        }
    }
}

/// The head of a column.
pub(super) fn column(name: &str) -> Markup {
    html! { th scope="col" { (name) } }
}

/// The head of a column of numbers.
pub(super) fn number_column(name: &str) -> Markup {
    html! { th .number scope="col" { (name) } }
}

/// What a bounded list leaves out.
pub(super) fn more(shown: usize, all: usize, how: &str) -> Markup {
    html! {
        @if all > shown { p .quiet { "And " (all - shown) " more: " (how) } }
    }
}
