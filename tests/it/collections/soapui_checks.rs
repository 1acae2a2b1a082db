//! The SoapUI project, checked by lxml and xmlschema: references, requests against the contract, and
//! assertions against the stored answers.

use std::fs;

use super::cases::cases;
use super::soapui;
use crate::support::environment::say;
use crate::support::python::{Python, project};

fn check(text: &str) -> Option<Result<String, String>> {
    let python = Python::find()?;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("project.xml");
    fs::write(&file, text).expect("written");
    Some(python.run("check_soapui.py", [file, project().join("fixtures/requests/catalogue")]))
}

#[test]
fn the_assertions_of_the_soapui_project_hold() {
    let cases = cases();
    let Some(checked) = check(&soapui::project(&cases)) else { return };
    let printed = checked.unwrap_or_else(|errors| panic!("{errors}"));
    assert!(printed.starts_with(&format!("{} steps, ", cases.len())) && printed.ends_with(" 0 errors\n"), "{printed}");
    say(&format!("SoapUI project: {}", printed.trim_end()));
}

/// The check finds what it is for: each change of the project is an error.
#[test]
fn an_error_in_the_soapui_project_is_found() {
    let whole = soapui::project(&cases());
    for (change, with, error) in [
        ("<content>MSG00100</content>", "<content>MSG00101</content>", "is not MSG00101"),
        ("<codes>500</codes>", "<codes>200</codes>", "HTTP status 200"),
        (")=2</path>", ")=3</path>", ")=3 is not true"),
        ("sslKeystore=\"service.p12\"", "sslKeystore=\"nurse.p12\"", "no key store nurse.p12"),
        ("<criteria>", "<criterium>", "mismatch"),
        ("<legalContext>BACKTOWORK:CURIOSITY</legalContext>", "", "legalContext"),
        ("<con:operation>sendTestMessage</con:operation>", "<con:operation>test</con:operation>", "no operation"),
        ("id=\"case-cancelled\"", "id=\"case-replaced\"", "id case-replaced twice"),
    ] {
        let changed = whole.replacen(change, with, 1);
        assert_ne!(changed, whole, "{change}");
        let Some(checked) = check(&changed) else { return };
        let found = checked.expect_err(change);
        assert!(found.contains(error), "{change}: {found}");
    }
}
