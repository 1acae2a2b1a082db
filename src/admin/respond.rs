//! Answers of the admin listener: which path gets what.
//!
//! Against DNS rebinding, a plain request is refused unless its `Host` is a loopback name: a
//! malicious page can make a browser on the same machine request any address, even under a name of
//! its own that resolves to 127.0.0.1. With TLS the server certificate would not match such a name.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderValue, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};

use super::guide;
use super::health::{not_ready_reasons, write_json};
use super::history::Range;
use super::json::write_page_json;
use super::page::{SCRIPT, STYLE, write_guide_page, write_index, write_page};
use super::report::Report;
use super::scrape::{MetricsFormat, write_metrics};

/// Content security policy: only our style sheet and our script, which reads the page again; no inline
/// script, no forms, no frames.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// Makes a report, for every request. It waits for no disk longer than a second.
pub type Source = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Report> + Send>> + Send + Sync>;

/// Accepted `Host` of a request.
#[derive(Debug, Clone, Copy)]
pub(super) enum Host {
    Loopback,
    Any,
}

/// What a listener has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pages {
    /// Everything: for operators.
    All,
    /// Metrics and health alone: for scrapers.
    Metrics,
}

const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";

/// Answers the request with this head.
pub(super) async fn respond(source: &Source, head: &Parts, accepted: Host, pages: Pages) -> Response<Full<Bytes>> {
    let host = head.headers.get(HOST).and_then(|host| host.to_str().ok());
    let is_ours = match accepted {
        Host::Any => true,
        Host::Loopback => host.is_some_and(names_loopback),
    };
    let mut response = if !is_ours {
        answer(StatusCode::MISDIRECTED_REQUEST, TEXT, "Use the host localhost, 127.0.0.1 or [::1].\n")
    } else if head.method != Method::GET && head.method != Method::HEAD {
        let mut refused = answer(StatusCode::METHOD_NOT_ALLOWED, TEXT, "Use GET or HEAD.\n");
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        refused
    } else {
        match pages {
            Pages::All => answer_operator(source, head).await,
            Pages::Metrics => answer_scraper(source, head, SCRAPER_PATHS).await,
        }
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Answers an operator: the pages, and what scrapers have.
async fn answer_operator(source: &Source, head: &Parts) -> Response<Full<Bytes>> {
    match head.uri.path() {
        "/" => {
            let range = range_in(head.uri.query());
            let report = source().await;
            let mut page = if wants_json(head) {
                answer(StatusCode::OK, JSON, write_page_json(&report, range))
            } else {
                answer(StatusCode::OK, HTML, write_page(&report, range))
            };
            page.headers_mut().insert(VARY, HeaderValue::from_static("Accept"));
            page
        }
        "/style.css" => answer(StatusCode::OK, "text/css; charset=utf-8", STYLE),
        "/page.js" => answer(StatusCode::OK, "text/javascript; charset=utf-8", SCRIPT),
        "/guide" | "/guide/" => answer(StatusCode::OK, HTML, write_index()),
        path => match path.strip_prefix("/guide/").and_then(|name| Some((name, guide::rendered(name)?))) {
            Some((name, page)) => answer(StatusCode::OK, HTML, write_guide_page(name, page)),
            None => answer_scraper(source, head, OPERATOR_PATHS).await,
        },
    }
}

/// Paths of an operator, for the answer to any other.
const OPERATOR_PATHS: &str = "Not found. Available: /, /guide/, /health/live, /health/ready, /metrics.\n";
/// Paths of a scraper.
const SCRAPER_PATHS: &str = "Not found. Available: /health/live, /health/ready, /metrics.\n";

/// Answers a scraper: health and metrics. Any other path is answered with the available ones.
async fn answer_scraper(source: &Source, head: &Parts, available: &'static str) -> Response<Full<Bytes>> {
    match head.uri.path() {
        "/health/live" => answer(StatusCode::OK, TEXT, "live\n"),
        "/health/ready" => {
            let report = source().await;
            let reasons = not_ready_reasons(&report);
            let is_ready = reasons.is_empty();
            let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            answer(status, JSON, write_json(&reasons, &report.unused_crls, &report.reload))
        }
        "/metrics" => {
            let format = MetricsFormat::accepted(&head.headers);
            match write_metrics(source().await, format) {
                Ok(written) => answer(StatusCode::OK, format.content_type(), written),
                Err(_) => answer(StatusCode::INTERNAL_SERVER_ERROR, TEXT, "The metrics cannot be written.\n"),
            }
        }
        _ => answer(StatusCode::NOT_FOUND, TEXT, available),
    }
}

/// Range of the history in a query such as `range=24h`; an hour without one.
fn range_in(query: Option<&str>) -> Range {
    let pairs = query.unwrap_or_default().split('&');
    pairs.filter_map(|pair| pair.strip_prefix("range=")).find_map(Range::parse).unwrap_or_default()
}

/// Whether the request accepts JSON and no HTML. A browser names HTML; a tool without `Accept` gets HTML.
fn wants_json(head: &Parts) -> bool {
    let mut types = head.headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| {
        let types = value.split(',');
        types.map(|one| one.split(';').next().unwrap_or_default().trim())
    });
    let named: Vec<_> = types.by_ref().take(16).collect();
    named.contains(&JSON) && !named.contains(&"text/html")
}

fn answer(status: StatusCode, media_type: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// Whether a `Host` field is a loopback name or address.
pub(crate) fn names_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => host,
    };
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_names_are_served() {
        for host in ["localhost", "LOCALHOST:9443", "127.0.0.1:80", "127.1.2.3", "[::1]:9443", "[::1]"] {
            assert!(names_loopback(host), "{host}");
        }
        for host in ["", "example.be", "localhost.example.be:9443", "10.0.0.1:9443", "[::2]", "127.0.0.1.example.be"] {
            assert!(!names_loopback(host), "{host}");
        }
    }
}
