//! Validation of responses: each status, each contradiction, and the verdicts. The literals follow
//! `docs/reference/contract.md`.

use super::answer::WrongDate::{NotADate, OutsideGrant};
use super::answer::{Answer, Outcome, WrongDates};
use super::envelope::{self, Reply};
use super::messages::ConsultResponse;
use super::not_understood::NotUnderstood;
use super::question::Question;
use super::validate::validate_answer;
use super::verdict::{Disclosed, NoVerdict};
use ehealth_core::model::{CbeNumber, CustomerId, Dataset, Date, EnterpriseNumber, Field, LegalContext, Ssin, Window};

const SSIN: &str = "85073099932";
const CRITERIA: &str = "<criteria><ssin>85073099932</ssin><referenceDate>2026-01-15</referenceDate></criteria>";
const FOUND: &str = "<status><value>DATA_FOUND</value><code>MSG00000</code></status>";
const RESULT: &str = "<sources><source name=\"dimona\">DATA_FOUND</source><source name=\"coprev\">DATA_FOUND</source>\
    <source name=\"federated\">DATA_FOUND</source><source name=\"insurance\">DATA_FOUND</source></sources><result><ssin>85073099932</ssin>\
    <employment><employer><cbeNumber>0999100394</cbeNumber></employer><period><beginDate>2016-02-01</beginDate></period>\
    <preventionService><cbeNumber>0999100394</cbeNumber><type>INTERNAL</type>\
    <affiliation><beginDate>2017-01-01</beginDate></affiliation></preventionService>\
    <preventionService><cbeNumber>0999020123</cbeNumber><type>EXTERNAL</type>\
    <affiliation><beginDate>2014-01-01</beginDate><endDate>2030-12-31</endDate></affiliation></preventionService>\
    </employment><healthInsuranceFund><cbeNumber>0999010126</cbeNumber></healthInsuranceFund></result>";

/// `sources` with these statuses: F found, N none, R no result, E error.
fn sources(statuses: [(&str, char); 4]) -> String {
    let source = |(name, status): (&str, char)| {
        let status = match status {
            'F' => "DATA_FOUND",
            'N' => "NO_DATA_FOUND",
            'R' => "NO_RESULT",
            _ => "TECHNICAL_ERROR",
        };
        format!("<source name=\"{name}\">{status}</source>")
    };
    ["<sources>".to_owned(), statuses.map(source).concat(), "</sources>".to_owned()].concat()
}

/// `sources` of dimona, coprev, federated and insurance, a letter each.
fn four(letters: &str) -> String {
    let mut letters = letters.chars();
    sources(["dimona", "coprev", "federated", "insurance"].map(|name| (name, letters.next().expect("four"))))
}

fn day(text: &str) -> Date {
    Date::parse(text).expect("a day")
}

fn number(text: &str) -> EnterpriseNumber {
    EnterpriseNumber::parse(text).expect("right check digits")
}

fn question() -> Question {
    let fund = CustomerId::Cbe(CbeNumber::parse("0999010126").expect("ten digits"));
    Question::new(fund, LegalContext::ADVISORY_PHYSICIAN, Ssin::parse(SSIN).expect("right")).on(day("2026-01-15"))
}

fn answer_to(question: &Question, rest: &str) -> Result<Answer, NotUnderstood> {
    let document = format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>\
         <m:consultAttributesResponse xmlns:m=\"http://kszbcss.fgov.be/intf/eHealthAttributesService/v1\">\
         <informationCustomer><customerIdentification><cbeNumber>0999010126</cbeNumber></customerIdentification>\
         </informationCustomer><informationCBSS><ticketCBSS>5f0c3a52-1c1e-4b5e-9d0a-6d7a3c2b1e0f</ticketCBSS>\
         <timestampReceive>2026-01-15T09:30:00.125Z</timestampReceive>\
         <timestampReply>2026-01-15T09:30:00.127Z</timestampReply></informationCBSS>\
         <legalContext>BACKTOWORK:ADVISORY_PHYSICIAN</legalContext>{rest}</m:consultAttributesResponse></s:Body></s:Envelope>"
    );
    match envelope::read::<ConsultResponse>(document.as_bytes())? {
        Reply::Response(response) => validate_answer(question, response),
        Reply::Fault(..) => panic!("a fault"),
    }
}

fn answer(rest: &str) -> Result<Answer, NotUnderstood> {
    answer_to(&question(), rest)
}

fn status(value: &str, code: &str, information: &[(&str, Option<&str>)]) -> String {
    let entries: String = information
        .iter()
        .map(|(name, value)| {
            let value = value.map(|value| format!("<fieldValue>{value}</fieldValue>")).unwrap_or_default();
            ["<information><fieldName>", name, "</fieldName>", &value, "</information>"].concat()
        })
        .collect();
    format!("<status><value>{value}</value><code>{code}</code><description>So.</description>{entries}</status>")
}

#[test]
fn the_internal_service_is_the_competent_one() {
    let answer = answer(&format!("{CRITERIA}{FOUND}{RESULT}")).expect("of the contract");
    let competent = answer.competent_service(day("2026-01-15")).expect("a day that was asked");
    let [competence] = competent.as_slice() else { panic!("one employment") };
    assert_eq!(competence.employment.employer, Some(number("0999100394")));
    let Disclosed::Found(service) = competence.service else { panic!("{:?}", competence.service) };
    assert_eq!(service.number, Some(number("0999100394")));
    assert_eq!(answer.fund(), Disclosed::Found(number("0999010126")));
    assert_eq!(answer.competent_service(day("2026-01-16")), Err(NoVerdict::DayNotAsked));
}

#[test]
fn each_day_of_a_window_has_its_own_service() {
    let window = Window::from_days(day("2025-12-01"), day("2026-01-31")).expect("not reversed");
    let question = question().between(window);
    let criteria = "<criteria><ssin>85073099932</ssin><period><beginDate>2025-12-01</beginDate>\
                    <endDate>2026-01-31</endDate></period></criteria>";
    let service = |number, begin, end| {
        format!(
            "<preventionService><cbeNumber>{number}</cbeNumber><type>EXTERNAL</type><affiliation>\
             <beginDate>{begin}</beginDate>{end}</affiliation></preventionService>"
        )
    };
    let services =
        service("0999020123", "2026-01-01", "") + &service("0999020222", "2010-01-01", "<endDate>2025-12-30</endDate>");
    let result = format!(
        "<result><employment><employer><cbeNumber>0999100295</cbeNumber></employer>\
         <period><beginDate>2005-01-03</beginDate><endDate>2026-01-20</endDate></period>{services}</employment></result>"
    );
    let sources = four("FFNN");
    let answer = answer_to(&question, &format!("{criteria}{FOUND}{sources}{result}")).expect("of the contract");
    let of = |text| {
        let verdicts = answer.competent_service(day(text)).expect("a day that was asked");
        verdicts.first().map(|competence| match competence.service {
            Disclosed::Found(service) => service.number,
            Disclosed::Nothing => None,
            other @ (Disclosed::Unsure(..) | Disclosed::Filtered | Disclosed::NotAnswered) => panic!("{other:?}"),
        })
    };
    assert_eq!(of("2025-12-30"), Some(Some(number("0999020222"))));
    assert_eq!(of("2025-12-31"), Some(None), "employed, and no service");
    assert_eq!(of("2026-01-01"), Some(Some(number("0999020123"))));
    assert_eq!(of("2026-01-21"), None, "not employed");
    assert_eq!(answer.fund(), Disclosed::Nothing);
}

#[test]
fn missing_dataset_makes_unsure_only_what_it_could_change() {
    let missing = |source| {
        let status = status("INCOMPLETE_DATA", "HAN20200", &[("source", Some(source))]);
        let found = format!("<source name=\"{source}\">DATA_FOUND");
        let result = RESULT.replace(&found, &found.replace("DATA_FOUND", "TECHNICAL_ERROR"));
        format!("{CRITERIA}{status}{result}")
    };
    let verdict = |source| {
        let answer = answer(&missing(source)).expect("of the contract");
        let competent = answer.competent_service(day("2026-01-15")).expect("an employment");
        let sure = matches!(competent.first().map(|first| first.service), Some(Disclosed::Found(_)));
        (sure, matches!(answer.fund(), Disclosed::Found(_)))
    };
    assert_eq!(verdict("coprev"), (true, true), "the internal service takes precedence over any Co-Prev data");
    assert_eq!(verdict("federated"), (false, true));
    assert_eq!(verdict("insurance"), (true, false));

    let incomplete = status("INCOMPLETE_DATA", "HAN20200", &[("source", Some("dimona"))]);
    let nothing = format!("{CRITERIA}{incomplete}{}", four("ERRN"));
    let answer = answer(&nothing).expect("of the contract");
    let dimona = [Dataset::Dimona].into_iter().collect();
    assert_eq!(answer.competent_service(day("2026-01-15")), Err(NoVerdict::CouldNotLook(dimona)));
}

#[test]
fn nothing_is_said_of_what_was_not_looked_at() {
    // Without a result, the missing dataset may be one that shows the relation: then the service has
    // looked at nothing.
    for dataset in Dataset::ALL {
        let missing = [dataset].into_iter().collect();
        let incomplete = status("INCOMPLETE_DATA", "HAN20200", &[("source", Some(dataset.code()))]);
        let unasked = ["dimona", "coprev", "federated", "insurance"]
            .map(|name| (name, if name == dataset.code() { 'E' } else { 'R' }));
        let rest = format!("{CRITERIA}{incomplete}{}", sources(unasked));
        let answer = answer(&rest).expect("of the contract");
        assert_eq!(answer.competent_service(day("2026-01-15")), Err(NoVerdict::CouldNotLook(missing)));
        assert_eq!(answer.fund(), Disclosed::Unsure(None, missing));
        assert_eq!(answer.employments_missing(), missing);
    }
    // With a result the relation was shown, and only what reads the dataset is open.
    let fund_only = "<result><healthInsuranceFund><cbeNumber>0999010126</cbeNumber></healthInsuranceFund></result>";
    for (dataset, employments, letters) in
        [(Dataset::Coprev, true, "NERF"), (Dataset::Dimona, false, "ERRF"), (Dataset::Persons, false, "RRRF")]
    {
        let sources = four(letters);
        let incomplete = status("INCOMPLETE_DATA", "HAN20200", &[("source", Some(dataset.code()))]);
        let answer = answer(&format!("{CRITERIA}{incomplete}{sources}{fund_only}")).expect("of the contract");
        assert_eq!(answer.competent_service(day("2026-01-15")).is_ok(), employments, "{}", dataset.code());
    }
    // A list that has an employment may lack another.
    let incomplete = status("INCOMPLETE_DATA", "HAN20200", &[("source", Some("persons"))]);
    let answer = answer(&format!("{CRITERIA}{incomplete}{RESULT}")).expect("of the contract");
    assert_eq!(answer.competent_service(day("2026-01-15")).map(|list| list.len()), Ok(1));
    assert_eq!(answer.employments_missing(), [Dataset::Persons].into_iter().collect());
}

#[test]
fn no_employment_is_an_empty_list() {
    let rest = format!("{CRITERIA}{}{}", status("NO_DATA_FOUND", "MSG00100", &[]), four("NRRN"));
    let answer = answer(&rest).expect("of the contract");
    assert_eq!(answer.competent_service(day("2026-01-15")), Ok(Vec::new()));
    assert_eq!(answer.fund(), Disclosed::Nothing);
}

#[test]
fn excluded_fields_give_filtered_and_not_nothing() {
    let paths: String = (3..=8)
        .chain([9])
        .filter_map(Field::from_number)
        .map(|field| ["<filteredElement>", field.path(), "</filteredElement>"].concat())
        .collect();
    let result = "<result><employment><employer><cbeNumber>0999100394</cbeNumber></employer></employment></result>";
    let sources = "<sources><source name=\"dimona\">DATA_FOUND</source></sources>";
    let rest = format!("{CRITERIA}{FOUND}<dataFilters>{paths}</dataFilters>{sources}{result}");
    let answer = answer(&rest).expect("of the contract");
    let competent = answer.competent_service(day("2026-01-15")).expect("an employment");
    assert_eq!(competent.first().map(|first| first.service), Some(Disclosed::Filtered));
    assert_eq!(answer.fund(), Disclosed::Filtered);
}

#[test]
fn each_status_is_read_with_its_information() {
    let replaced = Ssin::parse("85073199902").expect("right check digits");
    for (rest, wanted) in [
        (status("NO_RESULT", "MSG00013", &[]), Outcome::NoGrant),
        (status("NO_RESULT", "MSG00011", &[]), Outcome::NotAnSsin),
        (
            status("NO_RESULT", "MSG00008", &[("referenceDate", Some("NOT_A_DATE"))]),
            Outcome::WrongDates(WrongDates::ReferenceDate(NotADate)),
        ),
        (
            status("NO_RESULT", "MSG00008", &[("beginDate", Some("OUTSIDE_GRANT"))]),
            Outcome::WrongDates(WrongDates::BeginDate(OutsideGrant)),
        ),
        (
            status("NO_RESULT", "MSG00008", &[("beginDate", Some("OUTSIDE_GRANT")), ("endDate", Some("NOT_A_DATE"))]),
            Outcome::WrongDates(WrongDates::BothDates { begin: OutsideGrant, end: NotADate }),
        ),
        (status("NO_RESULT", "MSG00008", &[("period", Some("REVERSED"))]), Outcome::WrongDates(WrongDates::Reversed)),
        (
            format!(
                "{CRITERIA}{}",
                status("NO_RESULT", "MSG00012", &[("ssin", Some(SSIN)), ("cbeNumber", Some("0999010126"))])
            ),
            Outcome::NoRelation,
        ),
        (
            format!("{CRITERIA}{}", status("NO_RESULT", "MSG00006", &[("newSSIN", Some("85073199902"))])),
            Outcome::Replaced { by: replaced },
        ),
    ] {
        let answer = answer(&rest).unwrap_or_else(|reason| panic!("{reason}: {rest}"));
        assert_eq!(answer.status.outcome, wanted);
        assert_eq!(answer.fund(), Disclosed::NotAnswered);
        assert_eq!(answer.competent_service(day("2026-01-15")), Err(NoVerdict::NotAnswered));
        assert!(!format!("{answer:?}").contains("850730"), "{answer:?}");
    }
}

/// The element of a replaced SSIN.
const ANNOTATED: &str = "<ssin replacedBy=\"85073199902\">85073099932</ssin>";

#[test]
fn an_annotated_ssin_is_read() {
    let by = Ssin::parse("85073199902").expect("right check digits");
    let annotated = answer(&format!("{CRITERIA}{FOUND}{ANNOTATED}{RESULT}")).expect("of the contract");
    assert_eq!((annotated.replaced_by, annotated.outcome()), (Some(by), Outcome::DataFound));
    assert!(!format!("{annotated:?}").contains("850730"), "{annotated:?}");
}

#[test]
fn contradicting_parts_are_refused() {
    let replaced = status("NO_RESULT", "MSG00006", &[("newSSIN", Some("85073199902"))]);
    for (rest, wanted) in [
        (format!("{CRITERIA}{FOUND}{}", four("NNNN")), NotUnderstood::Contradiction("result")),
        (format!("{CRITERIA}{FOUND}"), NotUnderstood::Contradiction("sources")),
        (
            format!("{CRITERIA}{FOUND}{}", RESULT.replace("\"coprev\">DATA", "\"coprev\">NO_DATA")),
            NotUnderstood::Contradiction("sources"),
        ),
        (
            format!("{CRITERIA}{FOUND}{}", RESULT.replace("\"coprev\">DATA_FOUND", "\"coprev\">TECHNICAL_ERROR")),
            NotUnderstood::Contradiction("sources"),
        ),
        (
            format!("{CRITERIA}{FOUND}{}", RESULT.replace("<source name=\"coprev\">DATA_FOUND</source>", "")),
            NotUnderstood::Contradiction("sources"),
        ),
        (format!("{CRITERIA}{replaced}{}", four("NNNN")), NotUnderstood::Contradiction("sources")),
        (
            format!("{CRITERIA}{FOUND}{}", RESULT.replace("\"coprev\"", "\"co-prev\"")),
            NotUnderstood::Value("sources/source/@name"),
        ),
        (
            format!("{CRITERIA}{FOUND}{}", RESULT.replace("\"coprev\">DATA_FOUND", "\"coprev\">FOUND")),
            NotUnderstood::Value("sources/source"),
        ),
        (format!("{CRITERIA}{FOUND}{}", RESULT.replace("\"coprev\"", "\"dimona\"")), NotUnderstood::Shape),
        (format!("{FOUND}{RESULT}"), NotUnderstood::Contradiction("criteria")),
        (
            format!("{CRITERIA}{replaced}{}", RESULT.split_once("</sources>").expect("has sources").1),
            NotUnderstood::Contradiction("result"),
        ),
        (format!("{CRITERIA}{replaced}{ANNOTATED}"), NotUnderstood::Contradiction("ssin")),
        (format!("{CRITERIA}{FOUND}<ssin>{SSIN}</ssin>{RESULT}"), NotUnderstood::Value("ssin/@replacedBy")),
        (
            format!("{CRITERIA}{FOUND}<dataFilters><filteredElement>ssin</filteredElement></dataFilters>{RESULT}"),
            NotUnderstood::Contradiction("result"),
        ),
        (
            format!("{CRITERIA}{replaced}<dataFilters><filteredElement>ssin</filteredElement></dataFilters>"),
            NotUnderstood::Contradiction("dataFilters"),
        ),
        (
            format!("{CRITERIA}{FOUND}<dataFilters><filteredElement>name</filteredElement></dataFilters>{RESULT}"),
            NotUnderstood::Value("dataFilters/filteredElement"),
        ),
        (format!("{CRITERIA}{}", status("DATA_FOUND", "MSG00100", &[])), NotUnderstood::Value("status/value")),
        (format!("{CRITERIA}{}", status("DATA_FOUND", "MSG99999", &[])), NotUnderstood::Value("status/code")),
        (format!("{CRITERIA}{}", status("NO_RESULT", "MSG00006", &[])), NotUnderstood::Value("status/information")),
    ] {
        assert_eq!(answer(&rest).err(), Some(wanted), "{rest}");
    }
}

#[test]
fn invalid_values_are_refused() {
    for (right, wrong, element) in [
        ("0999100394</cbeNumber></employer>", "0999100395</cbeNumber></employer>", "employment/employer/cbeNumber"),
        ("<type>INTERNAL", "<type>internal", "employment/preventionService/type"),
        ("2016-02-01", "2016-02-30", "employment/period"),
        ("2030-12-31", "2013-12-31", "employment/preventionService/affiliation"),
        ("0999010126</cbeNumber></health", "2999010126</cbeNumber></health", "healthInsuranceFund/cbeNumber"),
    ] {
        let rest = format!("{CRITERIA}{FOUND}{}", RESULT.replace(right, wrong));
        assert_eq!(answer(&rest).err(), Some(NotUnderstood::Value(element)));
    }
}

#[test]
fn answer_to_another_question_is_refused() {
    let other = |rest: String| answer(&rest).err();
    let found = format!("{FOUND}{RESULT}");
    assert_eq!(
        other(format!("{}{found}", CRITERIA.replace(SSIN, "85073199902"))),
        Some(NotUnderstood::AnotherQuestion("criteria/ssin"))
    );
    assert_eq!(
        other(format!("{}{found}", CRITERIA.replace("2026-01-15", "2026-01-16"))),
        Some(NotUnderstood::AnotherQuestion("criteria/referenceDate"))
    );
    assert_eq!(
        other(format!("{CRITERIA}{FOUND}{}", RESULT.replace(SSIN, "85073199902"))),
        Some(NotUnderstood::AnotherQuestion("result/ssin"))
    );
    let ticketed = question().with_ticket("mine").expect("short");
    assert_eq!(
        answer_to(&ticketed, &format!("{CRITERIA}{found}")).err(),
        Some(NotUnderstood::AnotherQuestion("informationCustomer"))
    );
}
