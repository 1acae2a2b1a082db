//! The service pages for browsers: what the services are, their WSDL and schemas, an example request,
//! what to do first, and every code that an answer can have.
//!
//! Each page is one document without scripts and without external resources, in Dutch, French or
//! English. It reveals nothing about the caller, any person's data, or the configuration beyond the
//! public address. Programs that do not accept `text/html` get plain text.

mod codes;
mod language;
mod words;

use hyper::header::{ACCEPT, HeaderMap};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use ehealth_core::lookup::Operation;
use soap::{example, names, wsdl};

pub(super) use language::PageLanguage;
use words::Words;

/// Path of the page of codes.
pub(super) const CODES: &str = "/codes";

/// Content security policy: no loading, scripts, forms or framing; the page's own style, by its
/// hash.
pub(super) const POLICY: &str = "default-src 'none'; style-src 'sha256-Srzyfr/+mrYK79wQBWjo0ByjdgyGWtkboZAbb5of6Jc='; base-uri 'none'; form-action 'none'; \
                                 frame-ancestors 'none'";

/// The style sheet, inside every page.
const STYLE: &str = include_str!("style.css");

/// A page, by what it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    /// The root: the services.
    Services,
    /// The service of this operation.
    Service(Operation),
    /// Every code that an answer can have.
    Codes,
}

impl Page {
    /// Every page, in the order of the navigation.
    fn all() -> impl Iterator<Item = Self> {
        [Self::Services].into_iter().chain(Operation::ALL.map(Self::Service)).chain([Self::Codes])
    }

    fn path(self) -> &'static str {
        match self {
            Self::Services => "/",
            Self::Service(operation) => names::path(operation),
            Self::Codes => CODES,
        }
    }

    fn title(self, words: &Words) -> &'static str {
        match self {
            Self::Services => words.services,
            Self::Service(operation) => operation.code(),
            Self::Codes => words.codes,
        }
    }
}

/// Whether the client accepts `text/html`: browsers name it, client generators do not.
pub(super) fn accepts_html(headers: &HeaderMap) -> bool {
    let ranges =
        headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let mut types = ranges.filter_map(|range| range.split(';').next());
    types.any(|media_type| media_type.trim().eq_ignore_ascii_case("text/html"))
}

/// Writes a page in a language. Its links begin with the public address of the service.
pub(super) fn write_page(page: Page, language: PageLanguage, public_url: &str) -> String {
    let (words, url) = (words::of(language), public_url.trim_end_matches('/'));
    let content = match page {
        Page::Services => services(words, url),
        Page::Service(operation) => service(words, operation, url),
        Page::Codes => codes::codes(words),
    };
    let document = html! {
        (DOCTYPE)
        html lang=(language.code()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (page.title(words)) " – ehealth-attributes" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a class="skip" href="#content" { (words.skip) }
                header {
                    p { "ehealth-attributes" }
                    (navigation(words, page, url))
                }
                main id="content" tabindex="-1" {
                    h1 { (page.title(words)) }
                    (content)
                }
                footer { "ehealth-attributes " (env!("CARGO_PKG_VERSION")) }
            }
        }
    };
    document.into_string()
}

fn navigation(words: &Words, current: Page, url: &str) -> Markup {
    html! {
        nav aria-label=(words.navigation) {
            ul {
                @for page in Page::all() {
                    li {
                        a href={ (url) (page.path()) } aria-current=[(page == current).then_some("page")] {
                            (page.title(words))
                        }
                    }
                }
            }
        }
    }
}

/// The root: what to do first, and every service with its contract.
fn services(words: &Words, url: &str) -> Markup {
    html! {
        p { (words.services_about) }
        h2 { (words.first) }
        ol {
            li { (words.first_test) }
            li { (words.first_generate) }
            li { (words.first_ask) }
            li { (words.first_codes) }
        }
        (example_request(words, Operation::SendTestMessage, url))
        h2 { (words.operations) }
        @for operation in Operation::ALL {
            h3 { a href={ (url) (names::path(operation)) } { (operation.code()) } }
            p { ((words.purpose)(operation)) }
            p { (words.address) " " code { (url) (names::path(operation)) } }
            (contract_links(words, operation, url))
        }
        p class="quiet" { (words.provenance) }
    }
}

/// The page of one service.
fn service(words: &Words, operation: Operation, url: &str) -> Markup {
    html! {
        p { ((words.purpose)(operation)) }
        p { (words.post_to) " " code { (url) (names::path(operation)) } " " (words.post_end) }
        h2 { (words.contract) }
        (contract_links(words, operation, url))
        (example_request(words, operation, url))
    }
}

/// Links to the WSDL of an operation and to its schemas.
fn contract_links(words: &Words, operation: Operation, url: &str) -> Markup {
    let here = format!("{url}{}", names::path(operation));
    html! {
        ul {
            li { a href={ (here) "?wsdl" } { (words.wsdl) } }
            li { a href={ (here) "?singleWsdl" } { (words.single_wsdl) } }
            @for file in wsdl::schema_files(operation) {
                li { a href={ (here) "?xsd=" (file) } { (file) } }
            }
        }
    }
}

/// The example request of an operation, and the command that sends it. Text that scrolls can be
/// reached with the keyboard.
fn example_request(words: &Words, operation: Operation, url: &str) -> Markup {
    let curl = format!(
        "curl --cacert ca.pem --cert client.pem --key client.key \\\n  -H 'Content-Type: text/xml; charset=utf-8' \
         --data-binary @request.xml \\\n  {url}{}",
        names::path(operation)
    );
    let note = match operation {
        Operation::ConsultAttributes => Some(words.fictitious),
        Operation::SendTestMessage => None,
    };
    html! {
        h2 id="example" { (words.example) }
        p class="quiet" { (words.select) @if let Some(note) = note { " " (note) } }
        pre tabindex="0" role="region" aria-labelledby="example" lang="en" { (example(operation)) }
        p class="quiet" { (words.save_as) }
        pre tabindex="0" role="region" aria-label=(words.command) { (curl) }
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn the_policy_allows_only_the_pages_own_style() {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, STYLE.as_bytes());
        assert!(POLICY.contains(&format!("'sha256-{}'", encode(hash.as_ref()))), "{}", encode(hash.as_ref()));
        for (page, language) in every_page() {
            let page = write_page(page, language, "https://gateway.example.be");
            assert!(page.contains(&format!("<style>{STYLE}</style>")));
            assert!(!page.contains("<script") && !page.contains("style=") && !page.contains(" src="));
        }
    }

    fn every_page() -> impl Iterator<Item = (Page, PageLanguage)> {
        Page::all().flat_map(|page| PageLanguage::ALL.map(|language| (page, language)))
    }

    #[test]
    fn every_page_has_one_heading_landmarks_and_its_language() {
        for (page, language) in every_page() {
            let document = write_page(page, language, "https://gateway.example.be");
            assert!(document.contains(&format!("<html lang=\"{}\">", language.code())));
            for landmark in
                ["<header>", "<nav aria-label=", "<main id=\"content\"", "<h1>", "<footer>", "aria-current="]
            {
                assert_eq!(document.matches(landmark).count(), 1, "{landmark} of {page:?}");
            }
            assert!(document.contains("<a class=\"skip\" href=\"#content\">"));
        }
    }

    /// Base64 (RFC 4648, section 4).
    fn encode(bytes: &[u8]) -> String {
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut text = String::new();
        for chunk in bytes.chunks(3) {
            let group =
                chunk.iter().chain([&0; 3]).take(3).fold(0_usize, |group, byte| group << 8 | usize::from(*byte));
            for index in 0..4 {
                let digit = char::from(DIGITS[group >> (18 - 6 * index) & 63]);
                text.push(if index > chunk.len() { '=' } else { digit });
            }
        }
        text
    }

    #[test]
    fn browsers_get_html_and_programs_get_plain_text() {
        let headers = |accept: &[&'static str]| {
            accept.iter().map(|value| (ACCEPT, HeaderValue::from_static(value))).collect::<HeaderMap>()
        };
        for accept in [
            &["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"][..],
            &["application/xml, Text/HTML;q=0.5"],
            &["application/json", "text/html"],
        ] {
            assert!(accepts_html(&headers(accept)), "{accept:?}");
        }
        for accept in [&[][..], &["*/*"], &["text/xml"], &["text/*"], &["application/text/html"]] {
            assert!(!accepts_html(&headers(accept)), "{accept:?}");
        }
    }

    #[test]
    fn the_public_url_cannot_break_out_of_the_page() {
        for (page, language) in every_page() {
            let page = write_page(page, language, "https://a.example/\"><b>&");
            assert!(!page.contains("<b>") && page.contains("https://a.example/&quot;&gt;&lt;b&gt;&amp;/eHealth"));
        }
    }

    #[test]
    fn the_page_links_the_wsdl_and_every_schema() {
        for operation in Operation::ALL {
            let page = write_page(Page::Service(operation), PageLanguage::Dutch, "https://gateway.example.be/");
            let root = write_page(Page::Services, PageLanguage::French, "https://gateway.example.be/");
            let here = format!("https://gateway.example.be{}", names::path(operation));
            let files = wsdl::schema_files(operation).map(|file| format!("xsd={file}"));
            for query in files.chain(["wsdl".to_owned(), "singleWsdl".to_owned()]) {
                let link = format!("href=\"{here}?{query}\"");
                assert!(page.contains(&link) && root.contains(&link), "{link}");
            }
        }
    }
}
