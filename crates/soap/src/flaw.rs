//! The ways in which a document is not well-formed, by the clause that it breaks. All of them have one code; the sentence
//! tells them apart.

/// How a message is not well-formed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum XmlError {
    /// Bytes that are no characters of the encoding.
    Encoding,
    /// A character that no document can hold (XML 1.0, production 2).
    Character,
    /// The XML declaration is not right, or not at the very beginning (productions 23 to 32).
    Declaration,
    /// A tag, comment or section is not closed, or is none of these.
    Markup,
    /// A tag is not spelled as productions 40 to 44 say.
    Tag,
    /// A name is none, or has its colon in the wrong place (production 5; Namespaces in XML, production 7).
    Name,
    /// An attribute value holds `<` (production 10).
    AttributeValue,
    /// One attribute twice (XML 1.0, section 3.1; Namespaces in XML, section 6.3).
    DuplicateAttribute,
    /// A reference that is none, or to anything but a character (productions 66 to 68).
    Reference,
    /// `--` in a comment (production 15).
    Comment,
    /// `]]>` in text (production 14).
    SectionEnd,
    /// An end tag that is not that of the open element.
    EndTag,
    /// Text, a section or a reference outside the root element.
    TextOutside,
    /// A second root element.
    SecondRoot,
    /// The document ends before its root element does.
    Unfinished,
    /// A prefix that is bound to nothing.
    UnboundPrefix,
    /// A namespace declaration that is not allowed (Namespaces in XML, sections 2.2, 3 and 5).
    Declared,
}

impl XmlError {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::Encoding,
        Self::Character,
        Self::Declaration,
        Self::Markup,
        Self::Tag,
        Self::Name,
        Self::AttributeValue,
        Self::DuplicateAttribute,
        Self::Reference,
        Self::Comment,
        Self::SectionEnd,
        Self::EndTag,
        Self::TextOutside,
        Self::SecondRoot,
        Self::Unfinished,
        Self::UnboundPrefix,
        Self::Declared,
    ];

    /// One fixed sentence.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Encoding => "There are bytes that are no characters of the encoding.",
            Self::Character => "There is a character that XML does not allow.",
            Self::Declaration => "The XML declaration is wrong or not at the very beginning.",
            Self::Markup => "A tag, comment or section is not closed or is none.",
            Self::Tag => "A tag is wrong.",
            Self::Name => "A name is wrong.",
            Self::AttributeValue => "An attribute value holds a less-than sign.",
            Self::DuplicateAttribute => "An attribute is given twice.",
            Self::Reference => "A reference is wrong or not to a character.",
            Self::Comment => "A comment holds two hyphens.",
            Self::SectionEnd => "Text holds the end of a CDATA section.",
            Self::EndTag => "An end tag does not match.",
            Self::TextOutside => "There is text outside the root element.",
            Self::SecondRoot => "There is a second root element.",
            Self::Unfinished => "The document ends too early.",
            Self::UnboundPrefix => "A prefix is bound to no namespace.",
            Self::Declared => "A namespace declaration is not allowed.",
        }
    }
}
