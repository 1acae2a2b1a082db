//! What `certificates inspect` found.

use std::path::Path;

use super::fitness::{Inspected, Validity, unfit_for};
use super::purpose::Purpose;
use super::trust::Verdict;
use certificates::Profile;
use ehealth_core::model::Timestamp;

/// What is shown of a file.
pub(super) struct Inspection<'a> {
    pub file: &'a Path,
    pub now: Timestamp,
    pub purpose: Purpose,
    pub leaf: Inspected,
    /// The certificates behind the first one.
    pub issuers: Vec<(Vec<u8>, Profile)>,
    pub trust: Option<Verdict>,
}

impl Inspection<'_> {
    /// Whether the certificate would be refused for its purpose.
    pub fn is_refused(&self) -> bool {
        let is_valid = Validity::of(&self.leaf.profile, self.now) == Validity::Valid;
        let is_fit = unfit_for(self.purpose, &self.leaf).is_empty();
        !is_valid || !is_fit || self.trust.as_ref().is_some_and(|verdict| !verdict.is_accepted())
    }
}
