//! Token of a challenge: a name that the ACME server chose.

/// Longest token. Those of servers have 43 characters.
const MAX: usize = 128;

/// Whether a token has only the characters of base64url (RFC 8555, 8.3). It becomes the name of a file and a part of
/// a URL: a token with a slash would name another file.
pub(crate) fn is_token(token: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=MAX).contains(&token.len()) && token.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_no_other_file() {
        assert!(is_token("LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"));
        let long = "a".repeat(MAX + 1);
        for token in ["", ".", "..", "../a", "a/b", "a.b", "a\0", "é", "a b", long.as_str()] {
            assert!(!is_token(token), "{token}");
        }
    }
}
