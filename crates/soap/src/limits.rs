//! How much of everything a message may have, and the attack that each bound stops.
//!
//! Each bound has its own code ([`MessageError`](super::MessageError)), so that an integrator who hits one by accident sees which.
//! All are counted while reading, before anything is kept of what exceeds them.

/// Bytes of a document, as they come. Stops memory from being filled by one request. Held by whoever reads the body
/// (`413`): the cost of [`read_request`](super::read_request) grows with its length and with nothing else.
pub const DOCUMENT_BYTES: usize = 256 * 1_024;

/// Elements inside each other, the envelope being 1. Stops nesting bombs, whose cost is the reader's stack.
pub const DEPTH: usize = 32;

/// Attributes of one element, namespace declarations not counted. Stops the search for duplicates, which compares each
/// with each, from growing with the square of a caller's choice.
pub const ATTRIBUTES: usize = 32;

/// Namespace declarations of one element. With [`DEPTH`] it bounds the bindings that are in scope at once (512).
pub const NAMESPACE_DECLARATIONS: usize = 16;

/// Child elements of one element. Stops lists without end where the schema knows none.
pub const CHILDREN: usize = 1_024;

/// Bytes of the text of one element, of an attribute value or of a comment, in UTF-8 and as sent; a reference in an
/// element's text counts as the character it stands for. Stops one value from being the whole document.
pub const TEXT_BYTES: usize = 64 * 1_024;

/// Bytes of a name, its prefix included. Stops names from being used as a place to hide data, and makes comparing cheap.
pub const NAME_BYTES: usize = 256;

/// Parser events: starts, ends, texts, sections, comments, references. Stops floods of empty sections and character
/// references, which are many steps in few bytes.
pub const EVENTS: usize = 16_384;

/// Characters of a `MessageID`. It comes back in every answer, so it bounds what an answer repeats.
pub const MESSAGE_ID_CHARS: usize = 256;

/// Characters of `echo`: `EchoType` of the schema.
pub const ECHO_CHARS: usize = 256;

/// Characters of the customer's `ticket`: `TicketType` of the schema.
pub const TICKET_CHARS: usize = 36;

/// Characters of `legalContext`: `LegalContextType` of the schema.
pub const LEGAL_CONTEXT_CHARS: usize = 64;
