//! The service page for browsers: what the service is, its WSDL and schemas, and an example
//! request.
//!
//! One document without scripts and without external resources. It reveals nothing about the
//! caller, any person's data, or the configuration beyond the public address. Programs that do not
//! accept `text/html` get plain text.

use hyper::header::{ACCEPT, HeaderMap};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use ehealth_core::lookup::Operation;
use soap::{example, names, wsdl};

/// Content security policy: no loading, scripts, forms or framing; the page's own style, by its
/// hash.
pub(super) const POLICY: &str = "default-src 'none'; style-src 'sha256-/3G47CmTzEeRwsnZq2BFdOuL/cTENo9ylj7ok9RraX4='; base-uri 'none'; form-action 'none'; \
                                 frame-ancestors 'none'";

/// System fonts, two colour schemes, text contrast of at least 4.5:1 (WCAG 2.2, 1.4.3). One click
/// selects the whole request.
const STYLE: &str = ":root{color-scheme:light dark;--back:#f6f7f9;--card:#fff;--text:#1c2430;--quiet:#55606e;--line:#d9dee5;\
                     --link:#0b57b0}@media(prefers-color-scheme:dark){:root{--back:#12161c;--card:#1b212a;--text:#e6eaf0;\
                     --quiet:#a3aebd;--line:#333c48;--link:#8ab8f5}}body{margin:0 auto;max-width:52rem;padding:1.25rem;\
                     background:var(--back);color:var(--text);font:16px/1.5 system-ui,sans-serif}h1{font-size:1.4rem}\
                     h2{font-size:1.1rem}a{color:var(--link)}pre{background:var(--card);border:1px solid var(--line);\
                     border-radius:.5rem;padding:1rem;overflow-x:auto;font-size:.85rem;user-select:all}\
                     code{overflow-wrap:anywhere}p.quiet{color:var(--quiet)}";

/// Purpose of an operation, in one sentence.
fn describe(operation: Operation) -> &'static str {
    match operation {
        Operation::ConsultAttributes => {
            "Returns a person's employer, competent prevention service and health-insurance fund for an SSIN, as far as \
             a grant allows."
        }
        Operation::SendTestMessage => {
            "Checks the connection, and returns the certificate that the service sees. It returns no personal data: call \
             it first."
        }
    }
}

/// Note on the example request.
fn example_note(operation: Operation) -> &'static str {
    match operation {
        Operation::ConsultAttributes => " Person and organisation are fictitious.",
        Operation::SendTestMessage => "",
    }
}

/// Whether the client accepts `text/html`: browsers name it, client generators do not.
pub(super) fn accepts_html(headers: &HeaderMap) -> bool {
    let ranges =
        headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let mut types = ranges.filter_map(|range| range.split(';').next());
    types.any(|media_type| media_type.trim().eq_ignore_ascii_case("text/html"))
}

/// Writes the page of an operation's service.
pub(super) fn write_page(operation: Operation, public_url: &str) -> String {
    let url = public_url.trim_end_matches('/');
    let here = format!("{url}{}", names::path(operation));
    let curl = format!(
        "curl --cacert ca.pem --cert client.pem --key client.key \\\n  -H 'Content-Type: text/xml; charset=utf-8' \
         --data-binary @request.xml \\\n  {here}"
    );
    let content = html! {
        p { (describe(operation)) }
        p {
            "This is a SOAP 1.1 service (document/literal, over mutual TLS). POST an envelope to "
            code { (here) }
            " as text/xml."
        }
        h2 { "Contract" }
        ul {
            li { a href={ (here) "?wsdl" } { "WSDL" } }
            li { a href={ (here) "?singleWsdl" } { "WSDL with its schemas inside" } }
            @for file in wsdl::schema_files(operation) {
                li { a href={ (here) "?xsd=" (file) } { (file) } }
            }
        }
        h2 { "Example request" }
        p class="quiet" { "Click to select it." (example_note(operation)) }
        pre { (example(operation)) }
        p class="quiet" { "Save it as request.xml and send it with:" }
        pre { (curl) }
        h2 { "Operations" }
        (list_services(url))
    };
    write_document(operation.code(), &content)
}

/// Writes the page at the root: the list of services.
pub(super) fn write_services(public_url: &str) -> String {
    let content = html! {
        p { "SOAP 1.1 services over mutual TLS. Each has a page with its WSDL and an example." }
        p {
            "Rebuilt from the public conventions of KSZ/BCSS, whose WSDL of eHealthAttributesService is not public. "
            "TestConnection and the common types are KSZ's; the messages of consultAttributes are this project's."
        }
        (list_services(public_url.trim_end_matches('/')))
    };
    write_document("Services", &content)
}

fn list_services(url: &str) -> Markup {
    html! {
        ul {
            @for each in Operation::ALL {
                li { a href={ (url) (names::path(each)) } { (each.code()) } ": " (describe(each)) }
            }
        }
    }
}

fn write_document(title: &str, content: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " – ehealth-attributes" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (title) }
                (content)
                p class="quiet" { "ehealth-attributes " (env!("CARGO_PKG_VERSION")) }
            }
        }
    };
    page.into_string()
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn the_policy_allows_only_the_pages_own_style() {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, STYLE.as_bytes());
        assert!(POLICY.contains(&format!("'sha256-{}'", encode(hash.as_ref()))), "{}", encode(hash.as_ref()));
        for operation in Operation::ALL {
            let page = write_page(operation, "https://gateway.example.be");
            assert!(page.contains(&format!("<style>{STYLE}</style>")));
            assert!(!page.contains("<script") && !page.contains("style=") && !page.contains(" src="));
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
        let page = write_page(Operation::ConsultAttributes, "https://a.example/\"><b>&");
        assert!(!page.contains("<b>") && page.contains("https://a.example/&quot;&gt;&lt;b&gt;&amp;/eHealth"));
    }

    #[test]
    fn the_page_links_the_wsdl_and_every_schema() {
        for operation in Operation::ALL {
            let page = write_page(operation, "https://gateway.example.be/");
            let here = format!("https://gateway.example.be{}", names::path(operation));
            assert!(page.contains(&format!("href=\"{here}?wsdl\"")), "{page}");
            for file in wsdl::schema_files(operation) {
                assert!(page.contains(&format!("href=\"{here}?xsd={file}\"")), "{page}");
            }
        }
    }
}
