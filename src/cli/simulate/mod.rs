//! `simulate`: the service as a test double, for the tests of integrators.
//!
//! Every start makes everything again, in a folder that is removed at the end: authority,
//! certificates, data, audit log. The clock is fixed and tickets repeat, so that the same request
//! gets the same bytes. Failures on demand are injected around the service, not in it.

// What the scenario demands now: the plan that the control API may replace.
mod control;
mod plan;

// Where failures are injected: into the service's dependencies, handshakes, answers and bytes.
mod answers;
mod dependencies;
mod handshakes;
mod stream;

// What a test has to know.
mod ready;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::exit::{Exit, fail};
use super::process::Stop;
use super::test_service::{RunningService, TestService};
use crate::config::{Settings, parse_scenario, read_scenario};
use answers::PlannedFaults;
use control::{Control, ControlListener};
use dependencies::simulated;
use ehealth_core::model::{Clock, FixedClock};
use handshakes::FailingHandshakes;
use plan::LivePlan;
use ready::describe;
use testkit::{ClientKeys, ReadyFile, Scenario, SimulationFolder, Workspace};

/// A scenario with every key.
const EXAMPLE: &str = include_str!("../../../fixtures/scenario.toml");

/// Default address of the control API.
const CONTROL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Drain period: a test that has ended waits for no answer.
const DRAIN: Duration = Duration::from_secs(1);

const AFTER_HELP: &str = "\
The same code as serve answers over mutual TLS, with the people of the catalogue
(fixtures/catalogue.md) and those of the scenario. The clock is fixed and tickets repeat: the same
request gets the same bytes at every start.

The ready file is JSON. It exists while the simulation answers, and is never incomplete. Keys: port,
url, consultAttributes and sendTestMessage (their addresses), control (address of the control API),
now, ca, clients.WORD and clientsRsa.WORD (each with organisation, legalContext, certificate, key),
refusedClients.PROBLEM (certificate and key of a client that the service refuses) and pid. WORD is
platform, fund, other-fund, service, other-service or stranger. PROBLEM is expired, not-valid-yet,
other-authority, server-purpose or no-organisation.

The control API changes failures and outages while the simulation runs: GET / of its address lists
what it has.

The section [signatures] of a scenario has every consumer sign its messages. A signature that is not
accepted is explained in the fault, as `signature check` does; the service itself says nothing of the reason.

Examples, for a CI job:
  ehealth-attributes simulate --port 0 --ready-file ready.json --scenario scenario.toml &
  until [ -e ready.json ]; do sleep 0.1; done

  ehealth-attributes simulate --example > scenario.toml

Example, for a container whose clients know it as gateway.test:
  ehealth-attributes simulate --listen 0.0.0.0:8443 --hostname gateway.test --control 0.0.0.0:9080

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
    /// Address and port instead of --port, for clients on other machines
    #[arg(long, value_name = "IP:PORT", conflicts_with = "port")]
    pub listen: Option<SocketAddr>,
    /// Name of the server in its certificate and in the WSDL, besides localhost: a DNS name or an IP
    /// address; any number of them, the first is in the WSDL
    #[arg(long = "hostname", value_name = "NAME", value_parser = parse_hostname)]
    pub hostnames: Vec<String>,
    /// Address and port of the control API; port 0 takes a free one, which the ready file contains.
    /// Everyone who reaches it can change the failures
    #[arg(long, value_name = "IP:PORT", default_value_t = CONTROL)]
    pub control: SocketAddr,
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
    let prepared = workspace.prepare_scenario(scenario, keys, &arguments.hostnames);
    prepared.map_err(|error| fail(Exit::Failed, &error))?;
    let listener = ControlListener::bind(arguments.control).await;
    let listener =
        listener.map_err(|error| fail(Exit::Failed, &format_args!("--control {}: {error}", arguments.control)))?;
    let plan = Arc::new(LivePlan::new(scenario.plan.clone()));
    let running = start(arguments, scenario, &workspace, &plan).await.inspect_err(|exit| {
        // The folder has the records of the scenario that were rejected.
        if *exit == Exit::Configuration {
            folder.keep();
        }
    })?;
    println!("\nServing at {}; the clock is fixed at {}", running.url, scenario.now);
    println!("Certificates: {}", folder.path().display());
    println!("Control API: http://{}", listener.address());
    let description = describe(&running, &workspace, scenario.now, listener.address(), arguments.rsa);
    if let Some(ready) = &ready {
        let path = ready.path().display();
        let written = ready.write(&description);
        written.map_err(|error| fail(Exit::Failed, &format_args!("--ready-file {path}: {error}")))?;
        println!("Ready file: {path}");
    }
    let control = tokio::spawn(listener.serve(Control { plan, description, folder: folder.path().to_owned() }));
    println!("Press Ctrl-C or send SIGTERM to end the simulation.");
    stop.wait().await;
    drop(ready);
    control.abort();
    // Cutting the last answers is no failure of a test double.
    let _ = running.finish().await?;
    Ok(())
}

/// Starts the service of the simulation.
async fn start(
    arguments: &SimulateArguments,
    scenario: &Scenario,
    workspace: &Workspace,
    plan: &Arc<LivePlan>,
) -> Result<RunningService, Exit> {
    let clock: Arc<dyn Clock> = Arc::new(FixedClock::new(scenario.now));
    let service = TestService {
        workspace,
        listen: arguments.listen.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.port))),
        host: arguments.hostnames.first().map_or("localhost", String::as_str),
        clock: Arc::clone(&clock),
    };
    let adapt = |settings: &mut Settings| {
        (settings.admin, settings.metrics) = (None, None);
        settings.tls.client_ca.extend(arguments.client_ca.clone());
        settings.server.limits.drain = DRAIN;
        settings.server.limits.last_request = Duration::ZERO;
    };
    let inject = |dependencies, readers: &_| simulated(scenario, plan, readers, dependencies);
    let faults = |settings: &Settings| {
        let handshakes = FailingHandshakes::load(workspace, settings, &clock).map_err(|errors| {
            let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
            fail(Exit::Failed, &errors.join("\n"))
        })?;
        Ok(PlannedFaults { plan: Arc::clone(plan), handshakes, now: scenario.now })
    };
    service.start(adapt, inject, faults).await
}

fn make_folder(named: Option<&Path>) -> Result<SimulationFolder, Exit> {
    match named {
        Some(path) => SimulationFolder::named(path)
            .map_err(|error| fail(Exit::Failed, &format_args!("--dir {}: {error}", path.display()))),
        None => SimulationFolder::temporary()
            .map_err(|error| fail(Exit::Failed, &format_args!("cannot make a temporary folder: {error}"))),
    }
}

/// Parses a name of the server's certificate: a DNS name (RFC 1123, section 2.1) or an IP address.
fn parse_hostname(text: &str) -> Result<String, String> {
    let is_label = |label: &str| {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=63).contains(&label.len())
            && label.bytes().all(is_allowed)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if text.parse::<IpAddr>().is_ok() || (text.len() <= 253 && text.split('.').all(is_label)) {
        return Ok(text.to_owned());
    }
    Err("expected a DNS name such as gateway.test, or an IP address".to_owned())
}
