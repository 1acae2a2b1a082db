//! `Content-Type`: whether a body may be a message, and its encoding according to HTTP.
//!
//! Pure: parses the value of one field (RFC 9110, sections 5.6 and 8.3), and does not look at the
//! body. The reader finds contradictions between this value and the document.

/// Encoding of a message (WS-I Basic Profile 1.1, R1012).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Charset {
    /// UTF-8, with or without a byte order mark.
    Utf8,
    /// UTF-16 of either byte order, with a byte order mark.
    Utf16,
}

impl Charset {
    /// Returns the charset of this name, case-insensitively; `None` for any other, including
    /// `UTF-16LE` and `UTF-16BE`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        if is("utf-8") {
            Some(Self::Utf8)
        } else if is("utf-16") {
            Some(Self::Utf16)
        } else {
            None
        }
    }
}

/// Media type of a message: `text/xml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaType {
    /// Its `charset`, if it has one.
    pub charset: Option<Charset>,
}

impl MediaType {
    /// Parses the value of a `Content-Type`. `None` (`415`) for any other media type, including
    /// multipart; for any other charset, or two; and for an invalid value. Ignores other
    /// parameters.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let (media_type, mut rest) = match value.find(';') {
            Some(at) => value.split_at_checked(at)?,
            None => (value, ""),
        };
        if !trim(media_type).eq_ignore_ascii_case("text/xml") {
            return None;
        }
        let mut charset = None;
        while let Some(parameters) = trim(rest).strip_prefix(';') {
            let parameters = trim(parameters);
            if parameters.is_empty() || parameters.starts_with(';') {
                rest = parameters;
                continue;
            }
            let (name, after) = parameters.split_once('=').filter(|(name, _)| is_token(name))?;
            let (value, after) = take_value(after)?;
            rest = after;
            if name.eq_ignore_ascii_case("charset") {
                if charset.is_some() {
                    return None;
                }
                charset = Some(Charset::from_name(&value)?);
            }
        }
        trim(rest).is_empty().then_some(Self { charset })
    }
}

/// Takes a token or a quoted string from the beginning (RFC 9110, sections 5.6.2 and 5.6.4).
fn take_value(text: &str) -> Option<(String, &str)> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let end = text.find([';', ' ', '\t']).unwrap_or(text.len());
        let (token, rest) = text.split_at_checked(end)?;
        return is_token(token).then(|| (token.to_owned(), rest));
    };
    let mut value = String::new();
    loop {
        let mut characters = rest.chars();
        match characters.next()? {
            '"' => return Some((value, characters.as_str())),
            '\\' => value.push(characters.next()?),
            other => value.push(other),
        }
        rest = characters.as_str();
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// Removes white space at both ends (RFC 9110, section 5.6.3).
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_text_xml_in_utf_8_and_utf_16() {
        for value in
            ["text/xml", "TEXT/XML ;", "text/xml;;", "text/xml; action=\"a;charset=b\"", "text/xml;version=1.0 ; "]
        {
            assert_eq!(MediaType::parse(value), Some(MediaType { charset: None }), "{value}");
        }
        for value in
            ["text/xml;charset=utf-8", "text/xml; Charset=\"UTF-8\"", "text/xml; a=b;\tcharset=\"\\utf-8\" ;c=d"]
        {
            assert_eq!(MediaType::parse(value), Some(MediaType { charset: Some(Charset::Utf8) }), "{value}");
        }
        let utf_16 = MediaType { charset: Some(Charset::Utf16) };
        assert_eq!(MediaType::parse("text/xml; charset=UTF-16"), Some(utf_16));
    }

    #[test]
    fn refuses_other_media_types_and_charsets() {
        for value in [
            "",
            "text",
            "text/xml+soap",
            "text/ xml",
            "application/xml",
            "application/soap+xml; charset=utf-8",
            "multipart/related; type=\"application/xop+xml\"",
            "text/xml, text/xml",
            "text/xml charset=utf-8",
            "text/xml; charset=iso-8859-1",
            "text/xml; charset=utf-16le",
            "text/xml; charset=utf8",
            "text/xml; charset=",
            "text/xml; charset=\"\"",
            "text/xml; charset= utf-8",
            "text/xml; charset",
            "text/xml; charset=utf-8; charset=utf-8",
            "text/xml; charset=\"utf-8",
            "text/xml; charset=utf-8, text/xml",
            "text/xml; charset=\"utf-8\"x",
            "text/xml; =utf-8",
        ] {
            assert_eq!(MediaType::parse(value), None, "{value}");
        }
    }
}
