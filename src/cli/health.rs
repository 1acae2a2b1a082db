//! `health`: is the service ready, and why not? For people, and for whatever starts and stops containers.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use clap::Args;

use super::{Exit, SettingsFile, fail};

/// Nobody waits longer for a service that is well.
const PATIENCE: Duration = Duration::from_secs(5);
/// More than any list of reasons takes.
const MOST_BYTES: u64 = 1 << 20;

/// What is asked, and of whom.
///
/// Exit codes: 0 ready, 1 not ready, 4 nobody answers.
#[derive(Debug, Args)]
pub struct HealthArguments {
    /// The settings: admin.listen says where to ask
    #[command(flatten)]
    pub settings: SettingsFile,
    /// Only ask whether the process answers at all
    #[arg(long)]
    pub live: bool,
}

/// Asks, and says what was answered.
pub(super) fn run(arguments: &HealthArguments) -> Exit {
    let settings = match arguments.settings.read() {
        Ok(settings) => settings,
        Err(problems) => return fail(Exit::Configuration, &problems),
    };
    let Some(admin) = settings.admin else {
        return fail(Exit::Failed, &"admin.listen is not set: nothing listens for operators");
    };
    if settings.admin_tls.is_some() {
        let how = "operators are answered behind mutual TLS: ask with curl --cert … --key … https://…/health/ready";
        return fail(Exit::Failed, &how);
    }
    let path = if arguments.live { "/health/live" } else { "/health/ready" };
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&admin.listen, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes())?;
        let mut answer = String::new();
        stream.take(MOST_BYTES).read_to_string(&mut answer)?;
        Ok(answer)
    };
    match ask() {
        Ok(answer) => {
            print!("{}", answer.split_once("\r\n\r\n").map_or("", |(_, body)| body));
            if answer.starts_with("HTTP/1.1 200 ") { Exit::Done } else { Exit::Failed }
        }
        Err(error) => fail(Exit::Unreachable, &format_args!("{}: {error}", admin.listen)),
    }
}
