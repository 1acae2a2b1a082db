//! Where in a document the reader is: the line, and the path of elements in the contract's own words.
//!
//! Nothing of the caller's is told: a name that is not the contract's shows as `*`, for it could be a person's number.

use super::Reader;
use super::characters::is_space;
use super::text::count_line_ends;
use crate::mistake::{BadMessage, Location, MessageError, Note, Objection};
use crate::names;

/// How much of an element path is told, so that a diagnostic fits its type.
pub(crate) const PATH_CHARS: usize = 112;

impl Reader<'_> {
    /// A mistake in what was read last.
    pub(crate) fn object(&self, mistake: MessageError) -> BadMessage {
        self.located(mistake.into())
    }

    /// A mistake in what was read last, with what should have stood there.
    pub(crate) fn object_expecting(&self, mistake: MessageError, expected: &'static str) -> BadMessage {
        self.located(Objection { mistake, note: Some(Note::Expected(expected)) })
    }

    pub(super) fn located(&self, objection: Objection) -> BadMessage {
        let at = self.rest_before.trim_start_matches(is_space);
        let before = self.content.strip_suffix(at).unwrap_or_default();
        let ended = count_line_ends(self.declaration).saturating_add(count_line_ends(before));
        BadMessage::new(objection, Some(Location { line: ended.saturating_add(1), path: self.path() }))
    }

    /// The path to the open element. Names that are not the contract's are not told. A long one loses its beginning.
    fn path(&self) -> String {
        let mut steps = Vec::with_capacity(self.open.len());
        let mut length = "...".len();
        for element in self.open.iter().rev() {
            let step = names::known(element.tag.name.local).unwrap_or("*");
            length = length.saturating_add(step.len()).saturating_add(1);
            if length > PATH_CHARS {
                break;
            }
            steps.push(step);
        }
        let mut path = String::with_capacity(PATH_CHARS);
        if steps.len() < self.open.len() {
            path.push_str("...");
        }
        for step in steps.iter().rev() {
            path.push('/');
            path.push_str(step);
        }
        if path.is_empty() {
            path.push('/');
        }
        path
    }
}
