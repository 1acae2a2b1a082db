//! XML errors: the ways in which a document is not well-formed, by the clause that it violates.
//!
//! All of them have the same code (`MSG90001`); the sentence distinguishes them.

ehealth_core::closed_enum! {
    /// How a document is not well-formed.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum XmlError {
        /// Bytes that are not characters of the encoding.
        Encoding,
        /// A character that no document may contain (XML 1.0, production 2).
        Character,
        /// An invalid XML declaration, or one that is not at the start (productions 23 to 32).
        Declaration,
        /// A tag, comment or section that is not closed, or unknown markup.
        Markup,
        /// A tag that does not match productions 40 to 44.
        Tag,
        /// An invalid name, or a misplaced colon (production 5; Namespaces in XML, production 7).
        Name,
        /// `<` in an attribute value (production 10).
        AttributeValue,
        /// The same attribute twice (XML 1.0, section 3.1; Namespaces in XML, section 6.3).
        DuplicateAttribute,
        /// An invalid reference, or one to anything but a character (productions 66 to 68).
        Reference,
        /// `--` in a comment (production 15).
        Comment,
        /// `]]>` in text (production 14).
        SectionEnd,
        /// An end tag that does not match the open element.
        EndTag,
        /// Text, a section or a reference outside the root element.
        TextOutside,
        /// A second root element.
        SecondRoot,
        /// The document ends before its root element does.
        Unfinished,
        /// A prefix that is not declared.
        UnboundPrefix,
        /// A namespace declaration that is not allowed (Namespaces in XML, sections 2.2, 3 and 5).
        NamespaceDeclaration,
    }
}

impl XmlError {
    /// One fixed sentence.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Encoding => "Some bytes are invalid in the encoding.",
            Self::Character => "A character is not allowed in XML.",
            Self::Declaration => "The XML declaration is invalid or not at the start.",
            Self::Markup => "A tag, comment or CDATA section is not closed or not recognised.",
            Self::Tag => "A tag has a syntax error.",
            Self::Name => "A name is invalid.",
            Self::AttributeValue => "An attribute value contains a less-than sign.",
            Self::DuplicateAttribute => "An attribute is present twice.",
            Self::Reference => "A reference is invalid or does not stand for a character.",
            Self::Comment => "A comment contains two hyphens.",
            Self::SectionEnd => "Text contains the end of a CDATA section.",
            Self::EndTag => "An end tag does not match its start tag.",
            Self::TextOutside => "Text is not allowed outside the root element.",
            Self::SecondRoot => "There is more than one root element.",
            Self::Unfinished => "The document ends before its root element is closed.",
            Self::UnboundPrefix => "A prefix is not bound to a namespace.",
            Self::NamespaceDeclaration => "A namespace declaration is not allowed.",
        }
    }
}
