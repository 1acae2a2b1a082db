//! The payload of both operations: order, presence, names and namespaces exactly as in the schema.
//!
//! Two kinds of errors are distinguished (`docs/reference/contract.md` "Status", "Faults"). A wrong
//! *structure*, or a wrong value outside `criteria`, is a [`BadMessage`]. A wrong value in
//! `criteria` is a value, which the policy answers with a status. Who asks, and whether it may, is
//! not considered here.

use super::Charset;
use super::content::{Content, check_attributes};
use super::envelope::{self, Addressing, Headers, SecurityHeader};
use super::fault::Fault;
use super::limits::{LEGAL_CONTEXT_CHARS, TICKET_CHARS};
use super::message_error::BadMessage;
use super::names::{self, element};
use super::reader::characters::trim;
use super::reader::{Document, Reader};
use ehealth_core::explained::{Cause, Explained};
use ehealth_core::lookup::Operation;
use ehealth_core::model::{
    AskedCriteria, AskedDates, CbeNumber, Customer, CustomerId, Date, DateError, EndUser, PairNumber, Question, Ssin,
    Timestamp,
};

/// The types of values as a fault describes them.
const CBE_NUMBER: &str = "10 digits without points or blanks";
const UP_TO_999: &str = "an integer from 0 to 999";
const TIMESTAMP: &str = "YYYY-MM-DDThh:mm:ss, fraction and time zone optional";

/// A valid request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Content of the request.
    pub payload: Payload,
    /// Content of the WS-Addressing header blocks.
    pub addressing: Addressing,
    /// Whether it has a `wsse:Security` block for this service, which is read with
    /// [`read_security`](crate::signature::read_security). Its signature is not verified.
    pub has_security: bool,
}

/// Content of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// `consultAttributesRequest`.
    Consult(Question),
    /// `sendTestMessageRequest`.
    Test {
        /// Text to return. The schema sets no limit: only [`limits::TEXT_BYTES`](super::limits::TEXT_BYTES) holds.
        echo: String,
    },
}

/// A request that is refused, with the parts that the fault repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRequest {
    /// Fault to answer with; always [`Fault::BadMessage`].
    pub fault: Fault,
    /// The value that caused it, for the operator's log.
    pub cause: Cause,
    /// `informationCustomer`, if it was complete and valid.
    pub customer: Option<Customer>,
    /// Content of the WS-Addressing header blocks, as far as they were read.
    pub addressing: Addressing,
}

/// Reads a message posted to the address of `operation`.
///
/// The caller must ensure that `body` has at most
/// [`limits::DOCUMENT_BYTES`](super::limits::DOCUMENT_BYTES): the cost grows with its length and
/// with nothing else. `charset` comes from `Content-Type`; `soap_actions` are the values of all
/// `SOAPAction` fields.
///
/// # Errors
/// [`RefusedRequest`] with the first error of the document.
pub fn read_request(
    body: &[u8],
    charset: Option<Charset>,
    soap_actions: &[&[u8]],
    operation: Operation,
) -> Result<Request, Box<RefusedRequest>> {
    read_request_with(body, charset, soap_actions, operation, SecurityHeader::NotUnderstood)
}

/// Reads a message as [`read_request`] does. `security` says whether a `wsse:Security` block is
/// understood.
///
/// # Errors
/// As [`read_request`].
pub fn read_request_with(
    body: &[u8],
    charset: Option<Charset>,
    soap_actions: &[&[u8]],
    operation: Operation,
    security: SecurityHeader,
) -> Result<Request, Box<RefusedRequest>> {
    let mut headers = Headers { security, ..Headers::default() };
    let mut customer = None;
    match read(body, charset, soap_actions, operation, &mut headers, &mut customer) {
        Ok(payload) => {
            let has_security = headers.security == SecurityHeader::Present;
            Ok(Request { payload, addressing: headers.addressing, has_security })
        }
        Err(bad) => {
            let (fault, cause) = bad.map(Fault::BadMessage).split();
            Err(Box::new(RefusedRequest { fault, cause, customer, addressing: headers.addressing }))
        }
    }
}

fn read(
    body: &[u8],
    charset: Option<Charset>,
    soap_actions: &[&[u8]],
    operation: Operation,
    headers: &mut Headers,
    customer: &mut Option<Customer>,
) -> Result<Payload, Explained<BadMessage>> {
    let document = Document::from_bytes(body, charset)?;
    let mut reader = Reader::new(&document);
    envelope::open_envelope(&mut reader, operation, soap_actions, headers)?;
    check_attributes(&reader, names::request(operation))?;
    let mut content = Content::new(&mut reader);
    let payload = match operation {
        Operation::ConsultAttributes => {
            Payload::Consult(read_question(&mut content, customer, headers.end_user.take())?)
        }
        Operation::SendTestMessage => {
            let echo = content.read_text(element::ECHO)?.into_owned();
            content.leave("nothing more")?;
            Payload::Test { echo }
        }
    };
    envelope::close_envelope(&mut reader)?;
    Ok(payload)
}

fn read_question(
    content: &mut Content<'_, '_>,
    known: &mut Option<Customer>,
    end_user: Option<EndUser>,
) -> Result<Question, Explained<BadMessage>> {
    let customer = read_customer(content)?;
    *known = Some(customer.clone());
    if content.is_next(element::INFORMATION_CBSS)? {
        skip_information_cbss(content)?;
    }
    let legal_context = content
        .read_value(element::LEGAL_CONTEXT, "at most 64 characters", |text| read_string(text, LEGAL_CONTEXT_CHARS))?;
    let criteria = read_criteria(content)?;
    content.leave("nothing more")?;
    Ok(Question { customer, legal_context, end_user, criteria })
}

fn read_customer(content: &mut Content<'_, '_>) -> Result<Customer, Explained<BadMessage>> {
    content.enter(element::INFORMATION_CUSTOMER)?;
    let ticket =
        content.read_optional(element::TICKET, "at most 36 characters", |text| read_string(text, TICKET_CHARS))?;
    let timestamp_sent = content.read_optional(element::TIMESTAMP_SENT, TIMESTAMP, read_timestamp)?;
    content.enter(element::CUSTOMER_IDENTIFICATION)?;
    let id = if content.is_next(element::SECTOR)? {
        let sector = content.read_value(element::SECTOR, UP_TO_999, read_up_to_999)?;
        let institution = content.read_value(element::INSTITUTION, UP_TO_999, read_up_to_999)?;
        CustomerId::Pair { sector, institution }
    } else {
        content.require(element::CBE_NUMBER, "cbeNumber or sector")?;
        CustomerId::Cbe(content.read_value(element::CBE_NUMBER, CBE_NUMBER, CbeNumber::parse)?)
    };
    content.leave("nothing more")?;
    content.leave("nothing more")?;
    Ok(Customer { ticket, timestamp_sent, id })
}

/// Skips `informationCBSS` of the request: its structure is checked, its values are ignored.
fn skip_information_cbss(content: &mut Content<'_, '_>) -> Result<(), Explained<BadMessage>> {
    content.enter(element::INFORMATION_CBSS)?;
    content.read_text(element::TICKET_CBSS)?;
    content.read_text(element::TIMESTAMP_RECEIVE)?;
    content.read_text(element::TIMESTAMP_REPLY)?;
    content.leave("nothing more")
}

fn read_criteria(content: &mut Content<'_, '_>) -> Result<AskedCriteria, Explained<BadMessage>> {
    content.enter(element::CRITERIA)?;
    let ssin = Ssin::parse(&content.read_text(element::SSIN)?);
    let (dates, expected) = if content.is_next(element::REFERENCE_DATE)? {
        (AskedDates::ReferenceDate(read_date(&content.read_text(element::REFERENCE_DATE)?)), "nothing more")
    } else if content.is_next(element::PERIOD)? {
        content.enter(element::PERIOD)?;
        let begin = read_date(&content.read_text(element::BEGIN_DATE)?);
        let end = read_date(&content.read_text(element::END_DATE)?);
        content.leave("nothing more")?;
        (AskedDates::Period { begin, end }, "nothing more")
    } else {
        (AskedDates::Today, "referenceDate, period or nothing more")
    };
    content.leave(expected)?;
    Ok(AskedCriteria { ssin, dates })
}

/// Reads a string of at most `max` characters (XML Schema 1.0 part 2, section 4.3.3).
fn read_string(text: &str, max: usize) -> Option<String> {
    (text.chars().count() <= max).then(|| text.to_owned())
}

/// Reads an xs:dateTime. Removes white space around it, and keeps it as written.
fn read_timestamp(text: &str) -> Option<String> {
    let text = trim(text);
    Timestamp::parse(text).ok().map(|_| text.to_owned())
}

/// Reads an xs:int from 0 to 999. A sign and leading zeros are allowed (XML Schema 1.0 part 2,
/// section 3.3.13).
fn read_up_to_999(text: &str) -> Option<PairNumber> {
    let text = trim(text);
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let significant = digits.trim_start_matches('0');
    let number = if significant.is_empty() { 0 } else { significant.parse().ok()? };
    (number <= 999 && (number == 0 || !is_negative)).then(|| PairNumber::written(number, digits.len()))
}

/// Reads an xs:date, with white space around it. A zone must be valid, and is ignored: a date is
/// the day as written.
///
/// Years before 0001 and after 9999, which xs:date allows, are errors.
fn read_date(text: &str) -> Result<Date, DateError> {
    let text = trim(text);
    let (day, zone) = text.split_at_checked("YYYY-MM-DD".len()).ok_or(DateError)?;
    if !is_zone(zone) {
        return Err(DateError);
    }
    Date::parse(day)
}

/// Whether the text is a zone: empty, `Z`, or up to 14 hours in either direction (XML Schema 1.0
/// part 2, section 3.2.7.3).
fn is_zone(text: &str) -> bool {
    matches!(
        text.as_bytes(),
        [] | [b'Z']
            | [b'+' | b'-', b'0', b'0'..=b'9', b':', b'0'..=b'5', b'0'..=b'9']
            | [b'+' | b'-', b'1', b'0'..=b'3', b':', b'0'..=b'5', b'0'..=b'9']
            | [b'+' | b'-', b'1', b'4', b':', b'0', b'0']
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_the_day_as_written_in_any_zone() {
        let day = Date::parse("2026-01-15");
        for text in ["2026-01-15", "2026-01-15Z", "2026-01-15+14:00", "2026-01-15-00:59", "\t2026-01-15-13:59\n "] {
            assert_eq!(read_date(text), day, "{text}");
        }
        for text in [
            "",
            "2026-1-15",
            "2026-02-30",
            "2026-01-15z",
            "2026-01-15 Z",
            "2026-01-15+14:01",
            "2026-01-15+24:00",
            "2026-01-15+1:00",
            "2026-01-15+01:60",
            "2026-01-15T00:00:00",
            "12026-01-15",
            "-2026-01-15",
            "0000-01-15",
            "2026-01-1é",
        ] {
            assert_eq!(read_date(text), Err(DateError), "{text}");
        }
    }

    #[test]
    fn sectors_are_integers_of_xml_schema() {
        let cases = [("0", 0), ("999", 999), ("+7", 7), ("-0", 0), ("-000", 0), ("000011", 11), (" 12\n", 12)];
        for (text, number) in cases {
            assert_eq!(read_up_to_999(text), Some(PairNumber::new(number)), "{text}");
        }
        let written = ["011", "000", "7"].map(|text| read_up_to_999(text).map(|number| number.to_string()));
        assert_eq!(written, ["011", "000", "7"].map(|text| Some(text.to_owned())));
        for text in ["", "-", "+", "-1", "1000", "99999999999999999999", "1.0", "1 2", "+-1", "٣", "0x1"] {
            assert_eq!(read_up_to_999(text), None, "{text}");
        }
    }

    #[test]
    fn lengths_count_characters() {
        assert!(read_string(&"é".repeat(36), 36).is_some());
        assert!(read_string(&"é".repeat(37), 36).is_none());
    }
}
