//! Writes responses and faults as SOAP 1.1 envelopes: in the order of the schema, compact, with the
//! prefixes of `docs/reference/contract.md` "Namespaces". The same answer gives the same bytes.
//!
//! Decides nothing: an [`Answer`] is already recorded and is written completely, and a [`Fault`]
//! contains only what may be disclosed. If the request had a `MessageID`, the envelope has
//! `RelatesTo` and `Action` (WS-Addressing 1.0 Core, sections 3.2 and 3.4). Any XML reader reads
//! each text back as it was written.

use super::envelope::Addressing;
use super::fault::Fault;
use super::names::{self, Namespace, addressing, attribute, element as e, envelope};
use super::writer::Writer;
use ehealth_core::lookup::{Answer, Operation};
use ehealth_core::model::{
    Criteria, CriteriaDates, Customer, CustomerId, DisclosedEmployment, DisclosedService, Disclosure, FieldSet,
    Information, Period, Sources, Ssin, Status, Ticket, Timestamp,
};

/// `informationCBSS`: how the service handled one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handling {
    /// `ticketCBSS`.
    pub ticket: Ticket,
    /// `timestampReceive`.
    pub received: Timestamp,
    /// `timestampReply`.
    pub replied: Timestamp,
}

/// Content of a `sendTestMessageResponse`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestReply<'a> {
    /// Text of the request.
    pub echo: &'a str,
    /// Subject of the caller's certificate, with the digits of an SSIN already masked.
    pub ssl_certificate: &'a str,
}

/// Writes a `consultAttributesResponse`.
#[must_use]
pub fn write_answer(answer: &Answer, replied: Timestamp, addressing: &Addressing) -> Vec<u8> {
    let operation = Operation::ConsultAttributes;
    let handling = Handling { ticket: answer.ticket(), received: answer.received(), replied };
    write_envelope(addressing, names::response_action(operation), |writer| {
        write_message(writer, names::response(operation), |writer| {
            write_customer(writer, answer.customer());
            write_handling(writer, handling);
            writer.value(e::LEGAL_CONTEXT, answer.legal_context());
            if let Some(criteria) = answer.criteria() {
                write_criteria(writer, &criteria);
            }
            write_status(writer, answer.status());
            if let Some((ssin, by)) = answer.replaced_ssin() {
                writer.annotated(
                    e::REPLACED_SSIN.name,
                    attribute::REPLACED_BY,
                    digits(&by.digits()),
                    digits(&ssin.digits()),
                );
            }
            write_filters(writer, answer.filtered());
            write_sources(writer, answer.sources());
            if let Some(disclosure) = answer.disclosure() {
                write_result(writer, disclosure);
            }
        });
    })
}

/// Writes a `sendTestMessageResponse`.
#[must_use]
pub fn write_test_reply(reply: TestReply<'_>, handling: Handling, addressing: &Addressing) -> Vec<u8> {
    let operation = Operation::SendTestMessage;
    write_envelope(addressing, names::response_action(operation), |writer| {
        write_message(writer, names::response(operation), |writer| {
            write_handling(writer, handling);
            writer.value(e::ECHO, reply.echo);
            writer.value(e::SSL_CERTIFICATE, reply.ssl_certificate);
        });
    })
}

/// Writes a fault of the operation. `customer` is `informationCustomer`, if it was complete and
/// valid.
#[must_use]
pub fn write_fault(
    fault: &Fault,
    operation: Operation,
    handling: Handling,
    customer: Option<&Customer>,
    addressing: &Addressing,
) -> Vec<u8> {
    let action = if fault.has_detail() { names::fault_action(operation) } else { names::ACTION_SOAP_FAULT };
    write_envelope(addressing, action, |writer| {
        writer.qualified(Namespace::Envelope, envelope::FAULT, |writer| {
            let code = [Namespace::Envelope.prefix(), ":", fault.fault_code().name()].concat();
            writer.local("faultcode", |writer| writer.text(&code));
            writer.local("faultstring", |writer| writer.text(&fault.faultstring()));
            if fault.has_detail() {
                writer.local("detail", |writer| {
                    write_message(writer, names::fault(operation), |writer| {
                        if let Some(customer) = customer {
                            write_customer(writer, customer);
                        }
                        write_handling(writer, handling);
                        writer.element(e::DETAIL, |writer| {
                            writer.value(e::SEVERITY, fault.severity());
                            writer.value(e::REASON_CODE, fault.code());
                            writer.value(e::DIAGNOSTIC, &fault.diagnostic());
                            writer.value(e::AUTHOR_CODE, names::AUTHOR_CODE);
                        });
                    });
                });
            }
        });
    })
}

fn write_envelope(addressing: &Addressing, action: &str, body: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.declare(Namespace::Envelope, envelope::ENVELOPE, |writer| {
        if let Some(message_id) = &addressing.message_id {
            writer.qualified(Namespace::Envelope, envelope::HEADER, |writer| {
                writer.declare(Namespace::Addressing, addressing::ACTION, |writer| writer.text(action));
                writer.declare(Namespace::Addressing, addressing::RELATES_TO, |writer| writer.text(message_id));
            });
        }
        writer.qualified(Namespace::Envelope, envelope::BODY, body);
    });
    writer.into_bytes()
}

/// Writes a message element, qualified if it has a namespace.
fn write_message(writer: &mut Writer, element: names::Element, content: impl FnOnce(&mut Writer)) {
    match element.namespace {
        Some(namespace) => writer.declare(namespace, element.name, content),
        None => writer.element(element, content),
    }
}

fn write_customer(writer: &mut Writer, customer: &Customer) {
    writer.element(e::INFORMATION_CUSTOMER, |writer| {
        if let Some(ticket) = &customer.ticket {
            writer.value(e::TICKET, ticket);
        }
        if let Some(timestamp) = &customer.timestamp_sent {
            writer.value(e::TIMESTAMP_SENT, timestamp);
        }
        writer.element(e::CUSTOMER_IDENTIFICATION, |writer| match customer.id {
            CustomerId::Cbe(number) => writer.display(e::CBE_NUMBER, number),
            CustomerId::Pair { sector, institution } => {
                writer.display(e::SECTOR, sector);
                writer.display(e::INSTITUTION, institution);
            }
        });
    });
}

fn write_handling(writer: &mut Writer, handling: Handling) {
    writer.element(e::INFORMATION_CBSS, |writer| {
        writer.display(e::TICKET_CBSS, handling.ticket);
        writer.display(e::TIMESTAMP_RECEIVE, handling.received);
        writer.display(e::TIMESTAMP_REPLY, handling.replied);
    });
}

fn write_criteria(writer: &mut Writer, criteria: &Criteria) {
    writer.element(e::CRITERIA, |writer| {
        write_ssin(writer, e::SSIN, criteria.ssin);
        match criteria.dates {
            CriteriaDates::ReferenceDate(day) => writer.display(e::REFERENCE_DATE, day),
            CriteriaDates::Period(window) => writer.element(e::PERIOD, |writer| {
                writer.display(e::BEGIN_DATE, window.from());
                writer.display(e::END_DATE, window.to());
            }),
        }
    });
}

fn write_status(writer: &mut Writer, status: Status) {
    writer.element(e::STATUS, |writer| {
        writer.value(e::VALUE, status.value());
        writer.value(e::CODE, status.code());
        writer.value(e::DESCRIPTION, status.description());
        for information in status.information() {
            writer.element(e::INFORMATION, |writer| {
                writer.value(e::FIELD_NAME, information.field_name());
                match information {
                    Information::WrongDate(_, why) => writer.value(e::FIELD_VALUE, why),
                    Information::Ssin(ssin) | Information::NewSsin(ssin) => write_ssin(writer, e::FIELD_VALUE, ssin),
                    Information::CbeNumber(number) => writer.display(e::FIELD_VALUE, number),
                    Information::Source(dataset) => writer.value(e::FIELD_VALUE, dataset.code()),
                }
            });
        }
    });
}

fn write_filters(writer: &mut Writer, filtered: FieldSet) {
    if filtered.is_empty() {
        return;
    }
    writer.element(e::DATA_FILTERS, |writer| {
        for field in filtered.iter() {
            writer.value(e::FILTERED_ELEMENT, field.path());
        }
    });
}

fn write_sources(writer: &mut Writer, sources: Sources) {
    if sources.iter().next().is_none() {
        return;
    }
    writer.element(e::SOURCES, |writer| {
        for (dataset, status) in sources.iter() {
            writer.annotated(e::SOURCE.name, attribute::NAME, dataset.code(), status.code());
        }
    });
}

fn write_result(writer: &mut Writer, disclosure: &Disclosure) {
    writer.element(e::RESULT, |writer| {
        if let Some(ssin) = disclosure.ssin {
            write_ssin(writer, e::SSIN, ssin);
        }
        for employment in &disclosure.employments {
            write_employment(writer, employment);
        }
        if let Some(fund) = disclosure.fund {
            writer.element(e::HEALTH_INSURANCE_FUND, |writer| writer.display(e::CBE_NUMBER, fund));
        }
    });
}

fn write_employment(writer: &mut Writer, employment: &DisclosedEmployment) {
    writer.element(e::EMPLOYMENT, |writer| {
        if let Some(employer) = employment.employer {
            writer.element(e::EMPLOYER, |writer| writer.display(e::CBE_NUMBER, employer));
        }
        write_period(writer, e::PERIOD, employment.period);
        for service in &employment.services {
            write_service(writer, service);
        }
    });
}

fn write_service(writer: &mut Writer, service: &DisclosedService) {
    writer.element(e::PREVENTION_SERVICE, |writer| {
        if let Some(number) = service.number {
            writer.display(e::CBE_NUMBER, number);
        }
        if let Some(kind) = service.kind {
            writer.value(e::TYPE, kind.code());
        }
        write_period(writer, e::AFFILIATION, service.affiliation);
    });
}

fn write_period(writer: &mut Writer, element: names::Element, period: Option<Period>) {
    let Some(period) = period else { return };
    writer.element(element, |writer| {
        writer.display(e::BEGIN_DATE, period.begin());
        if let Some(end) = period.end() {
            writer.display(e::END_DATE, end);
        }
    });
}

/// Writes an SSIN. The only function that sends a person's number.
fn write_ssin(writer: &mut Writer, element: names::Element, ssin: Ssin) {
    writer.value(element, digits(&ssin.digits()));
}

/// The digits as text: ASCII digits are valid UTF-8.
fn digits(ascii: &[u8]) -> &str {
    str::from_utf8(ascii).unwrap_or_default()
}

#[cfg(test)]
mod tests;
