//! Prints the competent prevention service of each person. See `../README.md`.
//!
//! usage: router SSIN...

use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs, thread};

use router::contract::attr::{
    CriteriaType, EmploymentType, PreventionServiceType, PreventionServiceTypeCodeType, SourceNameType,
    SourceStatusType,
};
use router::contract::common::{InformationCustomerType, OrganizationIdentificationType};
use router::contract::intf::{ConsultAttributesRequest, ConsultAttributesResponse};
use router::{Client, Error, Identity};

const ATTEMPTS: u32 = 3;
/// The service answers in milliseconds. 30 s is longer than every queue in it, and shorter than a user's patience.
const ANSWER_SECONDS: f64 = 30.0;
const DEFAULT_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// An attempt without an answer: what to print, and the pause before the next attempt, if there may be one.
struct Failed {
    class: &'static str,
    what: String,
    wait: Option<Duration>,
}

impl Failed {
    fn refused(what: impl Into<String>) -> Self {
        Self { class: "refused", what: what.into(), wait: None }
    }

    fn later(what: impl Into<String>, retry_after: Option<Duration>) -> Self {
        let wait = retry_after.unwrap_or(DEFAULT_WAIT).min(LONGEST_WAIT);
        Self { class: "later", what: what.into(), wait: Some(wait) }
    }
}

// [retry]
/// What an error means for the same question.
impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        match &error {
            Error::Fault { fault, retry_after } => match error.reason_code() {
                // Faults of the service itself: the question was not answered.
                Some(code @ ("MSG90053" | "MSG00003")) => Self::later(code, *retry_after),
                Some("MSG90052") if retry_after.is_some() => Self::later("MSG90052", *retry_after),
                code => Self::refused(code.unwrap_or(&fault.faultcode)),
            },
            Error::Http { status: status @ (429 | 503), retry_after } => {
                Self::later(format!("http {status}"), *retry_after)
            }
            Error::Http { status, .. } => Self::refused(format!("http {status}")),
            // The question may have been answered and recorded. Asking again is safe, but gives a second record.
            Error::Timeout => Self { class: "later", what: "timeout".to_owned(), wait: None },
            Error::NoAnswer(_) => Self::later("connection", None),
            Error::Connection(_)
            | Error::BrokenOff(_)
            | Error::Unreadable(_)
            | Error::AnotherMessage
            | Error::Unwritable(_) => {
                eprintln!("router: {error}");
                Self { class: "later", what: "connection".to_owned(), wait: None }
            }
        }
    }
}
// [/retry]

/// The service, as one organisation.
struct Directory {
    client: Client,
    organisation: String,
    legal_context: String,
}

impl Directory {
    // [call]
    fn ask_once(&self, ssin: &str) -> Result<ConsultAttributesResponse, Error> {
        let question = ConsultAttributesRequest {
            information_customer: InformationCustomerType {
                ticket: None,
                timestamp_sent: None,
                customer_identification: OrganizationIdentificationType::CbeNumber(self.organisation.clone()),
            },
            information_cbss: None,
            legal_context: self.legal_context.clone(),
            // Without a date, the question is about today in Brussels. The generator numbers the field of the choice.
            criteria: CriteriaType { ssin: ssin.to_owned(), content_16: None },
        };
        self.client.consult(question, None)
    }
    // [/call]

    /// The reply about one person, after at most three attempts.
    fn ask(&self, ssin: &str) -> Result<ConsultAttributesResponse, Failed> {
        let mut attempt = 1;
        loop {
            let failed = match self.ask_once(ssin) {
                Ok(reply) => return Ok(reply),
                Err(error) => Failed::from(error),
            };
            match failed.wait {
                Some(wait) if attempt < ATTEMPTS => thread::sleep(wait),
                _ => return Err(failed),
            }
            attempt += 1;
        }
    }

    /// The reply about one person, under the number that the person has now.
    fn ask_about(&self, ssin: &str) -> Result<ConsultAttributesResponse, Failed> {
        let reply = self.ask(ssin)?;
        let replacement = reply.status.information.iter().find(|fact| fact.field_name == "newSSIN");
        match replacement.and_then(|fact| fact.field_value.as_deref()) {
            // The number was replaced. Keep the new one: your next question should use it.
            Some(new) if reply.status.code == "MSG00006" => self.ask(new),
            _ => Ok(reply),
        }
    }

    /// The lines about one person, without the SSIN.
    fn lines(&self, ssin: &str) -> Vec<String> {
        let reply = match self.ask_about(ssin) {
            Ok(reply) => reply,
            Err(Failed { class, what, .. }) => return vec![format!("{class}\t{what}")],
        };
        let none = format!("none\t{}", reply.status.code);
        let employments = reply.result.as_ref().map_or(&[][..], |result| &result.employment);
        if employments.is_empty() {
            return vec![none];
        }
        let is_complete = knows_internal_services(&reply);
        // Newest first: the service sorts them.
        let line = |employment| competent(employment, is_complete).map_or_else(|| none.clone(), service_line);
        employments.iter().map(line).collect()
    }
}

// [route]
/// Whether the answer would show an internal service if there was one.
fn knows_internal_services(reply: &ConsultAttributesResponse) -> bool {
    let mut sources = reply.sources.iter().flat_map(|sources| &sources.source);
    reply.status.code != "HAN20200"
        || sources.any(|source| {
            matches!(source.name, SourceNameType::Federated)
                && matches!(source.content, SourceStatusType::DataFound | SourceStatusType::NoDataFound)
        })
}

/// The competent service of an employment, if it is known.
fn competent(employment: &EmploymentType, is_complete: bool) -> Option<&PreventionServiceType> {
    let services = &employment.prevention_service;
    let is_internal =
        |service: &&PreventionServiceType| matches!(service.type_, Some(PreventionServiceTypeCodeType::Internal));
    services.iter().find(is_internal).or_else(|| services.first().filter(|_| is_complete))
}

fn service_line(service: &PreventionServiceType) -> String {
    let kind = match service.type_ {
        Some(PreventionServiceTypeCodeType::Internal) => "INTERNAL",
        Some(PreventionServiceTypeCodeType::External) => "EXTERNAL",
        // The grant leaves it out.
        None => "",
    };
    let begin = service.affiliation.as_ref().map_or("", |period| &period.begin_date);
    format!("service\t{}\t{kind}\t{begin}", service.cbe_number.as_deref().unwrap_or_default())
}
// [/route]

fn required(name: &str) -> Result<String, String> {
    env::var(name).ok().filter(|text| !text.is_empty()).ok_or_else(|| format!("{name} is not set"))
}

fn read_file(name: &str) -> Result<Vec<u8>, String> {
    let path = required(name)?;
    fs::read(&path).map_err(|error| format!("{name}: {path}: {error}"))
}

fn open() -> Result<Directory, String> {
    let url = required("EHEALTH_URL")?;
    let identity = Identity {
        authority: read_file("EHEALTH_CA")?,
        certificate: read_file("EHEALTH_CERTIFICATE")?,
        key: read_file("EHEALTH_KEY")?,
    };
    let seconds = match env::var("EHEALTH_TIMEOUT_SECONDS").ok().filter(|text| !text.is_empty()) {
        Some(text) => text.parse().map_err(|_| format!("EHEALTH_TIMEOUT_SECONDS is {text}, not a number"))?,
        None => ANSWER_SECONDS,
    };
    let limit = Duration::try_from_secs_f64(seconds).map_err(|error| format!("EHEALTH_TIMEOUT_SECONDS: {error}"))?;
    Ok(Directory {
        client: Client::new(&url, &identity, limit).map_err(|error| error.to_string())?,
        organisation: required("EHEALTH_ORGANISATION")?,
        legal_context: required("EHEALTH_LEGAL_CONTEXT")?,
    })
}

fn main() -> ExitCode {
    let ssins: Vec<String> = env::args().skip(1).collect();
    let opened = if ssins.is_empty() { Err("give one or more SSINs as arguments".to_owned()) } else { open() };
    let directory = match opened {
        Ok(directory) => directory,
        Err(complaint) => {
            eprintln!("router: {complaint}");
            return ExitCode::from(2);
        }
    };
    for ssin in &ssins {
        for line in directory.lines(ssin) {
            println!("{ssin}\t{line}");
        }
    }
    ExitCode::SUCCESS
}
