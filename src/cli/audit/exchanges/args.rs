//! Arguments that select exchanges.

use clap::Args;

use super::outcome_class::OutcomeClass;
use super::period::{parse_from, parse_to};
use crate::config::parse_legal_context;
use ehealth_core::model::{Application, EndUser, EnterpriseNumber, LegalContext, OutcomeCode, Timestamp};

/// Which exchanges are read. An argument that is given several times selects each of its values.
#[derive(Debug, Args, Default)]
pub struct FilterArguments {
    /// From this day in Brussels, YYYY-MM-DD, or from this time, with its zone
    #[arg(long, value_name = "DAY|TIME", value_parser = parse_from)]
    pub from: Option<Timestamp>,
    /// To this day in Brussels, or to this time; both included
    #[arg(long, value_name = "DAY|TIME", value_parser = parse_to)]
    pub to: Option<Timestamp>,
    /// Organisation in the certificate of the caller, ten digits; may be given several times
    #[arg(long, visible_alias = "consumer", value_name = "NUMBER", value_parser = parse_number)]
    pub caller: Vec<EnterpriseNumber>,
    /// Organisation on behalf of which the caller asked; may be given several times
    #[arg(long, value_name = "NUMBER", value_parser = parse_number)]
    pub organisation: Vec<EnterpriseNumber>,
    /// Organisation that brought messages of others; may be given several times
    #[arg(long, value_name = "NUMBER", value_parser = parse_number)]
    pub relay: Vec<EnterpriseNumber>,
    /// Application in the certificate of the caller; may be given several times
    #[arg(long, value_name = "NAME", value_parser = parse_application)]
    pub application: Vec<Application>,
    /// Legal context of the question: advisory-physician, prevention-service, ehealth-platform, or the
    /// code of another one; may be given several times
    #[arg(long, value_name = "CONTEXT", value_parser = parse_legal_context)]
    pub legal_context: Vec<LegalContext>,
    /// Code of the status or fault, such as MSG00000; may be given several times
    #[arg(long, value_name = "CODE", value_parser = parse_code)]
    pub code: Vec<OutcomeCode>,
    /// How the exchange ended: answered, empty, refused, failed; may be given several times
    #[arg(long, value_name = "WORD", value_parser = parse_class)]
    pub outcome: Vec<OutcomeClass>,
    /// Quality of the end user, such as ADVISORY_PHYSICIAN; may be given several times. It is in the
    /// encrypted detail: this alone needs the keys of the months
    #[arg(long, value_name = "QUALITY", value_parser = parse_quality)]
    pub quality: Vec<String>,
}

fn parse_number(text: &str) -> Result<EnterpriseNumber, String> {
    EnterpriseNumber::parse(text).map_err(|error| error.to_string())
}

fn parse_application(text: &str) -> Result<Application, String> {
    Application::parse(text).map_err(|error| error.to_string())
}

fn parse_code(text: &str) -> Result<OutcomeCode, String> {
    OutcomeCode::parse(text).ok_or_else(|| "no status or fault has this code: see docs/reference/codes.md".to_owned())
}

fn parse_class(text: &str) -> Result<OutcomeClass, String> {
    OutcomeClass::parse(text)
        .ok_or_else(|| format!("expected one of {}", OutcomeClass::ALL.map(OutcomeClass::code).join(", ")))
}

fn parse_quality(text: &str) -> Result<String, String> {
    if EndUser::is_text(text) { Ok(text.to_owned()) } else { Err("expected 1 to 64 characters".to_owned()) }
}
