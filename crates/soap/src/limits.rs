//! Limits of a message, and the attack that each limit stops.
//!
//! Each limit has its own code ([`MessageError`](super::MessageError)), so that an integrator who
//! hits one by accident sees which. The reader counts while it reads, and keeps nothing of what
//! exceeds a limit.

/// Maximum size of a document in bytes, as received. Stops one request from filling the memory. The
/// code that reads the body enforces it (`413`): the cost of [`read_request`](super::read_request)
/// grows with its length and with nothing else.
pub const DOCUMENT_BYTES: usize = 256 * 1_024;

/// Maximum nesting depth of elements; the envelope has depth 1. Stops nesting bombs, which cost the
/// reader's stack.
pub const DEPTH: usize = 32;

/// Maximum attributes of one element, without namespace declarations. The search for duplicates
/// compares each with each: the limit stops a caller from making its cost grow with the square of
/// their number.
pub const ATTRIBUTES: usize = 32;

/// Maximum namespace declarations of one element. With [`DEPTH`] it limits the bindings in scope at
/// one time (512).
pub const NAMESPACE_DECLARATIONS: usize = 16;

/// Maximum child elements of one element. Stops endless lists: the schema has none.
pub const CHILDREN: usize = 1_024;

/// Maximum text of one element, of an attribute value or of a comment, in bytes of UTF-8 as sent. A
/// reference in the text of an element counts as the character that it stands for. Stops one value
/// from taking the whole document.
pub const TEXT_BYTES: usize = 64 * 1_024;

/// Maximum length of a name with its prefix, in bytes. Stops callers from hiding data in names, and
/// makes comparisons cheap.
pub const NAME_BYTES: usize = 256;

/// Maximum parser events: starts, ends, texts, sections, comments, references. Stops floods of
/// empty sections and character references, which take many steps in few bytes.
pub const EVENTS: usize = 16_384;

/// Maximum size of a reply in bytes: a signed one included. The service's largest answer has a few
/// hundred kilobytes. Stops a hostile service from filling a client's memory.
pub const REPLY_BYTES: usize = 4 * 1_024 * 1_024;

/// Maximum child elements of one element of a reply: more than a thousand employments.
pub const REPLY_CHILDREN: usize = 16_384;

/// Maximum parser events of a reply. A hostile reply of small elements would otherwise keep a
/// processor busy for minutes.
pub const REPLY_EVENTS: usize = 65_536;

/// Maximum length of a `MessageID`, in characters. Every answer repeats it, so this limits what an
/// answer repeats.
pub const MESSAGE_ID_CHARS: usize = 256;

/// Maximum length of the customer's `ticket`, in characters (`TicketType` of the schema).
pub const TICKET_CHARS: usize = 36;

/// Maximum length of `legalContext`, in characters (`LegalContextType` of the schema).
pub const LEGAL_CONTEXT_CHARS: usize = 64;
