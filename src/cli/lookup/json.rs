//! An answer as JSON, with keys that do not change.
//!
//! Contains every number of the answer, SSINs included: it is for the person who asked, and must
//! not go to a log.
//!
//! # Keys
//!
//! The names of the contract, in its order. An absent value is `null` or an empty list; no key is
//! ever missing. Days are `YYYY-MM-DD`, timestamps are UTC with milliseconds, and numbers of
//! organisations and persons are strings.
//!
//! | key | value |
//! |---|---|
//! | `informationCustomer` | `ticket`, `timestampSent`, `cbeNumber`, `sector`, `institution` |
//! | `informationCBSS` | `ticketCBSS`, `timestampReceive`, `timestampReply` |
//! | `legalContext` | the text |
//! | `criteria` | `null`, or `ssin`, `beginDate`, `endDate` (the same day for a reference date) |
//! | `status` | `value`, `code`, `description`, `information` (list of `fieldName`, `fieldValue`) |
//! | `ssin` | `null`, or `ssin`, `replacedBy`: the SSIN of the question was replaced |
//! | `dataFilters` | list of paths |
//! | `sources` | list of `name`, `status` |
//! | `result` | `null`, or `ssin`, `employment` (list), `healthInsuranceFund` |
//! | `result.employment[]` | `employer`, `beginDate`, `endDate`, `preventionService` (list of `cbeNumber`, `type`, `beginDate`, `endDate`) |
//! | `verdict` | conclusion for the last requested day: `on`, `competentService`, `employmentsMissing`, `healthInsuranceFund` |
//! | `verdict.competentService` | `null` if there is no conclusion, or a list with one entry per employment on that day: `employer`, `outcome`, `cbeNumber`, `missing` |
//! | `verdict.employmentsMissing` | datasets that were missing or stale and could add employments to that list |
//! | `verdict.healthInsuranceFund` | `outcome`, `cbeNumber`, `missing` |
//!
//! `outcome` is `FOUND`, `NOTHING`, `UNSURE` (a dataset in `missing` could change it), `FILTERED`
//! or `NOT_ANSWERED`.

use serde_json::{Value, json};

use client::{Answer, Disclosed, Employment, PreventionService};
use ehealth_core::model::{
    CriteriaDates, CustomerId, Dataset, DatasetSet, Date, EnterpriseNumber, Field, ServiceKind, Ssin,
};

/// The answer as JSON.
#[must_use]
pub(super) fn write(answer: &Answer) -> Value {
    let (cbe, sector, institution) = match answer.customer.id {
        CustomerId::Cbe(number) => (Some(number.to_string()), None, None),
        CustomerId::Pair { sector, institution } => (None, Some(sector.as_u16()), Some(institution.as_u16())),
    };
    let status = &answer.status;
    let information: Vec<_> =
        status.information.iter().map(|it| json!({ "fieldName": it.name, "fieldValue": it.value })).collect();
    json!({
        "informationCustomer": {
            "ticket": answer.customer.ticket,
            "timestampSent": answer.customer.timestamp_sent,
            "cbeNumber": cbe,
            "sector": sector,
            "institution": institution,
        },
        "informationCBSS": {
            "ticketCBSS": answer.ticket.as_str(),
            "timestampReceive": answer.received.to_string(),
            "timestampReply": answer.replied.to_string(),
        },
        "legalContext": answer.legal_context,
        "criteria": answer.criteria.map(|criteria| json!({
            "ssin": digits(criteria.ssin),
            "beginDate": criteria.window().from().to_string(),
            "endDate": criteria.window().to().to_string(),
        })),
        "status": {
            "value": status.outcome.value(),
            "code": status.outcome.code(),
            "description": status.description,
            "information": information,
        },
        "ssin": answer.replaced_by.zip(answer.criteria).map(|(by, criteria)| json!({
            "ssin": digits(criteria.ssin),
            "replacedBy": digits(by),
        })),
        "dataFilters": answer.filtered.iter().map(Field::path).collect::<Vec<_>>(),
        "sources": answer.sources.iter().map(|(dataset, status)| json!({
            "name": dataset.code(),
            "status": status.code(),
        })).collect::<Vec<_>>(),
        "result": answer.result.as_ref().map(|result| json!({
            "ssin": result.ssin.map(digits),
            "employment": result.employments.iter().map(employment_json).collect::<Vec<_>>(),
            "healthInsuranceFund": result.fund.map(|fund| fund.to_string()),
        })),
        "verdict": answer.criteria.map(|criteria| verdict_json(answer, match criteria.dates {
            CriteriaDates::ReferenceDate(day) => day,
            CriteriaDates::Period(window) => window.to(),
        })),
    })
}

fn employment_json(employment: &Employment) -> Value {
    let service = |service: &PreventionService| {
        json!({
            "cbeNumber": service.number.map(|number| number.to_string()),
            "type": service.kind.map(ServiceKind::code),
            "beginDate": service.affiliation.map(|period| period.begin().to_string()),
            "endDate": service.affiliation.and_then(|period| period.end()).map(|end| end.to_string()),
        })
    };
    json!({
        "employer": employment.employer.map(|number| number.to_string()),
        "beginDate": employment.period.map(|period| period.begin().to_string()),
        "endDate": employment.period.and_then(|period| period.end()).map(|end| end.to_string()),
        "preventionService": employment.services.iter().map(service).collect::<Vec<_>>(),
    })
}

fn verdict_json(answer: &Answer, day: Date) -> Value {
    let competent = answer.competent_service(day).ok().map(|competences| {
        let one = |employment: &Employment, service| {
            let mut value = finding_json(service);
            value["employer"] = json!(employment.employer.map(|number| number.to_string()));
            value
        };
        competences.iter().map(|it| one(it.employment, number_of(it.service))).collect::<Vec<_>>()
    });
    json!({
        "on": day.to_string(),
        "competentService": competent,
        "employmentsMissing": answer.employments_missing().iter().map(Dataset::code).collect::<Vec<_>>(),
        "healthInsuranceFund": finding_json(match answer.fund() {
            Disclosed::Found(fund) => Disclosed::Found(Some(fund)),
            Disclosed::Unsure(fund, missing) => Disclosed::Unsure(Some(fund), missing),
            Disclosed::Nothing => Disclosed::Nothing,
            Disclosed::Filtered => Disclosed::Filtered,
            Disclosed::NotAnswered => Disclosed::NotAnswered,
        }),
    })
}

/// The service's number alone, which the grant may leave out.
fn number_of(finding: Disclosed<&PreventionService>) -> Disclosed<Option<EnterpriseNumber>> {
    match finding {
        Disclosed::Found(service) => Disclosed::Found(service.number),
        Disclosed::Unsure(service, missing) => Disclosed::Unsure(service.map(|service| service.number), missing),
        Disclosed::Nothing => Disclosed::Nothing,
        Disclosed::Filtered => Disclosed::Filtered,
        Disclosed::NotAnswered => Disclosed::NotAnswered,
    }
}

fn finding_json(finding: Disclosed<Option<EnterpriseNumber>>) -> Value {
    let (word, number, missing) = match finding {
        Disclosed::Found(number) => ("FOUND", number, DatasetSet::EMPTY),
        Disclosed::Nothing => ("NOTHING", None, DatasetSet::EMPTY),
        Disclosed::Unsure(number, missing) => ("UNSURE", number.flatten(), missing),
        Disclosed::Filtered => ("FILTERED", None, DatasetSet::EMPTY),
        Disclosed::NotAnswered => ("NOT_ANSWERED", None, DatasetSet::EMPTY),
    };
    json!({
        "outcome": word,
        "cbeNumber": number.map(|number| number.to_string()),
        "missing": missing.iter().map(Dataset::code).collect::<Vec<_>>(),
    })
}

fn digits(ssin: Ssin) -> String {
    ssin.digits().into_iter().map(char::from).collect()
}
