//! The report that a data protection officer hands to a person: who asked for their data, when, on
//! which ground, and what was disclosed (GDPR, article 15).
//!
//! A [`Report`] is data; [`Report::render`] writes it as text or JSON, in four languages. The letter
//! that an institution sends is made of the same data by the crate `letter`. It does not contain the person's own SSIN: the person who asks for the report knows
//! it, and a report that gets lost reveals less. Records that could not be searched are listed as
//! gaps, not left out.

mod disclosures;
mod render;
// The formats, and what they share.
mod dates;
mod json;
mod lines;
mod text;
mod words;

pub use dates::{show_day, show_days, show_time};
pub use disclosures::{DisclosedOrganisations, Disclosure, Glossary, Ground, Organisation, Report};
pub use lines::{application, covered, disclosed, fields, purpose, show, with_spaces};
pub use render::Format;
pub use words::{Words, words};
