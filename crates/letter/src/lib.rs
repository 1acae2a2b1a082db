//! The letter in which an institution answers a person who asks who requested their data (GDPR,
//! article 15).
//!
//! A [`Report`] and the data of the institution fill in a template: Markdown with placeholders, one for
//! each language. The Markdown is parsed once and written as HTML or as PDF. Values from elsewhere
//! (names of organisations, references, addressees) never become markup, and a template that
//! cannot be filled in ends with an error that names its line.
//!
//! | Module | What it does |
//! |---|---|
//! | `view` | What a template sees of a report |
//! | `template` | Fills in a template, within limits |
//! | `escape` | Values as text |
//! | `document` | Markdown as the parts of a letter |
//! | `html`, `pdf` | The two outputs |

mod document;
mod escape;
mod html;
mod pdf;
mod template;
mod view;

use audit_log::report::{Report, words};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ehealth_core::model::Language;

pub use document::DocumentError;
pub use pdf::PdfError;
pub use template::{MAX_MARKDOWN_BYTES, MAX_TEMPLATE_BYTES, TemplateError};

/// The institution that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Institution {
    /// Name, in the letterhead and under the letter.
    pub name: String,
    /// Lines of the address.
    pub address: Vec<String>,
    /// Name and address of the controller.
    pub controller: String,
    /// Contact of the data protection officer.
    pub dpo: String,
    /// A sentence that says how long the data are kept.
    pub retention: String,
    /// Bytes of a PNG image.
    pub logo: Option<Vec<u8>>,
}

/// To whom the letter goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addressed {
    /// Language of the letter.
    pub language: Language,
    /// Reference of the institution.
    pub reference: Option<String>,
    /// Lines of the addressee.
    pub addressee: Vec<String>,
}

/// Output of a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Output {
    /// A self-contained HTML page.
    Html,
    /// A tagged PDF (PDF/UA-1).
    Pdf,
}

/// A letter cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LetterError {
    /// The template cannot be filled in.
    #[error("template: {0}")]
    Template(#[from] TemplateError),
    /// The template makes what a letter cannot have.
    #[error("template: {0}")]
    Document(#[from] DocumentError),
    /// The PDF cannot be written.
    #[error(transparent)]
    Pdf(#[from] PdfError),
}

/// The built-in template of a language.
#[must_use]
pub fn default_template(language: Language) -> &'static str {
    match language {
        Language::Dutch => include_str!("../templates/nl.md"),
        Language::French => include_str!("../templates/fr.md"),
        Language::German => include_str!("../templates/de.md"),
        Language::English => include_str!("../templates/en.md"),
    }
}

/// Writes a letter.
///
/// # Errors
/// [`LetterError`] if the template or the logo cannot be used.
pub fn write(
    report: &Report,
    institution: &Institution,
    addressed: &Addressed,
    template: &str,
    output: Output,
) -> Result<Vec<u8>, LetterError> {
    let separator = words(addressed.language).separator;
    let markdown = template::fill(template, view::values(report, institution, addressed), separator)?;
    let document = document::Document::parse(&markdown)?;
    let logo = institution.logo.as_deref();
    match output {
        Output::Html => {
            let logo = logo.map(|logo| format!("data:image/png;base64,{}", STANDARD.encode(logo)));
            Ok(html::write(&document, addressed.language, logo.as_deref()).into_bytes())
        }
        Output::Pdf => {
            let about = pdf::About { language: addressed.language, author: &institution.name, made: report.made, logo };
            Ok(pdf::write(&document, &about)?)
        }
    }
}
