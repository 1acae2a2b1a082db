//! Applications of the policy that no certificate showed for 90 days, as `policy check` reports them.

use std::fs;
use std::process::Command;

use audit_log::AuditLog;
use ehealth_attributes::app::SystemClock;
use ehealth_core::lookup::ExchangeRecord;
use ehealth_core::model::{Application, Clock};

use super::harness::*;
use crate::support::program::PROGRAM;

#[test]
fn an_application_that_was_not_seen_for_90_days_is_reported() {
    let dir = tempfile::tempdir().expect("a folder");
    let settings = settings(dir.path());
    let policy = dir.path().join("policy.toml");
    let text =
        "[[consumer]]\norganisation = \"0202239951\"\nname = \"Fund\"\napplications = [\"NEW\", \"OLD\", \"NEVER\"]\n";
    fs::write(&policy, text).expect("written");
    let check = || {
        let mut command = Command::new(PROGRAM);
        command.args(["policy", "check"]).arg(&policy).arg("--audit-log").arg(&settings.folder);
        let output = command.output().expect("it runs");
        (output.status.code(), String::from_utf8(output.stderr).expect("UTF-8"))
    };
    assert_eq!(check().0, Some(1), "there is no audit log");

    let before = |days: i32| format!("{}T12:00:00Z", SystemClock.now().brussels_day().plus_days(-days));
    let clock = clock(&before(100));
    let log = AuditLog::open(&settings, clock.clone()).expect("opened");
    let show = |number, application: &str| {
        let application = Application::parse(application).ok();
        record(&log, ExchangeRecord { application, ..entry(number, person(1)) }).expect("durable");
    };
    show(1, "OLD");
    clock.set(moment(&before(91)));
    show(2, "OLD");
    clock.set(moment(&before(89)));
    show(3, "NEW");
    log.close();
    let (code, warnings) = check();
    assert_eq!(code, Some(0), "{warnings}");
    for application in ["OLD", "NEVER"] {
        let warning = format!(
            "consumer 0202239951, NEW (Fund): no certificate showed the application `{application}` for 90 days"
        );
        assert!(warnings.contains(&warning), "{warnings}");
    }
    assert!(!warnings.contains("`NEW`"), "{warnings}");
}

#[test]
fn a_young_log_says_nothing_about_applications() {
    let dir = tempfile::tempdir().expect("a folder");
    let settings = settings(dir.path());
    let policy = dir.path().join("policy.toml");
    let text = "[[consumer]]\norganisation = \"0202239951\"\nname = \"Fund\"\napplications = [\"NEVER\"]\n";
    fs::write(&policy, text).expect("written");
    AuditLog::open(&settings, std::sync::Arc::new(SystemClock)).expect("opened").close();
    let mut command = Command::new(PROGRAM);
    command.args(["policy", "check"]).arg(&policy).arg("--audit-log").arg(&settings.folder);
    let output = command.output().expect("it runs");
    let warnings = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(warnings.contains("which applications were not seen for 90 days is not known"), "{warnings}");
    assert!(!warnings.contains("`NEVER`"), "{warnings}");
}
