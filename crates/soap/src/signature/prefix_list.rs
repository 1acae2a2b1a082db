//! `PrefixList` of `InclusiveNamespaces`: the prefixes that Exclusive XML Canonicalization handles
//! as Canonical XML does (Exclusive XML Canonicalization 1.0, sections 2.1 and 3).

use crate::reader::characters::is_space;
use crate::reader::is_prefix;

/// Maximum prefixes of one list. Stops lists that cost a comparison for each declaration of a
/// document; clients send none, or the prefixes of types in values (`xsi xsd`).
pub const PREFIXES: usize = 16;

/// Token of the default namespace.
const DEFAULT: &str = "#default";

/// A list of prefixes. The default namespace has the empty prefix.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PrefixList(Vec<String>);

/// Why a list is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PrefixListError {
    /// More than [`PREFIXES`].
    #[error("PrefixList has more than 16 prefixes")]
    Length,
    /// A token that is neither a prefix nor `#default`.
    #[error("PrefixList contains a token that is not a prefix")]
    Prefix,
}

impl PrefixList {
    /// Parses the value of the attribute: tokens with white space between them. An empty value is an
    /// empty list, which allocates nothing. A prefix may occur twice; each counts.
    ///
    /// # Errors
    /// [`PrefixListError`].
    pub fn parse(value: &str) -> Result<Self, PrefixListError> {
        let mut prefixes = Vec::new();
        for token in value.split(is_space).filter(|token| !token.is_empty()) {
            if prefixes.len() >= PREFIXES {
                return Err(PrefixListError::Length);
            }
            let prefix = if token == DEFAULT { "" } else { token };
            if !prefix.is_empty() && !is_prefix(prefix) {
                return Err(PrefixListError::Prefix);
            }
            prefixes.push(prefix.to_owned());
        }
        Ok(Self(prefixes))
    }

    /// Whether the list has the prefix.
    pub(super) fn contains(&self, prefix: &str) -> bool {
        self.0.iter().any(|listed| listed == prefix)
    }

    /// The prefixes, in the order of the list.
    pub(super) fn prefixes(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_at_most_16_prefixes() {
        let list = PrefixList::parse(" xsi\t#default\r\nxsd ").expect("prefixes");
        assert_eq!(list.prefixes().collect::<Vec<_>>(), ["xsi", "", "xsd"]);
        assert!(list.contains("") && list.contains("xsd") && !list.contains("xs"));
        assert_eq!(PrefixList::parse("  "), Ok(PrefixList::default()));
        assert!(PrefixList::parse(&"a ".repeat(16)).is_ok());
        assert_eq!(PrefixList::parse(&"a ".repeat(17)), Err(PrefixListError::Length));
    }

    #[test]
    fn refuses_tokens_that_are_no_prefix() {
        for value in ["a:b", "#other", "1a", "a,b", ":", "a #Default", "\u{a0}", &"a".repeat(257)] {
            assert_eq!(PrefixList::parse(value), Err(PrefixListError::Prefix), "{value}");
        }
    }
}
