//! Expectations about a policy file: questions, each with the decision that it must get. Operators
//! write them, and `policy test` compares them with the decisions of the service's own code.
//!
//! ```toml
//! policy = "policy.toml"                 # default of --policy; relative to this file
//!
//! [[expect]]
//! name = "the fund asks about its insured"  # default: none
//! cbe = "0999010126"                     # organisation in the caller's certificate
//! application = "RETURN TO WORK"         # application in it; default: none
//! customer = "0999010126"                # on whose behalf; default: the caller
//! legal_context = "BACKTOWORK:ADVISORY_PHYSICIAN"
//! end_user = true                        # whether the question names an end user; default: false
//! ssin = "85073099932"                   # default: a valid synthetic one
//! date = "2026-01-15"                    # reference date; or from and to; default: the day of the question
//! on = "2026-01-15"                      # day of the question; default: today
//! verdict = "permitted"                  # or "refused"
//! rule = "granted"                       # default: any
//! fields = [1, 2, 3, 4]                  # fields that may be disclosed; default: not checked
//! relation = "insured"                   # relation that the data must show; default: not checked
//! ```

use std::path::{Path, PathBuf};

use super::document::{Section, parse, read_text};
use super::origin::Problems;
use super::policy_values::{one_of, parse_customer, read_date, read_fields, read_organisation, read_relation};
use super::value::Value;
use ehealth_core::model::{
    Application, AskedDates, CbeNumber, CustomerId, Date, EnterpriseNumber, FieldSet, Ssin, SsinError,
};
use ehealth_core::policy::{Relation, Rule};

/// SSIN of a question that names none: a valid number that belongs to no person.
const DEFAULT_SSIN: &str = "85073099932";

/// A question as an operator describes it: who asks, in which legal context, about whom and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedQuestion {
    /// Organisation in the caller's certificate.
    pub caller: EnterpriseNumber,
    /// Application in the caller's certificate.
    pub application: Option<Application>,
    /// Customer on whose behalf the caller asks.
    pub customer: CustomerId,
    /// Legal context, as in the message.
    pub legal_context: String,
    /// Whether the question names an end user.
    pub has_end_user: bool,
    /// SSIN of the person, or why the text is not one.
    pub ssin: Result<Ssin, SsinError>,
    /// Days of the question.
    pub dates: AskedDates,
    /// Day on which the question is asked; `None`: today.
    pub on: Option<Date>,
}

impl DescribedQuestion {
    /// The SSIN of this text; without one, a valid number that belongs to no person.
    ///
    /// # Errors
    /// [`SsinError`]: a decision may expect it.
    pub fn ssin(text: Option<&str>) -> Result<Ssin, SsinError> {
        Ssin::parse(text.unwrap_or(DEFAULT_SSIN))
    }
}

ehealth_core::closed_enum! {
    /// What becomes of a question.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Verdict {
        /// It may be looked up.
        Permitted => "permitted",
        /// It is refused, with a status or a fault.
        Refused => "refused",
    }
}

/// A question with the decision that it must get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// Name for people.
    pub name: Option<String>,
    /// Line on which it begins.
    pub line: usize,
    /// The question.
    pub question: DescribedQuestion,
    /// The verdict.
    pub verdict: Verdict,
    /// The rule that decides, if it is checked.
    pub rule: Option<Rule>,
    /// The fields that may be disclosed, if they are checked.
    pub fields: Option<FieldSet>,
    /// The relation that the data must show, if it is checked.
    pub relation: Option<Relation>,
}

/// The content of a file of expectations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectations {
    /// The policy file that it names.
    pub policy: Option<PathBuf>,
    /// Its expectations, in their order.
    pub expectations: Vec<Expectation>,
}

/// Reads and validates a file of expectations.
///
/// # Errors
/// Every error of the file.
pub fn read_expectations(file: &Path) -> Result<Expectations, Problems> {
    parse(file, &read_text(file)?, |root| {
        let folder = file.parent().unwrap_or(Path::new(""));
        let policy = root.optional("policy", |value| Ok(folder.join(value.text()?)));
        let sections = root.sections("expect");
        if sections.is_empty() {
            root.report("there is no [[expect]]: nothing would be checked");
        }
        let total = sections.len();
        let expectations: Vec<_> = sections.into_iter().filter_map(read_expectation).collect();
        (expectations.len() == total).then_some(Expectations { policy, expectations })
    })
}

fn read_expectation(mut section: Section<'_>) -> Option<Expectation> {
    let line = section.line();
    let name = section.optional("name", |value| value.text().map(str::to_owned));
    let question = read_question(&mut section);
    let verdict = section.required("verdict", |value| {
        Verdict::parse(value.text()?).ok_or_else(|| one_of(&Verdict::ALL.map(Verdict::code)))
    });
    let rule =
        section.optional("rule", |value| Rule::parse(value.text()?).ok_or_else(|| one_of(&Rule::ALL.map(Rule::code))));
    let fields = section.optional("fields", read_fields);
    let relation = section.optional("relation", read_relation);
    if verdict == Some(Verdict::Refused) && (fields.is_some() || relation.is_some()) {
        section.report("a refused question discloses nothing: remove fields and relation");
    }
    section.finish();
    Some(Expectation { name, line, question: question?, verdict: verdict?, rule, fields, relation })
}

fn read_question(section: &mut Section<'_>) -> Option<DescribedQuestion> {
    let caller = section.required("cbe", read_organisation);
    let application =
        section.optional("application", |value| Application::parse(value.text()?).map_err(|error| error.to_string()));
    let customer = section.optional("customer", |value| parse_customer(value.text()?));
    let legal_context = section.required("legal_context", |value| value.text().map(str::to_owned));
    let has_end_user = section.optional("end_user", Value::truth).unwrap_or(false);
    let ssin = section.optional("ssin", |value| value.text().map(str::to_owned));
    let dates = read_dates(section);
    let on = section.optional("on", read_date);
    let own = caller.map(|caller| CustomerId::Cbe(CbeNumber::from(caller)));
    Some(DescribedQuestion {
        caller: caller?,
        application,
        customer: customer.or(own)?,
        legal_context: legal_context?,
        has_end_user,
        ssin: DescribedQuestion::ssin(ssin.as_deref()),
        dates: dates?,
        on,
    })
}

/// Reads the dates. An invalid one is not an error here: a decision may expect it.
fn read_dates(section: &mut Section<'_>) -> Option<AskedDates> {
    let mut text = |key| section.optional(key, |value| value.text().map(str::to_owned));
    match (text("date"), text("from"), text("to")) {
        (None, None, None) => Some(AskedDates::Today),
        (Some(date), None, None) => Some(AskedDates::ReferenceDate(Date::parse(&date))),
        (None, Some(from), Some(to)) => Some(AskedDates::Period { begin: Date::parse(&from), end: Date::parse(&to) }),
        _ => {
            section.report("give date, or from and to, or none of them");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Expectations, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("expect.toml");
        std::fs::write(&file, text).expect("written");
        let read = read_expectations(&file);
        read.map_err(|problems| problems.to_string().replace(&format!("{}", file.display()), "FILE"))
    }

    #[test]
    fn an_expectation_needs_a_question_and_a_verdict() {
        let text = "[[expect]]\ncbe = \"0999010126\"\nlegal_context = \"A\"\nverdict = \"refused\"\n";
        let expectations = read(text).expect("no errors").expectations;
        assert_eq!((expectations[0].line, expectations[0].verdict, expectations[0].rule), (1, Verdict::Refused, None));
        assert_eq!(expectations[0].question.dates, AskedDates::Today);
        assert!(expectations[0].question.ssin.is_ok());
    }

    #[test]
    fn every_error_is_reported() {
        assert_eq!(read("").expect_err("nothing"), "FILE: there is no [[expect]]: nothing would be checked");
        let text = "[[expect]]\ncbe = \"0999010126\"\ndate = \"2026-01-15\"\nfrom = \"2026-01-15\"\n\
                    verdict = \"refused\"\nrule = \"allowed\"\nfields = [1]\nperson = 1\n";
        let errors = read(text).expect_err("errors");
        for part in [
            "FILE:1: expect[1].legal_context: is missing",
            "FILE:1: expect[1]: give date, or from and to, or none of them",
            "FILE:1: expect[1]: a refused question discloses nothing: remove fields and relation",
            "FILE:6: expect[1].rule: must be one of message-signature, no-organisation,",
            "FILE:8: expect[1].person: unknown key; valid keys: application, cbe,",
        ] {
            assert!(errors.contains(part), "{part}\nis not in\n{errors}");
        }
    }
}
