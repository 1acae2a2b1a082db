//! Parsers of argument values.

use ehealth_core::model::Dataset;

/// Parses the name of a dataset.
pub(super) fn parse_dataset(text: &str) -> Result<Dataset, String> {
    Dataset::parse(text).ok_or_else(|| format!("expected one of {}", Dataset::ALL.map(Dataset::code).join(", ")))
}
