//! Failures on demand: what clients see when a simulation fails as its scenario or its control API
//! says.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::python::Python;
use crate::support::simulation::{Simulation, question, simulate};
use testkit::{Breakage, ClientProblem, FailureKind, ServerProblem};

const ANNA: &str = "85073099932";

/// Sends a request to the control API with curl; status and body.
fn control(simulation: &Simulation, method: &str, path: &str, more: &[&str]) -> (u16, String) {
    let url = format!("{}{path}", simulation.ready["control"].as_str().expect("an address"));
    let output = Command::new("curl")
        .args(["--silent", "--noproxy", "*", "--max-time", "20", "--request", method, "--write-out", "\n%{http_code}"])
        .args(more)
        .arg(url)
        .output()
        .expect("curl");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let (body, status) = text.rsplit_once('\n').expect("a status");
    (status.parse().expect("a number"), body.to_owned())
}

const JSON: &str = "Content-Type: application/json";

fn put_plan(simulation: &Simulation, plan: &Value) -> (u16, String) {
    control(simulation, "PUT", "/v1/plan", &["--header", JSON, "--data", &plan.to_string()])
}

/// Asks about a person with curl; its exit code, and what it printed: headers and body.
fn ask_with_curl(simulation: &Simulation, ssin: &str) -> (i32, String) {
    let message = question("0999010126", "BACKTOWORK:ADVISORY_PHYSICIAN", ssin, "");
    let file = |pointer: &str| simulation.file(pointer).display().to_string();
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--noproxy", "*", "--max-time", "3", "--include"])
        .args(["--cacert", &file("/ca"), "--cert", &file("/clients/fund/certificate")])
        .args(["--key", &file("/clients/fund/key"), "--header", "Content-Type: text/xml; charset=utf-8"])
        .args(["--data-binary", &message, simulation.ready["consultAttributes"].as_str().expect("an address")])
        .output()
        .expect("curl");
    let printed = [output.stdout, output.stderr].concat();
    (output.status.code().expect("an exit code"), String::from_utf8_lossy(&printed).into_owned())
}

/// What zeep must see of each case of `failures_seen.py`.
const SEEN: &str = include_str!("support/failures_seen.txt");

#[test]
fn zeep_sees_every_failure() {
    let Some(python) = Python::find() else { return };
    let simulation = Simulation::start("");
    let printed = python.run("failures_seen.py", [simulation.ready_file()]).unwrap_or_else(|text| panic!("{text}"));
    let differences: Vec<_> = printed.lines().zip(SEEN.lines()).filter(|(seen, expected)| seen != expected).collect();
    assert!(differences.is_empty(), "{differences:#?}");
    assert_eq!(printed.lines().count(), SEEN.lines().count());
}

/// Every kind of a failure, and every problem of one, is among the cases that zeep sees.
#[test]
fn every_kind_of_failure_is_seen() {
    let script = include_str!("support/failures_seen.py");
    for kind in FailureKind::ALL.map(FailureKind::code) {
        assert!(script.contains(&format!("\"kind\": \"{kind}\"")), "{kind}");
    }
    let problems = ServerProblem::ALL.map(ServerProblem::code).into_iter();
    let problems = problems.chain(ClientProblem::ALL.map(ClientProblem::code)).chain(Breakage::ALL.map(Breakage::code));
    for problem in problems {
        assert!(script.contains(&format!("\"{problem}\"")), "{problem}");
    }
}

#[test]
fn curl_sees_the_bytes_of_each_failure() {
    let simulation = Simulation::start("");
    for (failure, code, printed) in [
        (json!({"kind": "http", "status": 503, "retry_after": 2}), 0, "HTTP/1.1 503 Service Unavailable\r\n"),
        (json!({"kind": "http", "status": 503, "retry_after": 2}), 0, "retry-after: 2\r\n"),
        (json!({"kind": "http", "status": 418}), 0, "HTTP/1.1 418 "),
        (json!({"kind": "fault", "code": "MSG90052", "retry_after": 7}), 0, "retry-after: 7\r\n"),
        (json!({"kind": "fault", "code": "MSG90052", "retry_after": 7}), 0, "<reasonCode>MSG90052</reasonCode>"),
        (json!({"kind": "reset"}), 56, "reset by peer"),
        (json!({"kind": "reset", "after_bytes": 400}), 56, "HTTP/1.1 200 OK\r\n"),
        (json!({"kind": "cut", "after_bytes": 700}), 18, "bytes remaining to read"),
        (json!({"kind": "silent"}), 28, "timed out"),
        (json!({"kind": "slow", "delay_millis": 10}), 0, "<code>MSG00000</code>"),
        (json!({"kind": "slow", "bytes_per_second": 50}), 28, "HTTP/1.1 200 OK\r\n"),
        (json!({"kind": "server-certificate", "problem": "expired"}), 60, "certificate has expired"),
        (json!({"kind": "server-certificate", "problem": "other-name"}), 60, "no alternative certificate subject name"),
        (json!({"kind": "client-refused", "problem": "revoked"}), 56, "alert certificate revoked"),
    ] {
        let (status, answer) = put_plan(&simulation, &json!({ "failure": [failure] }));
        assert_eq!(status, 200, "{answer}");
        let (exit, seen) = ask_with_curl(&simulation, ANNA);
        assert!(exit == code && seen.contains(printed), "{failure}: {exit}\n{seen}");
    }
}

#[test]
fn a_scenario_file_fails_from_its_start() {
    let scenario = "[[failure]]\nkind = \"http\"\nstatus = 503\ntimes = 1\n";
    let simulation = Simulation::start(scenario);
    let codes = |expected: [&str; 2]| {
        for part in expected {
            let (_, seen) = ask_with_curl(&simulation, ANNA);
            assert!(seen.contains(part), "{part}\n{seen}");
        }
    };
    codes(["HTTP/1.1 503", "MSG00000"]);
    // Back to the scenario file.
    assert_eq!(control(&simulation, "DELETE", "/v1/plan", &[]).0, 200);
    codes(["HTTP/1.1 503", "MSG00000"]);
}

#[test]
fn the_control_api_refuses_what_is_wrong_and_changes_nothing() {
    let simulation = Simulation::start("");
    let plan = json!({"failure": [{"kind": "http", "status": 503, "ssin": ANNA}], "outage": {"missing": ["persons"]}});
    assert_eq!(put_plan(&simulation, &plan).0, 200);
    let before = control(&simulation, "GET", "/v1/plan", &[]);
    let huge = format!("@{}", huge_file(&simulation));
    let host = "Host: attacker.example";
    for (method, path, more, status, part) in [
        ("PUT", "/v1/plan", &["--header", JSON, "--data", "{"][..], 400, "EOF while parsing"),
        ("PUT", "/v1/plan", &["--header", JSON, "--data", "{\"failure\": [{\"kind\": 1}]}"], 400, "failure[1].kind"),
        ("PUT", "/v1/plan", &["--data", "{}"], 415, "application/json"),
        ("PUT", "/v1/plan", &["--header", JSON, "--data", &huge], 413, "262144 bytes"),
        ("POST", "/v1/plan", &["--header", JSON, "--data", "{}"], 405, "PUT"),
        ("GET", "/v1/files/../ehealth-attributes.toml", &["--path-as-is"], 404, "Available: ca.pem, clients/"),
        ("GET", "/v1/files/server.key", &[], 404, "Available"),
        ("GET", "/v1/files/clients-rsa/fund.pem", &[], 404, "--rsa"),
        ("GET", "/v2", &[], 404, "GET / lists"),
        ("DELETE", "/v1/plan", &["--header", host], 421, "localhost"),
    ] {
        let (got, body) = control(&simulation, method, path, more);
        assert!(got == status && body.contains(part), "{method} {path}: {got} {body}");
    }
    assert_eq!(control(&simulation, "GET", "/v1/plan", &[]), before);
    assert!(before.1.contains(ANNA) && before.1.contains("persons"), "{}", before.1);
}

/// A file that is larger than a body may be.
fn huge_file(simulation: &Simulation) -> String {
    let file = simulation.ready_file().with_file_name("huge");
    std::fs::write(&file, vec![b' '; 300_000]).expect("written");
    file.display().to_string()
}

#[test]
fn the_control_api_describes_the_simulation_and_serves_its_certificates() {
    let simulation = Simulation::start_with("", &["--rsa"]);
    let (status, description) = control(&simulation, "GET", "/v1/simulation", &[]);
    assert_eq!((status, serde_json::from_str::<Value>(&description).expect("JSON")), (200, simulation.ready.clone()));
    for (name, pointer) in [
        ("ca.pem", "/ca"),
        ("clients/fund.pem", "/clients/fund/certificate"),
        ("clients-rsa/service.key", "/clientsRsa/service/key"),
        ("clients-refused/expired.pem", "/refusedClients/expired/certificate"),
    ] {
        let (status, pem) = control(&simulation, "GET", &format!("/v1/files/{name}"), &[]);
        let file = std::fs::read_to_string(simulation.file(pointer)).expect("a file");
        assert_eq!((status, pem), (200, file), "{name}");
    }
    let (_, help) = control(&simulation, "GET", "/", &[]);
    for path in ["/v1/simulation", "/v1/plan", "/v1/requests", "/v1/files/NAME"] {
        assert!(help.contains(path), "{path}");
    }
}

#[test]
fn clients_that_stall_do_not_block_the_control_api() {
    let simulation = Simulation::start("");
    let address = simulation.ready["control"].as_str().expect("an address").trim_start_matches("http://");
    let stalled: Vec<_> = (0..31).map(|_| std::net::TcpStream::connect(address).expect("connected")).collect();
    assert_eq!(control(&simulation, "GET", "/v1/plan", &[]).0, 200);
    drop(stalled);
}

#[test]
fn other_names_and_addresses_are_served() {
    let names = ["--hostname", "gateway.test", "--hostname", "10.1.2.3", "--control", "127.0.0.2:0"];
    let simulation = Simulation::start_with("", &names);
    let port = simulation.ready["port"].as_u64().expect("a port");
    assert_eq!(simulation.url(), format!("https://gateway.test:{port}"));
    assert!(simulation.ready["control"].as_str().is_some_and(|url| url.starts_with("http://127.0.0.2:")));
    let file = |pointer: &str| simulation.file(pointer).display().to_string();
    for host in ["gateway.test", "10.1.2.3", "localhost"] {
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--noproxy", "*", "--fail", "--cacert", &file("/ca")])
            .args(["--cert", &file("/clients/fund/certificate"), "--key", &file("/clients/fund/key")])
            .args(["--connect-to", &format!("{host}:{port}:127.0.0.1:{port}")])
            .arg(format!("https://{host}:{port}/eHealthAttributesService/v1/consult?wsdl"))
            .output()
            .expect("curl");
        let wsdl = String::from_utf8_lossy(&output.stdout).into_owned();
        let address = format!("https://gateway.test:{port}/eHealthAttributesService/v1/consult\"");
        assert!(wsdl.contains(&address), "{host}: {wsdl}{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_name_that_is_no_host_is_refused() {
    for name in ["", "a b", "-a.test", "a..b", "https://a.test", "a.test/", "*.test"] {
        let output = simulate(&["--port", "0", "--hostname", name]).output().expect("the program runs");
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{name}: {complaint}");
    }
}
