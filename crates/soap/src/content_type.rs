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
    /// UTF-16, the high byte first, with or without a byte order mark (RFC 2781, section 3.3).
    Utf16BigEndian,
    /// UTF-16, the low byte first, with or without a byte order mark.
    Utf16LittleEndian,
}

impl Charset {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16 => "utf-16",
            Self::Utf16BigEndian => "utf-16be",
            Self::Utf16LittleEndian => "utf-16le",
        }
    }

    /// Returns the charset of this name, case-insensitively; `None` for any other.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        if is("utf-8") {
            Some(Self::Utf8)
        } else if is("utf-16") {
            Some(Self::Utf16)
        } else if is("utf-16be") {
            Some(Self::Utf16BigEndian)
        } else if is("utf-16le") {
            Some(Self::Utf16LittleEndian)
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

/// Why the value of a `Content-Type` is no media type of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaTypeError {
    /// The value violates its grammar, or names two charsets.
    Malformed,
    /// The media type of SOAP 1.2.
    Soap12,
    /// A multipart message.
    Multipart,
    /// Another media type.
    Other,
    /// Another charset.
    Charset,
}

impl MediaType {
    /// Parses the value of a `Content-Type`. Ignores parameters other than `charset`.
    ///
    /// # Errors
    /// [`MediaTypeError`] (`415`) for any other media type or charset, two charsets, or an invalid
    /// value.
    pub fn parse(value: &str) -> Result<Self, MediaTypeError> {
        let (media_type, parameters) = value.find(';').and_then(|at| value.split_at_checked(at)).unwrap_or((value, ""));
        let media_type = trim(media_type);
        let is = |other: &str| media_type.eq_ignore_ascii_case(other);
        if !is("text/xml") {
            let parts = media_type.split_once('/').filter(|(kind, form)| is_token(kind) && is_token(form));
            return Err(match parts {
                None => MediaTypeError::Malformed,
                Some((kind, _)) if kind.eq_ignore_ascii_case("multipart") => MediaTypeError::Multipart,
                Some(_) if is("application/soap+xml") => MediaTypeError::Soap12,
                Some(_) => MediaTypeError::Other,
            });
        }
        match read_charset(parameters).ok_or(MediaTypeError::Malformed)? {
            None => Ok(Self { charset: None }),
            Some(name) => {
                let charset = Charset::from_name(&name).ok_or(MediaTypeError::Charset)?;
                Ok(Self { charset: Some(charset) })
            }
        }
    }
}

/// Reads the parameters behind a media type; returns the value of `charset`, if there is one. `None`
/// if they violate their grammar, or have two.
fn read_charset(parameters: &str) -> Option<Option<String>> {
    let (mut rest, mut charset) = (parameters, None);
    while let Some(parameters) = trim(rest).strip_prefix(';') {
        let parameters = trim(parameters);
        if parameters.is_empty() || parameters.starts_with(';') {
            rest = parameters;
            continue;
        }
        let (name, after) = parameters.split_once('=').filter(|(name, _)| is_token(name))?;
        let (value, after) = take_value(after)?;
        rest = after;
        if name.eq_ignore_ascii_case("charset") && charset.replace(value).is_some() {
            return None;
        }
    }
    trim(rest).is_empty().then_some(charset)
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
            assert_eq!(MediaType::parse(value), Ok(MediaType { charset: None }), "{value}");
        }
        for (value, charset) in [
            ("text/xml;charset=utf-8", Charset::Utf8),
            ("text/xml; Charset=\"UTF-8\"", Charset::Utf8),
            ("text/xml; a=b;\tcharset=\"\\utf-8\" ;c=d", Charset::Utf8),
            ("text/xml; charset=UTF-16", Charset::Utf16),
            ("text/xml; charset=utf-16LE", Charset::Utf16LittleEndian),
            ("text/xml; charset=utf-16BE", Charset::Utf16BigEndian),
        ] {
            assert_eq!(MediaType::parse(value), Ok(MediaType { charset: Some(charset) }), "{value}");
        }
    }

    #[test]
    fn each_other_media_type_has_its_reason() {
        for (reason, values) in [
            (
                MediaTypeError::Malformed,
                &[
                    "",
                    "text",
                    "text/ xml",
                    "text/xml, text/xml",
                    "text/xml charset=utf-8",
                    "text/xml; charset=",
                    "text/xml; charset= utf-8",
                    "text/xml; charset",
                    "text/xml; charset=utf-8; charset=utf-8",
                    "text/xml; charset=\"utf-8",
                    "text/xml; charset=utf-8, text/xml",
                    "text/xml; charset=\"utf-8\"x",
                    "text/xml; =utf-8",
                ][..],
            ),
            (MediaTypeError::Soap12, &["application/soap+xml; charset=utf-8", "Application/SOAP+xml"]),
            (MediaTypeError::Multipart, &["multipart/related; type=\"application/xop+xml\"", "MULTIPART/mixed"]),
            (MediaTypeError::Other, &["application/xml", "text/xml+soap", "text/plain"]),
            (
                MediaTypeError::Charset,
                &["text/xml; charset=iso-8859-1", "text/xml; charset=utf8", "text/xml; charset=\"\""],
            ),
        ] {
            for value in values {
                assert_eq!(MediaType::parse(value), Err(reason), "{value}");
            }
        }
    }
}
