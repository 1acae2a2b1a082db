//! Canonical forms: the examples of the recommendations, and each rule on its own.

use super::*;
use crate::limits::DOCUMENT_BYTES;
use crate::reader::{Document, Reader, Token};

/// Reads to the start of the first element with this local name.
fn open(reader: &mut Reader<'_>, local: &str) {
    loop {
        match reader.next_token().expect("well-formed") {
            Token::Open(name) if name.local == local => return,
            Token::End => panic!("no element {local}"),
            Token::Open(_) | Token::Text(_) | Token::Close => {}
        }
    }
}

/// Canonical form of the first element with this local name.
fn canonical_of(bytes: &[u8], local: &str, prefixes: &str) -> Result<String, CanonicalizationError> {
    let document = Document::from_bytes(bytes, None)?;
    let list = PrefixList::parse(prefixes).expect("prefixes");
    let (mut reader, mut octets) = (Reader::new(&document), Vec::new());
    open(&mut reader, local);
    Canonicalizer::new().canonicalize(&mut reader, &list, &mut |piece| octets.extend_from_slice(piece))?;
    Ok(String::from_utf8(octets).expect("UTF-8"))
}

/// Canonical form of the element with the local name `x`.
fn canonical(document: &str, prefixes: &str) -> String {
    canonical_of(document.as_bytes(), "x", prefixes).expect("a canonical form")
}

/// Exclusive XML Canonicalization 1.0, section 2.2: one element in two contexts.
const LOCAL: &str = r#"<n0:local xmlns:n0="foo:bar"
          xmlns:n3="ftp://example.org">
   <n1:elem2 xmlns:n1="http://example.net"
             xml:lang="en">
       <n3:stuff xmlns:n3="ftp://example.org"/>
   </n1:elem2>
</n0:local>"#;
const PDU: &str = r#"<n2:pdu xmlns:n1="http://example.com"
           xmlns:n2="http://foo.example"
           xml:lang="fr"
           xml:space="retain">
   <n1:elem2 xmlns:n1="http://example.net"
             xml:lang="en">
       <n3:stuff xmlns:n3="ftp://example.org"/>
   </n1:elem2>
</n2:pdu>"#;

#[test]
fn the_context_of_an_element_does_not_matter() {
    let expected = r#"<n1:elem2 xmlns:n1="http://example.net" xml:lang="en">
       <n3:stuff xmlns:n3="ftp://example.org"></n3:stuff>
   </n1:elem2>"#;
    for context in [LOCAL, PDU] {
        assert_eq!(canonical_of(context.as_bytes(), "elem2", "").as_deref(), Ok(expected));
    }
    // Section 2.1.
    let enveloped =
        "<n0:pdu xmlns:n0=\"http://a.example\"><n1:x xmlns:n1=\"http://b.example\">\n  content\n</n1:x></n0:pdu>";
    assert_eq!(canonical(enveloped, ""), "<n1:x xmlns:n1=\"http://b.example\">\n  content\n</n1:x>");
}

#[test]
fn listed_prefixes_are_rendered_as_in_canonical_xml() {
    // The canonical form that section 2.2 gives for Canonical XML: every prefix in scope.
    let expected = r#"<n1:elem2 xmlns:n0="foo:bar" xmlns:n1="http://example.net" xmlns:n3="ftp://example.org" xml:lang="en">
       <n3:stuff></n3:stuff>
   </n1:elem2>"#;
    assert_eq!(canonical_of(LOCAL.as_bytes(), "elem2", "n3 n0 absent").as_deref(), Ok(expected));
    let document = "<a xmlns='urn:d' xmlns:p='urn:p'><p:x><c xmlns='' xmlns:q='urn:q' xmlns:p='urn:r'/></p:x></a>";
    assert_eq!(
        canonical(document, ""),
        "<p:x xmlns:p=\"urn:p\"><c></c></p:x>",
        "a default namespace that nothing used is not undeclared"
    );
    assert_eq!(canonical(document, "#default"), "<p:x xmlns=\"urn:d\" xmlns:p=\"urn:p\"><c xmlns=\"\"></c></p:x>");
    assert_eq!(canonical(document, "q p"), "<p:x xmlns:p=\"urn:p\"><c xmlns:p=\"urn:r\" xmlns:q=\"urn:q\"></c></p:x>");
}

#[test]
fn start_tags_are_those_of_canonical_xml_3_3() {
    let document = r#"<doc>
   <e1   />
   <e2   ></e2>
   <e3   name = "elem3"   id="elem3"   />
   <e4   name="elem4"   id="elem4"   ></e4>
   <e5 a:attr="out" b:attr="sorted" attr2="all" attr="I'm"
      xmlns:b="http://www.ietf.org"
      xmlns:a="http://www.w3.org"
      xmlns="http://example.org"/>
   <e6 xmlns="" xmlns:a="http://www.w3.org">
      <e7 xmlns="http://www.ietf.org">
         <e8 xmlns="" xmlns:a="http://www.w3.org">
            <e9 xmlns="" xmlns:a="http://www.ietf.org"/>
         </e8>
      </e7>
   </e6>
</doc>"#;
    let start = r#"<doc>
   <e1></e1>
   <e2></e2>
   <e3 id="elem3" name="elem3"></e3>
   <e4 id="elem4" name="elem4"></e4>
   <e5 xmlns="http://example.org" xmlns:a="http://www.w3.org" xmlns:b="http://www.ietf.org" attr="I'm" attr2="all" b:attr="sorted" a:attr="out"></e5>
"#;
    let inclusive = r#"   <e6 xmlns:a="http://www.w3.org">
      <e7 xmlns="http://www.ietf.org">
         <e8 xmlns="">
            <e9 xmlns:a="http://www.ietf.org"></e9>
         </e8>
      </e7>
   </e6>
</doc>"#;
    let exclusive =
        inclusive.replace(" xmlns:a=\"http://www.w3.org\"", "").replace(" xmlns:a=\"http://www.ietf.org\"", "");
    for (prefixes, end) in [("a b #default", inclusive), ("", &exclusive)] {
        assert_eq!(canonical_of(document.as_bytes(), "doc", prefixes), Ok(format!("{start}{end}")), "{prefixes}");
    }
}

#[test]
fn characters_are_escaped_as_in_canonical_xml_3_4() {
    let document = "<x>\r\n   <text>First line&#x0d;&#10;Second line</text>\r   <value>&#x32;</value>\n   \
        <compute><![CDATA[value>\"0\" && value<\"10\" ?\"valid\":\"error\"]]></compute>\n   \
        <compute expr='value>\"0\" &amp;&amp; value&lt;\"10\" ?\"valid\":\"error\"'>valid</compute>\n   \
        <norm attr=' &apos;   &#x20;&#13;&#xa;&#9;   &apos; '/>\n</x>";
    let expected = "<x>\n   <text>First line&#xD;\nSecond line</text>\n   <value>2</value>\n   \
        <compute>value&gt;\"0\" &amp;&amp; value&lt;\"10\" ?\"valid\":\"error\"</compute>\n   \
        <compute expr=\"value>&quot;0&quot; &amp;&amp; value&lt;&quot;10&quot; ?&quot;valid&quot;:&quot;error&quot;\">valid</compute>\n   \
        <norm attr=\" '    &#xD;&#xA;&#x9;   ' \"></norm>\n</x>";
    assert_eq!(canonical(document, ""), expected);
    assert_eq!(canonical("<x a='\t\r\n\rb'>a<!-- b -->c&#9;<![CDATA[]]></x>", ""), "<x a=\"   b\">ac\t</x>");
    // A URI is escaped as an attribute value.
    assert_eq!(
        canonical("<x xmlns='urn:a?b&amp;&quot;c&lt;&#9;'/>", ""),
        "<x xmlns=\"urn:a?b&amp;&quot;c&lt;&#x9;\"></x>"
    );
}

#[test]
fn the_octets_are_utf_8_in_any_encoding() {
    let document = "\u{feff}<é:x a='&#169;𝄞' xmlns:é='urn:é'>\u{85}©</é:x>";
    let expected = "<é:x xmlns:é=\"urn:é\" a=\"©𝄞\">\u{85}©</é:x>";
    let little: Vec<u8> = document.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = document.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in [document.as_bytes(), &little, &big] {
        assert_eq!(canonical_of(bytes, "x", "").as_deref(), Ok(expected));
    }
}

#[test]
fn a_declaration_is_rendered_where_it_is_first_used() {
    for (document, expected) in [
        // In each sibling; not again below; again where the prefix has another namespace.
        (
            "<a xmlns:p='urn:p'><x><p:b><p:c/></p:b><p:b/></x></a>",
            "<x><p:b xmlns:p=\"urn:p\"><p:c></p:c></p:b><p:b xmlns:p=\"urn:p\"></p:b></x>",
        ),
        (
            "<p:x xmlns:p='urn:p'><p:b xmlns:p='urn:q'><p:c xmlns:p='urn:p'/></p:b><p:d xmlns:p='urn:p'/></p:x>",
            "<p:x xmlns:p=\"urn:p\"><p:b xmlns:p=\"urn:q\"><p:c xmlns:p=\"urn:p\"></p:c></p:b><p:d></p:d></p:x>",
        ),
        // A declaration between that nothing uses changes nothing.
        (
            "<p:x xmlns:p='urn:p'><b xmlns:p='urn:q'><p:c xmlns:p='urn:p'/></b></p:x>",
            "<p:x xmlns:p=\"urn:p\"><b><p:c></p:c></b></p:x>",
        ),
        ("<x xmlns:p='urn:p'><b p:c=''/></x>", "<x><b xmlns:p=\"urn:p\" p:c=\"\"></b></x>"),
        // The default namespace is not that of attributes.
        ("<a xmlns='urn:d' xmlns:p='urn:p'><p:x b=''/></a>", "<p:x xmlns:p=\"urn:p\" b=\"\"></p:x>"),
        // Undeclared: only below an element that has it.
        ("<a xmlns='urn:d'><x xmlns=''><b/></x></a>", "<x><b></b></x>"),
        (
            "<x xmlns='urn:d'><b xmlns=''><c/><d xmlns='urn:d'/></b></x>",
            "<x xmlns=\"urn:d\"><b xmlns=\"\"><c></c><d xmlns=\"urn:d\"></d></b></x>",
        ),
        (
            "<x xmlns='urn:d' xmlns:p='urn:p'><p:b xmlns=''><c/></p:b></x>",
            "<x xmlns=\"urn:d\"><p:b xmlns:p=\"urn:p\"><c xmlns=\"\"></c></p:b></x>",
        ),
    ] {
        assert_eq!(canonical(document, ""), expected, "{document}");
    }
}

#[test]
fn attributes_are_sorted_by_uri_and_not_by_prefix() {
    let document = "<x a:b='1' z:a='2' xmlns:a='urn:z' xmlns:z='urn:a' é='3' b='4' B='5' xml:lang='6'/>";
    let expected = "<x xmlns:a=\"urn:z\" xmlns:z=\"urn:a\" B=\"5\" b=\"4\" é=\"3\" \
        xml:lang=\"6\" z:a=\"2\" a:b=\"1\"></x>";
    assert_eq!(canonical(document, ""), expected);
    let document = "<x q:b='1' p:a='2' xmlns:p='urn:a' xmlns:q='&#x75;rn:a'/>";
    let expected = "<x xmlns:p=\"urn:a\" xmlns:q=\"urn:a\" p:a=\"2\" q:b=\"1\"></x>";
    assert_eq!(canonical(document, ""), expected);
}

#[test]
fn attributes_of_xml_are_not_inherited_nor_its_prefix_declared() {
    let document = "<a xml:lang='nl' xml:space='preserve'>\
        <x xmlns:xml='http://www.w3.org/XML/1998/namespace' xml:lang='fr'><xml:b/></x></a>";
    for prefixes in ["", "xml"] {
        assert_eq!(canonical(document, prefixes), "<x xml:lang=\"fr\"><xml:b></xml:b></x>");
    }
}

#[test]
fn refuses_relative_namespaces_in_the_element() {
    let relative = Err(CanonicalizationError::RelativeNamespace);
    for (document, prefixes) in [
        ("<x xmlns='a'/>", ""),
        ("<x><b xmlns:p='../a'/></x>", ""),
        ("<p:x xmlns:p='#a'/>", ""),
        ("<a xmlns:p='a'><x p:b=''/></a>", ""),
        ("<a xmlns:p='a'><x/></a>", "p"),
    ] {
        assert_eq!(canonical_of(document.as_bytes(), "x", prefixes), relative, "{document}");
    }
    assert_eq!(canonical("<a xmlns:p='a'><p:b/><x/></a>", ""), "<x></x>", "outside, it does not matter");
}

#[test]
fn refuses_what_the_reader_refuses() {
    for document in ["<x><b></x>", "<x>", "<x><?a?></x>", "<x>&b;</x>", "<x></x", "<x b='' b=''/>"] {
        let document = Document::from_bytes(document.as_bytes(), None).expect("characters");
        let mut reader = Reader::new(&document);
        let opened = reader.next_token();
        let refused = opened
            .map_err(CanonicalizationError::from)
            .and_then(|_| Canonicalizer::new().canonicalize(&mut reader, &PrefixList::default(), &mut |_| {}));
        assert!(matches!(refused, Err(CanonicalizationError::Document(_))));
    }
}

#[test]
fn the_reader_goes_on_after_the_element() {
    let document = Document::from_bytes(b"<a><x>b</x>c<x/></a>", None).expect("characters");
    let (mut reader, mut canonicalizer) = (Reader::new(&document), Canonicalizer::new());
    let list = PrefixList::default();
    let mut octets = Vec::new();
    open(&mut reader, "x");
    canonicalizer.canonicalize(&mut reader, &list, &mut |piece| octets.extend_from_slice(piece)).expect("a form");
    assert_eq!(reader.next_token(), Ok(Token::Text("c".into())));
    open(&mut reader, "x");
    // Token by token: the caller reads, too.
    let mut sink = |piece: &[u8]| octets.extend_from_slice(piece);
    let mut subtree = canonicalizer.open_subtree(&reader, &list, &mut sink).expect("a form");
    let token = reader.next_token().expect("the end");
    assert_eq!(subtree.write(&reader, &token), Ok(Progress::Complete));
    assert_eq!(reader.next_token(), Ok(Token::Close));
    assert_eq!(reader.next_token(), Ok(Token::End));
    assert_eq!(octets, b"<x>b</x><x></x>");
}

#[test]
fn an_error_leaves_nothing_for_the_next_element() {
    let document = Document::from_bytes(b"<a xmlns:p='urn:p'><p:x><b xmlns='c'/></p:x><p:y/></a>", None);
    let document = document.expect("characters");
    let (mut reader, mut canonicalizer) = (Reader::new(&document), Canonicalizer::new());
    let list = PrefixList::default();
    open(&mut reader, "x");
    let refused = canonicalizer.canonicalize(&mut reader, &list, &mut |_| {});
    assert_eq!(refused, Err(CanonicalizationError::RelativeNamespace));
    open(&mut reader, "y");
    let mut octets = Vec::new();
    canonicalizer.canonicalize(&mut reader, &list, &mut |piece| octets.extend_from_slice(piece)).expect("a form");
    assert_eq!(octets, b"<p:y xmlns:p=\"urn:p\"></p:y>");
}

#[test]
fn the_octets_come_in_pieces() {
    let long = "é&amp;".repeat(5_000);
    let document = format!("<x>{long}{}</x>", "<b c='d'>e</b>".repeat(400));
    let document = Document::from_bytes(document.as_bytes(), None).expect("characters");
    let mut reader = Reader::new(&document);
    open(&mut reader, "x");
    let mut pieces = Vec::new();
    let mut sink = |piece: &[u8]| pieces.push(piece.len());
    Canonicalizer::new().canonicalize(&mut reader, &PrefixList::default(), &mut sink).expect("a form");
    assert_eq!(pieces.iter().sum::<usize>(), 7 + long.len() + 400 * 14);
    assert!(pieces.iter().all(|piece| (1..=1_024).contains(piece)) && pieces.len() < 45, "{pieces:?}");
}

#[test]
fn the_work_for_one_message_is_bounded() {
    // A long URI that each sibling repeats, or with which each attribute is compared.
    let uri = "u".repeat(60_000);
    let repeated = format!("<x xmlns:p='urn:{uri}'>{}</x>", "<p:b/>".repeat(1_000));
    let compared = format!(
        "<p:x xmlns:p='urn:{uri}p' xmlns:q='urn:{uri}q'>{}</p:x>",
        "<p:b p:c='' q:c='' p:d='' q:d=''/>".repeat(1_000)
    );
    let same = format!("<p:x xmlns:p='urn:{uri}'><b xmlns:p='urn:{uri}'>{}</b></p:x>", "<p:c/>".repeat(1_000));
    for document in [repeated, compared, same] {
        assert!(document.len() < DOCUMENT_BYTES);
        assert_eq!(canonical_of(document.as_bytes(), "x", ""), Err(CanonicalizationError::Length));
    }
    // Of one canonicaliser, not of one element.
    let document = format!("<a>{}</a>", format!("<x>{}</x>", "b".repeat(60_000)).repeat(4));
    let document = Document::from_bytes(document.as_bytes(), None).expect("characters");
    let mut canonicalizer = Canonicalizer::new();
    let mut forms = 0;
    let refused = loop {
        let mut reader = Reader::new(&document);
        open(&mut reader, "x");
        match canonicalizer.canonicalize(&mut reader, &PrefixList::default(), &mut |_| {}) {
            Ok(()) => forms += 1,
            Err(refused) => break refused,
        }
    };
    assert_eq!((forms, refused), (CANONICAL_WORK / 60_007, CanonicalizationError::Length));
}
