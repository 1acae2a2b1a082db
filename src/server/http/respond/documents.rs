//! Answers to GET: WSDL, schemas, and the service page or its plain-text form.

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::http::request::Parts;

use crate::server::http::page;
use crate::server::http::refusal::{HttpRefusal, Refusal};
use crate::server::http::response::{HttpResponse, xml};
use crate::server::http::route::{Route, asked, near};
use crate::server::service::Service;
use ehealth_core::lookup::Operation;
use soap::{names, wsdl};

/// Answers a GET.
///
/// # Errors
/// [`Refusal`] for a schema that the service does not have.
pub(super) fn answer(service: &Service, route: &Route, head: &Parts) -> Result<HttpResponse, Refusal> {
    let url = &service.settings.public_url;
    match route {
        Route::Wsdl(operation) => Ok(xml(wsdl::wsdl(*operation, url))),
        Route::SingleWsdl(operation) => Ok(xml(wsdl::single_wsdl(*operation, url))),
        Route::Schema(operation, file) => {
            wsdl::schema(*operation, file, url).map(xml).ok_or_else(|| near(*operation).because(asked(head)))
        }
        Route::Page(operation) if page::accepts_html(&head.headers) => Ok(html(page::write_page(*operation, url))),
        Route::Page(operation) => Ok(text(text_page(*operation, url))),
        Route::Services if page::accepts_html(&head.headers) => Ok(html(page::write_services(url))),
        Route::Services => Ok(text(text_services(url))),
        Route::Message(_) => Err(HttpRefusal::Method.because(asked(head))),
    }
}

/// A page for a browser.
fn html(page: String) -> HttpResponse {
    let mut response = Response::new(Full::new(Bytes::from(page)));
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, page::POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (VARY, "accept"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Service page for a program.
fn text_page(operation: Operation, public_url: &str) -> String {
    let path = names::path(operation);
    format!(
        "ehealth-attributes: operation {}\n\nThis is a SOAP 1.1 service: POST an envelope as text/xml.\n\
         WSDL: {public_url}{path}?wsdl\n",
        operation.code()
    )
}

/// List of services for a program.
fn text_services(public_url: &str) -> String {
    let service = |operation| format!("{}: {public_url}{}\n", Operation::code(operation), names::path(operation));
    format!("ehealth-attributes: SOAP 1.1 services\n\n{}", Operation::ALL.map(service).concat())
}

/// A plain text for a program.
fn text(text: String) -> HttpResponse {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(VARY, HeaderValue::from_static("accept"));
    response
}
