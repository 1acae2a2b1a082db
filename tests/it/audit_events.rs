//! `audit events`: what happened to the log besides exchanges (docs/reference/json.md "Text outputs").

use std::fs;
use std::process::{Command, Output};

use testkit::Workspace;

use crate::support::program::PROGRAM;
use crate::support::unread::{Caller, client_tls, serve, workspace};

/// Serves one question.
fn serve_once(workspace: &Workspace) {
    let (program, address, _) = serve(workspace);
    Caller::connect(address, client_tls(workspace, "fund")).ask();
    assert_eq!(program.stop().0, Some(0));
}

fn events(workspace: &Workspace, more: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(PROGRAM);
    let Output { status, stdout, stderr } =
        command.args(["audit", "events", "--config"]).arg(workspace.settings()).args(more).output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn vouching_is_an_event_and_an_exchange_is_not() {
    let (folder, workspace) = workspace();
    serve_once(&workspace);
    assert_eq!(events(&workspace, &[]), (Some(0), String::new(), String::new()), "nothing happened");

    let checkpoint = folder.path().join("demo/audit-log/checkpoint");
    fs::remove_file(checkpoint).expect("a checkpoint");
    let settings = fs::read_to_string(workspace.settings()).expect("settings");
    let vouching =
        settings.replace("missing_keys = \"make\"", "missing_keys = \"make\"\nmissing_checkpoint = \"sign\"");
    fs::write(workspace.settings(), vouching).expect("written");
    serve_once(&workspace);

    let (code, text, _) = events(&workspace, &[]);
    assert_eq!(code, Some(0));
    let [line] = text.lines().collect::<Vec<_>>()[..] else { panic!("one event: {text}") };
    assert!(line.contains("the operator vouched") && line.contains("; records before it: "), "{line}");

    let (code, json, _) = events(&workspace, &["--json"]);
    let event: serde_json::Value = serde_json::from_str(&json).expect("one object");
    assert_eq!(code, Some(0));
    assert_eq!(line.split(' ').next(), event["sequence"].as_u64().map(|number| number.to_string()).as_deref());
    assert!(event["facts"]["record"].as_str().is_some_and(|what| what.contains("the operator vouched")), "{json}");

    let (code, none, _) = events(&workspace, &["--from", "2020-01-01", "--to", "2020-01-31"]);
    assert_eq!((code, none.as_str()), (Some(0), ""), "other days");
    let (code, _, message) = events(&workspace, &["--from", "2020-13-01", "--to", "2020-01-51"]);
    assert_eq!(code, Some(2));
    assert!(message.contains("--from: ") && message.contains("--to: "), "both are reported: {message}");
}
