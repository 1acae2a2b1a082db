//! The report that a data protection officer hands to a person: who asked for their data, when, on
//! which ground, and what was disclosed (GDPR, article 15).
//!
//! A [`Report`] is data; [`Report::render`] writes it as text, JSON or an HTML page, in four
//! languages. It does not contain the person's own SSIN: the person who asks for the report knows
//! it, and a report that gets lost reveals less. Records that could not be searched are listed as
//! gaps, not left out.

mod disclosures;
mod render;
// The formats, and what they share.
mod html;
mod json;
mod lines;
mod text;
mod words;

pub use disclosures::{DisclosedOrganisations, Disclosure, Glossary, Ground, Organisation, Report};
pub use render::Format;
