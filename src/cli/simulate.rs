//! `simulate`: the service as a test double, for the tests of those who call it.
//!
//! Everything is made anew at every start, in a folder that goes when it ends: authority, certificates, data, trail. The
//! clock stands, and tickets repeat, so that the same request gets the same bytes. What the scenario adds is staged around
//! the service, not in it ([`stage`](super::stage)).

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::args::SimulateArguments;
use super::serve::Stop;
use super::stage::set_stage;
use super::staging::{Staged, Staging};
use super::workspace::{ClientKeys, ORGANISATIONS, Workspace};
use super::{Exit, fail};
use crate::config::{Scenario, Settings, parse_scenario, read_scenario};
use ehealth_core::lookup::Operation;
use ehealth_core::model::{FixedClock, LegalContext};
use soap::names;

/// A scenario with everything in it.
const EXAMPLE: &str = include_str!("../../fixtures/scenario.toml");

/// For what is in flight when it is told to stop: a test that has ended waits for no answer.
const DRAIN: Duration = Duration::from_secs(1);

pub(super) async fn run(arguments: &SimulateArguments) -> Exit {
    if arguments.example {
        print!("{EXAMPLE}");
        return Exit::Done;
    }
    let ready = match arguments.ready_file.as_deref().map(ReadyFile::new).transpose() {
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
    let mut folder = Folder::make(arguments.dir.as_deref())?;
    let workspace = Workspace::new(folder.path.clone());
    let keys = if arguments.rsa { ClientKeys::P256AndRsa } else { ClientKeys::P256 };
    workspace.prepare_scenario(scenario, keys).map_err(|error| fail(Exit::Failed, &error))?;
    let staging = Staging {
        workspace: &workspace,
        port: arguments.port,
        missing: scenario.missing,
        stale: scenario.stale,
        clock: Arc::new(FixedClock::new(scenario.now)),
    };
    let adapt = |settings: &mut Settings| {
        settings.admin = None;
        settings.server.limits.drain = DRAIN;
        settings.server.limits.last_request = Duration::ZERO;
    };
    let staged = staging.raise(adapt, |world| set_stage(scenario, world)).await.inspect_err(|exit| {
        // What is wrong with a scenario's records lies there.
        folder.is_ours &= *exit != Exit::Configuration;
    })?;
    println!("\nServing at {}; the clock stands at {}", staged.url, scenario.now);
    println!("Certificates: {}", folder.path.display());
    if let Some(ready) = &ready {
        ready.write(&describe(&staged, &workspace, scenario, arguments.rsa))?;
        println!("Ready: {}", ready.path.display());
    }
    println!("Ctrl-C or SIGTERM ends the simulation.");
    stop.wait().await;
    drop(ready);
    // Whether somebody's last answer was cut is no failure of a test double.
    let _ = staged.finish().await?;
    Ok(())
}

/// What a test has to know, with keys that stay; the table is in the documentation of [`SimulateArguments`].
fn describe(staged: &Staged, workspace: &Workspace, scenario: &Scenario, with_rsa: bool) -> Value {
    let clients = |files: &dyn Fn(&str) -> (PathBuf, PathBuf)| {
        let entries = ORGANISATIONS.iter().map(|organisation| {
            let (certificate, key) = files(organisation.word);
            let client = json!({
                "organisation": organisation.number,
                "legalContext": organisation.context.map(LegalContext::code),
                "certificate": certificate,
                "key": key,
            });
            (organisation.word.to_owned(), client)
        });
        Value::Object(entries.collect::<Map<_, _>>())
    };
    let url = |operation| format!("{}{}", staged.url, names::path(operation));
    json!({
        "port": staged.port,
        "url": staged.url,
        "consultAttributes": url(Operation::ConsultAttributes),
        "sendTestMessage": url(Operation::SendTestMessage),
        "now": scenario.now.to_string(),
        "ca": workspace.authority(),
        "clients": clients(&|word| workspace.client(word)),
        "clientsRsa": with_rsa.then(|| clients(&|word| workspace.rsa_client(word))),
        "pid": std::process::id(),
    })
}

/// The folder of a simulation: one that was named stays, one of our own goes.
struct Folder {
    path: PathBuf,
    is_ours: bool,
}

impl Folder {
    fn make(named: Option<&Path>) -> Result<Self, Exit> {
        match named {
            Some(path) => Self::take(path),
            None => Self::invent(),
        }
        .map_err(|(path, error)| fail(Exit::Failed, &format_args!("{}: {error}", path.display())))
    }

    /// A folder that somebody named: not there yet, or empty, so that nothing of anybody's is lost or served.
    fn take(path: &Path) -> Result<Self, (PathBuf, io::Error)> {
        let failed = |error| (path.to_owned(), error);
        fs::create_dir_all(path).map_err(failed)?;
        if fs::read_dir(path).map_err(failed)?.next().is_some() {
            return Err(failed(io::Error::other("is not empty; a simulation wants a folder of its own")));
        }
        let path = fs::canonicalize(path).map_err(failed)?;
        Ok(Self { path, is_ours: false })
    }

    /// A new folder among the temporary ones, for this user alone.
    fn invent() -> Result<Self, (PathBuf, io::Error)> {
        let parent = std::env::temp_dir();
        let mut attempt = 0_u32;
        loop {
            let path = parent.join(format!("ehealth-attributes-{}-{attempt}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self { path, is_ours: true }),
                // Left by a process of the same number that was killed.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 1_000 => attempt += 1,
                Err(error) => return Err((path, error)),
            }
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.is_ours
            && let Err(error) = fs::remove_dir_all(&self.path)
        {
            eprintln!("{}: cannot be removed: {error}", self.path.display());
        }
    }
}

/// The file that says that the simulation is up: there when it is, and only then.
struct ReadyFile {
    path: PathBuf,
}

impl ReadyFile {
    /// Takes away what an earlier simulation left, so that nobody takes it for this one's.
    fn new(path: &Path) -> Result<Self, Exit> {
        match fs::remove_file(path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(fail(Exit::Failed, &format_args!("--ready-file {}: {error}", path.display()))),
        }
        Ok(Self { path: path.to_owned() })
    }

    /// Written beside and renamed: whoever sees it sees it whole.
    fn write(&self, content: &Value) -> Result<(), Exit> {
        let mut beside = self.path.clone().into_os_string();
        beside.push(".new");
        let written = fs::write(&beside, format!("{content:#}\n")).and_then(|()| fs::rename(&beside, &self.path));
        written.map_err(|error| fail(Exit::Failed, &format_args!("--ready-file {}: {error}", self.path.display())))
    }
}

impl Drop for ReadyFile {
    fn drop(&mut self) {
        // Not there, if the start failed before it was written.
        let _ = fs::remove_file(&self.path);
    }
}
