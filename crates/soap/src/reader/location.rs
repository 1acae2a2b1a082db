//! Location of the reader in a document: the line, and the path of elements in the names of the
//! contract.
//!
//! Nothing of the caller's text is disclosed: a name that is not in the contract shows as `*`,
//! because it could be a person's number.

use super::characters::is_space;
use super::text::count_line_ends;
use super::token_reader::Reader;
use crate::message_error::{BadMessage, Location, MessageError, Violation};
use crate::names;
use crate::note::Note;
use ehealth_core::explained::{Cause, Explained};
use ehealth_core::lookup::Operation;

/// Maximum length of an element path in a diagnostic, in characters, so that the diagnostic fits
/// its type.
pub(crate) const PATH_CHARS: usize = 112;

impl Reader<'_> {
    /// An error in what was read last.
    pub(crate) fn error(&self, error: MessageError, cause: Cause) -> Explained<BadMessage> {
        self.located(error.into(), cause)
    }

    /// An error in what was read last, with what is known of it.
    pub(crate) fn error_noting(&self, error: MessageError, note: Note, cause: Cause) -> Explained<BadMessage> {
        self.located(Violation { error, note: Some(note) }, cause)
    }

    pub(super) fn located(&self, violation: Violation, cause: Cause) -> Explained<BadMessage> {
        let at = self.rest_before.trim_start_matches(is_space);
        let before = self.content.strip_suffix(at).unwrap_or_default();
        let ended = count_line_ends(self.declaration).saturating_add(count_line_ends(before));
        let location = Location { line: ended.saturating_add(1), path: self.path() };
        Explained::new(BadMessage::new(violation, Some(location)), cause)
    }

    /// The path to the open element. Names that are not in the contract are masked. A long path
    /// loses its beginning.
    fn path(&self) -> String {
        let mut steps = Vec::with_capacity(self.open.len());
        let mut length = "...".len();
        for element in self.open.iter().rev() {
            let step = known(element.tag.name.local).unwrap_or("*");
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

/// Returns the element name from the contract, if a request can have an element of this name. Any
/// other name could be a person's number, and must not be repeated.
pub(super) fn known(name: &str) -> Option<&'static str> {
    use names::{addressing, element as e, end_user, envelope};
    const NAMES: &[&str] = &[
        envelope::ENVELOPE,
        envelope::HEADER,
        envelope::BODY,
        addressing::ACTION,
        addressing::MESSAGE_ID,
        addressing::RELATES_TO,
        addressing::TO,
        addressing::FROM,
        addressing::REPLY_TO,
        addressing::FAULT_TO,
        addressing::ADDRESS,
        end_user::BLOCK.name,
        end_user::ID.name,
        end_user::QUALITY.name,
        end_user::CONSENT_REFERENCE.name,
        names::request(Operation::ConsultAttributes).name,
        names::request(Operation::SendTestMessage).name,
        e::INFORMATION_CUSTOMER.name,
        e::TICKET.name,
        e::TIMESTAMP_SENT.name,
        e::CUSTOMER_IDENTIFICATION.name,
        e::CBE_NUMBER.name,
        e::SECTOR.name,
        e::INSTITUTION.name,
        e::INFORMATION_CBSS.name,
        e::TICKET_CBSS.name,
        e::TIMESTAMP_RECEIVE.name,
        e::TIMESTAMP_REPLY.name,
        e::LEGAL_CONTEXT.name,
        e::CRITERIA.name,
        e::SSIN.name,
        e::REFERENCE_DATE.name,
        e::PERIOD.name,
        e::BEGIN_DATE.name,
        e::END_DATE.name,
        e::ECHO.name,
        names::response(Operation::ConsultAttributes).name,
        names::response(Operation::SendTestMessage).name,
        envelope::FAULT,
    ];
    NAMES.iter().copied().find(|known| *known == name)
}
