//! Random documents with everything that a canonical form changes: namespaces declared, rebound and
//! undeclared at any depth; attributes with and without prefix; references, sections, comments, line
//! ends and tabs; UTF-8 and UTF-16.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::random::Random;

/// A document, and one of its elements.
pub struct Sample {
    pub document: Vec<u8>,
    /// Index of the element in document order.
    pub element: usize,
    /// `PrefixList`, with spaces between.
    pub prefixes: String,
}

const PREFIXES: &[&str] = &["p", "q", "r", "P", "soap", "a-b", "é", "xsi"];

/// URIs, some of them in two spellings. None has an ampersand: libxml2 does not escape it in a
/// declaration, so that its canonical form is not well-formed.
const URIS: &[(&str, &str)] = &[
    ("urn:a", "urn:a"),
    ("urn:a", "&#x75;rn:a"),
    ("urn:b", "urn:b"),
    ("urn:B", "urn:B"),
    ("http://a.example/?b=1", "http://a.example/?b=1"),
    ("http://a.example/?b=1", "http://a.example/?b&#x3d;1"),
    ("http://schemas.xmlsoap.org/soap/envelope/", "http://schemas.xmlsoap.org/soap/envelope/"),
    ("http://www.w3.org/2001/XMLSchema-instance", "http://www.w3.org/2001/XMLSchema-instance"),
    ("http://a.example/", "http://a.example/"),
];

const LOCALS: &[&str] = &["a", "b", "c", "A", "Body", "a.b", "a-b", "a1", "_", "é", "Ω", "ab"];

const TEXTS: &[&str] = &[
    "a",
    " ",
    "85073099932",
    "\n",
    "\r\n",
    "\r",
    "\t",
    "&amp;",
    "&lt;",
    "&gt;",
    "&quot;",
    "&apos;",
    "&#13;",
    "&#10;",
    "&#x9;",
    "&#x20;",
    ">",
    "]]",
    "\"",
    "'",
    "é",
    "€",
    "𝄞",
    "&#x1F600;",
    "&#233;",
    "\u{85}",
    "\u{2028}",
    "\u{a0}",
    "\u{7f}",
    "e\u{301}",
    "\r\r\n",
    "\n\r",
    "&#xD;\n",
    "\r&#xA;",
];

const SECTIONS: &[&str] =
    &["<![CDATA[]]>", "<![CDATA[<a>&amp;\r\n\r]]>", "<![CDATA[]]]]>", "<![CDATA[é\"'\t]]>", "<![CDATA[\n]]>"];

const COMMENTS: &[&str] = &["<!---->", "<!-- a -->", "<!--<b>&c;-->", "<!--\r\n-->"];

/// Declarations in scope: prefix and URI.
type Scope = BTreeMap<&'static str, &'static str>;

impl Sample {
    pub fn new(random: &mut Random) -> Self {
        let mut text = String::new();
        if random.one_in(4) {
            text.push_str(random.pick(&["<?xml version='1.0'?>", "<?xml version=\"1.0\" standalone='yes'?>\r\n"]));
        }
        around(random, &mut text);
        let mut elements = 0;
        element(random, &mut text, &Scope::new(), 0, &mut elements);
        around(random, &mut text);
        let prefixes = if random.one_in(2) {
            let listed = (0..random.below(5)).map(|_| match random.below(12) {
                0..=2 => "#default",
                3 => "xml",
                4 => "absent",
                _ => random.pick(PREFIXES),
            });
            listed.collect::<Vec<_>>().join(" ")
        } else {
            String::new()
        };
        Self { document: encoded(random, &text), element: random.index(elements), prefixes }
    }
}

/// Bytes of the text in UTF-8 or, with a mark, in UTF-16.
fn encoded(random: &mut Random, text: &str) -> Vec<u8> {
    let marked = format!("\u{feff}{text}");
    match random.below(8) {
        0 => marked.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        1 => marked.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        2 => marked.into_bytes(),
        _ => text.as_bytes().to_vec(),
    }
}

/// Comments and white space outside the root element.
fn around(random: &mut Random, text: &mut String) {
    for _ in 0..random.below(3) {
        text.push_str(if random.one_in(2) { random.pick(COMMENTS) } else { random.pick(&[" ", "\n", "\r\n"]) });
    }
}

/// White space in a tag.
fn space(random: &mut Random) -> &'static str {
    random.pick(&[" ", " ", " ", "  ", "\n", "\r\n\t", "\t"])
}

fn element(random: &mut Random, text: &mut String, outside: &Scope, depth: usize, elements: &mut usize) {
    *elements += 1;
    let mut scope = outside.clone();
    let mut parts = declarations(random, &mut scope);
    let prefix = if random.one_in(2) { "" } else { any_prefix(random, &scope) };
    let local = random.pick(LOCALS);
    let name = if prefix.is_empty() { local.to_owned() } else { format!("{prefix}:{local}") };
    parts.extend(attributes(random, &scope));
    // Declarations and attributes in any order.
    for at in (1..parts.len()).rev() {
        parts.swap(at, random.index(at + 1));
    }
    text.push('<');
    text.push_str(&name);
    for part in parts {
        text.push_str(space(random));
        text.push_str(&part);
    }
    if random.one_in(4) {
        text.push_str(space(random));
    }
    if random.one_in(5) {
        text.push_str("/>");
        return;
    }
    text.push('>');
    for _ in 0..random.below(6) {
        match random.below(8) {
            0..=2 if depth < 7 && *elements < 30 => element(random, text, &scope, depth + 1, elements),
            3 => text.push_str(random.pick(SECTIONS)),
            4 => text.push_str(random.pick(COMMENTS)),
            _ => text.push_str(random.pick(TEXTS)),
        }
    }
    text.push_str("</");
    text.push_str(&name);
    if random.one_in(6) {
        text.push_str(space(random));
    }
    text.push('>');
}

fn any_prefix(random: &mut Random, scope: &Scope) -> &'static str {
    let prefixes: Vec<_> = scope.keys().copied().filter(|prefix| !prefix.is_empty()).collect();
    if prefixes.is_empty() { "" } else { random.pick(&prefixes) }
}

fn declarations(random: &mut Random, scope: &mut Scope) -> Vec<String> {
    let mut declared = BTreeSet::new();
    let mut parts = Vec::new();
    for _ in 0..random.below(4) {
        let prefix = if random.one_in(3) { "" } else { random.pick(PREFIXES) };
        if !declared.insert(prefix) {
            continue;
        }
        let (uri, spelled) = if prefix.is_empty() && random.one_in(3) { ("", "") } else { random.pick(URIS) };
        scope.insert(prefix, uri);
        let quote = random.pick(&["\"", "'"]);
        let colon = if prefix.is_empty() { "" } else { ":" };
        parts.push(format!("xmlns{colon}{prefix}{}{quote}{spelled}{quote}", equals(random)));
    }
    if random.one_in(40) {
        parts.push("xmlns:xml='http://www.w3.org/XML/1998/namespace'".to_owned());
    }
    parts
}

fn equals(random: &mut Random) -> &'static str {
    random.pick(&["=", "=", "=", " = ", "\n=\t"])
}

fn attributes(random: &mut Random, scope: &Scope) -> Vec<String> {
    let mut names = BTreeSet::new();
    let mut parts = Vec::new();
    for _ in 0..random.below(5) {
        let (name, expanded) = match random.below(8) {
            0 => {
                let local = random.pick(&["lang", "space", "base"]);
                (format!("xml:{local}"), ("xml", local))
            }
            1..=4 if scope.keys().any(|prefix| !prefix.is_empty()) => {
                let (prefix, local) = (any_prefix(random, scope), random.pick(LOCALS));
                (format!("{prefix}:{local}"), (scope[prefix], local))
            }
            _ => {
                let local = random.pick(LOCALS);
                (local.to_owned(), ("", local))
            }
        };
        if !names.insert(expanded) {
            continue;
        }
        let quote = random.pick(&["\"", "'"]);
        let value: String = (0..random.below(5)).map(|_| random.pick(TEXTS)).filter(|part| *part != quote).collect();
        parts.push(format!("{name}{}{quote}{value}{quote}", equals(random)));
    }
    parts
}
