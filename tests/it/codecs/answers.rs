//! Whole answers and whole faults, written by the service and read by the client: every element,
//! every text.
//!
//! Answers come from the pipeline, over random persons and random grants. What the client must read
//! is spelled here by hand from the values in the answer, with the names of
//! docs/reference/contract.md "consultAttributes", not with the writer's.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use client::envelope::{self, Reply};
use client::messages::{
    AnnotatedSsin, CbssFault, ClosedPeriod, ConsultResponse, Criteria, DataFilters, Employment, FaultDetail,
    FaultMessage, Information, InformationCbss, InformationCustomer, Message, Numbered, OpenPeriod, Organization,
    PreventionService, ResultElement, Source, Status, TestResponse,
};
use ehealth_core::lookup::{
    Answer, AuditSink, Caller, Directory, DirectoryError, Exchange, FreshnessLimits, Operation, Pending, Permission,
    Presented, record,
};
use ehealth_core::model::{
    self, Affiliation, AskedCriteria, AskedDates, CbeNumber, CriteriaDates, Customer, CustomerId, Dataset,
    DatasetState, DatasetStates, Date, Digest, EmploymentPeriod, EnterpriseNumber, Field, FieldSet, LegalContext,
    Membership, PairNumber, Period, Question, ServiceKind, Ssin, Timestamp,
};
use ehealth_core::policy::{
    ActsFor, Certified, Consumer, ContextDefinition, Contexts, Deliberation, Grant, Reach, Register, ReplacedSsin,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use soap::{Addressing, Charset, ExchangeFault, Fault, Handling, read_request, write_answer, write_fault};

use super::{TEXT, handling, moment};
use crate::support::{ksz, yaserde_messages};

/// Day of every question: 2026-01-15.
const TODAY: i64 = 20_468;

/// The person of the question, and an SSIN that may have replaced the person's.
const ANNA: &str = "85073099932";
const IVO: &str = "75021199966";

fn now() -> Timestamp {
    Timestamp::from_millis(TODAY * 86_400_000 + 43_200_000)
}

fn person(text: &str) -> Ssin {
    Ssin::parse(text).expect("a valid number")
}

fn day(day: i64) -> Date {
    Date::from_days(day).expect("in this century")
}

/// Data of the sources, independent of caller and person.
#[derive(Debug, Clone)]
struct Sources {
    employments: Vec<EmploymentPeriod>,
    internal: Vec<Affiliation>,
    external: Vec<Affiliation>,
    memberships: Vec<Membership>,
    is_replaced: bool,
    /// In the order of [`Dataset::ALL`]: missing, stale or fresh.
    ages: [Option<Duration>; 5],
}

impl Directory for &Sources {
    fn states(&mut self) -> Result<DatasetStates, DirectoryError> {
        let there = Dataset::ALL.into_iter().zip(self.ages).filter_map(|(dataset, age)| Some((dataset, age?)));
        Ok(there.fold(DatasetStates::default(), |states, (dataset, age)| {
            let millis = i64::try_from(age.as_millis()).expect("days");
            let created = Timestamp::from_millis(now().as_millis() - millis);
            states.with(dataset, DatasetState { serial: 1, created })
        }))
    }

    fn family(&mut self, ssin: Ssin, into: &mut Vec<Ssin>) -> Result<Ssin, DirectoryError> {
        into.push(ssin);
        if !self.is_replaced || ssin == person(IVO) {
            return Ok(ssin);
        }
        into.push(person(IVO));
        Ok(person(IVO))
    }

    fn employment_periods(&mut self, _: Ssin, into: &mut Vec<EmploymentPeriod>) -> Result<(), DirectoryError> {
        into.extend(&self.employments);
        Ok(())
    }

    fn affiliations(
        &mut self,
        kind: ServiceKind,
        _: EnterpriseNumber,
        into: &mut Vec<Affiliation>,
    ) -> Result<(), DirectoryError> {
        into.extend(match kind {
            ServiceKind::Internal => &self.internal,
            ServiceKind::External => &self.external,
        });
        Ok(())
    }

    fn memberships(&mut self, _: Ssin, into: &mut Vec<Membership>) -> Result<(), DirectoryError> {
        into.extend(&self.memberships);
        Ok(())
    }
}

/// One of a few, so that the caller is often related.
fn organisation() -> impl Strategy<Value = EnterpriseNumber> {
    select(vec![9_990_001_u64, 9_990_101, 9_990_201, 9_991_001])
        .prop_map(|base| EnterpriseNumber::from_u64(base * 100 + 97 - base % 97).expect("valid by construction"))
}

fn period() -> impl Strategy<Value = Period> {
    (-900..200_i64, option::of(0..900_i64)).prop_map(|(begin, length)| {
        let begin = TODAY + begin;
        Period::from_days(day(begin), length.map(|length| day(begin + length))).expect("begin is not after end")
    })
}

fn sources() -> impl Strategy<Value = Sources> {
    let employment = (organisation(), period()).prop_map(|(employer, period)| EmploymentPeriod { employer, period });
    let affiliation = || (organisation(), period()).prop_map(|(service, period)| Affiliation { service, period });
    let membership = (organisation(), period()).prop_map(|(fund, period)| Membership { fund, period });
    let age =
        || prop_oneof![1 => Just(None), 1 => Just(Some(Duration::from_hours(240))), 14 => Just(Some(Duration::ZERO))];
    let lists = (vec(employment, 0..6), vec(affiliation(), 0..3), vec(affiliation(), 0..4), vec(membership, 0..4));
    (lists, proptest::bool::weighted(0.1), [age(), age(), age(), age(), age()]).prop_map(
        |(lists, is_replaced, ages)| {
            let (employments, internal, external, memberships) = lists;
            Sources { employments, internal, external, memberships, is_replaced, ages }
        },
    )
}

/// Any fields that a context allows; the two days of a period go together.
fn grant() -> impl Strategy<Value = (LegalContext, FieldSet)> {
    let bits = prop_oneof![Just(0x1ff_u16), 1..0x200_u16];
    (select(LegalContext::BUILT_IN.to_vec()), bits).prop_map(|(context, bits)| {
        let has = |field: Field| bits & 1 << (field.number() - 1) != 0;
        let is_granted = |field: &Field| match field {
            Field::EmploymentEnd => has(Field::EmploymentBegin),
            Field::AffiliationEnd => has(Field::AffiliationBegin),
            Field::Ssin
            | Field::Employer
            | Field::EmploymentBegin
            | Field::PreventionService
            | Field::PreventionServiceType
            | Field::AffiliationBegin
            | Field::HealthInsuranceFund => has(*field),
        };
        let allowed = definition(context).fields;
        let granted = Field::ALL.into_iter().filter(is_granted).filter(|field| allowed.contains(*field));
        let granted: FieldSet = granted.collect();
        (context, if granted.is_empty() { allowed } else { granted })
    })
}

fn dates() -> impl Strategy<Value = AskedDates> {
    let wrong = || Date::parse("2026-02-30");
    let date = move || prop_oneof![12 => (-1_000..80_i64).prop_map(|from| Ok(day(TODAY + from))), 1 => Just(wrong())];
    prop_oneof![
        1 => Just(AskedDates::Today),
        3 => date().prop_map(AskedDates::ReferenceDate),
        2 => (-1_000..0_i64, 0..80_i64).prop_map(|(from, days)| AskedDates::Period {
            begin: Ok(day(TODAY + from)),
            end: Ok(day(TODAY + from + days)),
        }),
        1 => (date(), date()).prop_map(|(begin, end)| AskedDates::Period { begin, end }),
    ]
}

fn customer(organisation: EnterpriseNumber) -> impl Strategy<Value = Customer> {
    let by_number = Just(CustomerId::Cbe(CbeNumber::from(organisation)));
    (option::of(TEXT), option::of(moment()), prop_oneof![by_number, Just(PAIR)])
        .prop_map(|(ticket, sent, id)| Customer { ticket, timestamp_sent: sent.map(|sent| sent.to_string()), id })
}

/// A customer without a number: every caller acts for it.
const PAIR: CustomerId = CustomerId::Pair { sector: PairNumber::new(11), institution: PairNumber::new(0) };

#[derive(Debug, Clone)]
struct Case {
    sources: Sources,
    granted: (LegalContext, FieldSet),
    replaced_ssin: ReplacedSsin,
    organisation: EnterpriseNumber,
    question: Question,
    handling: Handling,
}

fn case() -> impl Strategy<Value = Case> {
    let ssin = prop_oneof![10 => Just(ANNA), 1 => Just("85073099933")];
    let context = prop_oneof![10 => Just(None), 1 => TEXT.prop_map(Some)];
    let of_caller = organisation().prop_flat_map(|organisation| (Just(organisation), customer(organisation)));
    let granted = (grant(), select(ReplacedSsin::ALL.to_vec()));
    (sources(), granted, of_caller, (ssin, context, dates()), handling()).prop_map(
        |(sources, (granted, replaced_ssin), (organisation, customer), (ssin, context, dates), handling)| Case {
            question: Question {
                customer,
                legal_context: context.unwrap_or_else(|| granted.0.code().to_owned()),
                end_user: None,
                criteria: AskedCriteria { ssin: Ssin::parse(ssin), dates },
            },
            sources,
            granted,
            replaced_ssin,
            organisation,
            handling,
        },
    )
}

struct DurableAtOnce;

impl AuditSink for DurableAtOnce {
    fn append(&self, pending: Pending) {
        pending.durable(0);
    }
}

/// The definition of a built-in context.
fn definition(context: LegalContext) -> Arc<ContextDefinition> {
    Arc::new(ContextDefinition::built_in(context).expect("one of the three"))
}

/// The service's answer.
fn answer(case: &Case) -> Answer {
    let (context, fields) = case.granted;
    let grant = Grant {
        context: definition(context),
        fields,
        relation: definition(context).relations[0],
        reach: Reach::default(),
        valid: Period::from_days(day(0), None).expect("open"),
        deliberation: Deliberation::parse("16/108").expect("a number"),
    };
    let consumer = Consumer {
        acts_for: vec![ActsFor { named: PAIR, organisation: case.organisation }],
        grants: vec![Arc::new(grant)],
        replaced_ssin: case.replaced_ssin,
        ..Consumer::new(case.organisation, "Caller")
    };
    let register = Register::new(Contexts::built_in(), vec![consumer]).expect("within the ceiling");
    let nothing = Digest::new([0; 32]);
    let certified = Some(Certified::new(case.organisation, nothing, nothing));
    let caller = Caller { certified, fingerprint: nothing };
    let exchange = Exchange { ticket: case.handling.ticket, received: now(), caller, relay: None };
    let identified =
        Presented::new(exchange, case.question.clone(), &register).identify(&register).expect("its own organisation");
    let day = Duration::from_hours(24);
    let limits = FreshnessLimits { dimona: day, coprev: day, federated: day, insurance: day, persons: day };
    let resolved = match identified.permit() {
        Permission::Permitted(permitted) => permitted.resolve(&mut &case.sources, &limits).expect("readable"),
        Permission::Refused(resolved, _) => resolved,
        Permission::EndUser(_, fault) => unreachable!("{fault}"),
    };
    let (settle, settled) = mpsc::channel();
    record(resolved, &DurableAtOnce, move |recorded| settle.send(recorded).expect("awaited"));
    settled.recv().expect("settled").expect("durable")
}

fn hear_customer(customer: &Customer) -> InformationCustomer {
    let customer_identification = match customer.id {
        CustomerId::Cbe(number) => {
            Organization { cbe_number: Some(format!("{:010}", number.as_u64())), sector: None, institution: None }
        }
        CustomerId::Pair { sector, institution } => Organization {
            cbe_number: None,
            sector: Some(sector.to_string()),
            institution: Some(institution.to_string()),
        },
    };
    InformationCustomer {
        ticket: customer.ticket.clone(),
        timestamp_sent: customer.timestamp_sent.clone(),
        customer_identification,
    }
}

fn hear_handling(handling: Handling) -> InformationCbss {
    InformationCbss {
        ticket_cbss: handling.ticket.to_string(),
        timestamp_receive: handling.received.to_string(),
        timestamp_reply: handling.replied.to_string(),
    }
}

fn digits(ssin: Ssin) -> String {
    format!("{:011}", ssin.as_u64())
}

fn hear_criteria(criteria: model::Criteria) -> Criteria {
    let (reference_date, period) = match criteria.dates {
        CriteriaDates::ReferenceDate(day) => (Some(day.to_string()), None),
        CriteriaDates::Period(window) => {
            (None, Some(ClosedPeriod { begin_date: window.from().to_string(), end_date: window.to().to_string() }))
        }
    };
    Criteria { ssin: digits(criteria.ssin), reference_date, period }
}

fn hear_status(status: model::Status) -> Status {
    let information = status.information().into_iter().map(|information| {
        let (field_name, field_value) = match information {
            model::Information::WrongDate(name, why) => (name, Some(why.to_owned())),
            model::Information::Ssin(ssin) => ("ssin", Some(digits(ssin))),
            model::Information::CbeNumber(number) => ("cbeNumber", Some(format!("{:010}", number.as_u64()))),
            model::Information::NewSsin(ssin) => ("newSSIN", Some(digits(ssin))),
            model::Information::Source(dataset) => ("source", Some(dataset.code().to_owned())),
        };
        Information { field_name: field_name.to_owned(), field_value }
    });
    Status {
        value: status.value().to_owned(),
        code: status.code().to_owned(),
        description: Some(status.description().to_owned()),
        information: information.collect(),
    }
}

/// Paths of the nine fields, docs/reference/contract.md "Nine fields".
fn path(field: Field) -> &'static str {
    match field {
        Field::Ssin => "ssin",
        Field::Employer => "employment/employer/cbeNumber",
        Field::EmploymentBegin => "employment/period/beginDate",
        Field::EmploymentEnd => "employment/period/endDate",
        Field::PreventionService => "employment/preventionService/cbeNumber",
        Field::PreventionServiceType => "employment/preventionService/type",
        Field::AffiliationBegin => "employment/preventionService/affiliation/beginDate",
        Field::AffiliationEnd => "employment/preventionService/affiliation/endDate",
        Field::HealthInsuranceFund => "healthInsuranceFund/cbeNumber",
    }
}

fn hear_number(number: EnterpriseNumber) -> String {
    format!("{:010}", number.as_u64())
}

fn hear_period(period: Period) -> OpenPeriod {
    OpenPeriod { begin_date: period.begin().to_string(), end_date: period.end().map(|end| end.to_string()) }
}

fn hear_disclosure(disclosure: &model::Disclosure) -> ResultElement {
    let numbered = |number| Numbered { cbe_number: hear_number(number) };
    let employments = disclosure.employments.iter().map(|employment| Employment {
        employer: employment.employer.map(numbered),
        period: employment.period.map(hear_period),
        prevention_service: employment
            .services
            .iter()
            .map(|service| PreventionService {
                cbe_number: service.number.map(hear_number),
                kind: service.kind.map(|kind| match kind {
                    ServiceKind::Internal => "INTERNAL".to_owned(),
                    ServiceKind::External => "EXTERNAL".to_owned(),
                }),
                affiliation: service.affiliation.map(hear_period),
            })
            .collect(),
    });
    ResultElement {
        ssin: disclosure.ssin.map(digits),
        employment: employments.collect(),
        health_insurance_fund: disclosure.fund.map(numbered),
    }
}

fn hear(answer: &Answer, handling: Handling) -> ConsultResponse {
    let filtered: Vec<_> = answer.filtered().iter().map(|field| path(field).to_owned()).collect();
    let sources: Vec<_> = answer
        .sources()
        .iter()
        .map(|(dataset, status)| Source { name: Some(dataset.code().to_owned()), status: status.code().to_owned() })
        .collect();
    ConsultResponse {
        information_customer: hear_customer(answer.customer()),
        information_cbss: hear_handling(handling),
        legal_context: answer.legal_context().to_owned(),
        criteria: answer.criteria().map(hear_criteria),
        status: hear_status(answer.status()),
        ssin: answer
            .replaced_ssin()
            .map(|(ssin, by)| AnnotatedSsin { ssin: digits(ssin), replaced_by: Some(digits(by)) }),
        data_filters: (!filtered.is_empty()).then_some(DataFilters { filtered_element: filtered }),
        sources: (!sources.is_empty()).then_some(client::messages::Sources { source: sources }),
        result: answer.disclosure().map(hear_disclosure),
    }
}

#[test]
fn the_client_reads_every_answer_of_the_service() {
    let heard = RefCell::new(BTreeSet::new());
    let (written, number) = (tempfile::tempdir().expect("a folder"), Cell::new(0));
    let run = TestRunner::new(super::config()).run(&case(), |case| {
        let answer = answer(&case);
        let handling = Handling { received: now(), ..case.handling };
        let body = write_answer(&answer, handling.replied, &Addressing::default());
        let expected = hear(&answer, handling);
        match envelope::read::<ConsultResponse>(&body) {
            Ok(Reply::Response(response)) => {
                prop_assert!(response == expected, "{}", String::from_utf8_lossy(&body));
                let again =
                    yaserde_messages::reread::<yaserde_messages::ConsultResponse>(&String::from_utf8_lossy(&body));
                let again = envelope::read_message::<ConsultResponse>(again.as_bytes());
                prop_assert!(again.is_ok_and(|again| again == expected), "{}", String::from_utf8_lossy(&body));
            }
            other => prop_assert!(false, "{:?}\n{}", other, String::from_utf8_lossy(&body)),
        }
        heard.borrow_mut().insert(answer.status().code());
        number.set(number.get() + 1);
        std::fs::write(written.path().join(format!("{}.xml", number.get())), &body).expect("written");
        Ok(())
    });
    run.unwrap_or_else(|failure| panic!("{failure}"));
    ksz::validate_envelopes(written.path()).expect("every answer is valid against schemas/");
    assert_eq!(heard.into_inner(), model::StatusCode::ALL.map(model::StatusCode::code).into_iter().collect());
}

/// Every fault without a message, the faults of every refused fixture, and those of two messages
/// too large for a fixture.
fn faults() -> Vec<Fault> {
    let elsewhere = ExchangeFault::ALL.map(Fault::from);
    let of_messages = crate::support::requests::fixtures("refused").into_iter().filter_map(|fixture| {
        let charset = fixture.content_type.contains("utf-16").then_some(Charset::Utf16);
        let actions: Vec<_> = fixture.soap_actions.iter().map(String::as_bytes).collect();
        read_request(&fixture.body, charset, &actions, fixture.operation).err().map(|refused| refused.fault)
    });
    let too_much = [" ".repeat(65_537), "<!---->".repeat(16_385)].map(|much| {
        let body = format!(
            "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Header>\
             <a xmlns=\"urn:a\">{much}</a></s:Header></s:Envelope>"
        );
        read_request(body.as_bytes(), None, &[], Operation::SendTestMessage).err().map(|refused| refused.fault)
    });
    elsewhere.into_iter().chain(of_messages).chain(too_much.into_iter().flatten()).collect()
}

#[test]
fn the_client_reads_every_fault_of_the_service() {
    let faults = faults();
    let codes: BTreeSet<_> = faults.iter().map(Fault::code).collect();
    assert_eq!(codes, Fault::table().map(|row| row.code()).collect(), "every code has a fault here");
    let someone = EnterpriseNumber::parse("0999010126").expect("valid check digits");
    let drawn = (select(faults), select(vec![Operation::ConsultAttributes, Operation::SendTestMessage]));
    let case = (drawn, option::of(customer(someone)), handling());
    let run = TestRunner::new(super::config()).run(&case, |((fault, operation), customer, handling)| {
        let body = write_fault(&fault, operation, handling, customer.as_ref(), &Addressing::default());
        let answer = match operation {
            Operation::ConsultAttributes => hear_fault::<ConsultResponse>(&body),
            Operation::SendTestMessage => hear_fault::<TestResponse>(&body),
        };
        let Some((code, heard)) = answer else {
            prop_assert!(false, "{}", String::from_utf8_lossy(&body));
            return Ok(());
        };
        prop_assert_eq!(code.code(), fault.fault_code().name());
        prop_assert_eq!(heard.faultcode, format!("soap:{}", fault.fault_code().name()));
        prop_assert_eq!(heard.faultstring, fault.faultstring());
        prop_assert_eq!(heard.faultactor, None);
        let message = FaultMessage {
            severity: "FATAL".to_owned(),
            reason_code: fault.code().to_owned(),
            diagnostic: fault.diagnostic(),
            author_code: heard_author(heard.detail.as_ref()),
            information: Vec::new(),
        };
        let detail = CbssFault {
            information_customer: customer.as_ref().map(hear_customer),
            information_cbss: hear_handling(handling),
            detail: vec![message],
        };
        let expected = match operation {
            _ if !fault.has_detail() => None,
            Operation::ConsultAttributes => Some(FaultDetail { consult: Some(detail), test: None }),
            Operation::SendTestMessage => Some(FaultDetail { consult: None, test: Some(detail) }),
        };
        prop_assert!(heard.detail == expected, "{}", String::from_utf8_lossy(&body));
        Ok(())
    });
    run.unwrap_or_else(|failure| panic!("{failure}"));
}

type HeardFault = (envelope::FaultCode, client::messages::Fault);

fn hear_fault<M: Message>(body: &[u8]) -> Option<HeardFault> {
    match envelope::read::<M>(body) {
        Ok(Reply::Fault(code, fault)) => Some((code, *fault)),
        Ok(Reply::Response(_)) | Err(_) => None,
    }
}

/// The author is the service: always the same name, and not empty.
fn heard_author(detail: Option<&FaultDetail>) -> String {
    let of_either = detail.and_then(|detail| detail.consult.as_ref().or(detail.test.as_ref()));
    let author = of_either.and_then(|fault| fault.detail.first()).map(|message| message.author_code.clone());
    author.filter(|author| !author.is_empty()).unwrap_or_default()
}
