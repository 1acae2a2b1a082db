//! TestConnectionService is KSZ's: a client of KSZ's own contract works with this service unchanged.
//!
//! `interop_matrix` does the same with the classes that other stacks generate.

use std::fs;
use std::path::Path;

use ehealth_core::lookup::Operation;
use soap::names;

use crate::support::environment::say;
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

/// Copies every stored answer of `fixtures/requests` into the folder.
fn copy_answers(folder: &Path) -> usize {
    let mut count = 0;
    for kind in ["accepted", "broken", "catalogue", "refused"] {
        let stored = fs::read_dir(python::project().join("fixtures/requests").join(kind)).expect("a folder");
        for file in stored.map(|entry| entry.expect("readable").path()) {
            let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
            if name.ends_with(".answer.xml") {
                fs::copy(&file, folder.join(format!("{kind}-{name}"))).expect("copied");
                count += 1;
            }
        }
    }
    count
}

#[test]
fn our_common_types_are_ksz_s_and_every_answer_is_valid_by_them() {
    let (Some(ksz), Some(python)) = (ksz::folder(), Python::find()) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let answers = folder.path().join("answers");
    fs::create_dir(&answers).expect("made");
    assert!(copy_answers(&answers) > 400);
    let common = ksz.join("CommonV3.xsd");
    let check = |file: &Path| python.run("check_common.py", [file, answers.as_path()]);
    let printed = check(&common).unwrap_or_else(|printed| panic!("{printed}"));
    say(&format!("By KSZ's own CommonV3.xsd: {printed}"));

    // A difference of one facet, one pattern or one element is found.
    let text = fs::read_to_string(&common).expect("readable");
    for (from, to) in [
        ("<xsd:maxLength value=\"36\"/>", "<xsd:maxLength value=\"35\"/>"),
        ("[0-1]\\d{9}", "[0-2]\\d{9}"),
        ("<xsd:element name=\"detail\" type=\"tns:MessageType\" maxOccurs=\"30\"/>", ""),
        ("name=\"timestampReply\" type=\"xsd:dateTime\"", "name=\"timestampReply\" type=\"xsd:date\""),
        ("<xsd:complexType name=\"BaseRequestType\" abstract=\"true\">", "<xsd:complexType name=\"BaseRequestType\">"),
    ] {
        let changed = text.replace(from, to);
        assert_ne!(changed, text, "{from}");
        let file = folder.path().join("CommonV3.xsd");
        fs::write(&file, changed).expect("written");
        check(&file).expect_err(from);
    }
}
