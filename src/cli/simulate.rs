//! `simulate`: the service as a test double, for the tests of integrators.
//!
//! Every start makes everything again, in a folder that is removed at the end: authority,
//! certificates, data, audit log. The clock is fixed and tickets repeat, so that the same request
//! gets the same bytes. The faults of the scenario are injected around the service, not in it
//! ([`fault_injection`](super::fault_injection)).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value, json};

use super::exit::{Exit, fail};
use super::fault_injection::inject_faults;
use super::process::Stop;
use super::test_service::{RunningService, TestService};
use crate::config::{Settings, parse_scenario, read_scenario};
use ehealth_core::lookup::Operation;
use ehealth_core::model::{FixedClock, LegalContext};
use soap::names;
use testkit::{ClientKeys, ORGANISATIONS, ReadyFile, Scenario, SimulationFolder, Workspace};

/// A scenario with every key.
const EXAMPLE: &str = include_str!("../../fixtures/scenario.toml");

/// Drain period: a test that has ended waits for no answer.
const DRAIN: Duration = Duration::from_secs(1);

const AFTER_HELP: &str = "\
The same code as serve answers over mutual TLS, with the people of the catalogue
(fixtures/catalogue.md) and those of the scenario. The clock is fixed and tickets repeat: the same
request gets the same bytes at every start.

The ready file is JSON. It exists while the simulation answers, and is never incomplete. Keys: port,
url, consultAttributes and sendTestMessage (their addresses), now, ca, clients.WORD and
clientsRsa.WORD (each with organisation, legalContext, certificate, key) and pid. WORD is platform,
fund, other-fund, service, other-service or stranger.

The section [signatures] of a scenario has every consumer sign its messages. A signature that is not
accepted is explained in the fault, as `signature check` does; the service itself says nothing of the reason.

Examples, for a CI job:
  ehealth-attributes simulate --port 0 --ready-file ready.json --scenario scenario.toml &
  until [ -e ready.json ]; do sleep 0.1; done

  ehealth-attributes simulate --example > scenario.toml

Exit codes:
  0  ended by Ctrl-C or SIGTERM
  1  failed
  3  the scenario has errors; all of them are printed";

/// Arguments of `simulate`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct SimulateArguments {
    /// Port on 127.0.0.1; 0 takes a free one, which the ready file contains
    #[arg(long, default_value_t = 8443, env = "EHEALTH_ATTRIBUTES_PORT")]
    pub port: u16,
    /// File to write when the service answers: how to reach it
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
    /// Scenario with people, delays, faults and outages (TOML) [default: only the people of the
    /// catalogue]
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// Print a scenario with every key, and exit
    #[arg(long)]
    pub example: bool,
    /// Make RSA client certificates too, for SOAP stacks that read no other
    #[arg(long)]
    pub rsa: bool,
    /// Authority (PEM) to trust besides that of the simulation: for recorded messages that your own test
    /// certificates signed
    #[arg(long, value_name = "FILE")]
    pub client_ca: Option<PathBuf>,
    /// Empty folder for certificates, data and audit log, which is kept [default: a temporary one,
    /// which is removed]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// Runs the command to its end.
pub(super) async fn run(arguments: &SimulateArguments) -> Exit {
    if arguments.example {
        print!("{EXAMPLE}");
        return Exit::Done;
    }
    let ready = arguments.ready_file.as_deref().map(|path| {
        ReadyFile::new(path)
            .map_err(|error| fail(Exit::Failed, &format_args!("--ready-file {}: {error}", path.display())))
    });
    let ready = match ready.transpose() {
        Ok(ready) => ready,
        Err(exit) => return exit,
    };
    let scenario = match &arguments.scenario {
        Some(file) => read_scenario(file),
        None => parse_scenario(Path::new("no scenario"), ""),
    };
    let scenario = match scenario {
        Ok(scenario) => scenario,
        Err(problems) => return fail(Exit::Configuration, &problems),
    };
    match simulate(arguments, &scenario, ready).await {
        Ok(()) => Exit::Done,
        Err(exit) => exit,
    }
}

async fn simulate(arguments: &SimulateArguments, scenario: &Scenario, ready: Option<ReadyFile>) -> Result<(), Exit> {
    let stop = Stop::new().map_err(|error| fail(Exit::Failed, &error))?;
    let mut folder = make_folder(arguments.dir.as_deref())?;
    let workspace = Workspace::new(folder.path().to_owned());
    let keys = if arguments.rsa { ClientKeys::P256AndRsa } else { ClientKeys::P256 };
    workspace.prepare_scenario(scenario, keys).map_err(|error| fail(Exit::Failed, &error))?;
    let service = TestService {
        workspace: &workspace,
        port: arguments.port,
        missing: scenario.missing,
        stale: scenario.stale,
        clock: Arc::new(FixedClock::new(scenario.now)),
    };
    let adapt = |settings: &mut Settings| {
        settings.admin = None;
        settings.tls.client_ca.extend(arguments.client_ca.clone());
        settings.server.limits.drain = DRAIN;
        settings.server.limits.last_request = Duration::ZERO;
    };
    let running = service.start(adapt, |dependencies| inject_faults(scenario, dependencies)).await;
    let running = running.inspect_err(|exit| {
        // The folder has the records of the scenario that were rejected.
        if *exit == Exit::Configuration {
            folder.keep();
        }
    })?;
    println!("\nServing at {}; the clock is fixed at {}", running.url, scenario.now);
    println!("Certificates: {}", folder.path().display());
    if let Some(ready) = &ready {
        let written = ready.write(&describe(&running, &workspace, scenario, arguments.rsa));
        let path = ready.path().display();
        written.map_err(|error| fail(Exit::Failed, &format_args!("--ready-file {path}: {error}")))?;
        println!("Ready file: {path}");
    }
    println!("Press Ctrl-C or send SIGTERM to end the simulation.");
    stop.wait().await;
    drop(ready);
    // Cutting the last answers is no failure of a test double.
    let _ = running.finish().await?;
    Ok(())
}

fn make_folder(named: Option<&Path>) -> Result<SimulationFolder, Exit> {
    match named {
        Some(path) => SimulationFolder::named(path)
            .map_err(|error| fail(Exit::Failed, &format_args!("--dir {}: {error}", path.display()))),
        None => SimulationFolder::temporary()
            .map_err(|error| fail(Exit::Failed, &format_args!("cannot make a temporary folder: {error}"))),
    }
}

/// Content of the ready file; the help text documents its keys.
fn describe(running: &RunningService, workspace: &Workspace, scenario: &Scenario, with_rsa: bool) -> Value {
    let clients = |files: &dyn Fn(&str) -> (PathBuf, PathBuf)| {
        let entries = ORGANISATIONS.iter().map(|organisation| {
            let (certificate, key) = files(organisation.word);
            let client = json!({
                "organisation": organisation.number,
                "legalContext": organisation.context.as_ref().map(LegalContext::code),
                "certificate": certificate,
                "key": key,
            });
            (organisation.word.to_owned(), client)
        });
        Value::Object(entries.collect::<Map<_, _>>())
    };
    let url = |operation| format!("{}{}", running.url, names::path(operation));
    json!({
        "port": running.port,
        "url": running.url,
        "consultAttributes": url(Operation::ConsultAttributes),
        "sendTestMessage": url(Operation::SendTestMessage),
        "now": scenario.now.to_string(),
        "ca": workspace.authority(),
        "clients": clients(&|word| workspace.client(word)),
        "clientsRsa": with_rsa.then(|| clients(&|word| workspace.rsa_client(word))),
        "pid": std::process::id(),
    })
}
