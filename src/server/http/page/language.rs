//! Language of a page: the one that `Accept-Language` prefers (RFC 9110, section 12.5.4).

use hyper::header::{ACCEPT_LANGUAGE, HeaderMap};

/// Language ranges that are read of a request. Further ranges are ignored: browsers send fewer than
/// ten.
const RANGES: usize = 64;

/// Quality of a range without `q`, in thousandths.
const FULL: u16 = 1000;

ehealth_core::closed_enum! {
    /// Language of the service pages. The code is that of ISO 639-1. English comes first: it is the
    /// default.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub(in crate::server::http) enum PageLanguage {
        /// English.
        English => "en",
        /// Dutch.
        Dutch => "nl",
        /// French.
        French => "fr",
    }
}

/// What a request says of one language: its highest quality, and the place of the first range that has
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Preference {
    quality: u16,
    place: usize,
}

impl PageLanguage {
    /// The language of the answer to a request with these header fields.
    ///
    /// A range prefers the language of its first subtag, so that `nl-BE` gets Dutch (RFC 4647,
    /// section 3.4). `*` stands for the languages that no range names. Of languages with the same
    /// quality the first in the header wins. A malformed range is ignored. English is the answer if no
    /// language is acceptable: RFC 9110 allows it, and a reader can use it more than a 406.
    pub(in crate::server::http) fn of(headers: &HeaderMap) -> Self {
        let fields = headers.get_all(ACCEPT_LANGUAGE).iter().filter_map(|field| field.to_str().ok());
        let ranges = fields.flat_map(|field| field.split(',')).take(RANGES).filter_map(read_range).enumerate();
        let mut named: [Option<Preference>; Self::ALL.len()] = [None; Self::ALL.len()];
        let mut others: Option<Preference> = None;
        for (place, (tag, quality)) in ranges {
            let preference = Preference { quality, place };
            if tag == "*" {
                raise(&mut others, preference);
                continue;
            }
            let primary = tag.split('-').next().unwrap_or(tag);
            for (language, known) in Self::ALL.into_iter().zip(&mut named) {
                if primary.eq_ignore_ascii_case(language.code()) {
                    raise(known, preference);
                }
            }
        }
        let preferences =
            Self::ALL.into_iter().zip(named).filter_map(|(language, known)| Some((language, known.or(others)?)));
        let acceptable = preferences.filter(|(_, preference)| preference.quality > 0);
        let mut best: Option<(Self, Preference)> = None;
        for (language, preference) in acceptable {
            let is_better =
                best.is_none_or(|(_, other)| (preference.quality, other.place) > (other.quality, preference.place));
            if is_better {
                best = Some((language, preference));
            }
        }
        best.map_or(Self::English, |(language, _)| language)
    }
}

/// Keeps the preference with the higher quality; of equal ones the first.
fn raise(known: &mut Option<Preference>, preference: Preference) {
    if known.is_none_or(|other| preference.quality > other.quality) {
        *known = Some(preference);
    }
}

/// Reads `TAG` or `TAG;q=QUALITY`: the tag, and the quality in thousandths. `None` for anything else.
fn read_range(range: &str) -> Option<(&str, u16)> {
    let (tag, quality) = match range.split_once(';') {
        None => (range.trim(), FULL),
        Some((tag, parameter)) => {
            let (name, value) = parameter.split_once('=')?;
            if !name.trim().eq_ignore_ascii_case("q") {
                return None;
            }
            (tag.trim(), read_quality(value.trim())?)
        }
    };
    (!tag.is_empty()).then_some((tag, quality))
}

/// Reads a quality value (RFC 9110, section 12.4.2) in thousandths: 0 to 1, at most three decimals.
fn read_quality(value: &str) -> Option<u16> {
    let (whole, decimals) = value.split_once('.').unwrap_or((value, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    match whole {
        "0" => format!("{decimals:0<3}").parse().ok(),
        "1" if decimals.bytes().all(|byte| byte == b'0') => Some(FULL),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn chosen(fields: &[&str]) -> &'static str {
        let field = |value: &&str| (ACCEPT_LANGUAGE, HeaderValue::from_bytes(value.as_bytes()).expect("a value"));
        PageLanguage::of(&fields.iter().map(field).collect::<HeaderMap>()).code()
    }

    #[test]
    fn the_highest_quality_wins_then_the_first() {
        for (field, language) in [
            ("nl", "nl"),
            ("fr-BE,fr;q=0.9,nl;q=0.8,en;q=0.7", "fr"),
            ("nl-BE", "nl"),
            ("NL-be", "nl"),
            ("en;q=0.5, nl;q=0.501", "nl"),
            ("fr;q=0.3,nl;q=0.30", "fr"),
            ("nl;q=0.3,fr;q=0.30", "nl"),
            ("de-BE,de;q=0.9,fr;q=0.5", "fr"),
            ("de", "en"),
            ("", "en"),
            ("*", "en"),
            ("*,fr;q=0.5", "en"),
            ("en;q=0,*", "nl"),
            ("en;q=0,nl;q=0.000,*;q=0.001", "fr"),
            ("en;q=0", "en"),
            ("fr;q=0,nl-BE;q=0.1", "nl"),
            ("nl;q=0.1,nl-BE;q=0.9,fr;q=0.8", "nl"),
            ("de, *;q=0.1, fr;q=0.1", "en"),
            (" nl ; q=1.000 , fr", "nl"),
        ] {
            assert_eq!(chosen(&[field]), language, "{field}");
        }
        assert_eq!(chosen(&["de", "fr"]), "fr");
        assert_eq!(chosen(&[]), "en");
    }

    #[test]
    fn a_malformed_range_is_ignored() {
        for field in [
            "nl;q=2",
            "nl;q=",
            "nl;q=0.1234",
            "nl;q=-1",
            "nl;q=1.001",
            "nl;q=.5",
            "nl;r=1",
            "nl;",
            "nl;q=0.5;q=1",
            ";q=1",
        ] {
            assert_eq!(chosen(&[&format!("{field},fr;q=0.1")]), "fr", "{field}");
        }
        for field in ["n", "nld", "nl_BE", "\u{e9}", ",,,", "=;=", "*-nl", "en-", "-nl"] {
            assert_eq!(chosen(&[field]), "en", "{field}");
        }
        assert_eq!(chosen(&["fr\u{e9}", "nl"]), "nl", "a field beyond ASCII is ignored, the next is read");
    }

    #[test]
    fn ranges_beyond_the_limit_are_ignored() {
        let many = |count: usize| format!("{}fr", "de,".repeat(count));
        assert_eq!((chosen(&[&many(RANGES - 1)]), chosen(&[&many(RANGES)])), ("fr", "en"));
        assert_eq!(chosen(&[&many(100_000)]), "en");
    }
}
