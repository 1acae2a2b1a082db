//! `policy check` and `policy show` say what the signature rules of a policy mean.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::program::PROGRAM;
use crate::support::unread::workspace;

const WARNING: &str = "has message_signature = \"require\", and trust.revocation = \"none\"";

/// Runs `policy` with these arguments; exit code, standard output and standard error.
fn policy(arguments: &[&Path]) -> (Option<i32>, String, String) {
    let output = Command::new(PROGRAM).arg("policy").args(arguments).output().expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn signatures_that_are_required_without_crls_are_warned_of() {
    let (folder, workspace) = workspace();
    let (settings, file) = (workspace.settings(), workspace.settings().with_file_name("policy.toml"));
    let text = fs::read_to_string(&file).expect("a policy");
    let key = "organisation = \"0999010126\"\n";
    fs::write(&file, text.replacen(key, &format!("{key}message_signature = \"require\"\n"), 1)).expect("written");
    let check = Path::new("check");

    let (code, _, warnings) = policy(&[check, &file]);
    assert!(code == Some(0) && warnings.contains(WARNING) && warnings.contains("--config FILE"), "{warnings}");
    let (code, _, warnings) = policy(&[check, &file, Path::new("--config"), &settings]);
    assert!(code == Some(0) && warnings.contains(WARNING) && !warnings.contains("--config FILE"), "{warnings}");

    let with_crl =
        fs::read_to_string(&settings).expect("settings").replace("revocation = \"none\"", "revocation = \"crl.pem\"");
    let other = folder.path().join("other.toml");
    fs::write(&other, with_crl).expect("written");
    let (code, _, warnings) = policy(&[check, &file, Path::new("--config"), &other]);
    assert!(code == Some(0) && !warnings.contains(WARNING), "{warnings}");

    let (_, shown, _) = policy(&[Path::new("show"), &file]);
    assert!(shown.lines().any(|line| line.starts_with("0999010126") && line.ends_with("require")), "{shown}");
}

#[test]
fn signers_need_a_signature_rule() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("policy.toml");
    let consumer = "[[consumer]]\norganisation = \"0999000129\"\nname = \"Platform\"\n";
    for (lines, expected) in [
        ("signers = [\"0999010126\"]\n", "needs message_signature"),
        ("message_signature = \"accept\"\nsigners = [\"0999000129\"]\n", "or the consumer itself"),
        ("message_signature = \"maybe\"\n", "must be one of off, accept, require"),
        ("message_signature = \"accept\"\nsigners = [\"0999010127\"]\n", "check digits"),
    ] {
        fs::write(&file, format!("{consumer}{lines}")).expect("written");
        let (code, _, errors) = policy(&[Path::new("check"), &file]);
        assert!(code == Some(3) && errors.contains(expected), "{lines}{errors}");
    }
}
