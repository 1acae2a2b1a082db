//! Timestamps of HTTP (RFC 9110, section 5.6.7), in the form that servers must send.

use ehealth_core::model::Timestamp;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Parses `Sun, 06 Nov 1994 08:49:37 GMT`; `None` for any other form. The day of the week is not
/// compared with the date.
pub(super) fn parse_http_date(text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?;
    let (_, rest) = text.split_once(", ")?;
    let [day, month, year, time, "GMT"] = *rest.split(' ').collect::<Vec<_>>().as_slice() else { return None };
    let month = MONTHS.iter().position(|name| *name == month)?.checked_add(1)?;
    Timestamp::parse(&format!("{year}-{month:02}-{day}T{time}Z")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_the_form_that_servers_must_send() {
        let parsed = parse_http_date(b"Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(parsed, Timestamp::parse("1994-11-06T08:49:37Z").ok());
        for wrong in [
            &b""[..],
            b"Sunday, 06-Nov-94 08:49:37 GMT",
            b"Sun Nov  6 08:49:37 1994",
            b"Sun, 06 Nov 1994 08:49:37 CET",
            b"Sun, 6 Nov 1994 08:49:37 GMT",
            b"Sun, 06 nov 1994 08:49:37 GMT",
            b"Sun, 31 Feb 1994 08:49:37 GMT",
            b"Sun, 06 Nov 1994 08:49 GMT",
            b"\xff",
        ] {
            assert_eq!(parse_http_date(wrong), None, "{}", wrong.escape_ascii());
        }
    }
}
