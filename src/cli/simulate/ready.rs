//! What a test has to know of a running simulation: the content of the ready file.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::cli::test_service::RunningService;
use ehealth_core::lookup::Operation;
use ehealth_core::model::{LegalContext, Timestamp};
use soap::names;
use testkit::{ORGANISATIONS, RefusedClient, Workspace};

/// Description of a simulation; the help text of `simulate` documents its keys.
pub(super) fn describe(
    running: &RunningService,
    workspace: &Workspace,
    now: Timestamp,
    control: SocketAddr,
    with_rsa: bool,
) -> Value {
    let url = |operation| format!("{}{}", running.url, names::path(operation));
    let refused = RefusedClient::ALL.map(|problem| {
        let (certificate, key) = workspace.refused_client(problem);
        (problem.code().to_owned(), json!({ "certificate": certificate, "key": key }))
    });
    json!({
        "port": running.port,
        "url": running.url,
        "consultAttributes": url(Operation::ConsultAttributes),
        "sendTestMessage": url(Operation::SendTestMessage),
        "control": format!("http://{control}"),
        "now": now.to_string(),
        "ca": workspace.authority(),
        "clients": clients(&|word| workspace.client(word)),
        "clientsRsa": with_rsa.then(|| clients(&|word| workspace.rsa_client(word))),
        "refusedClients": Value::Object(refused.into_iter().collect()),
        "pid": std::process::id(),
    })
}

/// The client of each organisation; `files` are its certificate and key.
fn clients(files: &dyn Fn(&str) -> (PathBuf, PathBuf)) -> Value {
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
}
