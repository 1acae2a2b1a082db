//! The result of an examination: what each check found.

use std::fmt;

use super::cause::Explanation;
use crate::signature::problem::{Check, Problem};

/// What every check of a signed message found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// One for each check, in the order of [`Check::ALL`].
    pub findings: Vec<CheckFinding>,
    /// The octets that are hashed: of each reference in its order, then of `SignedInfo`.
    pub canonical: Vec<CanonicalForm>,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckFinding {
    /// The check.
    pub check: Check,
    /// Its outcome.
    pub outcome: Outcome,
}

/// Outcome of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing is wrong; what was found.
    Fine(Vec<String>),
    /// Something is wrong.
    Wrong {
        /// What is wrong, at least one.
        faults: Vec<Fault>,
        /// What was found besides.
        facts: Vec<String>,
    },
    /// It was not checked; why.
    NotChecked(String),
}

/// Something wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong, and where.
    pub problem: Problem,
    /// The likely cause; `None`: the problem itself says it.
    pub explanation: Option<Explanation>,
    /// What to do.
    pub remedy: String,
}

/// The canonical octets of one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanonicalForm {
    /// Name of the part, such as `Body '#id-1'`.
    pub name: String,
    /// Its octets.
    pub octets: Vec<u8>,
}

impl Fault {
    /// A fault whose problem says what is wrong.
    #[must_use]
    pub fn new(problem: Problem) -> Self {
        let remedy = super::advice::remedy(problem.error).to_owned();
        Self { problem, explanation: None, remedy }
    }

    /// A fault with a known cause.
    pub(super) fn explained(problem: Problem, explanation: Explanation) -> Self {
        let remedy = explanation.cause.remedy().to_owned();
        Self { problem, explanation: Some(explanation), remedy }
    }
}

impl Outcome {
    /// One fault, without facts.
    #[must_use]
    pub fn wrong(problem: Problem) -> Self {
        Self::Wrong { faults: vec![Fault::new(problem)], facts: Vec::new() }
    }

    /// Its word: `fine`, `wrong`, `not checked`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Fine(_) => "fine",
            Self::Wrong { .. } => "wrong",
            Self::NotChecked(_) => "not checked",
        }
    }

    /// What was found besides faults.
    #[must_use]
    pub fn facts(&self) -> &[String] {
        match self {
            Self::Fine(facts) | Self::Wrong { facts, .. } => facts,
            Self::NotChecked(_) => &[],
        }
    }

    /// What is wrong.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        match self {
            Self::Wrong { faults, .. } => faults,
            Self::Fine(_) | Self::NotChecked(_) => &[],
        }
    }
}

impl Report {
    /// The checks that found something wrong, in their order. The service refuses the message by the
    /// first.
    pub fn wrong(&self) -> impl Iterator<Item = Check> {
        let is_wrong = |finding: &&CheckFinding| !finding.outcome.faults().is_empty();
        self.findings.iter().filter(is_wrong).map(|finding| finding.check)
    }

    /// The checks that were not made.
    pub fn not_checked(&self) -> impl Iterator<Item = Check> {
        let is_skipped = |finding: &&CheckFinding| matches!(finding.outcome, Outcome::NotChecked(_));
        self.findings.iter().filter(is_skipped).map(|finding| finding.check)
    }
}

impl fmt::Display for Report {
    /// A paragraph for each check, then a line with the result.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for CheckFinding { check, outcome } in &self.findings {
            let word = match outcome {
                Outcome::Wrong { .. } => "WRONG",
                Outcome::Fine(_) | Outcome::NotChecked(_) => outcome.word(),
            };
            writeln!(f, "{:<12} {word}", check.code())?;
            for fact in outcome.facts() {
                writeln!(f, "  {fact}")?;
            }
            if let Outcome::NotChecked(reason) = outcome {
                writeln!(f, "  {reason}")?;
            }
            for fault in outcome.faults() {
                write!(f, "{fault}")?;
            }
        }
        let names = |checks: Vec<Check>| checks.into_iter().map(Check::code).collect::<Vec<_>>().join(", ");
        let (wrong, skipped) = (names(self.wrong().collect()), names(self.not_checked().collect()));
        let skipped = if skipped.is_empty() { skipped } else { format!("; not checked: {skipped}") };
        if wrong.is_empty() {
            writeln!(f, "Nothing is wrong{skipped}.")
        } else {
            writeln!(f, "Wrong: {wrong}{skipped}.")
        }
    }
}

impl fmt::Display for Fault {
    /// Indented lines: place, expected, found, cause, remedy.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { problem, explanation, remedy } = self;
        if problem.line > 0 {
            writeln!(f, "  where:      line {}, {}", problem.line, problem.path)?;
        }
        writeln!(f, "  expected:   {}", problem.expected)?;
        writeln!(f, "  found:      {}", problem.found)?;
        writeln!(f, "  code:       {}", problem.error.code())?;
        if let Some(explanation) = explanation {
            writeln!(f, "  cause:      {} [{}]", explanation.sentence(), explanation.cause.code())?;
        }
        writeln!(f, "  what to do: {remedy}")
    }
}
