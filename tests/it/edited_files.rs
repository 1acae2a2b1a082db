//! Files that people edit, as editors and shells on Windows write them: byte order mark, CR LF,
//! UTF-16. Each place that reads such a file reads them. The rule `edited-text` holds that no place
//! reads a text in another way.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use ehealth_attributes::config::read_scenario;
use rcgen::{CertificateParams, CertificateRevocationListParams, IsCa, Issuer, KeyPair};

use crate::support::program::PROGRAM;

fn run(arguments: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).env_remove("EHEALTH_ATTRIBUTES_LOG");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // The program may end before it has read everything.
    let _ = child.stdin.take().expect("piped").write_all(input);
    child.wait_with_output().expect("it ends")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// UTF-8 with a byte order mark, as an editor writes it.
fn utf_8(text: &str) -> Vec<u8> {
    let lines = text.replace("\r\n", "\n").replace('\n', "\r\n");
    [b"\xef\xbb\xbf", lines.as_bytes()].concat()
}

/// UTF-16, as a shell writes it.
fn utf_16(text: &str) -> Vec<u8> {
    let lines = text.replace("\r\n", "\n").replace('\n', "\r\n");
    let units: Vec<u8> = lines.encode_utf16().flat_map(u16::to_le_bytes).collect();
    [b"\xff\xfe", units.as_slice()].concat()
}

/// A revocation list that is current for a century.
fn list() -> String {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let list = CertificateRevocationListParams {
        this_update: rcgen::date_time_ymd(2020, 1, 1),
        next_update: rcgen::date_time_ymd(2120, 1, 1),
        crl_number: rcgen::SerialNumber::from(1_u64),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: rcgen::KeyIdMethod::Sha256,
    };
    let issuer = Issuer::new(params, KeyPair::generate().expect("a key"));
    list.signed_by(&issuer).expect("a list").pem().expect("PEM")
}

#[test]
fn each_file_that_a_person_edits_may_come_from_windows() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let dir = folder.path().join("demo");
    let path = |name: &str| dir.join(name).display().to_string();
    let made = run(&["demo", "--once", "--port", "0", "--dir", &dir.display().to_string()], b"");
    assert!(made.status.success(), "{}", text(&made));
    let config = path("ehealth-attributes.toml");
    let free = ["--set", "server.listen=127.0.0.1:0", "--set", "admin.listen=127.0.0.1:0"];
    let key = run(&["audit", "checkpoint", "--public-key", "--config", &config], b"");
    fs::write(path("log.key"), &key.stdout).expect("written");
    fs::write(path("names.csv"), "0999010126,De Linde\n").expect("written");
    fs::write(path("people.txt"), "# people\n85073099932\n71050499919\n").expect("written");
    fs::write(path("list.pem"), list()).expect("written");
    let scenario = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/scenario.toml"));
    fs::write(path("scenario.toml"), scenario.expect("the example")).expect("written");
    let settings = fs::read_to_string(&config).expect("settings");
    fs::write(&config, settings.replace("revocation = \"none\"", "revocation = \"list.pem\"")).expect("written");
    let edited = [
        "ehealth-attributes.toml",
        "policy.toml",
        "server.pem",
        "server.key",
        "ca.pem",
        "list.pem",
        "clients/fund.pem",
        "clients/fund.key",
        "names.csv",
        "people.txt",
        "log.key",
        "scenario.toml",
    ];
    let plain = edited.map(|name| fs::read_to_string(path(name)).expect("UTF-8"));
    for convert in [utf_8, utf_16] {
        for (name, plain) in edited.iter().zip(&plain) {
            fs::write(path(name), convert(plain)).expect("written");
        }
        // Settings, policy, certificates, keys, authorities, revocation lists.
        let checked = run(&[&["config", "check", "--config", &config], &free[..]].concat(), b"");
        assert_eq!(checked.status.code(), Some(0), "{}", text(&checked));
        assert!(text(&checked).contains("no authority of trust.client_ca issued it"), "{}", text(&checked));
        let policy = run(&["policy", "check", &path("policy.toml")], b"");
        assert_eq!(policy.status.code(), Some(0), "{}", text(&policy));
        assert!(read_scenario(Path::new(&path("scenario.toml"))).is_ok());
        // Lists and names.
        let person = convert("85073099932\n");
        let report = ["audit", "report", "--config", &config, "--ssin", "-", "--names", &path("names.csv")];
        let report = run(&report, &person);
        assert!(report.status.success() && text(&report).contains("De Linde (0999010126)"), "{}", text(&report));
        let verified = run(&["audit", "verify", "--audit-log", &path("audit-log"), "--key", &path("log.key")], b"");
        assert_eq!(verified.status.code(), Some(0), "{}", text(&verified));
        // Nothing listens there: a file or an argument that cannot be read would end with 1 or 2.
        let (ca, cert, client_key) = (path("ca.pem"), path("clients/fund.pem"), path("clients/fund.key"));
        let lookup = ["lookup", "--url", "https://localhost:1", "--ca", &ca, "--cert", &cert, "--key", &client_key];
        let lookup = [&lookup[..], &["--organisation", "0999010126", "--legal-context", "advisory-physician"]].concat();
        let people = path("people.txt");
        for (more, input) in
            [(["--in", people.as_str()], &b""[..]), (["--in", "-"], &convert(&plain[9])), (["--ssin", "-"], &person)]
        {
            let asked = run(&[lookup.as_slice(), &more].concat(), input);
            assert_eq!(asked.status.code(), Some(4), "{more:?}: {}", text(&asked));
        }
    }
}
