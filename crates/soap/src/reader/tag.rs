//! Content of a start tag: its name, its namespace declarations, its attributes (XML 1.0,
//! productions 40 to 44; Namespaces in XML 1.0, productions 1 to 15).

use std::borrow::Cow;

use super::namespaces::{BindingIndex, Name, Namespaces, QName, Space};
use super::scanner::Scanner;
use super::text::normalize_attribute;
use crate::limits::{ATTRIBUTES, NAME_BYTES, NAMESPACE_DECLARATIONS, TEXT_BYTES};
use crate::message_error::{MessageError, Violation};
use crate::xml_error::XmlError;

/// An attribute that is not a namespace declaration.
pub struct Attribute<'a> {
    /// Name, without namespace if it has no prefix.
    pub name: Name<'a>,
    /// Normalised value: references resolved, white space as spaces.
    pub value: Cow<'a, str>,
    prefix: &'a str,
    binding: Option<BindingIndex>,
    /// Fingerprint of the local name: names with different fingerprints are different.
    fingerprint: u64,
}

impl Attribute<'_> {
    /// Prefix of its name; empty if it has none.
    pub(crate) fn prefix(&self) -> &str {
        self.prefix
    }

    /// The declaration of its prefix; `None` if it has none.
    pub(crate) fn binding(&self) -> Option<BindingIndex> {
        self.binding
    }
}

/// Name of a start tag.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tag<'a> {
    pub(super) name: Name<'a>,
    /// The name as written, with its prefix: the end tag must repeat it.
    pub(super) written: &'a str,
}

/// Reads the text between `<` and `>` or `/>`. Its declarations are in scope from then on;
/// `attributes` contains its attributes and no others.
pub(super) fn read_tag<'a>(
    content: &'a str,
    namespaces: &mut Namespaces<'a>,
    attributes: &mut Vec<Attribute<'a>>,
) -> Result<Tag<'a>, Violation> {
    let since = namespaces.mark();
    let mut declared = 0_usize;
    attributes.clear();
    let mut scanner = Scanner::new(content);
    let (written, name) = take_name(&mut scanner)?;
    loop {
        let is_separated = scanner.skip_space();
        if scanner.is_done() {
            break;
        }
        if !is_separated {
            return Err(XmlError::Tag.into());
        }
        let (_, QName { prefix, local }) = take_name(&mut scanner)?;
        if !scanner.equals() {
            return Err(XmlError::Tag.into());
        }
        let raw = scanner.quoted().ok_or(XmlError::Tag)?;
        if raw.len() > TEXT_BYTES {
            return Err(MessageError::TextLength.into());
        }
        let bound = if prefix.is_empty() && local == "xmlns" { Some("") } else { (prefix == "xmlns").then_some(local) };
        if let Some(bound) = bound {
            declared = declared.saturating_add(1);
            if declared > NAMESPACE_DECLARATIONS {
                return Err(MessageError::NamespaceDeclarations.into());
            }
            namespaces.declare(bound, normalize_attribute(raw)?, since)?;
        } else {
            if attributes.len() >= ATTRIBUTES {
                return Err(MessageError::Attributes.into());
            }
            let name = Name { space: Space::Unqualified, local };
            let value = normalize_attribute(raw)?;
            attributes.push(Attribute { name, value, prefix, binding: None, fingerprint: fingerprint(local) });
        }
    }
    // Only now: a declaration also applies to the attributes before it.
    resolve_attributes(namespaces, attributes)?;
    if name.prefix == "xmlns" {
        return Err(XmlError::Name.into());
    }
    Ok(Tag { name: namespaces.resolve(name)?, written })
}

fn resolve_attributes<'a>(namespaces: &Namespaces<'a>, attributes: &mut [Attribute<'a>]) -> Result<(), XmlError> {
    for attribute in attributes.iter_mut() {
        (attribute.name.space, attribute.binding) = namespaces.resolve_attribute(attribute.prefix)?;
    }
    let mut rest = &*attributes;
    while let Some((attribute, after)) = rest.split_first() {
        let is_same = |other: &Attribute<'_>| {
            other.fingerprint == attribute.fingerprint
                && other.name.local == attribute.name.local
                && namespaces.is_same(other.binding, attribute.binding)
        };
        if after.iter().any(is_same) {
            return Err(XmlError::DuplicateAttribute);
        }
        rest = after;
    }
    Ok(())
}

/// Length and first bytes of a name, in one number: avoids most comparisons of names.
fn fingerprint(name: &str) -> u64 {
    name.bytes().take(7).fold(name.len() as u64, |bits, byte| bits << 8 | u64::from(byte))
}

fn take_name<'a>(scanner: &mut Scanner<'a>) -> Result<(&'a str, QName<'a>), Violation> {
    let (written, name) = scanner.name().ok_or(XmlError::Name)?;
    if written.len() > NAME_BYTES { Err(MessageError::NameLength.into()) } else { Ok((written, name)) }
}

/// Parses a text that is a name with an optional prefix, and nothing else.
pub(super) fn parse_name(text: &str) -> Result<QName<'_>, XmlError> {
    let mut scanner = Scanner::new(text);
    scanner.name().filter(|_| scanner.is_done()).map(|(_, name)| name).ok_or(XmlError::Name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str) -> Result<usize, Violation> {
        let mut attributes = Vec::new();
        read_tag(content, &mut Namespaces::new(), &mut attributes).map(|_| attributes.len())
    }

    #[test]
    fn refuses_invalid_tags() {
        for (content, error) in [
            ("", XmlError::Name),
            (" a", XmlError::Name),
            ("1a", XmlError::Name),
            ("a b", XmlError::Tag),
            ("a b=", XmlError::Tag),
            ("a b=c", XmlError::Tag),
            ("a b='c", XmlError::Tag),
            ("a b='c'd='e'", XmlError::Tag),
            ("a 'c'", XmlError::Name),
            ("a b='c' /", XmlError::Name),
            ("a b='<'", XmlError::AttributeValue),
            ("a b='&b;'", XmlError::Reference),
            ("a b='' b=''", XmlError::DuplicateAttribute),
            ("a xmlns='u' xmlns='u'", XmlError::DuplicateAttribute),
            ("a xmlns:p='u' xmlns:p='v'", XmlError::DuplicateAttribute),
            ("a p:b='' xmlns:p='u' q:b='' xmlns:q='u'", XmlError::DuplicateAttribute),
            (":a", XmlError::Name),
            ("a:", XmlError::Name),
            ("a:1", XmlError::Name),
            ("a:b:c", XmlError::Name),
            ("p:a", XmlError::UnboundPrefix),
            ("a p:b=''", XmlError::UnboundPrefix),
            ("xmlns:a", XmlError::Name),
            ("a xmlns:p=''", XmlError::NamespaceDeclaration),
            ("a xmlns:xmlns='u'", XmlError::NamespaceDeclaration),
            ("a xmlns:xml='u'", XmlError::NamespaceDeclaration),
            ("a xmlns:p='http://www.w3.org/XML/1998/namespace'", XmlError::NamespaceDeclaration),
            ("a xmlns='http://www.w3.org/XML/1998/namespace'", XmlError::NamespaceDeclaration),
            ("a xmlns='http://www.w3.org/2000/xmlns/'", XmlError::NamespaceDeclaration),
        ] {
            assert_eq!(read(content), Err(Violation::from(error)), "{content}");
        }
    }

    #[test]
    fn accepts_attributes_that_only_look_alike() {
        for (content, count) in [
            ("a", 0),
            ("a ", 0),
            ("a\n\tb = \"c'>\"\r\nc='\"'", 2),
            ("a b='' p:b='' xmlns:p='u' q:b='' xmlns:q='v'", 3),
            ("a b='' p:b='' xmlns='u' xmlns:p='u'", 2),
            ("p:a xmlns:p='u' xmlns='' xml:lang='nl'", 1),
            ("a xmlns:xml='http://www.w3.org/XML/1998/namespace' xml:b='' b=''", 2),
            ("a xmlns:xmlfoo='u' xmlfoo:xmlns='u'", 1),
        ] {
            assert_eq!(read(content), Ok(count), "{content}");
        }
    }

    #[test]
    fn each_limit_of_a_tag_is_exact() {
        let many = |count: usize, one: &dyn Fn(usize) -> String| (0..count).map(one).collect::<String>();
        let attributes = |count| format!("a{}", many(count, &|n| format!(" b{n}=''")));
        assert_eq!(read(&attributes(32)), Ok(32));
        assert_eq!(read(&attributes(33)), Err(MessageError::Attributes.into()));
        let declarations = |count| format!("a{}", many(count, &|n| format!(" xmlns:b{n}='u'")));
        assert_eq!(read(&declarations(16)), Ok(0));
        assert_eq!(read(&declarations(17)), Err(MessageError::NamespaceDeclarations.into()));
        assert_eq!(read(&"a".repeat(256)), Ok(0));
        assert_eq!(read(&"a".repeat(257)), Err(MessageError::NameLength.into()));
        assert_eq!(read(&format!("a b='{}'", "c".repeat(65_536))), Ok(1));
        assert_eq!(read(&format!("a b='{}'", "c".repeat(65_537))), Err(MessageError::TextLength.into()));
    }
}
