//! `lookup --sign-cert` and `--verify-responses`: arguments, exit codes, messages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::harness::fixtures;
use crate::support::program::read_until;

/// A running demo whose fund has these lines in the policy.
struct Demo {
    child: Child,
    url: String,
    folder: TempDir,
}

impl Demo {
    fn start(lines: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let demo = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_ehealth-attributes"));
            command.env_remove("EHEALTH_ATTRIBUTES_LOG").args(["demo", "--port", "0", "--dir"]);
            command.arg(folder.path()).stdin(Stdio::null()).stderr(Stdio::null());
            command
        };
        assert!(demo().arg("--once").stdout(Stdio::null()).status().expect("the program runs").success());
        let policy = folder.path().join("policy.toml");
        let text = fs::read_to_string(&policy).expect("a policy");
        let (before, after) = text.split_once("organisation = \"0999010126\"\n").expect("the fund");
        fs::write(&policy, format!("{before}organisation = \"0999010126\"\n{lines}\n{after}")).expect("written");
        let mut child = demo().stdout(Stdio::piped()).spawn().expect("the program starts");
        let printed = read_until(child.stdout.take().expect("piped"), "Press Ctrl-C", Duration::from_secs(60));
        let (_, after) = printed.split_once("Serving the catalogue at ").expect("the address");
        let url = after.lines().next().expect("the address").to_owned();
        Self { child, url, folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn lookup(&self, more: &[&dyn AsRef<std::ffi::OsStr>]) -> Output {
        let mut command = lookup(&self.url, [&self.file("ca.pem"), &self.own("pem"), &self.own("key")]);
        command.args(more.iter().map(AsRef::as_ref)).output().expect("the program runs")
    }

    /// Certificate and key of the fund.
    fn own(&self, ending: &str) -> PathBuf {
        self.file(&format!("clients/fund.{ending}"))
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lookup(url: &str, [ca, certificate, key]: [&Path; 3]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ehealth-attributes"));
    command.args(["lookup", "--url", url, "--ca"]).arg(ca).arg("--cert").arg(certificate).arg("--key").arg(key);
    command.args(["--organisation", "0999010126", "--legal-context", "advisory-physician", "--ssin", "85073099932"]);
    command.stdin(Stdio::null());
    command
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn lookup_signs_its_requests_and_verifies_the_responses() {
    let demo = Demo::start("message_signature = \"require\"\nsign_responses = true");
    let (certificate, key) = (demo.own("pem"), demo.own("key"));
    let signed = demo.lookup(&[&"--sign-cert", &certificate, &"--sign-key", &key, &"--verify-responses"]);
    assert_eq!(signed.status.code(), Some(0), "{}", error(&signed));
    let unsigned = demo.lookup(&[&"--verify-responses"]);
    assert_eq!(unsigned.status.code(), Some(6), "{}", error(&unsigned));
    assert!(error(&unsigned).contains("SOA-01001"), "{}", error(&unsigned));
}

#[test]
fn lookup_refuses_an_unsigned_response_if_asked_to_verify() {
    let demo = Demo::start("message_signature = \"accept\"");
    let refused = demo.lookup(&[&"--verify-responses", &"--response-signer", &fixtures().join("fund-ec.pem")]);
    assert_eq!(refused.status.code(), Some(1), "{}", error(&refused));
    assert!(error(&refused).contains("the response is not accepted: it is not signed"), "{}", error(&refused));
    assert!(!error(&refused).contains("85073099932"));
    assert_eq!(demo.lookup(&[]).status.code(), Some(0));
}

#[test]
fn unusable_signing_files_and_arguments_are_named() {
    let file = |name: &str| fixtures().join(name).display().to_string();
    let (certificate, key, other) = (file("fund-rsa.pem"), file("fund-rsa.key"), file("fund-ec.key"));
    let missing = file("missing.pem");
    let run = |more: &[&str]| {
        let paths = [file("ca.pem"), certificate.clone(), key.clone()].map(PathBuf::from);
        let [ca, own, own_key] = &paths;
        lookup("https://localhost:1", [ca, own, own_key]).args(more).output().expect("the program runs")
    };
    for (more, message) in [
        (
            &["--sign-cert", &key, "--sign-key", &key][..],
            format!("`{key}`: found a private key, expected certificates"),
        ),
        (&["--sign-cert", &missing, "--sign-key", &key], format!("`{missing}`: No such file")),
        (
            &["--sign-cert", &certificate, "--sign-key", &other],
            format!("`{other}`: the signing key: it does not belong to the signing certificate"),
        ),
        (
            &["--verify-responses", "--response-signer", &key],
            format!("`{key}`: found a private key, expected certificates"),
        ),
    ] {
        let refused = run(more);
        assert_eq!(refused.status.code(), Some(1), "{}", error(&refused));
        assert!(error(&refused).contains(&message), "{}", error(&refused));
    }
    for more in [&["--sign-cert", &certificate][..], &["--sign-key", &key], &["--response-signer", &certificate]] {
        assert_eq!(run(more).status.code(), Some(2), "{more:?}");
    }
}
