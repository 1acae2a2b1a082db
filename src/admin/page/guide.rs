//! The pages of the guide.

use maud::{Markup, PreEscaped, html};

use super::super::guide::{Rendered, all};
use super::frame::page;

/// Writes the index of the guide.
pub(in crate::admin) fn write_index() -> String {
    let main = html! {
        @for (name, Rendered { title, sections, .. }) in all() {
            section {
                h2 { a href={ "/guide/" (name) } { (title) } }
                @if !sections.is_empty() { (contents(name, sections)) }
            }
        }
    };
    page("Guide", &html! {}, &header("Guide"), &main, &footer())
}

/// Writes a page of the guide.
pub(in crate::admin) fn write_guide_page(name: &str, rendered: &Rendered) -> String {
    let Rendered { title, sections, html: text, .. } = rendered;
    let main = html! {
        @if sections.len() > 1 {
            nav aria-label="Sections" {
                details #contents { summary { "Sections of this page" } (contents(name, sections)) }
            }
        }
        // Made of files that are compiled in.
        article .guide { (PreEscaped(text)) }
    };
    let head = html! { p .brand { "ehealth-attributes" } (links()) };
    page(title, &html! {}, &head, &main, &footer())
}

fn header(title: &str) -> Markup {
    html! { h1 { (title) } (links()) }
}

fn links() -> Markup {
    html! {
        nav aria-label="Pages" { ul .links { li { a href="/" { "Admin page" } } li { a href="/guide/" { "Guide" } } } }
    }
}

fn contents(name: &str, sections: &[(String, String)]) -> Markup {
    html! {
        ul { @for (id, title) in sections { li { a href={ "/guide/" (name) "#" (id) } { (title) } } } }
    }
}

fn footer() -> Markup {
    html! { "The guide of version " (env!("CARGO_PKG_VERSION")) ", which runs here." }
}
