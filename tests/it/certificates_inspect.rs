//! `certificates inspect`: what a certificate names, and whether the service would accept it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use ehealth_attributes::app::SystemClock;
use ehealth_core::model::{Clock, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::Workspace;

use crate::support::certificates::{
    Authority, Certificate, DIGITAL_SIGNATURE, List, cn, dns_name, element, extended_key_usage, extension, key_usage,
    name, oid, ou, pem, rsa_public_key_of_bits, sequence,
};
use crate::support::program::PROGRAM;
use crate::support::schemas::validate;
use crate::support::unread::workspace;

/// A moment this number of days from now, to the second.
fn in_days(days: i64) -> String {
    let now = SystemClock.now().as_millis().div_euclid(1_000) * 1_000;
    let text = Timestamp::from_millis(now + days * 86_400_000).to_string();
    text.replace(".000Z", "Z")
}

fn valid(certificate: &mut Certificate) {
    certificate.not_before = in_days(-1);
    certificate.not_after = in_days(10);
}

fn current(list: &mut List) {
    list.this_update = in_days(-1);
    list.next_update = Some(in_days(1));
}

struct Desk {
    folder: TempDir,
    workspace: Workspace,
    authority: Authority,
}

impl Desk {
    fn new() -> Self {
        let (folder, workspace) = workspace();
        let authority = Authority::root_with("Test CA", crate::support::certificates::Key::p256(), |certificate| {
            certificate.not_before = in_days(-1_000);
            certificate.not_after = in_days(1_000);
        });
        let desk = Self { folder, workspace, authority };
        desk.write("ca.pem", pem("CERTIFICATE", &desk.authority.certificate));
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).expect("written");
    }

    /// Writes a valid certificate of the authority that is changed before it is signed.
    fn issue(&self, name: &str, change: impl FnOnce(&mut Certificate)) {
        let leaf = self.authority.issue_leaf_with(|certificate| {
            valid(certificate);
            change(certificate);
        });
        self.write(name, pem("CERTIFICATE", &leaf));
    }

    fn inspect(&self, name: &str, more: &[&str]) -> Output {
        let mut command = Command::new(PROGRAM);
        command.args(["certificates", "inspect"]).arg(self.path(name)).args(more).output().expect("the program runs")
    }

    /// The settings of the demo, with other authorities and lists.
    fn as_configured(&self, name: &str, revocation: &str) -> Output {
        let config = self.workspace.settings().display().to_string();
        let (ca, lists) =
            (format!("trust.client_ca={}", self.text("ca.pem")), format!("trust.revocation={revocation}"));
        self.inspect(name, &["--config", &config, "--set", &ca, "--set", &lists])
    }

    /// The JSON of an inspection, validated; it ends with this code.
    fn json(&self, name: &str, more: &[&str], code: i32) -> Value {
        let output = self.inspect(name, &[more, &["--json"]].concat());
        assert_eq!(output.status.code(), Some(code), "{name} {more:?}: {}", text(&output));
        let printed = String::from_utf8(output.stdout).expect("UTF-8");
        validate(&[("certificates-inspect", &printed)]);
        serde_json::from_str(&printed).expect("JSON")
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

#[test]
fn a_registered_certificate_is_accepted_and_named() {
    let desk = Desk::new();
    let (fund, _) = desk.workspace.client("fund");
    fs::copy(fund, desk.path("fund.pem")).expect("copied");
    let config = desk.workspace.settings().display().to_string();
    let found = desk.json("fund.pem", &["--config", &config], 0);
    assert_eq!(found["names"]["organisation"], "0999010126");
    assert_eq!(found["trust"]["consumer"]["isRecognised"], true);
    assert!(found["trust"]["consumer"]["name"].as_str().is_some_and(|name| name.contains("De Linde")), "{found:#}");
    assert_eq!(found["trust"]["revocation"]["state"], "not checked");
    let output = desk.inspect("fund.pem", &["--config", &config]);
    for part in ["organisation       0999010126", "as client          fit", "De Linde", "would be accepted as client"] {
        assert!(text(&output).contains(part), "{part}\n{}", text(&output));
    }
    // The same certificate where another authority is trusted.
    let refused = desk.json("fund.pem", &["--ca", &desk.text("ca.pem")], 12);
    assert_eq!(refused["trust"]["refusal"]["code"], "unknown-issuer");
    assert_eq!(refused["trust"]["consumer"], Value::Null);
    assert_eq!(refused["isRefused"], true);
}

#[test]
fn a_stranger_is_admitted_and_not_recognised() {
    let desk = Desk::new();
    let (stranger, _) = desk.workspace.client("stranger");
    fs::copy(stranger, desk.path("stranger.pem")).expect("copied");
    let config = desk.workspace.settings().display().to_string();
    let found = desk.json("stranger.pem", &["--config", &config], 12);
    assert_eq!((&found["trust"]["isAdmitted"], &found["fitness"]["client"]["isFit"]), (&json!(true), &json!(true)));
    assert_eq!(found["trust"]["consumer"]["error"], "the organisation of the certificate is not registered");
    // Without a policy it is only a valid certificate.
    let ca = desk.workspace.authority().display().to_string();
    desk.json("stranger.pem", &["--ca", &ca], 0);
}

#[test]
fn the_state_of_the_revocation_list_is_that_of_the_service() {
    let desk = Desk::new();
    let mut serial = Vec::new();
    desk.issue("leaf.pem", |certificate| serial.clone_from(&certificate.serial));
    fs::create_dir(desk.path("lists")).expect("a folder");
    let lists = desk.text("lists");
    let with = |list: Option<rustls::pki_types::CertificateRevocationListDer<'static>>| {
        match list {
            Some(list) => desk.write("lists/ca.crl", pem("X509 CRL", &list)),
            None => desk.write("lists/ca.crl", pem("X509 CRL", &Authority::root("Other").list())),
        }
        let output = desk.as_configured("leaf.pem", &lists);
        assert_eq!(output.status.code(), Some(12), "{}", text(&output));
        text(&output)
    };
    let fine = with(Some(desk.authority.list_with(current)));
    assert!(fine.contains("not revoked; list of 0 entries, current until"), "{fine}");
    assert!(fine.contains("NONE: the organisation of the certificate is not registered"), "{fine}");
    let revoked = with(Some(desk.authority.list_with(|list| {
        current(list);
        list.revoked.push(serial.clone());
    })));
    assert!(revoked.contains("is revoked (revoked)"), "{revoked}");
    let stale = with(Some(desk.authority.list_with(|list| {
        current(list);
        list.next_update = Some(in_days(-1));
        list.this_update = in_days(-2);
    })));
    assert!(stale.contains("the revocation list is stale (crl-stale)"), "{stale}");
    let missing = with(None);
    assert!(missing.contains("there is no revocation list of this issuer (crl-missing)"), "{missing}");
}

#[test]
fn validity_fitness_and_names_have_their_reasons() {
    let desk = Desk::new();
    desk.issue("expired.pem", |certificate| certificate.not_after = in_days(-3));
    desk.issue("future.pem", |certificate| certificate.not_before = in_days(3));
    desk.issue("server.pem", |certificate| {
        certificate.extensions = vec![
            key_usage(&[DIGITAL_SIGNATURE]),
            extended_key_usage(&[oid::SERVER_AUTH]),
            dns_name("gateway.example.be"),
        ];
    });
    desk.issue("weak.pem", |certificate| certificate.public_key = rsa_public_key_of_bits(1_024));
    desk.issue("unnamed.pem", |certificate| certificate.subject = name(&[cn("Anna"), ou("PRD")]));
    desk.issue("two.pem", |certificate| certificate.subject = name(&[cn("CBE=0202239951"), ou("CBE=0999010126")]));

    let expired = desk.json("expired.pem", &[], 12);
    assert_eq!(
        (&expired["certificate"]["validity"], &expired["certificate"]["daysLeft"]),
        (&json!("expired"), &json!(-4))
    );
    assert!(text(&desk.inspect("expired.pem", &[])).contains("EXPIRED"));
    assert_eq!(desk.json("future.pem", &[], 12)["certificate"]["validity"], "not yet valid");
    let server = desk.json("server.pem", &["--purpose", "server"], 0);
    assert_eq!(server["alternativeNames"], json!(["DNS:gateway.example.be"]));
    assert_eq!(
        server["fitness"]["client"]["reasons"],
        json!(["the certificate's extended key usage lacks clientAuth"])
    );
    desk.json("server.pem", &[], 12);
    assert_eq!(desk.inspect("server.pem", &["--purpose", "server", "--ca", "x"]).status.code(), Some(2));
    let weak = desk.json("weak.pem", &[], 12);
    assert_eq!(weak["certificate"]["key"]["kind"], "RSA 1024");
    assert_eq!(weak["fitness"]["server"]["isFit"], false);
    let unnamed = desk.json("unnamed.pem", &[], 12);
    assert_eq!(unnamed["names"]["organisationError"]["code"], "no-organisation");
    assert_eq!(unnamed["names"]["environment"]["state"], "one");
    assert_eq!(desk.json("two.pem", &[], 12)["names"]["organisationError"]["code"], "two-organisations");
    let today = desk.json("unnamed.pem", &[], 12);
    assert_eq!(today["certificate"]["daysLeft"], 9);
}

#[test]
fn files_of_each_kind_and_hostile_names_are_shown_safely() {
    let desk = Desk::new();
    let leaf = desk.authority.issue_leaf_with(valid);
    desk.write("leaf.der", &leaf);
    desk.json("leaf.der", &["--ca", &desk.text("ca.pem")], 0);
    let (certificate, key) = desk.workspace.client("fund");
    let both = [fs::read_to_string(&key).expect("a key"), fs::read_to_string(certificate).expect("a certificate")];
    desk.write("both.pem", both.concat());
    let output = desk.inspect("both.pem", &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let secret = both[0].lines().nth(1).expect("base64");
    assert!(!text(&output).contains(secret) && !text(&output).contains("PRIVATE"), "{}", text(&output));
    // An intermediate behind the certificate.
    let middle = desk.authority.issue_authority_with("Middle CA", valid);
    let below = middle.issue_leaf_with(valid);
    desk.write("chain.pem", [pem("CERTIFICATE", &below), pem("CERTIFICATE", &middle.certificate)].concat());
    let chain = desk.json("chain.pem", &["--ca", &desk.text("ca.pem")], 0);
    assert_eq!((chain["chain"].as_array().map(Vec::len), &chain["chain"][0]["isAuthority"]), (Some(1), &json!(true)));
    // Names with control characters and a person's number.
    desk.issue("hostile.pem", |certificate| {
        certificate.subject = name(&[cn("SSIN=85073099932, \u{1b}[2J\nx"), ou("CBE=0999010126")]);
        certificate.extensions.push(extension(
            oid::ALTERNATIVE_NAME,
            false,
            &sequence(&[&element(0x82, b"85073099932.example.be"), &element(0x82, b"a\x1b[2Jb")]),
        ));
    });
    let output = desk.inspect("hostile.pem", &[]);
    let printed = text(&output);
    assert!(!printed.contains('\u{1b}') && !printed.contains("85073099932"), "{printed}");
    desk.write("key.pem", &both[0]);
    for (file, code, message) in [
        ("key.pem", 1, "found a private key, expected certificates"),
        ("absent.pem", 1, "No such file"),
        ("ca.pem", 12, "the certificate is an authority's"),
    ] {
        let output = desk.inspect(file, &[]);
        assert_eq!(output.status.code(), Some(code), "{file}: {}", text(&output));
        assert!(text(&output).contains(message), "{file}: {}", text(&output));
    }
    desk.write("random", [0x30, 0x82, 0xff, 0xff, 1, 2, 3]);
    for ca in ["absent", "random", "key.pem"] {
        let output = desk.inspect("leaf.der", &["--ca", &desk.text(ca)]);
        assert_eq!(output.status.code(), Some(3), "{ca}: {}", text(&output));
        assert!(text(&output).contains(ca), "{ca}: {}", text(&output));
    }
}
