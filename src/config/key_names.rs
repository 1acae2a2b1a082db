//! Names of the settings: those of the table, and those that a file may have.

use super::all_keys::KEYS;
use super::key::Key;
use ehealth_core::model::{Dataset, Language};

/// Stands for each dataset in a name of the table.
pub(super) const DATASET: &str = "DATASET";
/// Stands for each language in a name of the table.
pub(super) const LANGUAGE: &str = "LANGUAGE";

/// Every name that a file may have: `DATASET` is replaced by each dataset, `LANGUAGE` by each language.
pub(super) fn names() -> impl Iterator<Item = String> {
    KEYS.iter().flat_map(|key| expand(key.name))
}

/// A name of a table for each dataset if it contains `DATASET`, for each language if it contains `LANGUAGE`, else the
/// name itself.
pub(super) fn expand(name: &'static str) -> Vec<String> {
    if name.contains(DATASET) {
        Dataset::ALL.iter().map(|dataset| name.replace(DATASET, dataset.code())).collect()
    } else if name.contains(LANGUAGE) {
        Language::ALL.iter().map(|language| name.replace(LANGUAGE, language.code())).collect()
    } else {
        vec![name.to_owned()]
    }
}

/// The name as tables have it: `feeds.dimona.url` becomes `feeds.DATASET.url`. Also the dataset, if
/// there is one.
pub(super) fn generalise(name: &str) -> (String, Option<Dataset>) {
    match name.split('.').collect::<Vec<_>>().as_slice() {
        ["feeds", dataset, rest @ ..] if let Some(dataset) = Dataset::parse(dataset) => {
            (format!("feeds.DATASET.{}", rest.join(".")), Some(dataset))
        }
        ["letter", language, key] if Language::parse(language).is_some() => (format!("letter.{LANGUAGE}.{key}"), None),
        _ => (name.to_owned(), None),
    }
}

/// The setting of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Key> {
    let (general, _) = generalise(name);
    KEYS.iter().find(|key| key.name == general)
}

/// The default of a setting.
pub(super) fn default_of(name: &str) -> Option<&'static str> {
    find(name)?.default
}
