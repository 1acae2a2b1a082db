//! TestConnectionService is KSZ's: a client of KSZ's own contract works with this service unchanged.
//!
//! `interop_matrix` does the same with the classes that other stacks generate.

use std::fs;

use ehealth_core::lookup::Operation;
use soap::names;

use crate::support::ksz;
use crate::support::python::{self, Python};
use crate::support::service::{TEST, TestService, envelope};

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_ksz_s_own_wsdl_works_unchanged() {
    let (Some(ksz), Some(python)) = (ksz::folder(), Python::find()) else { return };
    let service = TestService::start().await;
    let url = format!("https://localhost:{}", service.address.port());
    let (certificate, key) = service.workspace.client("fund");
    let files = [ksz.join("TestConnectionService.wsdl"), service.workspace.authority(), certificate, key];
    let arguments = [url].into_iter().chain(files.map(|file| file.display().to_string())).collect::<Vec<_>>();
    let script = python::project().join("tests/interop/ksz_client.py");
    let asked = tokio::task::spawn_blocking(move || python.run_file(&script, arguments));
    let printed = asked.await.expect("zeep ran").unwrap_or_else(|printed| panic!("{printed}"));
    assert_eq!(printed, "4 calls\n");
    service.finish().await;
}

#[tokio::test]
async fn ksz_s_own_schema_accepts_every_test_message() {
    let (Some(ksz), Some(python)) = (ksz::folder(), Python::find()) else { return };
    let service = TestService::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let element = names::request(Operation::SendTestMessage).name;
    let namespace = names::Namespace::Test.uri();
    for (caller, echo) in
        [("fund", "hello"), ("stranger", ""), ("fund", " \u{e9}\u{1f600}&amp;\n"), ("fund", &"a".repeat(300))]
    {
        let body = format!("<t:{element} xmlns:t=\"{namespace}\"><echo>{echo}</echo></t:{element}>");
        let answered = service.post(caller, TEST, envelope(&body)).await;
        assert_eq!(answered.status, 200, "{answered:?}");
        let number = fs::read_dir(folder.path()).expect("a folder").count();
        fs::write(folder.path().join(format!("{number}-request.xml")), envelope(&body)).expect("written");
        fs::write(folder.path().join(format!("{number}-response.xml")), answered.body).expect("written");
    }
    fs::write(folder.path().join("example.xml"), soap::example(Operation::SendTestMessage)).expect("written");
    let wsdl = ksz.join("TestConnectionService.wsdl");
    let printed =
        python.run("check_ksz.py", [wsdl.as_path(), folder.path()]).unwrap_or_else(|printed| panic!("{printed}"));
    assert_eq!(printed, "9 messages\n");
    service.finish().await;
}
