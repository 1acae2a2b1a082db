//! Asks the questions of standard input with the client of `examples/rust`, whose types are generated; see
//! ../steps.sh.

use std::collections::HashMap;
use std::error::Error;
use std::io::{self, BufRead};
use std::time::Duration;
use std::{env, fs};

use router::contract::attr::{
    CriteriaContent16Type, CriteriaType, PreventionServiceTypeCodeType, SourceNameType, SourceStatusType,
};
use router::contract::common::{InformationCustomerType, OpenPeriodType, OrganizationIdentificationType, PeriodType};
use router::contract::intf::{ConsultAttributesRequest, ConsultAttributesResponse};
use router::{Client, Identity};

fn open(word: &str) -> Result<Client, Box<dyn Error>> {
    let clients = env::var("INTEROP_CLIENTS")?;
    let identity = Identity {
        authority: fs::read(env::var("INTEROP_CA")?)?,
        certificate: fs::read(format!("{clients}/{word}.pem"))?,
        key: fs::read(format!("{clients}/{word}.key"))?,
    };
    Ok(Client::new(&env::var("INTEROP_URL")?, &identity, Duration::from_secs(30))?)
}

fn period(days: &OpenPeriodType) -> String {
    format!("[{}..{}]", days.begin_date, days.end_date.as_deref().unwrap_or_default())
}

fn disclosed(reply: &ConsultAttributesResponse) -> String {
    let Some(result) = &reply.result else { return String::new() };
    let mut filtered = reply.data_filters.iter().flat_map(|filters| &filters.filtered_element);
    let is_filtered = filtered.any(|element| element == "employment/preventionService/cbeNumber");
    let mut parts = Vec::new();
    for employment in &result.employment {
        let mut text = employment.employer.as_ref().map_or_else(String::new, |employer| employer.cbe_number.clone());
        text += &employment.period.as_ref().map_or_else(String::new, period);
        if !is_filtered {
            let services = employment.prevention_service.iter().map(|service| {
                let kind = match service.type_ {
                    Some(PreventionServiceTypeCodeType::Internal) => "INTERNAL",
                    Some(PreventionServiceTypeCodeType::External) => "EXTERNAL",
                    None => "",
                };
                let days = service.affiliation.as_ref().map_or_else(String::new, period);
                format!("{kind} {}{days}", service.cbe_number.as_deref().unwrap_or_default())
            });
            text += &format!("{{{}}}", services.collect::<Vec<_>>().join(", "));
        }
        parts.push(text);
    }
    parts.extend(result.health_insurance_fund.iter().map(|fund| format!("fund {}", fund.cbe_number)));
    parts.join("; ")
}

fn person(reply: &ConsultAttributesResponse) -> String {
    let annotated = reply.ssin.as_ref().and_then(|ssin| Some((&ssin.content, ssin.replaced_by.as_ref()?)));
    match annotated {
        Some((ssin, replaced_by)) => format!("{ssin}>{replaced_by}"),
        None => reply.result.as_ref().and_then(|result| result.ssin.clone()).unwrap_or_default(),
    }
}

fn sources(reply: &ConsultAttributesResponse) -> String {
    let listed = reply.sources.iter().flat_map(|sources| &sources.source).map(|source| {
        let name = match source.name {
            SourceNameType::Dimona => "dimona",
            SourceNameType::Coprev => "coprev",
            SourceNameType::Federated => "federated",
            SourceNameType::Insurance => "insurance",
        };
        let status = match source.content {
            SourceStatusType::DataFound => "DATA_FOUND",
            SourceStatusType::NoDataFound => "NO_DATA_FOUND",
            SourceStatusType::NoResult => "NO_RESULT",
            SourceStatusType::TechnicalError => "TECHNICAL_ERROR",
        };
        format!("{name} {status}")
    });
    listed.collect::<Vec<_>>().join(", ")
}

fn consult(client: &Client, fields: [&str; 7]) -> Result<String, router::Error> {
    let [case, _, number, context, ssin, begin, end] = fields.map(str::to_owned);
    let days = match (begin.as_str(), end.as_str()) {
        ("-", "-") => None,
        (_, "-") => Some(CriteriaContent16Type::ReferenceDate(begin)),
        _ => Some(CriteriaContent16Type::Period(PeriodType { begin_date: begin, end_date: end })),
    };
    let question = ConsultAttributesRequest {
        information_customer: InformationCustomerType {
            ticket: Some(case.clone()),
            timestamp_sent: None,
            customer_identification: OrganizationIdentificationType::CbeNumber(number),
        },
        information_cbss: None,
        legal_context: context,
        criteria: CriteriaType { ssin, content_16: days },
    };
    match client.consult(question, None) {
        Ok(reply) => {
            let texts = [&case, &reply.status.code, &disclosed(&reply), &person(&reply), &sources(&reply)];
            Ok(texts.map(String::as_str).join("\t"))
        }
        Err(error) => match error.reason_code() {
            Some(code) => Ok(format!("{case}\t{code}\t\t\t")),
            None => Err(error),
        },
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("VERSION\txsd-parser {}, Rust", env::var("INTEROP_VERSION")?);
    let mut callers = HashMap::new();
    for line in io::stdin().lock().lines() {
        let line = line?;
        let fields: [&str; 7] =
            line.split('\t').collect::<Vec<_>>().try_into().map_err(|_| format!("not seven fields: {line}"))?;
        let [case, word, _, context, ..] = fields;
        if !callers.contains_key(word) {
            callers.insert(word.to_owned(), open(word)?);
        }
        let client = &callers[word];
        if context == "-" {
            println!("{case}\tECHO\t{}\t\t", client.test(case)?.echo);
        } else {
            println!("{}", consult(client, fields)?);
        }
    }
    Ok(())
}
