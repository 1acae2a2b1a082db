//! Renders a page of the guide: Markdown with tables, as mdBook reads it.
//!
//! The text is compiled in. It has no raw HTML on the listener: what looks like HTML is shown as text.

use std::collections::BTreeMap;

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

use super::headings::Ids;
use super::links::{Target, resolve, resolve_citation};
use super::pages::Page;

/// A rendered page.
#[derive(Debug, Default)]
pub(in crate::admin) struct Rendered {
    /// Text of its first heading.
    pub title: String,
    /// Its sections: id and text of each heading of the second level.
    pub sections: Vec<(String, String)>,
    /// Ids of all headings, with their texts.
    pub ids: BTreeMap<String, String>,
    /// The page, without `html`, `head` and `body`.
    pub html: String,
}

/// Renders a page.
pub(in crate::admin) fn render(page: &Page) -> Rendered {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES;
    let mut rewriter = Rewriter::new(page);
    for event in Parser::new_ext(page.source, options) {
        rewriter.take(event);
    }
    let Rewriter { events, mut rendered, .. } = rewriter;
    html::push_html(&mut rendered.html, events.into_iter());
    // Code is escaped, so this is the tag of a header cell.
    rendered.html = rendered.html.replace("<th>", "<th scope=\"col\">");
    rendered
}

/// A heading that is being read: its level, its place among the events, and its text.
struct Heading {
    level: HeadingLevel,
    at: usize,
    text: String,
}

/// Rewrites the events of a page.
struct Rewriter<'a> {
    page: &'a Page,
    events: Vec<Event<'a>>,
    ids: Ids,
    heading: Option<Heading>,
    /// Whether each open link became plain text.
    links: Vec<Target>,
    rendered: Rendered,
}

impl<'a> Rewriter<'a> {
    fn new(page: &'a Page) -> Self {
        let (events, links) = (Vec::new(), Vec::new());
        Self { page, events, ids: Ids::default(), heading: None, links, rendered: Rendered::default() }
    }

    fn take(&mut self, event: Event<'a>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(end) => self.end(end),
            Event::Text(text) => {
                self.add_to_heading(&text);
                self.events.push(Event::Text(text));
            }
            Event::Code(code) => {
                self.add_to_heading(&code);
                self.push_code(code);
            }
            // Comments of the source, between which tables are made.
            Event::Html(text) | Event::InlineHtml(text) if text.trim_start().starts_with("<!--") => {}
            Event::Html(text) | Event::InlineHtml(text) => self.events.push(Event::Text(text)),
            other @ (Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::FootnoteReference(_)
            | Event::SoftBreak
            | Event::HardBreak
            | Event::Rule
            | Event::TaskListMarker(_)) => self.events.push(other),
        }
    }

    fn add_to_heading(&mut self, text: &str) {
        if let Some(heading) = &mut self.heading {
            heading.text.push_str(text);
        }
    }

    /// Shows code; a citation of a served page becomes a link.
    fn push_code(&mut self, code: CowStr<'a>) {
        let target = resolve_citation(&code).filter(|_| self.heading.is_none() && self.links.is_empty());
        let opened = target.map(|target| format!("<a href=\"{target}\">"));
        let is_link = opened.is_some();
        self.events.extend(opened.map(|opened| Event::InlineHtml(opened.into())));
        self.events.push(Event::Code(code));
        self.events.extend(is_link.then_some(Event::InlineHtml("</a>".into())));
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "an enum of the library; what is not rewritten stays as it is")]
    fn start(&mut self, tag: Tag<'a>) {
        match tag {
            Tag::Heading { level, .. } => {
                self.heading = Some(Heading { level, at: self.events.len(), text: String::new() });
                self.events.push(Event::Start(tag));
            }
            Tag::Link { link_type, dest_url, title, id } => {
                let target = resolve(self.page, &dest_url);
                if let Target::Address(address) = &target {
                    let dest_url = address.clone().into();
                    self.events.push(Event::Start(Tag::Link { link_type, dest_url, title, id }));
                }
                self.links.push(target);
            }
            // A table or a block of code that is wider than a narrow window scrolls, by keyboard as well.
            Tag::Table(alignments) => {
                self.events.push(region("Table"));
                // The content security policy forbids the style attribute of an aligned cell.
                let alignments = alignments.iter().map(|_| pulldown_cmark::Alignment::None).collect();
                self.events.push(Event::Start(Tag::Table(alignments)));
            }
            Tag::CodeBlock(_) => {
                self.events.push(region("Code"));
                self.events.push(Event::Start(tag));
            }
            other => self.events.push(Event::Start(other)),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "an enum of the library; what is not rewritten stays as it is")]
    fn end(&mut self, end: TagEnd) {
        match end {
            TagEnd::Heading(_) => {
                self.end_heading();
                self.events.push(Event::End(end));
            }
            TagEnd::Link => match self.links.pop() {
                Some(Target::Address(_)) => self.events.push(Event::End(end)),
                Some(Target::NotServed) | None => {}
            },
            TagEnd::Table | TagEnd::CodeBlock => {
                self.events.push(Event::End(end));
                self.events.push(Event::Html("</div>\n".into()));
            }
            other => self.events.push(Event::End(other)),
        }
    }

    fn end_heading(&mut self) {
        let Some(Heading { level, at, text }) = self.heading.take() else { return };
        let id = self.ids.next(&text);
        if let Some(event) = self.events.get_mut(at) {
            let (classes, attrs) = (Vec::new(), Vec::new());
            *event = Event::Start(Tag::Heading { level, id: Some(id.clone().into()), classes, attrs });
        }
        self.rendered.ids.insert(id.clone(), text.clone());
        match level {
            HeadingLevel::H1 if self.rendered.title.is_empty() => self.rendered.title = text,
            HeadingLevel::H2 => self.rendered.sections.push((id, text)),
            HeadingLevel::H1 | HeadingLevel::H3 | HeadingLevel::H4 | HeadingLevel::H5 | HeadingLevel::H6 => {}
        }
    }
}

/// The begin of an element that scrolls.
fn region<'a>(label: &str) -> Event<'a> {
    Event::Html(format!("<div class=\"scroll\" role=\"group\" tabindex=\"0\" aria-label=\"{label}\">").into())
}

#[cfg(test)]
mod tests {
    use super::super::pages::PAGES;
    use super::*;

    fn shown(source: &'static str) -> Rendered {
        render(&Page { name: "incident", path: "operations/incident", source })
    }

    #[test]
    fn links_stay_on_the_listener_and_html_becomes_text() {
        let page = shown(
            "# A `b`\n\n## A `b`\n[c](cluster.md#set-up) [d](../design/scale.md) `docs/reference/codes.md` \
             <script>x</script>\n\n| e |\n|--:|\n| <b>f</b> |\n\n```sh\ng <&\n```\n",
        );
        assert_eq!((page.title.as_str(), page.ids.len()), ("A b", 2));
        assert_eq!(page.sections, [("a-b-1".to_owned(), "A b".to_owned())]);
        for part in [
            "<h1 id=\"a-b\">A <code>b</code></h1>",
            "<a href=\"/guide/cluster#set-up\">c</a> d <a href=\"/guide/codes\"><code>docs/reference/codes.md</code></a>",
            "&lt;script&gt;x&lt;/script&gt;",
            "<th scope=\"col\">e</th>",
            "<td>&lt;b&gt;f&lt;/b&gt;</td>",
            "g &lt;&amp;\n",
        ] {
            assert!(page.html.contains(part), "{part}\n{}", page.html);
        }
    }

    #[test]
    fn no_page_needs_a_style_or_a_page_that_is_not_there() {
        for page in &PAGES {
            let rendered = render(page);
            assert!(!rendered.title.is_empty() && rendered.html.len() > 1_000, "{}", page.name);
            for forbidden in ["style=", "<script", "href=\"..", ".md\">", ".md#"] {
                assert!(!rendered.html.contains(forbidden), "{}: {forbidden}", page.name);
            }
            for link in rendered.html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
                let name = path.strip_prefix("/guide/").unwrap_or(page.name);
                let Some(target) = PAGES.iter().find(|page| page.name == name) else {
                    assert!(link.starts_with("https://"), "{link}");
                    continue;
                };
                assert!(anchor.is_empty() || render(target).ids.contains_key(anchor), "{}: {link}", page.name);
            }
        }
    }
}
