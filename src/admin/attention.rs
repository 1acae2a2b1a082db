//! What needs an operator: the verdict, and every reason and warning with its next step.

use super::guide::Guidance;
use super::health::not_ready_reasons;
use super::report::Report;
use super::warnings::find_warnings;
use ehealth_core::closed_enum;

closed_enum! {
    /// State of the service in one word.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(super) enum Verdict {
        /// Nothing needs an operator.
        Healthy => "healthy",
        /// The service is ready, and something needs an operator.
        Attention => "attention",
        /// The service is not ready.
        NotReady => "not-ready",
    }
}

/// A reason or a warning.
#[derive(Debug)]
pub(super) struct Item {
    /// Code of the reason or warning.
    pub code: &'static str,
    /// What it says.
    pub text: String,
    /// What an operator does next.
    pub guidance: Guidance,
}

/// Everything that needs an operator.
#[derive(Debug)]
pub(super) struct Attention {
    /// Reasons why the service is not ready.
    pub reasons: Vec<Item>,
    /// Warnings, the most serious first.
    pub warnings: Vec<Item>,
}

impl Attention {
    /// Finds everything.
    pub fn find(report: &Report) -> Self {
        let reasons = not_ready_reasons(report);
        let reasons = reasons.iter().map(|found| {
            let code = found.code();
            Item { code: code.code(), text: found.to_string(), guidance: code.guidance() }
        });
        let warnings = find_warnings(report);
        let warnings = warnings.iter().map(|found| {
            let code = found.code();
            Item { code: code.code(), text: found.to_string(), guidance: code.guidance() }
        });
        Self { reasons: reasons.collect(), warnings: warnings.collect() }
    }

    /// The verdict.
    pub fn verdict(&self) -> Verdict {
        if !self.reasons.is_empty() {
            Verdict::NotReady
        } else if self.warnings.is_empty() {
            Verdict::Healthy
        } else {
            Verdict::Attention
        }
    }

    /// The verdict in one line.
    pub fn line(&self) -> String {
        let counted = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let warnings = counted(self.warnings.len(), "warning");
        match self.verdict() {
            Verdict::Healthy => "Healthy: nothing needs you.".to_owned(),
            Verdict::Attention => format!("Healthy, with {warnings}."),
            Verdict::NotReady if self.warnings.is_empty() => {
                format!("Not ready: {}.", counted(self.reasons.len(), "reason"))
            }
            Verdict::NotReady => format!("Not ready: {}, and {warnings}.", counted(self.reasons.len(), "reason")),
        }
    }
}
