//! The words of the pages, one field each.

use ehealth_core::lookup::Operation;
use ehealth_core::model::StatusCode;
use soap::ExchangeFault;

/// A status or a fault in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::server::http::page) struct Explanation {
    pub meaning: &'static str,
    pub remedy: &'static str,
}

/// The words of one language. A text that continues after code ends in `_to`, its rest in `_end`.
pub(in crate::server::http::page) struct Words {
    /// Text of the link that skips the navigation.
    pub skip: &'static str,
    /// Label of the navigation, for screen readers.
    pub navigation: &'static str,
    /// Title of the root page.
    pub services: &'static str,
    pub services_about: &'static str,
    pub provenance: &'static str,
    pub first: &'static str,
    pub first_test: &'static str,
    pub first_generate: &'static str,
    pub first_ask: &'static str,
    pub first_codes: &'static str,
    pub operations: &'static str,
    pub purpose: fn(Operation) -> &'static str,
    pub address: &'static str,
    pub post_to: &'static str,
    pub post_end: &'static str,
    pub contract: &'static str,
    pub wsdl: &'static str,
    pub single_wsdl: &'static str,
    pub example: &'static str,
    /// Says that one click selects the text.
    pub select: &'static str,
    /// Note on the people of the example.
    pub fictitious: &'static str,
    pub save_as: &'static str,
    pub command: &'static str,
    /// Title of the page of codes.
    pub codes: &'static str,
    pub codes_about: &'static str,
    pub statuses: &'static str,
    pub statuses_about: &'static str,
    pub status: fn(StatusCode) -> Explanation,
    pub faults: &'static str,
    pub faults_about: &'static str,
    pub fault: fn(ExchangeFault) -> Explanation,
    pub message_faults: &'static str,
    pub message_faults_about: &'static str,
    pub refusals: &'static str,
    pub refusals_about: &'static str,
    /// Heading of a column: the code.
    pub code: &'static str,
    /// Heading of a column: the text that the service sends.
    pub text: &'static str,
}
