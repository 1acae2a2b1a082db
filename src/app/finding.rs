//! What a check of the configuration finds: each finding names its setting, where that was set, the
//! file, and what to do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::config::{Origin, Problem, Problems, Settings};
use ehealth_core::closed_enum;

closed_enum! {
    /// What a finding means for the service.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Severity {
        /// The service does not start.
        Error => "error",
        /// The service starts, but a part of it does not work.
        Failure => "failure",
        /// The service works; something needs attention.
        Warning => "warning",
    }
}

closed_enum! {
    /// What has to change before a finding is gone.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Cause {
        /// What the operator wrote.
        Configuration => "configuration",
        /// The machine: a port that is taken, a disk that fails. It may pass by itself.
        System => "system",
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it means for the service.
    pub severity: Severity,
    /// What has to change.
    pub cause: Cause,
    /// Where the setting was set; for an error of a settings or policy file, the line in it.
    pub origin: Origin,
    /// Key of the setting, or of the policy; empty for a file as a whole.
    pub setting: String,
    /// File or folder that the setting names, if the finding is about its content.
    pub file: Option<PathBuf>,
    /// What is wrong.
    pub text: String,
    /// What to do; empty if the text says it.
    pub remedy: String,
}

impl Finding {
    /// A finding about a setting, caused by the configuration, without a file and a remedy.
    pub(super) fn new(severity: Severity, settings: &Settings, setting: &str, text: impl fmt::Display) -> Self {
        let found = settings.active_config.iter().find(|found| found.key == setting);
        Self::at(severity, found.map_or(Origin::Default, |found| found.origin.clone()), setting, text)
    }

    /// As [`Finding::new`], about a setting that was set there.
    pub(super) fn at(severity: Severity, origin: Origin, setting: &str, text: impl fmt::Display) -> Self {
        Self {
            severity,
            cause: Cause::Configuration,
            origin,
            setting: setting.to_owned(),
            file: None,
            text: text.to_string(),
            remedy: String::new(),
        }
    }

    /// The same finding about a file.
    pub(super) fn in_file(self, file: &Path) -> Self {
        Self { file: Some(file.to_owned()), ..self }
    }

    /// The same finding with an instruction.
    pub(super) fn remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: remedy.into(), ..self }
    }

    /// The same finding, caused by the machine.
    pub(super) fn of_system(self) -> Self {
        Self { cause: Cause::System, ..self }
    }

    /// Logs the finding at its level.
    pub(super) fn log(&self) {
        match self.severity {
            Severity::Error | Severity::Failure => tracing::error!("{self}"),
            Severity::Warning => tracing::warn!("{self}"),
        }
    }
}

impl From<Problem> for Finding {
    fn from(problem: Problem) -> Self {
        let Problem { origin, key, text } = problem;
        let (severity, cause) = (Severity::Error, Cause::Configuration);
        Self { severity, cause, origin, setting: key, file: None, text, remedy: String::new() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        if !self.setting.is_empty() {
            write!(f, "{}: ", self.setting)?;
        }
        if let Some(file) = &self.file {
            write!(f, "`{}`: ", file.display())?;
        }
        f.write_str(&self.text)?;
        if self.remedy.is_empty() { Ok(()) } else { write!(f, "; {}", self.remedy) }
    }
}

/// All findings, the most serious first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Sorts the findings by severity; those of one severity keep their order.
    #[must_use]
    pub fn new(mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| finding.severity);
        Self(findings)
    }

    /// These findings and others.
    #[must_use]
    pub fn and(self, others: Self) -> Self {
        Self::new(self.0.into_iter().chain(others.0).collect())
    }

    /// Every finding.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.0.iter()
    }

    /// Number of findings of a severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.0.iter().filter(|finding| finding.severity == severity).count()
    }

    /// Whether the service does not start.
    #[must_use]
    pub fn have_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    /// Whether every error may pass by itself, so that another start may succeed.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        let mut errors = self.0.iter().filter(|finding| finding.severity == Severity::Error);
        errors.all(|error| error.cause == Cause::System)
    }
}

impl From<Problems> for Findings {
    fn from(problems: Problems) -> Self {
        Self::new(problems.0.into_iter().map(Finding::from).collect())
    }
}

impl fmt::Display for Findings {
    /// Writes each finding on a line, after its severity.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, finding) in self.0.iter().enumerate() {
            let line_end = if number == 0 { "" } else { "\n" };
            write!(f, "{line_end}{}: {finding}", finding.severity.code())?;
        }
        Ok(())
    }
}

/// What to do about a file or folder that cannot be used.
#[allow(clippy::wildcard_enum_match_arm, reason = "foreign enum, grows with its library")]
pub(super) fn remedy_of_io(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "correct the path, or put the file there",
        io::ErrorKind::PermissionDenied => "give the user of the service access to it",
        io::ErrorKind::AddrInUse => "stop the process that listens there, or set another port",
        io::ErrorKind::AddrNotAvailable => "set an address of this machine",
        io::ErrorKind::StorageFull => "free space on its disk",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(severity: Severity, cause: Cause) -> Finding {
        let origin = Origin::File { file: "x.toml".into(), line: 3 };
        let (setting, text, remedy) = ("server.key".to_owned(), "is empty".to_owned(), "write it".to_owned());
        Finding { severity, cause, origin, setting, file: Some("a.key".into()), text, remedy }
    }

    #[test]
    fn a_line_has_severity_origin_setting_file_and_remedy() {
        let (warning, error) = (
            finding(Severity::Warning, Cause::System),
            Finding { file: None, remedy: String::new(), ..finding(Severity::Error, Cause::Configuration) },
        );
        assert_eq!(
            Findings::new(vec![warning, error]).to_string(),
            "error: x.toml:3: server.key: is empty\nwarning: x.toml:3: server.key: `a.key`: is empty; write it"
        );
    }

    #[test]
    fn only_errors_of_the_system_may_pass() {
        let of = |causes: &[Cause]| {
            Findings::new(causes.iter().map(|cause| finding(Severity::Error, *cause)).collect()).may_pass()
        };
        assert!(of(&[]) && of(&[Cause::System]));
        assert!(!of(&[Cause::System, Cause::Configuration]));
        assert!(!Findings::new(vec![finding(Severity::Warning, Cause::Configuration)]).have_errors());
    }
}
