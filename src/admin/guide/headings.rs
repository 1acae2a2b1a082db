//! Ids of headings, as mdBook makes them: the same anchor works in the book and in the listener.

use std::collections::BTreeSet;

/// Makes the ids of one page.
#[derive(Debug, Default)]
pub(super) struct Ids(BTreeSet<String>);

impl Ids {
    /// Id of the next heading with this text. A repeated id gets a number.
    pub fn next(&mut self, text: &str) -> String {
        let id = id_of(text);
        let again = (1_u32..).map(|number| format!("{id}-{number}"));
        let free = std::iter::once(id.clone()).chain(again).find(|id| !self.0.contains(id)).unwrap_or(id);
        self.0.insert(free.clone());
        free
    }
}

fn id_of(text: &str) -> String {
    let keep = |character: char| match character {
        kept if kept.is_alphanumeric() || kept == '_' || kept == '-' => Some(kept),
        space if space.is_whitespace() => Some('-'),
        _ => None,
    };
    text.trim().to_lowercase().chars().filter_map(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_letters_digits_and_hyphens_and_is_unique() {
        let mut ids = Ids::default();
        let texts = ["An auditor's visit", "Disk full", "Disk full", "HTTP 503, `Retry-After`", "Días", "Disk full"];
        let expected = ["an-auditors-visit", "disk-full", "disk-full-1", "http-503-retry-after", "días", "disk-full-2"];
        assert_eq!(texts.map(|text| ids.next(text)), expected);
    }
}
