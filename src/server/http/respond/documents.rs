//! Answers to GET: WSDL, schemas, and the pages or their plain-text form.

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::header::{
    CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::http::request::Parts;

use crate::server::http::page::{self, Page, PageLanguage};
use crate::server::http::refusal::{HttpRefusal, Refusal};
use crate::server::http::response::{HttpResponse, xml};
use crate::server::http::route::{Route, asked, near};
use crate::server::service::Service;
use ehealth_core::lookup::Operation;
use ehealth_core::model::StatusCode;
use soap::{Fault, names, wsdl};

/// Request header fields that select the form of a page.
const VARIES: &str = "accept, accept-language";

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
        Route::Page(operation) => Ok(page(Page::Service(*operation), head, url)),
        Route::Services => Ok(page(Page::Services, head, url)),
        Route::Codes => Ok(page(Page::Codes, head, url)),
        Route::Message(_) => Err(HttpRefusal::Method.because(asked(head))),
    }
}

/// A page: HTML in the caller's language for a browser, plain text in English for a program.
fn page(page: Page, head: &Parts, public_url: &str) -> HttpResponse {
    if page::accepts_html(&head.headers) {
        let language = PageLanguage::of(&head.headers);
        let mut response = html(page::write_page(page, language, public_url));
        response.headers_mut().insert(CONTENT_LANGUAGE, HeaderValue::from_static(language.code()));
        return response;
    }
    text(match page {
        Page::Services => text_services(public_url),
        Page::Service(operation) => text_page(operation, public_url),
        Page::Codes => text_codes(),
    })
}

/// A page for a browser.
fn html(page: String) -> HttpResponse {
    let mut response = Response::new(Full::new(Bytes::from(page)));
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, page::POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (VARY, VARIES),
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
    let services = Operation::ALL.map(service).concat();
    format!("ehealth-attributes: SOAP 1.1 services\n\n{services}Codes: {public_url}{}\n", page::CODES)
}

/// List of codes for a program: one a line, with its text.
fn text_codes() -> String {
    let statuses = StatusCode::ALL.map(|status| format!("{} {}\n", status.code(), status.description()));
    let faults = Fault::table().map(|row| format!("{} {}\n", row.code(), row.sentence));
    let refusals = HttpRefusal::ALL.map(|refusal| format!("{} {}", refusal.status().as_u16(), refusal.text()));
    format!(
        "ehealth-attributes: codes\n\nStatuses\n{}\nFaults\n{}\nHTTP refusals\n{}",
        statuses.concat(),
        faults.collect::<String>(),
        refusals.concat()
    )
}

/// A plain text for a program.
fn text(text: String) -> HttpResponse {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    for (name, value) in [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CONTENT_LANGUAGE, "en"), (VARY, VARIES)] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
