//! The zeep client, generated from the served contract.

use std::path::Path;

use ehealth_core::lookup::FreshnessLimits;
use std::time::Duration;

use crate::support::ksz;
use crate::support::python::{self, Python};
use crate::support::service::TestService;

/// Runs zeep over the whole catalogue; its answers go to a folder for the oracles.
async fn ask_with_zeep(service: &TestService, more: &[&str]) {
    let responses = service.folder().join("zeep");
    std::fs::create_dir(&responses).expect("a folder");
    let url = format!("https://localhost:{}", service.address.port());
    let ca = service.workspace.authority();
    let clients = service.workspace.client("fund").0.parent().map(Path::to_owned).expect("a folder");
    let catalogue = python::project().join("fixtures/catalogue.csv");
    let answers = python::project().join("fixtures/requests/catalogue");
    let mut arguments: Vec<String> = vec![url];
    arguments.extend([&ca, &clients, &catalogue, &answers, &responses].map(|path| path.display().to_string()));
    arguments.extend(more.iter().map(ToString::to_string));
    let asked = tokio::task::spawn_blocking(move || {
        let Some(python) = Python::find() else { return };
        let script = python::project().join("tests/interop/zeep_client.py");
        let printed = python.run_file(&script, arguments).unwrap_or_else(|printed| panic!("{printed}"));
        assert!(printed.ends_with("0 differences\n"), "{printed}");
        ksz::validate_envelopes(&responses).expect("every answer is valid against schemas/");
    });
    asked.await.expect("zeep gets the answers of the catalogue");
}

#[tokio::test(flavor = "multi_thread")]
async fn zeep_gets_every_answer_of_the_catalogue() {
    let service = TestService::start().await;
    ask_with_zeep(&service, &[]).await;
    service.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn zeep_gets_the_name_of_a_stale_dataset() {
    let service = TestService::start_with(|settings| {
        let limits = settings.server.freshness;
        settings.server.freshness = FreshnessLimits { federated: Duration::ZERO, ..limits };
    })
    .await;
    ask_with_zeep(&service, &["--stale", "federated"]).await;
    service.finish().await;
}
