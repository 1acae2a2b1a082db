//! A profile of `lookup`: the connection options that a user gives with every call.
//!
//! ```toml
//! url = "https://localhost:8443"
//! ca = "ca.pem"                      # relative paths are relative to this file
//! cert = "fund.pem"
//! key = "fund.key"
//! # p12 = "fund.p12"                 # in place of cert and key
//! # p12_password_file = "fund.password"
//! organisation = "0999010126"
//! legal_context = "advisory-physician"
//! ```

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::document::{Section, parse, read_text};
use super::origin::Problems;
use super::value::Value;
use ehealth_core::model::{CbeNumber, LegalContext};

/// Connection options of `lookup`. Each may be absent: an option of the command line gives it then.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profile {
    /// Scheme and authority of the service.
    pub url: Option<String>,
    /// CA certificate of the service.
    pub ca: Option<PathBuf>,
    /// Client certificate.
    pub cert: Option<PathBuf>,
    /// Private key of the client certificate.
    pub key: Option<PathBuf>,
    /// PKCS #12 file with both.
    pub p12: Option<PathBuf>,
    /// File with the password of the PKCS #12 file.
    pub p12_password_file: Option<PathBuf>,
    /// Enterprise number of the organisation that asks, ten digits.
    pub organisation: Option<String>,
    /// Legal context of the questions.
    pub legal_context: Option<LegalContext>,
}

/// The words for the contexts of the packaged policy.
const WORDS: [(&str, LegalContext); 3] = [
    ("advisory-physician", LegalContext::ADVISORY_PHYSICIAN),
    ("prevention-service", LegalContext::PREVENTION_SERVICE),
    ("ehealth-platform", LegalContext::EHEALTH_PLATFORM),
];

/// Parses a word for a legal context, or its code.
///
/// # Errors
/// A sentence with what it must be.
pub fn parse_legal_context(text: &str) -> Result<LegalContext, String> {
    let of_word = WORDS.into_iter().find(|(word, _)| *word == text).map(|(_, context)| context);
    of_word.or_else(|| LegalContext::parse(text).ok()).ok_or_else(|| {
        let words = WORDS.map(|(word, _)| word).join(", ");
        format!("expected {words}, or the code of a legal context, such as TRIO:PLATFORM")
    })
}

/// File of a profile: the name itself if it has a `/` or ends in `.toml`, otherwise a file in the
/// user's folder of profiles. `None`: neither `XDG_CONFIG_HOME` nor `HOME` is an absolute path.
#[must_use]
pub fn find_profile(name: &str, variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    if name.contains('/') || name.ends_with(".toml") {
        return Some(PathBuf::from(name));
    }
    let absolute = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")))?;
    Some(folder.join("ehealth-attributes/profiles").join(format!("{name}.toml")))
}

/// Reads and validates a profile.
///
/// # Errors
/// Every error of the file, with its line.
pub fn read_profile(file: &Path) -> Result<Profile, Problems> {
    parse(file, &read_text(file)?, |root| {
        let folder = file.parent().unwrap_or(Path::new(""));
        let profile = Profile {
            url: root.optional("url", text),
            ca: path(root, "ca", folder),
            cert: path(root, "cert", folder),
            key: path(root, "key", folder),
            p12: path(root, "p12", folder),
            p12_password_file: path(root, "p12_password_file", folder),
            organisation: root.optional("organisation", |value| {
                let text = value.text()?;
                let number = CbeNumber::parse(text).ok_or("an enterprise number has ten digits, in quotes")?;
                Ok(number.to_string())
            }),
            legal_context: root.optional("legal_context", |value| parse_legal_context(value.text()?)),
        };
        report_pairs(root, &profile);
        Some(profile)
    })
}

/// Reports options that need or exclude each other.
fn report_pairs(root: &Section<'_>, profile: &Profile) {
    let Profile { cert, key, p12, p12_password_file, .. } = profile;
    if p12.is_some() && (cert.is_some() || key.is_some()) {
        root.report("p12 has certificate and key: remove cert and key, or p12");
    }
    if p12.is_none() && cert.is_some() != key.is_some() {
        root.report("cert and key belong together: give both");
    }
    if p12.is_none() && p12_password_file.is_some() {
        root.report("p12_password_file is the password of p12: give p12, or remove it");
    }
}

fn text(value: Value<'_>) -> Result<String, String> {
    value.text().map(str::to_owned)
}

fn path(root: &mut Section<'_>, key: &'static str, folder: &Path) -> Option<PathBuf> {
    root.optional(key, |value| match value.text()? {
        "" => Err("must be the path of a file".to_owned()),
        path => Ok(folder.join(path)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Profile, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("fund.toml");
        std::fs::write(&file, text).expect("written");
        let shown = |error: &str| error.replace(&format!("{}/", folder.path().display()), "");
        read_profile(&file).map_err(|problems| shown(&problems.to_string()))
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let profile = read(
            "url = \"https://h\"\nca = \"tls/ca.pem\"\np12 = \"/srv/fund.p12\"\nlegal_context = \"TRIO:PLATFORM\"\n",
        );
        let profile = profile.expect("a profile");
        assert!(profile.ca.expect("a path").ends_with("tls/ca.pem"));
        assert_eq!(profile.p12, Some(PathBuf::from("/srv/fund.p12")));
        assert_eq!(profile.legal_context.expect("a context").code(), "TRIO:PLATFORM");
    }

    #[test]
    fn every_error_of_a_profile_is_reported_with_its_line() {
        let text =
            "url = 7\nca = \"\"\ncert = \"a\"\norganisation = \"12\"\nlegal_context = \"?\"\np12_password = \"x\"\n";
        let errors = read(text).expect_err("errors");
        for (line, part) in [
            ("fund.toml: cert and key belong together", "give both"),
            ("fund.toml:1: url: ", "must be a string in quotes"),
            ("fund.toml:2: ca: ", "must be the path of a file"),
            ("fund.toml:4: organisation: ", "ten digits"),
            ("fund.toml:5: legal_context: ", "expected advisory-physician, "),
            ("fund.toml:6: p12_password: ", "unknown key; valid keys: ca, cert, key, legal_context"),
        ] {
            assert!(errors.lines().any(|text| text.starts_with(line) && text.contains(part)), "{line}{part}\n{errors}");
        }
        assert_eq!(errors.lines().count(), 6, "{errors}");
        assert!(!errors.contains('x') || !errors.contains("\"x\""), "no value of an unknown key");
    }

    #[test]
    fn a_name_is_a_file_or_a_profile_of_the_user() {
        let variable = |home: &'static str, config: &'static str| {
            move |name: &str| match name {
                "HOME" => Some(OsString::from(home)),
                _ => Some(OsString::from(config)).filter(|value| !value.is_empty()),
            }
        };
        for (name, home, config, file) in [
            ("fund", "/users/a", "", Some("/users/a/.config/ehealth-attributes/profiles/fund.toml")),
            ("fund", "/users/a", "/c", Some("/c/ehealth-attributes/profiles/fund.toml")),
            ("fund", "/users/a", "relative", Some("/users/a/.config/ehealth-attributes/profiles/fund.toml")),
            ("fund", "", "", None),
            ("./fund", "", "", Some("./fund")),
            ("fund.toml", "", "", Some("fund.toml")),
        ] {
            assert_eq!(find_profile(name, variable(home, config)), file.map(PathBuf::from), "{name} {home} {config}");
        }
    }
}
