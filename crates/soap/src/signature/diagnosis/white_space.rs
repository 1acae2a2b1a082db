//! Changes of white space in a message after it was signed.

use crate::reader::characters::is_blank;

/// How the white space of a form differs from that of the document.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Space {
    #[default]
    Kept,
    /// White space between elements is left out.
    WithoutIndentation,
    /// The same, and texts begin and end without white space.
    Trimmed,
    /// Lines end without blanks.
    WithoutTrailing,
    /// Texts end without white space.
    WithoutTextEnds,
    /// Line feeds become these characters, in the text.
    LineEnds(&'static str),
    /// Line feeds become CR LF in the octets.
    WrittenReturns,
    /// Carriage returns of the text are left out.
    WithoutReturns,
    /// White space between elements is replaced by a line and a unit for each level.
    Indented { unit: &'static str, base: usize, line: &'static str },
}

impl Space {
    /// The text as the form has it; `None`: it is left out.
    pub(super) fn text(self, text: &str, among_elements: bool) -> Option<String> {
        let is_indentation = among_elements && is_blank(text);
        match self {
            Self::Kept | Self::WrittenReturns => Some(text.to_owned()),
            Self::WithoutIndentation | Self::Trimmed | Self::Indented { .. } if is_indentation => None,
            Self::WithoutIndentation | Self::Indented { .. } => Some(text.to_owned()),
            Self::Trimmed => Some(text.trim().to_owned()),
            Self::WithoutTrailing => {
                let lines: Vec<_> = text.split('\n').map(|line| line.trim_end_matches([' ', '\t', '\r'])).collect();
                Some(lines.join("\n"))
            }
            Self::WithoutTextEnds if is_indentation => Some(text.to_owned()),
            Self::WithoutTextEnds => Some(text.trim_end().to_owned()),
            Self::LineEnds(written) => Some(text.replace('\n', written)),
            Self::WithoutReturns => Some(text.replace('\r', "")),
        }
    }

    /// The octets of a text, after it was escaped.
    pub(super) fn line_ends(self, escaped: String) -> String {
        if self == Self::WrittenReturns { escaped.replace('\n', "\r\n") } else { escaped }
    }

    /// White space before a child of an element at this depth.
    pub(super) fn before_child(self, depth: usize) -> String {
        self.indentation(depth.saturating_add(1))
    }

    /// White space before the end tag of an element at this depth.
    pub(super) fn before_end(self, depth: usize) -> String {
        self.indentation(depth)
    }

    fn indentation(self, depth: usize) -> String {
        match self {
            Self::Indented { unit, base, line } => format!("{line}{}", unit.repeat(base.saturating_add(depth))),
            Self::Kept
            | Self::WithoutIndentation
            | Self::Trimmed
            | Self::WithoutTrailing
            | Self::WithoutTextEnds
            | Self::LineEnds(_)
            | Self::WrittenReturns
            | Self::WithoutReturns => String::new(),
        }
    }
}
