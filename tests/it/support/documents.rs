//! Documents that cost as much as possible, for the tests and benches that measure the cost.

#![allow(dead_code, reason = "each binary compiles this file and uses a part of it")]

use soap::{MessageError, limits};

/// Documents of the maximum length, each made to cost as much as possible.
pub fn costly() -> Vec<(&'static str, String)> {
    let fill = |begin: String, unit: &str| {
        let mut body = format!("<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Header>{begin}");
        // A thousand children per element, the maximum.
        let thousand = format!("<n>{}</n>", unit.repeat(1_000));
        while body.len() + thousand.len() < limits::DOCUMENT_BYTES {
            body.push_str(&thousand);
        }
        body.push_str("<n>");
        body.push_str(&unit.repeat((limits::DOCUMENT_BYTES - body.len()) / unit.len()));
        body
    };
    let many = |count: usize, one: &dyn Fn(usize) -> String| (0..count).map(one).collect::<String>();
    let scopes =
        many(28, &|level| format!("<b xmlns='urn:b'{}>", many(15, &|n| format!(" xmlns:p{}='u{0}'", level * 15 + n))));
    let long = "u".repeat(60_000);
    vec![
        (
            "420 prefixes, the outermost used",
            fill(scopes.clone(), &format!("<c{}/>", many(15, &|n| format!(" p{n}:x=''")))),
        ),
        ("420 prefixes, one used", fill(scopes, &format!("<c{}/>", many(32, &|n| format!(" p0:x{n}=''"))))),
        (
            "long namespaces that differ at their ends",
            fill(format!("<b xmlns:p='{long}1' xmlns:q='{long}2' xmlns:r='{long}3'>"), "<c p:x='' q:x='' r:x=''/>"),
        ),
        (
            "declarations",
            fill("<b xmlns='urn:b'>".to_owned(), &format!("<c{}/>", many(16, &|n| format!(" xmlns:p{n}='u'")))),
        ),
        ("attributes", fill("<b xmlns='urn:b'>".to_owned(), &format!("<c{}/>", many(32, &|n| format!(" a{n}=''"))))),
        (
            "attribute values to be normalized",
            fill("<b xmlns='urn:b'>".to_owned(), &format!("<c a='{}'/>", "\t&#65;".repeat(9_000))),
        ),
        (
            "line ends to be normalized",
            fill("<b xmlns='urn:b'>".to_owned(), &format!("<c>{}</c>", "\r\n".repeat(30_000))),
        ),
        ("elements", fill("<b xmlns='urn:b'>".to_owned(), "<c/>")),
        ("references", fill("<b xmlns='urn:b'>".to_owned(), "&#65;")),
        ("a tag without end", fill("<b xmlns='urn:b'>".to_owned(), "<c '>")),
        ("names beyond ASCII", fill("<b xmlns='urn:b'>".to_owned(), &format!("<{}/>", "中".repeat(85)))),
    ]
}

/// Requests over a limit, and their error.
pub fn bulky() -> Vec<(&'static str, String, MessageError)> {
    let block = |content: String| {
        format!(
            "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Header><a xmlns='urn:a'{content}</a>\
             </s:Header></s:Envelope>"
        )
    };
    let long = |count: usize| "x".repeat(count);
    let events = |flood: &str| block([">", &flood.repeat(16_384)].concat());
    vec![
        ("a text one byte too long", block(format!(">{}", long(65_537))), MessageError::TextLength),
        ("a text at its bound", block(format!(">{}", long(65_536))), MessageError::EnvelopeStructure),
        ("a section one byte too long", block(format!("><![CDATA[{}]]>", long(65_537))), MessageError::TextLength),
        (
            "a text in two pieces, one byte too long",
            block(format!(">{0}<b/>{0}x", long(32_768))),
            MessageError::TextLength,
        ),
        ("a comment one byte too long", block(format!("><!--{}-->", long(65_537))), MessageError::TextLength),
        ("an attribute one byte too long", block(format!(" b='{}'>", long(65_537))), MessageError::TextLength),
        ("an attribute at its bound", block(format!(" b='{}'>", long(65_536))), MessageError::EnvelopeStructure),
        ("a flood of sections", events("<![CDATA[]]>"), MessageError::Events),
        ("a flood of references", events("&#65;"), MessageError::Events),
        ("a flood of comments", events("<!---->"), MessageError::Events),
        (
            "a flood of elements",
            block([">", &["<b>", &"<c/>".repeat(999), "</b>"].concat().repeat(9)].concat()),
            MessageError::Events,
        ),
        ("a hundred thousand open elements", "<a>".repeat(87_000), MessageError::NotAnEnvelope),
        ("a hundred thousand open blocks", block([">", &"<b>".repeat(80_000)].concat()), MessageError::Depth),
    ]
}
