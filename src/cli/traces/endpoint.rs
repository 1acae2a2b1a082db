//! The address of a collector.

use hyper::Uri;

/// Path of traces below the address (OTLP/HTTP 1.x, "OTLP/HTTP Request").
const PATH: &str = "/v1/traces";

/// The address of a collector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub is_https: bool,
    pub host: String,
    pub port: u16,
    /// Path of the requests.
    pub path: String,
}

/// Parses the URL of a collector; `/v1/traces` is added to its path.
pub(super) fn parse_endpoint(text: &str) -> Result<Endpoint, String> {
    let url: Uri = text.parse().map_err(|error| format!("not a URL: {error}"))?;
    let is_https = match url.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        Some(_) | None => return Err("expected http:// or https://".to_owned()),
    };
    if url.query().is_some() || url.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err("expected a URL without user and query".to_owned());
    }
    let host = url.host().filter(|host| !host.is_empty()).ok_or("the URL has no host")?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let port = url.port_u16().unwrap_or(if is_https { 443 } else { 80 });
    Ok(Endpoint { is_https, host, port, path: format!("{}{PATH}", url.path().trim_end_matches('/')) })
}

impl Endpoint {
    /// Value of the header `Host`.
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_parsed_and_others_are_refused() {
        let parsed = parse_endpoint("http://127.0.0.1:4318").expect("valid");
        assert_eq!((parsed.is_https, parsed.port, parsed.path.as_str()), (false, 4318, "/v1/traces"));
        let parsed = parse_endpoint("https://[::1]/otlp/").expect("valid");
        assert_eq!((parsed.authority().as_str(), parsed.path.as_str()), ("[::1]:443", "/otlp/v1/traces"));
        for wrong in ["", "127.0.0.1:4318", "grpc://a", "http://", "http://a?b", "http://a:b@c", "http://a b"] {
            assert!(parse_endpoint(wrong).is_err(), "{wrong}");
        }
    }
}
