//! The cases of both collections: the connection test, and every row of the catalogue.

use std::fs;

use ehealth_core::lookup::Operation;
use ehealth_core::model::StatusCode;
use soap::example;

use crate::support::python::project;

/// A request with its expected answer.
pub struct Case {
    pub name: String,
    /// Word of the client certificate, as in `clients/WORD.pem` of the demo.
    pub caller: String,
    pub operation: Operation,
    /// Description for people.
    pub shows: String,
    pub body: String,
    pub status: u16,
    /// Status code or reason code; none for the connection test.
    pub code: Option<String>,
    /// Enterprise numbers that `result` discloses, in the order of the answer.
    pub disclosed: Vec<String>,
}

/// Every case, in the order of the catalogue.
pub fn cases() -> Vec<Case> {
    let catalogue = project().join("fixtures/catalogue.csv");
    let rows = csv::Reader::from_path(catalogue).expect("the catalogue").into_records();
    let rows = rows.map(|row| of_row(&row.expect("a row")));
    std::iter::once(connection_test()).chain(rows).collect()
}

fn connection_test() -> Case {
    Case {
        name: "send-test-message".to_owned(),
        caller: "fund".to_owned(),
        operation: Operation::SendTestMessage,
        shows: "the connection works; the answer has the certificate that the service sees".to_owned(),
        body: example(Operation::SendTestMessage).to_owned(),
        status: 200,
        code: None,
        disclosed: Vec::new(),
    }
}

fn of_row(row: &csv::StringRecord) -> Case {
    let column = |place: usize| row.get(place).expect("a column").to_owned();
    let (name, code) = (column(0), column(5));
    let file = project().join("fixtures/requests/catalogue").join(format!("{name}.xml"));
    let body = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let is_status = StatusCode::ALL.iter().any(|status| status.code() == code);
    Case {
        caller: column(1),
        operation: Operation::ConsultAttributes,
        shows: column(7),
        body,
        status: if is_status { 200 } else { 500 },
        disclosed: enterprise_numbers(&column(6)),
        code: Some(code),
        name,
    }
}

/// The numbers of ten digits in the catalogue's notation of what is disclosed.
fn enterprise_numbers(notation: &str) -> Vec<String> {
    let words = notation.split(|c: char| !c.is_ascii_digit());
    words.filter(|word| word.len() == 10).map(str::to_owned).collect()
}
