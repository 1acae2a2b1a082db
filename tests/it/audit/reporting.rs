//! The report for a person: everything that was recorded, in four languages, as text and JSON, and
//! no SSIN.

use std::fs;

use audit_log::report::{DisclosedOrganisations, Format, Glossary, Report};
use audit_log::{AuditLog, IndexUse, KeyFolder, MissingKeys, Whom, find};
use ehealth_core::lookup::ExchangeRecord;
use ehealth_core::model::{
    Application, Digest, EnterpriseNumber, Field, FieldSet, Language, LegalContext, StatusCode, Translated,
};
use ehealth_core::policy::ContextDefinition;

use super::harness::*;

/// The name of one organisation, and the purposes of the built-in contexts under every policy.
struct Words;

impl Glossary for Words {
    fn organisation(&self, number: EnterpriseNumber, _: Option<Digest>) -> Option<String> {
        (number == enterprise(4_000_000)).then(|| "Brouwerij \"De Kroon\" & <Zonen>".to_owned())
    }

    fn application(&self, _: EnterpriseNumber, application: Application, _: Option<Digest>) -> Option<String> {
        Some(format!("Software {application}"))
    }

    fn purpose(&self, context: LegalContext, _: Option<Digest>) -> Option<Translated> {
        ContextDefinition::built_in(context).map(|definition| definition.purpose)
    }
}

/// Three exchanges about a person: all fields disclosed, refused, and one in a month without its
/// key.
fn report() -> Report {
    let dir = tempfile::tempdir().expect("a folder");
    let settings = settings(dir.path());
    let clock = clock("2026-11-22T05:19:00Z");
    let log = AuditLog::open(&settings, clock.clone()).expect("opened");
    record(&log, ExchangeRecord { fields: FieldSet::ALL, ..entry(1, person(1)) }).expect("durable");
    record(&log, ExchangeRecord { subject: Some(person(1)), ..bare_entry(2) }).expect("durable");
    clock.set(moment("2026-12-22T05:19:00Z"));
    record(&log, entry(3, person(1))).expect("durable");
    clock.set(moment("2027-01-22T05:19:00Z"));
    record(&log, entry(4, person(1))).expect("durable");
    log.close();
    fs::remove_file(settings.keys.join("detail-2026-12.key")).expect("there");
    fs::remove_file(settings.keys.join("subject-2027.key")).expect("there");
    let keys = KeyFolder::open(&settings.keys, MissingKeys::Refuse).expect("there");
    let found = find(&settings.folder, &keys, IndexUse::Keep, &Whom::Subject(person(1)), None).expect("readable");
    Report::new(found, moment("2027-02-01T08:00:00Z"), None, &Words)
}

#[test]
fn the_text_report_names_caller_time_ground_and_data() {
    let text = report().render(Format::Text, Language::English);
    let organisation = enterprise(8_093_944);
    let first = format!(
        "\n1.\n  Date and time: 22 November 2026, 06:19:00 CET\n  Asked by: 0202239951\n  \
         Software application: Software RETURN TO WORK (RETURN TO WORK)\n  In the capacity of: ADVISORY_PHYSICIAN\n  On behalf of: {organisation}\n  \
                 Legal basis: Back to work: eHealth platform\n  Deliberation: 16/108\n  \
                 Requested period: 1 January 2026 to 22 November 2026 inclusive\n  Data disclosed: identification number (SSIN); employer;"
    );
    assert!(text.contains(&first), "{text}");
    for part in [
        "Brouwerij \"De Kroon\" & <Zonen> (0400000",
        "\nRefused or failed attempts: nothing was disclosed\n\n1.\n  Date and time: 22 November 2026, 06:19:00 CET\n  Asked by: unknown\n",
        "Data disclosed: nothing was disclosed",
        "Organisations named in the answer: not readable here: the key of this month is not available here",
        "This overview may be incomplete:\n  - the year 2027 cannot be searched here: the key of that year is not available here",
        "Number of consultations: 2",
        "Number of refused or failed attempts: 1",
        "Result: found and disclosed (MSG00000)",
        "Result: not answered: the question was refused or failed (SOA-01001)",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn every_language_translates_everything() {
    let report = report();
    for format in [Format::Text, Format::Json] {
        let written = Language::ALL.map(|language| report.render(format, language));
        for (one, text) in written.iter().enumerate() {
            assert!(written.iter().skip(one + 1).all(|other| other != text));
            let digits = person(1).digits();
            assert!(!text.contains(std::str::from_utf8(&digits).expect("digits")), "a number of a person");
        }
    }
    let dutch = report.render(Format::Text, Language::Dutch);
    assert!(dutch.contains("Meegedeelde gegevens: identificatienummer (INSZ); werkgever; begin van de tewerkstelling"));
    assert!(
        report
            .render(Format::Text, Language::French)
            .contains("Base légale\u{a0}: Retour au travail\u{a0}: plate-forme eHealth")
    );
    assert_eq!(Language::ALL.map(Language::code).map(Language::parse), Language::ALL.map(Some));
    assert_eq!(Language::parse("es"), None);
}

#[test]
fn the_json_report_has_codes_and_words() {
    let json = report().render(Format::Json, Language::German);
    let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((value["complete"].as_bool(), value["language"].as_str()), (Some(false), Some("de")));
    let first = &value["disclosures"][0];
    assert_eq!(first["fields"].as_array().map(Vec::len), Some(Field::ALL.len()));
    assert_eq!(first["fields"][8]["path"], "healthInsuranceFund/cbeNumber");
    assert_eq!(first["fields"][8]["name"], "Krankenkasse");
    assert_eq!(first["organisationsDisclosed"][0]["name"], "Brouwerij \"De Kroon\" & <Zonen>");
    assert_eq!(first["legalContext"]["code"], "BACKTOWORK:EHEALTH_PLATFORM");
    assert_eq!(value["refusedAttempts"][0]["caller"], serde_json::Value::Null);
    assert_eq!(value["disclosures"][1]["detail"], "keyMissing");
    assert_eq!(value["disclosures"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        (&first["outcome"]["code"], &first["outcome"]["name"]),
        (&"MSG00000".into(), &"gefunden und mitgeteilt".into())
    );
    assert_eq!(first["ticketCBSS"].as_str().map(str::len), Some(36));
}

#[test]
fn a_key_is_destroyed_only_where_a_pruning_says_so() {
    let report = report();
    assert!(report.lacks_keys());
    let missing = report.disclosures.iter().find(|one| one.disclosed == DisclosedOrganisations::KeyMissing);
    let sequence = missing.expect("a month without its key").sequence;
    let before = report.clone().with_pruned_until(sequence).render(Format::Text, Language::English);
    assert!(before.contains("not available here") && !before.contains("destroyed"), "{before}");
    let pruned = report.with_pruned_until(sequence + 1);
    let after = pruned.render(Format::Text, Language::English);
    assert!(after.contains("the key of this month was destroyed"), "{after}");
    assert!(!pruned.lacks_keys());
}

#[test]
fn a_new_ssin_is_reported_as_disclosed() {
    let dir = tempfile::tempdir().expect("a folder");
    let settings = settings(dir.path());
    let log = AuditLog::open(&settings, clock("2026-11-22T05:19:00Z")).expect("opened");
    let replaced = ExchangeRecord {
        fields: FieldSet::EMPTY,
        disclosed: Vec::new(),
        replaced_by: Some(person(2)),
        outcome: StatusCode::Replaced.outcome(),
        ..entry(1, person(1))
    };
    record(&log, replaced).expect("durable");
    log.close();
    let keys = KeyFolder::open(&settings.keys, MissingKeys::Refuse).expect("there");
    // Both numbers are the person's.
    for number in [person(1), person(2)] {
        let found = find(&settings.folder, &keys, IndexUse::Keep, &Whom::Subject(number), None).expect("readable");
        let report = Report::new(found, moment("2027-02-01T08:00:00Z"), None, &Words);
        let text = report.render(Format::Text, Language::English);
        assert!(text.contains("Data disclosed: the new identification number (SSIN)"), "{text}");
        assert!(!text.contains("nothing was disclosed"), "{text}");
        let json: serde_json::Value =
            serde_json::from_str(&report.render(Format::Json, Language::English)).expect("JSON");
        assert_eq!(json["disclosures"][0]["newSsinDisclosed"], true);
    }
}

#[test]
fn every_status_has_its_own_description() {
    let mut report = report();
    report.disclosures.truncate(1);
    let descriptions: std::collections::BTreeSet<String> = StatusCode::ALL
        .into_iter()
        .map(|status| {
            let code = status.code();
            report.disclosures[0].outcome = status.outcome().into();
            let text = report.render(Format::Text, Language::French);
            text.lines().find(|line| line.contains(code)).expect("a line for the code").replace(code, "")
        })
        .collect();
    assert_eq!(descriptions.len(), StatusCode::ALL.len());
}
