//! Documents that the reader accepts and refuses.

use std::fmt::Write as _;

use super::location::PATH_CHARS;
use super::*;
use crate::message_error::{BadMessage, MessageError};
use crate::names::Namespace;
use crate::note::Note;
use crate::xml_error::XmlError;
use ehealth_core::explained::Explained;

/// Reads to the end. Returns the tokens as one line of text.
fn read(document: &str) -> Result<String, Explained<BadMessage>> {
    let document = Document::from_bytes(document.as_bytes(), None)?;
    let mut reader = Reader::new(&document);
    let mut spelled = String::new();
    loop {
        match reader.next_token()? {
            Token::Open(name) => {
                write!(spelled, "({}", name.local).expect("into a string");
                for attribute in reader.attributes() {
                    write!(spelled, " {}={:?}", attribute.name.local, attribute.value).expect("into a string");
                }
                spelled.push(' ');
            }
            Token::Text(text) => spelled.push_str(&text),
            Token::Close => spelled.push(')'),
            Token::End => return Ok(spelled),
        }
    }
}

fn message_error(document: &str) -> Option<MessageError> {
    read(document).err().map(|bad| bad.reason().error())
}

fn xml_error(document: &str) -> Option<XmlError> {
    match read(document).err()?.reason().note() {
        Some(Note::XmlError(error)) => Some(error),
        _ => None,
    }
}

fn location(document: &str) -> (usize, String) {
    let bad = read(document).expect_err("refused");
    let location = bad.reason().location().expect("in the document");
    (location.line, location.path.clone())
}

#[test]
fn a_value_may_consist_of_many_pieces() {
    assert_eq!(read("<a>850730<!-- -->99932</a>").as_deref(), Ok("(a 85073099932)"));
    assert_eq!(read("<a>85<![CDATA[0730]]>&#57;&#x39;932</a>").as_deref(), Ok("(a 85073099932)"));
    assert_eq!(read("<a>&lt;&amp;&gt;&quot;&apos;</a>").as_deref(), Ok("(a <&>\"')"));
    assert_eq!(read("<a>x\r\ny\rz<![CDATA[\r\n]]>&#13;</a>").as_deref(), Ok("(a x\ny\nz\n\r)"));
    assert_eq!(read("<a>]]&gt; ]] > ]<!---->]></a>").as_deref(), Ok("(a ]]> ]] > ]]>)"));
    assert_eq!(read("<a><![CDATA[<b>&amp;]]]]><![CDATA[>]]></a>").as_deref(), Ok("(a <b>&amp;]]>)"));
}

#[test]
fn reads_text_around_the_root_and_in_its_tags() {
    let document = "<?xml version='1.0'?>\n<!-- a --> <!----><a b = 'x\ty' c=\"&#9;'\"><d/>\n</a >\n<!-- z -->\n";
    assert_eq!(read(document).as_deref(), Ok("(a b=\"x y\" c=\"\\t'\" (d )\n)"));
    assert_eq!(read("\u{feff}<a/>").as_deref(), Ok("(a )"));
    assert_eq!(read("<a><!--->--></a>").as_deref(), Ok("(a )"));
}

#[test]
fn refuses_doctypes_and_instructions_where_they_begin() {
    for document in
        ["<!DOCTYPE a><a/>", "<!DOCTYPE", " <!-- --> <!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "<a><!DOCTYPE"]
    {
        assert_eq!(message_error(document), Some(MessageError::Doctype), "{document}");
    }
    for document in
        ["<?a?><a/>", "<?", "<a><?b c?></a>", "<a/><?xml-stylesheet?>", "<?xml-model a?><a/>", "<?XML a?><a/>"]
    {
        assert_eq!(message_error(document), Some(MessageError::ProcessingInstruction), "{document}");
    }
    for document in [" <?xml version='1.0'?><a/>", "<a><?xml version='1.0'?></a>"] {
        assert_eq!(xml_error(document), Some(XmlError::Declaration), "{document}");
    }
}

#[test]
fn names_each_xml_error() {
    for (document, expected) in [
        ("", XmlError::Unfinished),
        ("  ", XmlError::Unfinished),
        ("<!-- a -->", XmlError::Unfinished),
        ("<a>", XmlError::Unfinished),
        ("<a><b></b>", XmlError::Unfinished),
        ("<a/><b/>", XmlError::SecondRoot),
        ("<a></a><a></a>", XmlError::SecondRoot),
        ("x<a/>", XmlError::TextOutside),
        ("<a/>x", XmlError::TextOutside),
        ("<a/>&#32;", XmlError::TextOutside),
        ("<a/><![CDATA[]]>", XmlError::TextOutside),
        ("\u{feff}\u{feff}<a/>", XmlError::TextOutside),
        ("<a></b>", XmlError::EndTag),
        ("<a></a b=''>", XmlError::EndTag),
        ("<a></ a>", XmlError::EndTag),
        ("</a>", XmlError::EndTag),
        ("<a/></a>", XmlError::EndTag),
        ("<a><b></a></b>", XmlError::EndTag),
        ("<a>]]></a>", XmlError::SectionEnd),
        ("<a><!-- -- --></a>", XmlError::Comment),
        ("<a><!-- ---></a>", XmlError::Comment),
        ("<a><!--", XmlError::Markup),
        ("<a><!-->", XmlError::Markup),
        ("<a><![CDATA[", XmlError::Markup),
        ("<a><![cdata[]]></a>", XmlError::Markup),
        ("<!doctype a><a/>", XmlError::Markup),
        ("<a><!ELEMENT a ANY></a>", XmlError::Markup),
        ("<a", XmlError::Markup),
        ("<", XmlError::Markup),
        ("<a b='>", XmlError::Markup),
        ("<a>&b;</a>", XmlError::Reference),
        ("<a>& </a>", XmlError::Reference),
        ("<a>&#0;</a>", XmlError::Reference),
        ("<a>&#x1;</a>", XmlError::Reference),
        ("<a>&amp</a>", XmlError::Reference),
        ("<a>\u{1}</a>", XmlError::Character),
        ("<a b='\u{1f}'/>", XmlError::Character),
        ("<a><!--\0--></a>", XmlError::Character),
        ("<a><![CDATA[\u{ffff}]]></a>", XmlError::Character),
        ("<>", XmlError::Name),
        ("<a/ >", XmlError::Tag),
        ("<a><b/></a><c", XmlError::Markup),
    ] {
        assert_eq!(xml_error(document), Some(expected), "{document}");
    }
}

#[test]
fn the_innermost_declaration_of_a_prefix_applies() {
    let space = |document: &str| {
        let document = Document::from_bytes(document.as_bytes(), None).expect("characters");
        let mut reader = Reader::new(&document);
        let mut spaces = Vec::new();
        loop {
            match reader.next_token().expect("well-formed") {
                Token::Open(name) => spaces.push(name.space),
                Token::End => return spaces,
                Token::Text(_) | Token::Close => {}
            }
        }
    };
    let soap = Space::Known(Namespace::Envelope);
    let uri = Namespace::Envelope.uri();
    let nested = format!("<p:a xmlns:p='{uri}'><p:b xmlns:p='u'><p:c/></p:b><p:d/></p:a>");
    assert_eq!(space(&nested), [soap, Space::Foreign, Space::Foreign, soap]);
    let undeclared = format!("<a xmlns='{uri}'><b xmlns=''><c/></b><d/></a>");
    assert_eq!(space(&undeclared), [soap, Space::Unqualified, Space::Unqualified, soap]);
    assert_eq!(xml_error("<a><b xmlns:p='u'/><p:c/></a>"), Some(XmlError::UnboundPrefix));
    assert_eq!(space("<xml:a/>"), [Space::Known(Namespace::Xml)]);
}

#[test]
fn each_limit_is_exact() {
    let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    assert_eq!(message_error(&nested(32)), None);
    assert_eq!(message_error(&nested(33)), Some(MessageError::Depth));
    let siblings = |count: usize| format!("<a>{}</a>", "<b/>".repeat(count));
    assert_eq!(message_error(&siblings(1_024)), None);
    assert_eq!(message_error(&siblings(1_025)), Some(MessageError::Children));
    for (before, after) in
        [("<a>", "</a>"), ("<a><![CDATA[", "]]></a>"), ("<a><!--", "--></a>"), ("<a>&#65;<b/>", "</a>")]
    {
        let max = 65_536 - usize::from(before.contains("&#65;"));
        assert_eq!(message_error(&format!("{before}{}{after}", "x".repeat(max))), None, "{before}");
        assert_eq!(
            message_error(&format!("{before}{}{after}", "x".repeat(max + 1))),
            Some(MessageError::TextLength),
            "{before}"
        );
    }
    for flood in ["<![CDATA[]]>", "&#65;", "<!---->"] {
        // The root's tags are two events.
        assert_eq!(message_error(&format!("<a>{}</a>", flood.repeat(16_382))), None, "{flood}");
        assert_eq!(message_error(&format!("<a>{}</a>", flood.repeat(16_383))), Some(MessageError::Events), "{flood}");
    }
    let grandchildren = format!("<a>{}</a>", format!("<b>{}</b>", "<c/>".repeat(1_000)).repeat(9));
    assert_eq!(message_error(&grandchildren), Some(MessageError::Events));
}

#[test]
fn locations_contain_lines_and_contract_names_only() {
    let (line, path) = location("<?xml version='1.0'\r\n?>\n<Envelope>\r<Body>\r\n<x85073099932>\n</Body>");
    assert_eq!((line, path.as_str()), (6, "/Envelope/Body/*"));
    assert_eq!(location("\n\n<a").1, "/");
    assert_eq!(location("a\0\nb").0, 1);
    let deep = format!("{}</", "<consultAttributesRequest>".repeat(30));
    let (_, path) = location(&deep);
    assert!(path.starts_with(".../consultAttributesRequest/") && path.len() <= PATH_CHARS, "{path}");
}
