//! `health`: checks whether the running service is ready. For operators and container health
//! checks.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use clap::Args;

use super::exit::{Exit, fail};
use super::settings_file::SettingsFile;

/// Timeout of the connection and of each read. A service that works answers at once.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum size of the answer, 1 MiB: more than any list of reasons.
const MAX_ANSWER: u64 = 1 << 20;

const AFTER_HELP: &str = "\
Examples:
  ehealth-attributes health
  ehealth-attributes health --live --config ./config.toml

Exit codes:
  0  ready (with --live: the process answers)
  1  not ready; the reasons are printed
  3  the settings have errors
  4  no answer";

/// Arguments of `health`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct HealthArguments {
    /// Settings: admin.listen is the address to ask
    #[command(flatten)]
    pub settings: SettingsFile,
    /// Only check that the process answers
    #[arg(long)]
    pub live: bool,
}

pub(super) fn run(arguments: &HealthArguments) -> Exit {
    let settings = match arguments.settings.read() {
        Ok(settings) => settings,
        Err(problems) => return fail(Exit::Configuration, &problems),
    };
    let Some(admin) = settings.admin else {
        return fail(Exit::Failed, &"admin.listen is not set: there is no admin listener to ask");
    };
    if settings.admin_tls.is_some() {
        let advice = "the admin listener requires mutual TLS: use curl --cert … --key … https://…/health/ready";
        return fail(Exit::Failed, &advice);
    }
    let path = if arguments.live { "/health/live" } else { "/health/ready" };
    match get(admin.listen, path) {
        Ok(answer) => {
            print!("{}", answer.split_once("\r\n\r\n").map_or("", |(_, body)| body));
            if answer.starts_with("HTTP/1.1 200 ") { Exit::Done } else { Exit::Failed }
        }
        Err(error) => fail(Exit::Unreachable, &format_args!("{}: {error}", admin.listen)),
    }
}

fn get(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.take(MAX_ANSWER).read_to_string(&mut answer)?;
    Ok(answer)
}
