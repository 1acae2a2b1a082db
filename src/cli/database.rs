//! The connection of a command to the database that the nodes share.

use super::exit::Exit;
use cluster::{ConnectError, Connector, Problem, Session, Settings};

/// Exit code and message of a command that failed.
pub(super) type Failure = (Exit, String);

pub(super) fn failed(error: impl std::fmt::Display) -> Failure {
    (Exit::Failed, error.to_string())
}

/// A runtime for one command.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)
}

/// Connects to the database.
pub(super) async fn connect(settings: &Settings) -> Result<Session, Failure> {
    let connected: Result<_, ConnectError> = async { Connector::new(settings)?.connect().await }.await;
    connected.map_err(|error| {
        let Problem { text, remedy, .. } = Problem::of_connection(&error);
        failed(format_args!("{}: {text}; {remedy}", settings.database))
    })
}
