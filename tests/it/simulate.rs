//! `simulate`, the test double that integrators run in their CI, checked against its help text.

use std::fs;
use std::path::Path;

use crate::support::simulation::{Simulation, question, simulate};

const FUND: &str = "0999010126";
const PLATFORM: &str = "0999000129";
const PHYSICIAN: &str = "BACKTOWORK:ADVISORY_PHYSICIAN";
const EHEALTH: &str = "BACKTOWORK:EHEALTH_PLATFORM";
const EXAMPLE: &str = include_str!("../../fixtures/scenario.toml");

fn of_fund(ssin: &str) -> String {
    question(FUND, PHYSICIAN, ssin, "")
}

fn of_platform(ssin: &str) -> String {
    question(PLATFORM, EHEALTH, ssin, "")
}

#[tokio::test]
async fn persons_of_a_scenario_join_those_of_the_catalogue() {
    let simulation = Simulation::start(EXAMPLE);
    let printed = simulation.ask("fund", of_fund("85073099932")).await;
    assert_eq!((printed.status, printed.code().as_deref()), (200, Some("MSG00000")));

    let two_jobs = question(FUND, PHYSICIAN, "87042399969", "2022-02-28/2026-01-15");
    let printed = simulation.ask("fund", two_jobs).await.text();
    for part in ["0999101186", "0999100196", "<type>INTERNAL</type>", "<type>EXTERNAL</type>", "<endDate>2024-12-31"] {
        assert!(printed.contains(part), "{part}\nis not in\n{printed}");
    }
    let printed = simulation.ask("platform", of_platform("87042399969")).await.text();
    assert!(printed.contains("<healthInsuranceFund><cbeNumber>0999010126"), "{printed}");

    let replaced = simulation.ask("fund", of_fund("87242399915")).await;
    assert_eq!(replaced.code().as_deref(), Some("MSG00006"));
    assert_eq!(replaced.element("fieldValue").as_deref(), Some("87042399969"));
    let cancelled = simulation.ask("platform", of_platform("91091199963")).await.text();
    assert!(cancelled.contains("<healthInsuranceFund><cbeNumber>0999010225"), "{cancelled}");
}

#[tokio::test]
async fn faults_of_a_scenario_affect_only_its_persons() {
    let simulation = Simulation::start(EXAMPLE);
    for (ssin, code) in [("72053099936", "MSG00003"), ("94020299956", "MSG90053")] {
        let fault = simulation.ask("platform", of_platform(ssin)).await;
        assert_eq!((fault.status, fault.code().as_deref()), (500, Some(code)));
        assert_eq!(fault.element("faultcode").as_deref(), Some("soap:Server"));
    }
    let next = simulation.ask("platform", of_platform("85073099932")).await;
    assert_eq!(next.code().as_deref(), Some("MSG00000"));
}

#[tokio::test]
async fn a_delayed_answer_does_not_delay_others() {
    let simulation = Simulation::start("[[person]]\nssin = \"85073099932\"\ndelay_millis = 600000\n");
    let late = tokio::select! {
        biased;
        late = simulation.ask("platform", of_platform("85073099932")) => Some(late),
        other = simulation.ask("platform", of_platform("79111299986")) => {
            assert_eq!(other.code().as_deref(), Some("MSG00000"));
            None
        }
    };
    assert_eq!(late, None);
    let (ended, _) = simulation.stop("TERM");
    assert_eq!(ended.code(), Some(0), "a delayed answer does not delay the shutdown");
}

#[tokio::test]
async fn a_delayed_answer_is_the_same_answer() {
    let asked = of_fund("85073099932");
    let at_once = Simulation::start("").ask("fund", asked.clone()).await;
    let late = Simulation::start("[[person]]\nssin = \"85073099932\"\ndelay_millis = 50\n").ask("fund", asked).await;
    assert_eq!(late, at_once);
}

#[tokio::test]
async fn the_same_request_gets_the_same_bytes_at_every_start() {
    let requests = ["85073099932", "75221199912", "95010199903", "no number", "<"].map(of_fund);
    let mut printed = Vec::new();
    for _ in 0..2 {
        let simulation = Simulation::start(EXAMPLE);
        for request in &requests {
            printed.push(simulation.ask("fund", request.clone()).await);
        }
        for request in requests.iter().rev() {
            printed.push(simulation.ask("fund", request.clone()).await);
        }
    }
    let (first, rest) = printed.split_at(requests.len());
    for (answer, place) in rest.iter().zip([4, 3, 2, 1, 0, 0, 1, 2, 3, 4, 4, 3, 2, 1, 0]) {
        assert_eq!(answer, &first[place]);
    }
    assert_eq!(first[0].request_id.as_deref(), Some("00000000-0000-4000-8000-000000000000"));
    assert_eq!(first[0].element("timestampReply").as_deref(), Some("2026-01-15T09:30:00.000Z"));
}

#[tokio::test]
async fn time_and_ticket_come_from_the_scenario() {
    let ticket = "5f0c3a52-1c1e-4b5e-9d0a-6d7a3c2b1e0f";
    let simulation = Simulation::start(&format!("now = \"2020-02-29T12:00:00Z\"\nticket = \"{ticket}\"\n"));
    let printed = simulation.ask("fund", of_fund("85073099932")).await;
    assert_eq!(printed.element("ticketCBSS").as_deref(), Some(ticket));
    assert_eq!(printed.element("timestampReceive").as_deref(), Some("2020-02-29T12:00:00.000Z"));
    assert_eq!(printed.element("referenceDate").as_deref(), Some("2020-02-29"));

    let simulation = Simulation::start("ticket = \"random\"");
    let (one, other) = (simulation.ask("fund", "").await, simulation.ask("fund", "").await);
    assert_ne!(one.request_id, other.request_id);
}

#[tokio::test]
async fn an_outage_gives_incomplete_data_and_names_the_dataset() {
    for (outage, tells_the_employer) in [("stale = [\"coprev\"]", true), ("missing = [\"coprev\", \"persons\"]", true)]
    {
        let simulation = Simulation::start(&format!("[outage]\n{outage}\n"));
        let printed = simulation.ask("platform", of_platform("85073099932")).await;
        assert_eq!((printed.status, printed.code().as_deref()), (200, Some("HAN20200")), "{outage}");
        assert_eq!(printed.element("fieldValue").as_deref(), Some("coprev"), "{outage}");
        assert_eq!(printed.text().contains("0999100196"), tells_the_employer, "{outage}");
        assert_eq!(printed.text().contains("0999020123"), outage.starts_with("stale"), "{outage}");
    }
}

#[tokio::test]
async fn no_rate_limit_applies_while_the_clock_stands_still() {
    let simulation = Simulation::start("");
    for printed in simulation.ask_often("fund", &of_fund("62062099936"), 700).await {
        assert_eq!(printed.code().as_deref(), Some("MSG00012"));
    }
}

#[test]
fn the_ready_file_has_what_a_test_needs() {
    let simulation = Simulation::start_with("", &["--rsa"]);
    let port = simulation.ready["port"].as_u64().expect("a number");
    assert_eq!(simulation.url(), format!("https://localhost:{port}"));
    let consult = simulation.ready["consultAttributes"].as_str().expect("a text");
    assert_eq!(consult, format!("{}/eHealthAttributesService/v1/consult", simulation.url()));
    assert!(simulation.file("/ca").is_absolute());
    for clients in ["clients", "clientsRsa"] {
        for word in ["platform", "fund", "other-fund", "service", "other-service", "stranger"] {
            for file in ["certificate", "key"] {
                let pem = fs::read_to_string(simulation.file(&format!("/{clients}/{word}/{file}"))).expect("a file");
                assert!(pem.starts_with("-----BEGIN"), "{clients} {word} {file}");
            }
        }
    }
    assert_eq!(simulation.ready["clients"]["fund"]["organisation"], FUND);
    assert_eq!(simulation.ready["clients"]["fund"]["legalContext"], PHYSICIAN);
}

#[test]
fn either_signal_ends_the_simulator_without_leftovers() {
    for signal in ["TERM", "INT"] {
        let simulation = Simulation::start("");
        let folder = simulation.file("/ca").parent().map(Path::to_owned).expect("a folder");
        assert!(folder.exists() && simulation.ready_file().exists());
        let (ended, ready_file) = simulation.stop(signal);
        assert_eq!(ended.code(), Some(0), "{signal}");
        assert!(!ready_file.exists() && !folder.exists(), "{signal}");
    }
}

#[test]
fn errors_of_a_scenario_are_reported_and_nothing_starts() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (scenario, ready) = (folder.path().join("scenario.toml"), folder.path().join("ready.json"));
    fs::write(&ready, "{}").expect("an old ready file");
    let twice =
        "[[person]]\nssin = \"85073099932\"\n[[person.membership]]\nfund = \"0999010126\"\nbegin = \"2005-01-01\"\n";
    for (text, printed) in [
        ("[[person]]\nssin = \"85073099933\"\nnick = 1\n", "scenario.toml:2: person[1].ssin"),
        ("[[person]]\nssin = \"75221199912\"\nreplaced_by = \"75221199912\"\n", "records of persons are invalid"),
        (twice, "records of insurance are invalid"),
    ] {
        fs::write(&scenario, text).expect("a scenario");
        let output = simulate(&["--port", "0", "--ready-file"])
            .arg(&ready)
            .arg("--scenario")
            .arg(&scenario)
            .arg("--dir")
            .arg(tempfile::tempdir_in(folder.path()).expect("a folder").keep())
            .output()
            .expect("the program runs");
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3), "{complaint}");
        assert!(complaint.contains(printed), "{printed}\nis not in\n{complaint}");
        assert!(!ready.exists());
    }
}

#[test]
fn a_folder_that_is_not_empty_is_left_unchanged() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("mine"), "mine").expect("a file");
    let output = simulate(&["--port", "0", "--dir"]).arg(folder.path()).output().expect("the program runs");
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{complaint}");
    assert!(complaint.contains("is not empty"), "{complaint}");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
}

#[test]
fn the_printed_example_is_a_valid_scenario() {
    let output = simulate(&["--example"]).output().expect("the program runs");
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), EXAMPLE.as_bytes()));
}
