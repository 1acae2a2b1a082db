//! A letter as an HTML page that loads nothing and runs nothing.

use ehealth_core::model::Language;

use crate::document::{Block, Document, Inline, List, Style, Table, Term};
use crate::escape::push_html;

const STYLE: &str = "\
:root{color-scheme:light}
body{font:1rem/1.5 'Noto Sans',Arial,sans-serif;color:#111;background:#fff;max-width:46rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;line-height:1.25;margin:2rem 0 1rem}
h2{font-size:1.2rem;margin:1.8rem 0 .6rem}
h3{font-size:1rem;margin:1.4rem 0 .4rem;border-top:1px solid #767676;padding-top:.6rem}
h1,h2,h3{break-after:avoid}
.address{margin:2rem 0 2rem 50%;min-height:5rem}
.logo{max-height:5rem;max-width:16rem}
p,li,dd,td{overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:minmax(10rem,1fr) 2.4fr;gap:.2rem 1rem;margin:.4rem 0}
dt{font-weight:bold}
dd{margin:0}
dd p,li p{margin:0}
table{border-collapse:collapse;width:100%;margin:.8rem 0}
th,td{border:1px solid #767676;padding:.3rem .5rem;text-align:left;vertical-align:top}
th{background:#eee}
a{color:#0b4f8a}
@page{size:A4;margin:20mm 22mm}
@media print{body{margin:0;padding:0;max-width:none;font-size:10.5pt}thead{display:table-header-group}tr,dt,dd{break-inside:avoid}a{color:inherit}}
@media(max-width:30rem){dl{display:block}dd{margin-bottom:.4rem}.address{margin-left:0}}
";

/// Writes the page. `logo`: a `data:` URL.
pub(crate) fn write(document: &Document, language: Language, logo: Option<&str>) -> String {
    let mut page = format!("<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n", language.code());
    page.push_str("<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
    push_html(&mut page, &document.title);
    page.push_str(&format!("</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n"));
    blocks(&mut page, &document.blocks, logo);
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

fn blocks(page: &mut String, list: &[Block], logo: Option<&str>) {
    for block in list {
        match block {
            Block::Heading(level, text) => element(page, &format!("h{level}"), text),
            Block::Paragraph(text) => element(page, "p", text),
            Block::Logo(alternative) => {
                if let Some(logo) = logo {
                    page.push_str(&format!("<p><img class=\"logo\" src=\"{logo}\" alt=\""));
                    push_html(page, alternative);
                    page.push_str("\"></p>\n");
                }
            }
            Block::List(items) => items_of(page, items, logo),
            Block::Quote(quoted) => {
                page.push_str("<div class=\"address\">\n");
                blocks(page, quoted, logo);
                page.push_str("</div>\n");
            }
            Block::Table(rows) => table(page, rows),
            Block::Terms(terms) => definitions(page, terms, logo),
            Block::Rule => page.push_str("<hr>\n"),
        }
    }
}

fn element(page: &mut String, name: &str, text: &[Inline]) {
    page.push_str(&format!("<{name}>"));
    inlines(page, text);
    page.push_str(&format!("</{name}>\n"));
}

fn items_of(page: &mut String, List { first, items }: &List, logo: Option<&str>) {
    let name = if first.is_some() { "ol" } else { "ul" };
    match first {
        Some(first) if *first != 1 => page.push_str(&format!("<ol start=\"{first}\">\n")),
        Some(_) | None => page.push_str(&format!("<{name}>\n")),
    }
    for item in items {
        page.push_str("<li>");
        blocks(page, item, logo);
        page.push_str("</li>\n");
    }
    page.push_str(&format!("</{name}>\n"));
}

fn table(page: &mut String, Table { head, rows }: &Table) {
    page.push_str("<table>\n<thead>\n<tr>\n");
    head.iter().for_each(|cell| cell_of(page, "th scope=\"col\"", "th", cell));
    page.push_str("</tr>\n</thead>\n<tbody>\n");
    for row in rows {
        page.push_str("<tr>\n");
        row.iter().for_each(|cell| cell_of(page, "td", "td", cell));
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody>\n</table>\n");
}

fn cell_of(page: &mut String, begin: &str, end: &str, text: &[Inline]) {
    page.push_str(&format!("<{begin}>"));
    inlines(page, text);
    page.push_str(&format!("</{end}>\n"));
}

fn definitions(page: &mut String, terms: &[Term], logo: Option<&str>) {
    page.push_str("<dl>\n");
    for Term { term, definition } in terms {
        element(page, "dt", term);
        page.push_str("<dd>");
        match definition.as_slice() {
            [Block::Paragraph(text)] => inlines(page, text),
            several => blocks(page, several, logo),
        }
        page.push_str("</dd>\n");
    }
    page.push_str("</dl>\n");
}

fn inlines(page: &mut String, texts: &[Inline]) {
    for Inline { text, style, link } in texts {
        if let Some(link) = link {
            page.push_str("<a href=\"");
            push_html(page, link);
            page.push_str("\">");
        }
        let (begin, end) = match style {
            Style::Plain => ("", ""),
            Style::Strong => ("<strong>", "</strong>"),
            Style::Emphasis => ("<em>", "</em>"),
        };
        page.push_str(begin);
        for (number, line) in text.split('\n').enumerate() {
            if number > 0 {
                page.push_str("<br>");
            }
            push_html(page, line);
        }
        page.push_str(end);
        if link.is_some() {
            page.push_str("</a>");
        }
    }
}
