//! Writes a report in its format; letters with the data of the institution and its template.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::args::ReportFormat;
use crate::cli::audit::inputs::{Failure, failed};
use crate::cli::exit::Exit;
use crate::config::LetterSettings;
use audit_log::report::{Format, Report};
use ehealth_core::model::Language;
use letter::{Addressed, Institution, MAX_TEMPLATE_BYTES, Output, default_template};

/// Largest logo.
const MAX_LOGO_BYTES: u64 = 1 << 20;

/// What the letters of one language have in common.
struct Letterhead {
    institution: Institution,
    template: String,
    /// The file of the template, for messages.
    source: String,
}

/// Writes reports in one format.
pub(super) struct Letters {
    format: ReportFormat,
    /// By language, in the order of [`Language::ALL`]; empty if the format is no letter.
    letterheads: Vec<(Language, Letterhead)>,
}

impl Letters {
    /// Reads what the letters in these languages need.
    pub(super) fn new(
        format: ReportFormat,
        settings: &LetterSettings,
        languages: &[Language],
        (template, is_draft): (Option<&Path>, bool),
    ) -> Result<Self, Failure> {
        let is_letter = match format {
            ReportFormat::Html | ReportFormat::Pdf => true,
            ReportFormat::Text | ReportFormat::Json => false,
        };
        let mut letterheads = Vec::new();
        for language in Language::ALL.into_iter().filter(|language| is_letter && languages.contains(language)) {
            let institution = institution(settings, language, is_draft)?;
            let (template, source) = read_template(settings, language, template)?;
            letterheads.push((language, Letterhead { institution, template, source }));
        }
        Ok(Self { format, letterheads })
    }

    /// Writes a report.
    pub(super) fn write(&self, report: &Report, addressed: &Addressed) -> Result<Vec<u8>, String> {
        let output = match self.format {
            ReportFormat::Text => return Ok(report.render(Format::Text, addressed.language).into_bytes()),
            ReportFormat::Json => return Ok(report.render(Format::Json, addressed.language).into_bytes()),
            ReportFormat::Html => Output::Html,
            ReportFormat::Pdf => Output::Pdf,
        };
        let of_language = self.letterheads.iter().find(|(language, _)| *language == addressed.language);
        let (_, head) = of_language.ok_or("the language has no letterhead")?;
        letter::write(report, &head.institution, addressed, &head.template, output)
            .map_err(|error| format!("{}: {error}", head.source))
    }
}

/// The institution in a language. A letter that lacks something could be sent by mistake, so it is refused.
fn institution(settings: &LetterSettings, language: Language, is_draft: bool) -> Result<Institution, Failure> {
    let mut missing = Vec::new();
    let [name, address, controller, dpo, retention] =
        LetterSettings::TEXTS.map(|key| match settings.text(language, key) {
            Ok(text) => text.to_owned(),
            Err(setting) => {
                let shown = format!("[{setting} is not set]");
                missing.push(setting);
                shown
            }
        });
    if !missing.is_empty() && !is_draft {
        let missing = missing.join(", ");
        let text =
            format!("a letter in {} needs the settings {missing}; --draft shows it without them", language.code());
        return Err((Exit::Configuration, text));
    }
    let logo = settings.logo.as_deref().map(read_logo).transpose()?;
    let address = address.split(',').map(|line| line.trim().to_owned()).collect();
    Ok(Institution { name, address, controller, dpo, retention, logo })
}

/// Template of a language, and where it comes from: the argument, the folder of the settings, the program.
pub(super) fn read_template(
    settings: &LetterSettings,
    language: Language,
    argument: Option<&Path>,
) -> Result<(String, String), Failure> {
    let in_folder = settings.templates.as_ref().map(|folder| folder.join(format!("{}.md", language.code())));
    let file: Option<PathBuf> = argument.map(Path::to_owned).or_else(|| in_folder.filter(|file| file.exists()));
    let Some(file) = file else {
        return Ok((default_template(language).to_owned(), format!("built-in template {}", language.code())));
    };
    let bytes = read_limited(&file, MAX_TEMPLATE_BYTES)?;
    let text = text_file::decode(&bytes).map_err(|error| failed(format_args!("{}: {error}", file.display())))?;
    Ok((text, file.display().to_string()))
}

fn read_logo(file: &Path) -> Result<Vec<u8>, Failure> {
    let logo = read_limited(file, MAX_LOGO_BYTES)?;
    if logo.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Ok(logo);
    }
    Err((Exit::Configuration, format!("letter.logo: {}: not a PNG file", file.display())))
}

/// Reads a file that is no larger than a limit.
fn read_limited(file: &Path, most: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = File::open(file).and_then(|open| open.take(most + 1).read_to_end(&mut bytes));
    read.map_err(|error| failed(format_args!("{}: {error}", file.display())))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > most {
        return Err(failed(format_args!("{}: larger than {} KiB", file.display(), most >> 10)));
    }
    Ok(bytes)
}
