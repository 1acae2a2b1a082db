//! What a certificate says about its holder beyond the organisation: application, environment, the
//! number of a national register. First the readers, with OpenSSL as a second reader of the same
//! subjects; then a service that refuses by them.

#![allow(clippy::too_many_lines, reason = "tables are long")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use certificates::Facts;
use ehealth_core::model::{Environment, NamedEnvironment};
use ehealth_core::policy::{EnvironmentRule, NotIdentified};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rcgen::{KeyPair, PublicKeyData};
use rustls::pki_types::CertificateDer;

use crate::support::canary;
use crate::support::certificates::{
    Authority, attribute, cn, element, multi_valued_name, name, oid, organisation_identifier, ou, pem, string,
};
use crate::support::environment::skip;
use crate::support::program::PROGRAM;
use crate::support::service::{Answered, CONSULT, TEST, TestService, envelope, question};

/// The fund of the demonstration.
const FUND: &str = "0999010126";
const ANNA: &str = "85073099932";
const PHYSICIAN: &str = "BACKTOWORK:ADVISORY_PHYSICIAN";

// ---- readers

/// A subject, and what is read in it: `NUMBER[, APPLICATION][ @ENVIRONMENT]`, or the code of the
/// error.
struct Case {
    title: &'static str,
    subject: Vec<u8>,
    expected: &'static str,
}

fn urn(number: &str) -> String {
    format!("urn:be:fgov:kbo-bce:organization:cbe-number:{number}")
}

/// A federal subject: OUs and CN as in the certificates of the federal government, with the
/// environment between them.
fn federal(environments: &[&str], application: &str) -> Vec<Vec<u8>> {
    let mut attributes = vec![
        attribute(oid::COUNTRY, string::PRINTABLE, b"BE"),
        attribute(oid::ORGANISATION, string::UTF8, b"De Linde"),
        ou("Belgian Federal Government"),
        ou(&urn(FUND)),
    ];
    attributes.extend(environments.iter().map(|text| ou(text)));
    attributes.push(cn(application));
    attributes
}

/// An eHealth subject, with this CN.
fn ehealth(common_name: &str) -> Vec<Vec<u8>> {
    vec![
        attribute(oid::COUNTRY, string::PRINTABLE, b"BE"),
        attribute(oid::ORGANISATION, string::UTF8, b"Federal Government"),
        ou("eHealth-platform Belgium"),
        ou("De Linde"),
        ou("CBE=0999010126"),
        cn(common_name),
    ]
}

/// A subject as ETSI EN 319 412-3 has it: the CN is the name of the organisation.
fn etsi(identifier: &str) -> Vec<Vec<u8>> {
    vec![
        attribute(oid::COUNTRY, string::PRINTABLE, b"BE"),
        attribute(oid::ORGANISATION, string::UTF8, b"De Linde"),
        organisation_identifier(identifier),
        cn("De Linde"),
    ]
}

fn cases() -> Vec<Case> {
    let case = |title, attributes: &[Vec<u8>], expected| Case { title, subject: name(attributes), expected };
    let with = |attributes: Vec<Vec<u8>>, more: Vec<u8>| [attributes, vec![more]].concat();
    let unit = |tag, text: &[u8]| attribute(oid::UNIT, tag, text);
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    let werkkaart = "employment:job-attest:werkkaart";
    let mut cases = vec![
        // Environments.
        case("federal ACC", &federal(&["ACC"], werkkaart), "0999010126, employment:job-attest:werkkaart @ACC"),
        case("federal PRD", &federal(&["PRD"], werkkaart), "0999010126, employment:job-attest:werkkaart @PRD"),
        case("federal INT", &federal(&["INT"], "MED"), "0999010126, MED @INT"),
        case("federal TEST", &federal(&["TEST"], "MED"), "0999010126, MED @TEST"),
        case("federal DEV", &federal(&["DEV"], "MED"), "0999010126, MED @DEV"),
        case("federal without environment", &federal(&[], "MED"), "0999010126, MED"),
        case("one environment twice", &federal(&["PRD", "PRD"], "MED"), "0999010126, MED @PRD"),
        case("two environments", &federal(&["PRD", "ACC"], "MED"), "0999010126, MED @two"),
        case("lower-case environment", &federal(&["prd"], "MED"), "0999010126, MED @malformed"),
        case("lower-case beside upper-case", &federal(&["PRD", "Acc"], "MED"), "0999010126, MED @malformed"),
        case("environment with a blank", &federal(&["PRD "], "MED"), "0999010126, MED @malformed"),
        case("environment in a list", &federal(&["PRD, ACC"], "MED"), "0999010126, MED"),
        case("environment as a key", &federal(&["OU=PRD"], "MED"), "0999010126, MED"),
        case("Cyrillic environment", &federal(&["РRD"], "MED"), "0999010126, MED"),
        case("full-width environment", &federal(&["ＰＲＤ"], "MED"), "0999010126, MED"),
        case("environment in the CN", &federal(&[], "PRD"), "0999010126, PRD"),
        case(
            "environment in an O",
            &with(ehealth("CBE=0999010126"), attribute(oid::ORGANISATION, string::UTF8, b"PRD")),
            "0999010126",
        ),
        case(
            "PrintableString environment",
            &with(ehealth("CBE=0999010126"), unit(string::PRINTABLE, b"PRD")),
            "0999010126 @PRD",
        ),
        case("T61String environment", &with(federal(&[], "MED"), unit(string::T61, b"PRD")), "string-type"),
        case("BMPString environment", &with(federal(&["PRD"], "MED"), unit(string::BMP, &wide("ACC"))), "string-type"),
        case("environment and NUL", &federal(&["PRD\0"], "MED"), "control-character"),
        case("environment and line break", &federal(&["PRD\nACC"], "MED"), "control-character"),
        // Applications.
        case("eHealth application", &ehealth("CBE=0999010126, MED"), "0999010126, MED"),
        case("eHealth without application", &ehealth("CBE=0999010126"), "0999010126"),
        case("application with a blank", &ehealth("CBE=0999010126, RETURN TO WORK"), "0999010126, RETURN TO WORK"),
        case("lower-case application", &ehealth("CBE=0999010126, med"), "0999010126, med"),
        case("application with a comma", &ehealth("CBE=0999010126, MED, MARKETING"), "two-applications"),
        case("federal CN with a comma", &federal(&[], "MED, MARKETING"), "0999010126"),
        case("application with a Cyrillic letter", &ehealth("CBE=0999010126, МED"), "0999010126"),
        case("application with a zero-width space", &ehealth("CBE=0999010126, MED\u{200b}"), "0999010126"),
        case("application with a blank at its end", &ehealth("CBE=0999010126, MED "), "0999010126"),
        case("application with a tab", &ehealth("CBE=0999010126, MED\t"), "control-character"),
        case("application of 65 characters", &ehealth(&format!("CBE=0999010126, {}", "M".repeat(65))), "0999010126"),
        case("an SSIN as application", &ehealth("CBE=0999010126, 85073099932"), "0999010126"),
        case("SSIN= behind the number", &ehealth("CBE=0999010126, SSIN=85073099932"), "0999010126"),
        case("smuggled OU in the CN", &ehealth("CBE=0999010126, OU=PRD"), "0999010126"),
        case("smuggled OU in the application", &ehealth("CBE=0999010126, MED/OU=PRD"), "0999010126"),
        case("smuggled number in the application", &ehealth("CBE=0999010126, MED CBE=0809394427"), "malformed-number"),
        case("application in an OU", &with(ehealth("CBE=0999010126"), ou("MED")), "0999010126"),
        case(
            "two CNs, two applications",
            &with(ehealth("CBE=0999010126, MED"), cn("CBE=0999010126, MARKETING")),
            "two-applications",
        ),
        case(
            "two CNs, one application",
            &with(ehealth("CBE=0999010126, MED"), cn("CBE=0999010126, MED")),
            "0999010126, MED",
        ),
        case("federal, two CNs", &with(federal(&[], "MED"), cn("MARKETING")), "two-applications"),
        case(
            "both conventions, two applications",
            &with(federal(&[], "MED"), cn("CBE=0999010126, MARKETING")),
            "two-applications",
        ),
        case(
            "both conventions, one application",
            &with(federal(&["PRD"], "MED"), cn("CBE=0999010126, MED")),
            "0999010126, MED @PRD",
        ),
        // The national register.
        case("NTRBE", &etsi("NTRBE-0999010126"), "0999010126"),
        case("VATBE", &etsi("VATBE-0999010126"), "0999010126"),
        case(
            "NTRBE and CBE",
            &with(ehealth("CBE=0999010126, MED"), organisation_identifier("NTRBE-0999010126")),
            "0999010126, MED",
        ),
        case(
            "NTRBE and CBE of different numbers",
            &with(ehealth("CBE=0999010126"), organisation_identifier("NTRBE-0809394427")),
            "two-organisations",
        ),
        case(
            "VATBE and URN of different numbers",
            &with(federal(&["PRD"], "MED"), organisation_identifier("VATBE-0809394427")),
            "two-organisations",
        ),
        case(
            "VATBE and NTRBE of different numbers",
            &with(etsi("NTRBE-0999010126"), organisation_identifier("VATBE-0809394427")),
            "two-organisations",
        ),
        case("VATBE with wrong check digits", &etsi("VATBE-0999010127"), "no-enterprise-number"),
        case("VATBE of an establishment unit", &etsi("VATBE-2202239951"), "establishment-unit"),
        case("VATBE with dots", &etsi("VATBE-0999.010.126"), "malformed-number"),
        case("VATBE with nine digits", &etsi("VATBE-999010126"), "malformed-number"),
        case("VATBE without hyphen", &etsi("VATBE0999010126"), "malformed-number"),
        case("VATBE with a country code", &etsi("VATBE-BE0999010126"), "malformed-number"),
        case("VATBE behind a blank", &etsi(" VATBE-0999010126"), "malformed-number"),
        case("VATBE with full-width digits", &etsi("VATBE-０９９９０１０１２６"), "malformed-number"),
        case("two numbers in one identifier", &etsi("NTRBE-0999010126,NTRBE-0809394427"), "malformed-number"),
        case("NTRBE and NUL", &etsi("NTRBE-0999010126\0"), "control-character"),
        case("lower-case ntrbe", &etsi("ntrbe-0999010126"), "no-organisation"),
        case("NTRNL", &etsi("NTRNL-0999010126"), "no-organisation"),
        case("PSDBE", &etsi("PSDBE-NBB-0999010126"), "no-organisation"),
        case(
            "NTRNL beside CBE",
            &with(ehealth("CBE=0999010126"), organisation_identifier("NTRNL-0809394427")),
            "0999010126",
        ),
        case("NTRBE in an OU", &[ou("NTRBE-0999010126"), cn("Fund")], "no-organisation"),
        case("CBE in the identifier", &etsi("CBE=0999010126"), "no-organisation"),
        case(
            "BMPString identifier",
            &with(
                ehealth("CBE=0999010126"),
                attribute(oid::ORGANISATION_IDENTIFIER, string::BMP, &wide("NTRBE-0809394427")),
            ),
            "string-type",
        ),
    ];
    let rest = name(&[ou(&urn(FUND)), cn("MED")]);
    let multi_valued = multi_valued_name(&[ou("PRD"), ou("ACC")]);
    cases.push(Case {
        title: "environments in one relative name",
        subject: element(0x30, &[&multi_valued[2..], &rest[2..]].concat()),
        expected: "multi-valued",
    });
    cases
}

/// What is read in a certificate, in the form of [`Case::expected`].
fn read(facts: &Facts) -> String {
    let organisation = match facts.organisation {
        Ok(number) => number,
        Err(error) => return error.code().to_owned(),
    };
    let application = facts.application.map(|name| format!(", {name}")).unwrap_or_default();
    let environment = match facts.environment {
        NamedEnvironment::Absent => String::new(),
        NamedEnvironment::One(environment) => format!(" @{}", environment.code()),
        NamedEnvironment::Two => " @two".to_owned(),
        NamedEnvironment::Malformed => " @malformed".to_owned(),
    };
    format!("{organisation}{application}{environment}")
}

fn facts_of(root: &Authority, case: &Case) -> (CertificateDer<'static>, Facts) {
    let leaf = root.issue_leaf_with(|leaf| leaf.subject = case.subject.clone());
    let facts = Facts::from_der(&leaf).expect("the leaf can be read");
    (leaf, facts)
}

#[test]
fn every_subject_names_what_the_table_says() {
    let root = Authority::root("Root");
    let mut titles = BTreeSet::new();
    let wrong: Vec<_> = cases()
        .iter()
        .map(|case| (case, read(&facts_of(&root, case).1)))
        .filter(|(case, found)| found != case.expected || !titles.insert(case.title))
        .map(|(case, found)| format!("{}: {found}, not {}", case.title, case.expected))
        .collect();
    assert_eq!(wrong, Vec::<String>::new());
}

/// The attributes of the subject as OpenSSL reads them: short name and value.
fn attributes_by_openssl(folder: &Path, leaf: &CertificateDer<'_>) -> Vec<(String, String)> {
    let file = folder.join("leaf.der");
    fs::write(&file, leaf).expect("written");
    let mut command = Command::new("openssl");
    command.args([
        "x509",
        "-inform",
        "DER",
        "-noout",
        "-subject",
        "-nameopt",
        "sep_multiline,sname,utf8,esc_ctrl",
        "-in",
    ]);
    let printed = command.arg(&file).output().expect("it was found").stdout;
    let printed = String::from_utf8(printed).expect("UTF-8");
    let lines = printed.lines().filter_map(|line| line.strip_prefix("    "));
    lines.filter_map(|line| line.split_once('=')).map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// OpenSSL reads the subjects; the test looks for claims anywhere in its text, so that it finds one
/// that the service overlooks. In an accepted certificate nothing contradicts what the service read.
#[test]
fn openssl_reads_nothing_else_in_an_accepted_subject() {
    if !Command::new("openssl").arg("version").output().is_ok_and(|output| output.stdout.starts_with(b"OpenSSL 3.")) {
        skip("OpenSSL 3 is missing, which reads the same subjects independently");
        return;
    }
    let root = Authority::root("Root");
    let folder = tempfile::tempdir().expect("a folder");
    let mut accepted = 0;
    for case in cases() {
        let (leaf, facts) = facts_of(&root, &case);
        let Ok(organisation) = facts.organisation else { continue };
        accepted += 1;
        let attributes = attributes_by_openssl(folder.path(), &leaf);
        let values = |wanted: &'static str| {
            attributes.iter().filter(move |(key, _)| key == wanted).map(|(_, value)| value.as_str())
        };
        let numbers: BTreeSet<&str> = ["CBE=", "cbe-number:", "NTRBE-", "VATBE-"]
            .into_iter()
            .flat_map(|claim| {
                let all = values("CN").chain(values("OU")).chain(values("organizationIdentifier"));
                all.flat_map(move |value| value.split(claim).skip(1)).map(|rest| rest.get(..10).unwrap_or(rest))
            })
            .collect();
        assert_eq!(numbers, BTreeSet::from([organisation.to_string().as_str()]), "{}: {attributes:?}", case.title);
        let environments: BTreeSet<_> = values("OU").filter_map(Environment::parse).map(Environment::code).collect();
        match facts.environment {
            NamedEnvironment::Absent => assert_eq!(environments, BTreeSet::new(), "{}", case.title),
            NamedEnvironment::One(one) => assert_eq!(environments, BTreeSet::from([one.code()]), "{}", case.title),
            NamedEnvironment::Two => assert_eq!(environments.len(), 2, "{}", case.title),
            NamedEnvironment::Malformed => {}
        }
        if let Some(application) = facts.application {
            let is_named = |name: &str| name == application.as_str() || name.ends_with(&format!(", {application}"));
            assert!(values("CN").all(is_named), "{}: {attributes:?}", case.title);
        }
    }
    assert!(accepted > 30, "{accepted} subjects were compared");
}

// ---- a service

/// Clients of a service, whose certificates an authority of this test signs.
struct Clients(Authority);

impl Clients {
    fn new() -> Self {
        Self(Authority::root("Root"))
    }

    /// Starts a service that trusts the authority too.
    async fn start(&self, change: impl FnOnce(&mut ehealth_attributes::config::Settings)) -> TestService {
        TestService::start_with(|settings| {
            let file = settings.policy.with_file_name("other-ca.pem");
            fs::write(&file, pem("CERTIFICATE", &self.0.certificate)).expect("written");
            settings.tls.client_ca.push(file);
            // More strange messages at once than usual.
            settings.server.limits.unregistered_burst = 60;
            change(settings);
        })
        .await
    }

    /// Writes certificate and key of a caller with this subject, where the service's callers are.
    fn add(&self, service: &TestService, caller: &str, attributes: &[Vec<u8>]) {
        let key = KeyPair::generate().expect("a key");
        let leaf = self.0.issue_leaf_with(|leaf| {
            leaf.subject = name(attributes);
            leaf.public_key = key.subject_public_key_info();
            leaf.not_before = "2025-12-01T00:00:00Z".to_owned();
            leaf.not_after = "2026-03-01T00:00:00Z".to_owned();
        });
        let (certificate, own) = service.workspace.client(caller);
        fs::write(certificate, pem("CERTIFICATE", &leaf)).expect("written");
        fs::write(own, key.serialize_pem()).expect("written");
    }
}

/// Replaces the entry of the fund in the policy by entries with these applications.
fn divide(policy: &Path, lists: &[(&str, &str)]) {
    let text = fs::read_to_string(policy).expect("a policy");
    let (fund, others): (Vec<_>, Vec<_>) = text
        .split_inclusive("[[consumer]]")
        .map(|part| part.trim_end_matches("[[consumer]]"))
        .skip(1)
        .partition(|part| part.contains(FUND));
    let fund: String = fund[0]
        .lines()
        .filter(|line| !line.starts_with("applications") && !line.starts_with("name"))
        .map(|line| format!("{line}\n"))
        .collect();
    let mut divided: String = others.iter().map(|part| format!("[[consumer]]\n{part}")).collect();
    for (name, applications) in lists {
        let own = format!("organisation = \"{FUND}\"");
        divided +=
            &format!("[[consumer]]\n{}", fund.replace(&own, &format!("{own}\nname = \"{name}\"\n{applications}")));
    }
    fs::write(policy, divided).expect("written");
}

fn consult() -> String {
    question(FUND, PHYSICIAN, ANNA, "")
}

fn echo() -> String {
    envelope(
        "<t:sendTestMessageRequest xmlns:t=\"http://kszbcss.fgov.be/intf/TestConnectionServiceService/v1\"><echo>a</echo>\
         </t:sendTestMessageRequest>",
    )
}

/// `Ok`, or the sentence of the fault `SOA-01001`.
fn verdict(answered: &Answered) -> Result<(), &str> {
    if answered.status == 200 {
        return Ok(());
    }
    assert_eq!((answered.status, answered.code()), (500, Some("SOA-01001")), "{answered:?}");
    assert_eq!(answered.text("faultcode"), Some("soap:Client"));
    assert_eq!(answered.text("diagnostic"), answered.text("faultstring"));
    Err(answered.text("faultstring").expect("a faultstring"))
}

async fn counted(service: &TestService, reason: NotIdentified) -> u64 {
    let shown = String::from_utf8(service.read_admin("/metrics").await).expect("text");
    let series = format!("ehealth_attributes_unidentified_callers_total{{reason=\"{}\"}} ", reason.code());
    let line = shown.lines().find_map(|line| line.strip_prefix(&series)).expect("the series");
    line.parse().expect("a number")
}

const OTHER_ENVIRONMENT: &str =
    "The client certificate is not for the environment of this service; use another certificate.";
const NO_ORGANISATION: &str =
    "The client certificate names no organisation; registration does not help, use another certificate.";
const NOT_REGISTERED: &str = "The client certificate does not identify a registered organisation.";

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_another_environment_is_refused() {
    let clients = Clients::new();
    for is_required in [true, false] {
        let service = clients
            .start(|settings| {
                settings.environment = Some(EnvironmentRule { environment: Environment::Production, is_required });
            })
            .await;
        for (caller, attributes, expected) in [
            ("prd", federal(&["PRD"], "MED"), Ok(())),
            ("acc", federal(&["ACC"], "MED"), Err((OTHER_ENVIRONMENT, NotIdentified::OtherEnvironment))),
            ("two", federal(&["PRD", "ACC"], "MED"), Err((OTHER_ENVIRONMENT, NotIdentified::TwoEnvironments))),
            ("lower", federal(&["prd"], "MED"), Err((OTHER_ENVIRONMENT, NotIdentified::MalformedEnvironment))),
            (
                "none",
                ehealth("CBE=0999010126, MED"),
                if is_required { Err((OTHER_ENVIRONMENT, NotIdentified::NoEnvironment)) } else { Ok(()) },
            ),
            // An organisation that is not registered, of another environment: the same answer.
            ("other", vec![ou("CBE=0809394427"), ou("ACC")], Err((OTHER_ENVIRONMENT, NotIdentified::OtherEnvironment))),
        ] {
            clients.add(&service, caller, &attributes);
            let before = match expected {
                Err((_, reason)) => counted(&service, reason).await,
                Ok(()) => 0,
            };
            let answered = service.post(caller, CONSULT, consult()).await;
            assert_eq!(verdict(&answered), expected.map_err(|(sentence, _)| sentence), "{caller}");
            let tested = service.post(caller, TEST, echo()).await;
            assert_eq!(tested.status, 200, "{caller}");
            assert_eq!(tested.headers.contains_key("x-consumer"), expected.is_ok(), "{caller}");
            if let Err((_, reason)) = expected {
                assert_eq!(counted(&service, reason).await, before + 1, "{caller}");
                assert!(canary::logged().contains(reason.code()), "{caller}");
            }
        }
        service.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_learns_only_about_its_certificate() {
    let clients = Clients::new();
    let service = clients.start(|settings| divide(&settings.policy, &[("Medical", "applications = [\"MED\"]")])).await;
    for (caller, attributes, expected) in [
        ("nameless", vec![cn("De Linde")], NO_ORGANISATION),
        ("two", vec![cn("CBE=0999010126"), ou("CBE=0809394427")], NO_ORGANISATION),
        ("strange", vec![cn("CBE=0809394427, MED")], NOT_REGISTERED),
        ("marketing", ehealth("CBE=0999010126, MARKETING"), NOT_REGISTERED),
        ("homoglyph", ehealth("CBE=0999010126, МED"), NOT_REGISTERED),
        ("lower", ehealth("CBE=0999010126, med"), NOT_REGISTERED),
        ("without", ehealth("CBE=0999010126"), NOT_REGISTERED),
    ] {
        clients.add(&service, caller, &attributes);
        assert_eq!(verdict(&service.post(caller, CONSULT, consult()).await), Err(expected), "{caller}");
        let tested = service.post(caller, TEST, echo()).await;
        assert_eq!((tested.status, tested.headers.contains_key("x-consumer")), (200, false), "{caller}");
    }
    assert_eq!(counted(&service, NotIdentified::NoOrganisation).await, 2);
    assert_eq!(counted(&service, NotIdentified::UnknownCaller).await, 1);
    assert_eq!(counted(&service, NotIdentified::OtherApplication).await, 4);
    clients.add(&service, "medical", &ehealth("CBE=0999010126, MED"));
    assert_eq!(verdict(&service.post("medical", CONSULT, consult()).await), Ok(()));
    service.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_application_has_its_own_quota_and_name() {
    let clients = Clients::new();
    let sections = [
        ("Medical", "quota_per_minute = 2\napplications = [\"MED\", \"MED 2\"]"),
        ("Marketing", "quota_per_minute = 1\napplications = [\"MARKETING\"]"),
        ("Others", "quota_per_minute = 1"),
    ];
    let service = clients.start(|settings| divide(&settings.policy, &sections)).await;
    for (caller, application) in
        [("med", "MED"), ("med-2", "MED 2"), ("marketing", "MARKETING"), ("other", "OTHER"), ("third", "THIRD")]
    {
        clients.add(&service, caller, &ehealth(&format!("CBE=0999010126, {application}")));
    }
    for (caller, expected, consumer) in [
        ("med", None, "Medical"),
        ("med-2", None, "Medical"),
        ("med", Some("MSG90052"), "Medical"),
        ("marketing", None, "Marketing"),
        ("marketing", Some("MSG90052"), "Marketing"),
        ("other", None, "Others"),
        ("third", Some("MSG90052"), "Others"),
    ] {
        let answered = service.post(caller, CONSULT, consult()).await;
        assert_eq!(answered.code().filter(|_| answered.status == 500), expected, "{caller}: {answered:?}");
        let tested = service.post(caller, TEST, echo()).await;
        assert_eq!(tested.headers["x-consumer"], consumer, "{caller}");
    }
    let shown = String::from_utf8(service.read_admin("/metrics").await).expect("text");
    for (consumer, answered) in [("0999010126, MED", 5), ("0999010126, MARKETING", 3), ("0999010126", 3)] {
        let series =
            format!("ehealth_attributes_consumer_exchanges_total{{consumer=\"{consumer}\",kind=\"answered\"}} ");
        assert!(shown.contains(&format!("{series}{answered}\n")), "{series}{answered}\n{shown}");
    }
    service.finish().await;
}

async fn open(service: &TestService, caller: &str) -> SendRequest<Full<Bytes>> {
    let (sender, connection) = http1::handshake(TokioIo::new(service.connect(caller).await)).await.expect("HTTP/1.1");
    tokio::spawn(connection);
    sender
}

/// Posts a question; returns the status, the body, and whether the connection closes.
async fn ask(sender: &mut SendRequest<Full<Bytes>>) -> (u16, String, bool) {
    sender.ready().await.expect("an open connection");
    let request = Request::post(CONSULT).header("host", "localhost").header("content-type", "text/xml");
    let response =
        sender.send_request(request.body(Full::from(consult())).expect("a request")).await.expect("an answer");
    let (head, body) = response.into_parts();
    let body = body.collect().await.expect("a complete body").to_bytes();
    let closes = head.headers.get("connection").is_some_and(|value| value == "close");
    (head.status.as_u16(), String::from_utf8(body.to_vec()).expect("text"), closes)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_changes_the_application_of_open_connections() {
    let clients = Clients::new();
    let service = clients.start(|settings| divide(&settings.policy, &[("All", "")])).await;
    clients.add(&service, "med", &ehealth("CBE=0999010126, MED"));
    let mut connection = open(&service, "med").await;
    let (status, body, closes) = ask(&mut connection).await;
    assert!(status == 200 && !closes, "{body}");
    divide(&service.settings.policy, &[("Marketing", "applications = [\"MARKETING\"]")]);
    service.reloader.reload().expect("a valid policy");
    let (status, body, closes) = ask(&mut connection).await;
    assert!(status == 500 && body.contains(NOT_REGISTERED), "{body}");
    assert!(closes, "the connection gives the consumer's slot back");
    service.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lookup_test_advises_another_certificate() {
    let clients = Clients::new();
    let service = clients.start(|_| {}).await;
    clients.add(&service, "nameless", &[cn("De Linde")]);
    clients.add(&service, "strange", &[ou(&urn("0809394427")), ou("ACC"), cn("MED")]);
    let url = format!("https://localhost:{}", service.address.port());
    for (caller, expected) in [
        (
            "nameless",
            "Your certificate names no organisation: no CN, OU or organizationIdentifier names an organisation.\nRegistration does not help",
        ),
        (
            "strange",
            "register your organisation.\nYour certificate names organisation 0809394427, application MED, environment ACC.",
        ),
    ] {
        let (certificate, key) = service.workspace.client(caller);
        let (url, ca) = (url.clone(), service.workspace.authority());
        let run = move || {
            let mut command = Command::new(PROGRAM);
            command.args(["lookup", "--test", "--url", &url]).arg("--ca").arg(ca);
            command.arg("--cert").arg(certificate).arg("--key").arg(key).output().expect("it runs")
        };
        let output = tokio::task::spawn_blocking(run).await.expect("it ends");
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && printed.contains(expected),
            "{printed}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    service.finish().await;
}
