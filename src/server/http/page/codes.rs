//! The page of codes: statuses, faults and HTTP refusals, each with what to do.
//!
//! The lists are those of the code, so that no code can be missing. Texts of the wire are English in
//! every language.

use maud::{Markup, html};

use super::words::{Explanation, Words};
use crate::server::http::refusal::HttpRefusal;
use ehealth_core::model::StatusCode;
use soap::{ExchangeFault, MessageError};

/// Writes the content of the page of codes.
pub(super) fn codes(words: &Words) -> Markup {
    html! {
        p { (words.codes_about) }
        h2 { (words.statuses) }
        p { (words.statuses_about) }
        dl {
            @for status in StatusCode::ALL {
                (entry(status.code(), status.value(), (words.status)(status), status.description()))
            }
        }
        h2 { (words.faults) }
        p { (words.faults_about) }
        dl {
            @for fault in ExchangeFault::ALL {
                (entry(fault.outcome().code(), fault.fault_code().name(), (words.fault)(fault), fault.sentence()))
            }
        }
        h2 { (words.message_faults) }
        p { (words.message_faults_about) }
        (table(words, MessageError::ALL.into_iter().map(|error| {
            (error.outcome().code().to_owned(), error.sentence())
        })))
        h2 { (words.refusals) }
        p { (words.refusals_about) }
        (table(words, HttpRefusal::ALL.into_iter().map(|refusal| {
            (refusal.status().as_u16().to_string(), refusal.text().trim_ascii_end())
        })))
    }
}

/// One code with its meaning, what to do, and the text of the wire where it differs from the meaning.
fn entry(code: &str, class: &str, explanation: Explanation, on_the_wire: &str) -> Markup {
    let Explanation { meaning, remedy } = explanation;
    html! {
        dt { (code) " " (class) }
        dd { (meaning) }
        dd { (remedy) }
        @if on_the_wire != meaning { dd class="quiet" lang="en" { (on_the_wire) } }
    }
}

fn table(words: &Words, rows: impl Iterator<Item = (String, &'static str)>) -> Markup {
    html! {
        table {
            thead { tr { th scope="col" { (words.code) } th scope="col" { (words.text) } } }
            tbody lang="en" {
                @for (code, text) in rows {
                    tr { th scope="row" { (code) } td { (text) } }
                }
            }
        }
    }
}
