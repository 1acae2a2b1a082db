//! What a data-protection officer hands a person: who asked about them, when, on what ground, and what was told (GDPR
//! article 15).
//!
//! A [`Report`] is data; [`Report::render`] writes it as text, JSON or a page, in four languages. The person's own
//! number is nowhere in it: whoever asks for the report knows it, and a report that goes astray tells less. Records
//! that could not be searched are named, not left out.

mod disclosures;
mod language;
mod render;
// The formats, and what they share.
mod html;
mod json;
mod lines;
mod text;
mod words;

pub use disclosures::{DisclosedOrganisations, Disclosure, Organisation, Report};
pub use language::Language;
pub use render::Format;
