//! Validates a response: every value is parsed, and compared with the question.
//!
//! An [`Answer`] that a call returns passed these checks, so that what [`super::answer`] says of it
//! holds.

use super::answer::{
    Answer, Employment, Findings, Information, Outcome, PreventionService, Status, TestReply, WrongDates,
};
use super::mask::mask_ssins;
use super::messages;
use super::not_understood::NotUnderstood;
use super::question::Question;
use super::ticket::CbssTicket;
use ehealth_core::model::{
    CbeNumber, Criteria, CriteriaDates, Customer, CustomerId, Dataset, DatasetSet, Date, EnterpriseNumber, Field,
    FieldSet, OutcomeCode, PairNumber, Period, ServiceKind, SourceStatus, Sources, Ssin, StatusCode, Timestamp, Window,
};

/// Validates the response to `question`.
pub(super) fn validate_answer(
    question: &Question,
    response: messages::ConsultResponse,
) -> Result<Answer, NotUnderstood> {
    let asked = question.message();
    if response.information_customer != asked.information_customer {
        return Err(NotUnderstood::AnotherQuestion("informationCustomer"));
    }
    if response.legal_context != asked.legal_context {
        return Err(NotUnderstood::AnotherQuestion("legalContext"));
    }
    let exchange = validate_exchange(&response.information_cbss)?;
    let answer = Answer {
        customer: validate_customer(response.information_customer)?,
        ticket: exchange.ticket,
        received: exchange.received,
        replied: exchange.replied,
        legal_context: response.legal_context,
        criteria: response
            .criteria
            .as_ref()
            .map(|criteria| validate_criteria(&asked.criteria, criteria))
            .transpose()?,
        status: validate_status(&asked.criteria, response.status)?,
        replaced_by: response.ssin.map(|ssin| validate_annotated(&asked.criteria, &ssin)).transpose()?,
        sources: response.sources.map_or(Ok(Sources::default()), |sources| validate_sources(&sources))?,
        filtered: response.data_filters.map_or(Ok(FieldSet::EMPTY), |filters| validate_filters(&filters))?,
        result: response.result.map(|result| validate_result(&asked.criteria, &result)).transpose()?,
    };
    check_parts(answer)
}

/// Validates the response to `sendTestMessage` with this echo. `consumer` is the name in its
/// `X-Consumer`.
pub(super) fn validate_test(
    echo: &str,
    response: &messages::TestResponse,
    consumer: Option<String>,
) -> Result<TestReply, NotUnderstood> {
    if response.echo != echo {
        return Err(NotUnderstood::AnotherQuestion("echo"));
    }
    let exchange = validate_exchange(&response.information_cbss)?;
    Ok(TestReply {
        ticket: exchange.ticket,
        received: exchange.received,
        replied: exchange.replied,
        ssl_certificate: mask_ssins(&response.ssl_certificate),
        consumer: consumer.as_deref().map(mask_ssins),
    })
}

struct Exchange {
    ticket: CbssTicket,
    received: Timestamp,
    replied: Timestamp,
}

fn validate_exchange(information: &messages::InformationCbss) -> Result<Exchange, NotUnderstood> {
    let moment = |text: &str, element| Timestamp::parse(text.trim()).map_err(|_| NotUnderstood::Value(element));
    Ok(Exchange {
        ticket: CbssTicket::parse(&information.ticket_cbss).ok_or(NotUnderstood::Value("ticketCBSS"))?,
        received: moment(&information.timestamp_receive, "timestampReceive")?,
        replied: moment(&information.timestamp_reply, "timestampReply")?,
    })
}

fn validate_customer(customer: messages::InformationCustomer) -> Result<Customer, NotUnderstood> {
    let small = |text: &str, element| match text.trim().parse() {
        Ok(number @ 0..=999) => Ok(PairNumber::written(number, text.trim().len())),
        _ => Err(NotUnderstood::Value(element)),
    };
    let organization = customer.customer_identification;
    let id = match (organization.cbe_number, organization.sector, organization.institution) {
        (Some(number), None, None) => {
            CustomerId::Cbe(CbeNumber::parse(&number).ok_or(NotUnderstood::Value("cbeNumber"))?)
        }
        (None, Some(sector), Some(institution)) => {
            CustomerId::Pair { sector: small(&sector, "sector")?, institution: small(&institution, "institution")? }
        }
        _ => return Err(NotUnderstood::Shape),
    };
    Ok(Customer { ticket: customer.ticket, timestamp_sent: customer.timestamp_sent, id })
}

fn validate_date(text: &str, element: &'static str) -> Result<Date, NotUnderstood> {
    Date::parse(text).map_err(|_| NotUnderstood::Value(element))
}

fn validate_criteria(asked: &messages::Criteria, answered: &messages::Criteria) -> Result<Criteria, NotUnderstood> {
    if asked.ssin != answered.ssin {
        return Err(NotUnderstood::AnotherQuestion("criteria/ssin"));
    }
    let ssin = Ssin::parse(&answered.ssin).map_err(|_| NotUnderstood::Value("criteria/ssin"))?;
    let same = |asked: &str, answered: Date, element| match Date::parse(asked) {
        Ok(day) if day != answered => Err(NotUnderstood::AnotherQuestion(element)),
        // A date that was sent as text can have a time zone or blanks, which the service omits.
        Ok(_) | Err(_) => Ok(()),
    };
    let dates = match (&answered.reference_date, &answered.period, &asked.reference_date, &asked.period) {
        (Some(answered), None, asked, None) => {
            let day = validate_date(answered, "criteria/referenceDate")?;
            if let Some(asked) = asked {
                same(asked, day, "criteria/referenceDate")?;
            }
            CriteriaDates::ReferenceDate(day)
        }
        (None, Some(answered), None, Some(asked)) => {
            let begin = validate_date(&answered.begin_date, "criteria/period/beginDate")?;
            let end = validate_date(&answered.end_date, "criteria/period/endDate")?;
            same(&asked.begin_date, begin, "criteria/period/beginDate")?;
            same(&asked.end_date, end, "criteria/period/endDate")?;
            CriteriaDates::Period(Window::from_days(begin, end).map_err(|_| NotUnderstood::Value("criteria/period"))?)
        }
        _ => return Err(NotUnderstood::AnotherQuestion("criteria")),
    };
    Ok(Criteria { ssin, dates })
}

fn validate_status(asked: &messages::Criteria, status: messages::Status) -> Result<Status, NotUnderstood> {
    let information: Vec<_> = status
        .information
        .into_iter()
        .map(|information| Information { name: information.field_name, value: information.field_value })
        .collect();
    let outcome = validate_outcome(asked, &status.code, &information)?;
    if status.value != outcome.value() {
        return Err(NotUnderstood::Value("status/value"));
    }
    Ok(Status { outcome, description: status.description.as_deref().map(mask_ssins), information })
}

fn validate_outcome(
    asked: &messages::Criteria,
    code: &str,
    information: &[Information],
) -> Result<Outcome, NotUnderstood> {
    let status = OutcomeCode::parse(code).and_then(OutcomeCode::status).ok_or(NotUnderstood::Value("status/code"))?;
    let wrong = || NotUnderstood::Value("status/information");
    let pairs: Vec<_> = information.iter().map(|entry| (entry.name.as_str(), entry.value.as_deref())).collect();
    let without_information = |outcome| if pairs.is_empty() { Ok(outcome) } else { Err(wrong()) };
    match status {
        StatusCode::NoGrant => without_information(Outcome::NoGrant),
        StatusCode::NotAnSsin => without_information(Outcome::NotAnSsin),
        StatusCode::WrongDates => validate_wrong_dates(&pairs).map(Outcome::WrongDates).ok_or_else(wrong),
        StatusCode::NoRelation => match pairs.as_slice() {
            [("ssin", Some(number)), ("cbeNumber", Some(organization))] => {
                if *number != asked.ssin {
                    return Err(NotUnderstood::AnotherQuestion("status/information"));
                }
                EnterpriseNumber::parse(organization).map_err(|_| wrong())?;
                Ok(Outcome::NoRelation)
            }
            _ => Err(wrong()),
        },
        StatusCode::Replaced => match pairs.as_slice() {
            [("newSSIN", Some(number))] => Ssin::parse(number).map(|by| Outcome::Replaced { by }).map_err(|_| wrong()),
            _ => Err(wrong()),
        },
        StatusCode::Incomplete if pairs.is_empty() => Err(wrong()),
        StatusCode::Incomplete => validate_missing(&pairs).map(Outcome::Incomplete),
        StatusCode::DataFound => without_information(Outcome::DataFound),
        StatusCode::NoDataFound => without_information(Outcome::NoDataFound),
    }
}

/// The dates that have exactly these names and reasons, in this order.
fn validate_wrong_dates(information: &[(&str, Option<&str>)]) -> Option<WrongDates> {
    let is_same =
        |dates: &WrongDates| dates.fields().map(|(name, why)| (name, Some(why))).eq(information.iter().copied());
    WrongDates::all().find(is_same)
}

fn validate_annotated(asked: &messages::Criteria, ssin: &messages::AnnotatedSsin) -> Result<Ssin, NotUnderstood> {
    if ssin.ssin != asked.ssin {
        return Err(NotUnderstood::AnotherQuestion("ssin"));
    }
    let by = ssin.replaced_by.as_deref().ok_or(NotUnderstood::Value("ssin/@replacedBy"))?;
    Ssin::parse(by).map_err(|_| NotUnderstood::Value("ssin/@replacedBy"))
}

/// The sources, each once, in the order of the contract.
fn validate_sources(sources: &messages::Sources) -> Result<Sources, NotUnderstood> {
    let mut validated = Sources::default();
    for source in &sources.source {
        let dataset =
            source.name.as_deref().and_then(Dataset::parse).ok_or(NotUnderstood::Value("sources/source/@name"))?;
        let status = SourceStatus::parse(&source.status).ok_or(NotUnderstood::Value("sources/source"))?;
        if validated.iter().last().is_some_and(|(before, _)| dataset <= before) {
            return Err(NotUnderstood::Shape);
        }
        validated = validated.with(dataset, status);
    }
    if sources.source.is_empty() { Err(NotUnderstood::Shape) } else { Ok(validated) }
}

fn validate_missing(sources: &[(&str, Option<&str>)]) -> Result<DatasetSet, NotUnderstood> {
    let validate = |source: &(&str, Option<&str>)| match source {
        ("source", Some(name)) => Dataset::parse(name).ok_or(NotUnderstood::Value("status/information")),
        _ => Err(NotUnderstood::Value("status/information")),
    };
    sources.iter().map(validate).collect()
}

fn validate_filters(filters: &messages::DataFilters) -> Result<FieldSet, NotUnderstood> {
    let wrong = NotUnderstood::Value("dataFilters/filteredElement");
    let validate = |path: &String| Field::ALL.into_iter().find(|field| field.path() == path).ok_or(wrong);
    let fields: FieldSet = filters.filtered_element.iter().map(validate).collect::<Result<_, _>>()?;
    if fields.is_empty() { Err(NotUnderstood::Shape) } else { Ok(fields) }
}

fn validate_result(asked: &messages::Criteria, result: &messages::ResultElement) -> Result<Findings, NotUnderstood> {
    if result.ssin.as_ref().is_some_and(|ssin| *ssin != asked.ssin) {
        return Err(NotUnderstood::AnotherQuestion("result/ssin"));
    }
    let ssin = result.ssin.as_deref().map(Ssin::parse).transpose().map_err(|_| NotUnderstood::Value("result/ssin"))?;
    let fund = result.health_insurance_fund.as_ref();
    Ok(Findings {
        ssin,
        employments: result.employment.iter().map(validate_employment).collect::<Result<_, _>>()?,
        fund: fund.map(|fund| validate_number(&fund.cbe_number, "healthInsuranceFund/cbeNumber")).transpose()?,
    })
}

fn validate_employment(employment: &messages::Employment) -> Result<Employment, NotUnderstood> {
    let employer = employment.employer.as_ref();
    Ok(Employment {
        employer: employer.map(|employer| validate_number(&employer.cbe_number, Field::Employer.path())).transpose()?,
        period: employment.period.as_ref().map(|period| validate_period(period, "employment/period")).transpose()?,
        services: employment.prevention_service.iter().map(validate_service).collect::<Result<_, _>>()?,
    })
}

fn validate_service(service: &messages::PreventionService) -> Result<PreventionService, NotUnderstood> {
    let wrong = NotUnderstood::Value("employment/preventionService/type");
    let kind = service.kind.as_deref().map(|kind| ServiceKind::parse(kind).ok_or(wrong)).transpose()?;
    let affiliation = service.affiliation.as_ref();
    let number = service.cbe_number.as_deref();
    Ok(PreventionService {
        number: number.map(|number| validate_number(number, "employment/preventionService/cbeNumber")).transpose()?,
        kind,
        affiliation: affiliation
            .map(|period| validate_period(period, "employment/preventionService/affiliation"))
            .transpose()?,
    })
}

fn validate_number(text: &str, element: &'static str) -> Result<EnterpriseNumber, NotUnderstood> {
    EnterpriseNumber::parse(text).map_err(|_| NotUnderstood::Value(element))
}

fn validate_period(period: &messages::OpenPeriod, element: &'static str) -> Result<Period, NotUnderstood> {
    let begin = validate_date(&period.begin_date, element)?;
    let end = period.end_date.as_deref().map(|end| validate_date(end, element)).transpose()?;
    Period::from_days(begin, end).map_err(|_| NotUnderstood::Value(element))
}

/// Checks that the parts that a status requires are present, and no other
/// (`docs/reference/contract.md` "Status").
fn check_parts(answer: Answer) -> Result<Answer, NotUnderstood> {
    let (criteria, filters, result) = (answer.criteria.is_some(), !answer.filtered.is_empty(), answer.result.is_some());
    if answer.replaced_by.is_some() && !answer.status.outcome.is_answered() {
        return Err(NotUnderstood::Contradiction("ssin"));
    }
    if !sources_fit(&answer) {
        return Err(NotUnderstood::Contradiction("sources"));
    }
    let (needs_criteria, may_filter) = match answer.status.outcome {
        Outcome::DataFound | Outcome::Incomplete(_) | Outcome::NoDataFound => (true, true),
        Outcome::Replaced { .. } | Outcome::NoRelation => (true, false),
        Outcome::WrongDates(_) | Outcome::NotAnSsin | Outcome::NoGrant => (false, false),
    };
    let fits = match answer.status.outcome {
        Outcome::DataFound => result,
        Outcome::Incomplete(_) => true,
        Outcome::NoDataFound
        | Outcome::Replaced { .. }
        | Outcome::NoRelation
        | Outcome::WrongDates(_)
        | Outcome::NotAnSsin
        | Outcome::NoGrant => !result,
    };
    if criteria != needs_criteria {
        return Err(NotUnderstood::Contradiction("criteria"));
    }
    if filters && !may_filter {
        return Err(NotUnderstood::Contradiction("dataFilters"));
    }
    let has_filtered = answer.result.iter().flat_map(fields_of).any(|field| answer.filtered.contains(field));
    if !fits || has_filtered {
        return Err(NotUnderstood::Contradiction("result"));
    }
    Ok(answer)
}

/// Whether the sources are those of the grant, and say what status and result say.
fn sources_fit(answer: &Answer) -> bool {
    let named: DatasetSet = answer.sources.iter().map(|(dataset, _)| dataset).collect();
    if !answer.status.outcome.is_answered() {
        return named.is_empty();
    }
    let missing = answer.status.outcome.missing();
    let findings = answer.result.as_ref();
    let employments = findings.map_or(&[][..], |findings| &findings.employments);
    let has_service = |kind| employments.iter().flat_map(|it| &it.services).any(|it| it.kind.is_none_or(|k| k == kind));
    let has_data = |dataset| match dataset {
        Dataset::Dimona => !employments.is_empty(),
        Dataset::Coprev => has_service(ServiceKind::External),
        Dataset::Federated => has_service(ServiceKind::Internal),
        Dataset::Insurance => findings.is_some_and(|findings| findings.fund.is_some()),
        Dataset::Persons => false,
    };
    named == answer.filtered.complement().carriers()
        && answer.sources.iter().all(|(dataset, status)| match status {
            SourceStatus::TechnicalError => missing.contains(dataset),
            SourceStatus::DataFound => has_data(dataset) && !missing.contains(dataset),
            SourceStatus::NoDataFound | SourceStatus::NoResult => !has_data(dataset) && !missing.contains(dataset),
        })
}

/// Fields that are present, once for each occurrence.
fn fields_of(findings: &Findings) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut note = |field, is_present: bool| fields.extend(is_present.then_some(field));
    note(Field::Ssin, findings.ssin.is_some());
    note(Field::HealthInsuranceFund, findings.fund.is_some());
    for employment in &findings.employments {
        note(Field::Employer, employment.employer.is_some());
        note(Field::EmploymentBegin, employment.period.is_some());
        for service in &employment.services {
            note(Field::PreventionService, service.number.is_some());
            note(Field::PreventionServiceType, service.kind.is_some());
            note(Field::AffiliationBegin, service.affiliation.is_some());
        }
    }
    fields
}
