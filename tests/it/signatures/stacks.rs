//! Real clients sign and are answered: the programs of `tests/interop/signing`.
//!
//! They install packages, so they run on demand, as in `interop_matrix`: `INTEROP=1` runs all of
//! them, `INTEROP=zeep,php` some. Where `CI` is set, one that is named must run.

use std::path::Path;
use std::process::Command;

use crate::support::environment::{is_ci, say};
use crate::support::python;
use crate::support::simulation::Simulation;

/// Folders of the programs. Each signs with RSA and EC keys, .NET with RSA.
const STACKS: &[&str] = &["zeep", "node-soap", "php", "go", "cxf", "spring-ws", "dotnet"];

/// Exit code of a program whose stack is missing.
const MISSING: i32 = 77;

fn is_asked(stack: &str) -> bool {
    let asked = std::env::var("INTEROP").unwrap_or_default();
    asked == "1" || asked.split(',').any(|name| name == stack)
}

/// A simulation that demands signatures.
fn simulation() -> Simulation {
    Simulation::start_with("[signatures]\nmessages = \"require\"\n", &["--rsa"])
}

/// Runs a stack's program with a signing key of the fund; what it printed, and its exit code.
fn ask(simulation: &Simulation, stack: &str, kind: &str, out: &Path) -> (Option<i32>, String) {
    let program = python::project().join("tests/interop/signing").join(stack).join("run.sh");
    let signer = if kind == "rsa" { "/clientsRsa" } else { "/clients" };
    let output = Command::new("bash")
        .arg(program)
        .arg(simulation.ready["consultAttributes"].as_str().expect("an address"))
        .arg(simulation.file("/ca"))
        .args(["certificate", "key"].map(|part| simulation.file(&format!("/clientsRsa/fund/{part}"))))
        .args(["certificate", "key"].map(|part| simulation.file(&format!("{signer}/fund/{part}"))))
        .arg(out)
        .env("NOW", "2026-01-15T09:30:00Z")
        .env("NO_PROXY", "localhost")
        .env("no_proxy", "localhost")
        .output()
        .expect("bash runs");
    let printed = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (output.status.code(), format!("{printed}\n{}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn real_clients_sign_and_are_answered() {
    let asked: Vec<_> = STACKS.iter().copied().filter(|stack| is_asked(stack)).collect();
    if asked.is_empty() {
        return say("*** SKIPPED: clients that sign; INTEROP=1 runs them");
    }
    let simulation = simulation();
    let folder = tempfile::tempdir().expect("a folder");
    for stack in asked {
        for kind in ["rsa", "ec"] {
            let out = folder.path().join(format!("{stack}-{kind}.xml"));
            let (code, printed) = ask(&simulation, stack, kind, &out);
            if code == Some(MISSING) {
                let is_welcome = std::env::var("INTEROP").is_ok_and(|asked| asked == "1") || !is_ci();
                assert!(is_welcome, "{stack}: {printed}");
                say(&format!("*** SKIPPED: {stack} signs with {kind}: {printed}"));
                continue;
            }
            assert_eq!(
                (code, printed.split_whitespace().next()),
                (Some(0), Some("MSG00000")),
                "{stack} {kind}: {printed}"
            );
            say(&format!("{stack} signs with {kind}: answered"));
        }
    }
}

/// A simulation names what is wrong with a signature; the service does not.
#[tokio::test]
async fn a_simulation_explains_what_is_wrong() {
    let simulation = Simulation::start_with(
        "[signatures]\nmessages = \"require\"\n",
        &["--client-ca", &super::harness::fixtures().join("ca.pem").display().to_string()],
    );
    for (name, expected) in [
        ("attacks/body-changed.xml", "Check digests, digest: line 1, "),
        ("attacks/sha1-signature.xml", "Check algorithms, signature-method: "),
        ("attacks/expired.xml", ": expected Expires at most 60 s before 2026-01-15T09:30:00.000Z"),
        ("clients/refuse-cxf-body-only-sha1.xml", "Check algorithms, "),
    ] {
        let answered = simulation.ask("fund", super::harness::message(name)).await;
        assert_eq!(answered.code().as_deref(), Some("SOA-01001"), "{name}");
        let fault = answered.element("faultstring").expect("a fault");
        assert!(fault.starts_with("The message signature is missing or not accepted. "), "{fault}");
        assert!(fault.contains(expected) && fault.contains("What to do: "), "{name}: {fault}");
        assert!(answered.element("diagnostic").is_some_and(|text| text.starts_with("Check ")), "{name}");
    }
    // A recorded message is accepted, and again: the clock is fixed.
    for _ in 0..2 {
        let answered = simulation.ask("fund", super::harness::message("base.xml")).await;
        assert_eq!(answered.code().as_deref(), Some("MSG00000"));
    }
}
