//! `config check` and `serve` agree: the same findings for every broken set-up, and `serve` starts
//! exactly if the check finds no error.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use audit_log::AuditLog;
use datasets::sync;
use ehealth_attributes::app::SystemClock;
use ehealth_attributes::config::read_settings;
use ehealth_core::model::Clock;
use rcgen::{CertificateParams, CertificateRevocationListParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use testkit::Workspace;

use crate::support::program::{PROGRAM, Program};

/// A set-up on a copy of a working one.
struct SetUp {
    folder: TempDir,
}

impl SetUp {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn settings(&self) -> PathBuf {
        self.path("ehealth-attributes.toml")
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).expect("written");
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("readable")
    }

    /// Replaces a part of the settings, which must be there.
    fn set(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.settings()).expect("settings");
        assert!(text.contains(from), "{from} is not in\n{text}");
        fs::write(self.settings(), text.replacen(from, to, 1)).expect("written");
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).arg("--config").arg(self.settings()).env_remove("EHEALTH_ATTRIBUTES_LOG");
        command.stdin(Stdio::null()).output().expect("the program runs")
    }

    /// Starts the service; its log up to the start, and its exit code.
    fn serve(&self) -> (Option<i32>, Vec<String>) {
        let mut command = Command::new(PROGRAM);
        let (program, log) = Program::start(command.arg("serve").arg("--config").arg(self.settings()), "public_url=");
        (program.stop().0, log)
    }

    /// Every file with its content, without what SQLite makes beside a database that is read.
    fn content(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("readable") {
                let path = entry.expect("readable").path();
                let name = path.to_string_lossy().into_owned();
                if path.is_dir() {
                    folders.push(path);
                } else if !name.ends_with("-shm") && !name.ends_with("-wal") {
                    files.insert(path.clone(), fs::read(&path).expect("readable"));
                }
            }
        }
        files
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// A working set-up: certificates, policy, loaded datasets, an audit log. The system chooses the
/// ports.
fn working() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let workspace = Workspace::new(folder.path().to_owned());
    workspace.prepare(SystemClock.now(), "").expect("the workspace can be created");
    let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    workspace.write_addresses(listen, "https://localhost:0", Some(0)).expect("written");
    let written = fs::read_to_string(workspace.settings()).expect("settings");
    let url = written.replace("https://localhost:0", "https://localhost:8443");
    fs::write(workspace.settings(), url).expect("written");
    let settings = read_settings(&workspace.settings()).expect("valid");
    let reports = sync::run_all(&settings.sync, &SystemClock);
    assert!(reports.iter().all(|report| report.outcome.code() == "snapshot/first"), "{reports:?}");
    drop(AuditLog::open(&settings.audit_log, Arc::new(SystemClock)).expect("opened"));
    folder
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    fs::set_permissions(to, fs::metadata(from).expect("there").permissions()).expect("ours");
    for entry in fs::read_dir(from).expect("readable") {
        let entry = entry.expect("readable");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copied");
        }
    }
}

/// What keeps something in use while both commands run.
type Held = Option<Box<dyn std::any::Any>>;

/// Name of a set-up, how it is made, and parts of what must be found: severity, setting, text.
type Case = (&'static str, fn(&SetUp) -> Held, &'static [[&'static str; 3]]);

/// A self-signed certificate with its key.
fn make_certificate(change: impl FnOnce(&mut CertificateParams)) -> (String, String) {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    change(&mut params);
    let key = KeyPair::generate().expect("a key");
    (params.self_signed(&key).expect("a certificate").pem(), key.serialize_pem())
}

fn use_certificate(set_up: &SetUp, change: impl FnOnce(&mut CertificateParams)) -> Held {
    let (certificate, key) = make_certificate(change);
    set_up.write("server.pem", certificate);
    set_up.write("server.key", key);
    None
}

/// A current revocation list of an authority that no set-up trusts.
fn foreign_list() -> String {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, "Another authority");
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

fn set(from: &'static str, to: &'static str) -> impl Fn(&SetUp) -> Held {
    move |set_up| {
        set_up.set(from, to);
        None
    }
}

const ERRORS: &[Case] = &[
    (
        "settings, policy and key at once",
        |set_up| {
            set_up.set("[server]\n", "[server]\nlisen = 1\n");
            set_up.write("policy.toml", "[[consumer]]\norganisation = \"1\"\n");
            set_up.write("server.key", set_up.read("server.pem"));
            None
        },
        &[
            ["error", "server.lisen", "unknown key"],
            ["error", "consumer[1].organisation", ""],
            ["error", "server.key", "found a certificate, expected an unencrypted private key"],
        ],
    ),
    (
        "no settings",
        |set_up| fs::remove_file(set_up.settings()).map(|()| None).expect("removed"),
        &[["error", "", "cannot be read"]],
    ),
    ("no policy", set_policy_missing, &[["error", "", "cannot be read"]]),
    (
        "certificate and authority are missing",
        |set_up| {
            set_up.set("\"server.pem\"", "\"missing.pem\"");
            set_up.set("\"ca.pem\"", "\"nowhere\"");
            None
        },
        &[["error", "server.certificate", "No such file"], ["error", "trust.client_ca", "No such file"]],
    ),
    (
        "the key of another certificate",
        |set_up| set("\"server.key\"", "\"clients/fund.key\"")(set_up),
        &[["error", "server.key", "the private key does not belong to the certificate"]],
    ),
    (
        "an encrypted key",
        |set_up| {
            set_up.write("server.key", set_up.read("server.key").replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"));
            None
        },
        &[["error", "server.key", "found an encrypted private key"], ["error", "server.key", "openssl pkey -in OLD"]],
    ),
    (
        "a folder of authorities that is empty",
        |set_up| {
            fs::create_dir(set_up.path("authorities")).expect("made");
            set("\"ca.pem\"", "\"authorities\"")(set_up)
        },
        &[["error", "trust.client_ca", "none of the authorities is a root"]],
    ),
    (
        "no revocation lists, and a certificate in their place",
        |set_up| set("revocation = \"none\"", "revocation = [\"crl\", \"ca.pem\"]")(set_up),
        &[
            ["error", "trust.revocation", "No such file"],
            ["error", "trust.revocation", "found a certificate, expected certificate revocation lists"],
        ],
    ),
    (
        "the operators' files",
        |set_up| {
            set_up.write("empty.pem", "");
            let three = "[admin]\ncertificate = \"none.pem\"\nkey = \"empty.pem\"\nclient_ca = \"server.key\"\n";
            set_up.set("[admin]\n", three);
            None
        },
        &[
            ["error", "admin.certificate", "No such file"],
            ["error", "admin.key", "is empty"],
            ["error", "admin.client_ca", "found a private key, expected certificates"],
        ],
    ),
    (
        "keys that others may change",
        |set_up| {
            fs::set_permissions(set_up.path("keys"), fs::Permissions::from_mode(0o770)).expect("ours");
            None
        },
        &[["error", "audit_log.keys", "remove the write permission of group and others"]],
    ),
    (
        "a key that others may read",
        |set_up| {
            let key = set_up.path("keys/checkpoint.key");
            fs::set_permissions(key, fs::Permissions::from_mode(0o644)).expect("ours");
            None
        },
        &[["error", "audit_log.keys", "checkpoint.key has mode 0644"]],
    ),
    (
        "the keys are gone",
        |set_up| {
            fs::remove_dir_all(set_up.path("keys")).expect("removed");
            set("missing_keys = \"make\"", "missing_keys = \"refuse\"")(set_up)
        },
        &[["error", "audit_log.keys", ""]],
    ),
    (
        "a file in place of the audit log",
        |set_up| {
            fs::remove_dir_all(set_up.path("audit-log")).expect("removed");
            set_up.write("audit-log", "");
            None
        },
        &[["error", "audit_log.folder", ""]],
    ),
    (
        "the checkpoint of another log",
        |set_up| {
            set_up.write("audit-log/checkpoint", "a checkpoint\n");
            None
        },
        &[["error", "audit_log.folder", "holds no checkpoint of this audit log"]],
    ),
    (
        "both ports are taken",
        |set_up| {
            let taken = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
            for (section, taken) in ["[server]\nlisten = \"", "[admin]\nlisten = \""].into_iter().zip(&taken) {
                let address = taken.local_addr().expect("bound");
                set_up.set(&format!("{section}127.0.0.1:0"), &format!("{section}{address}"));
            }
            Some(Box::new(taken))
        },
        &[["error", "server.listen", "Address already in use"], ["error", "admin.listen", "Address already in use"]],
    ),
    (
        "another process writes the audit log",
        |set_up| {
            let settings = read_settings(&set_up.settings()).expect("valid");
            Some(Box::new(AuditLog::open(&settings.audit_log, Arc::new(SystemClock)).expect("opened")))
        },
        &[["error", "audit_log.folder", "another process writes this audit log"]],
    ),
];

fn set_policy_missing(set_up: &SetUp) -> Held {
    set("\"policy.toml\"", "\"no-policy.toml\"")(set_up)
}

const STARTS: &[Case] = &[
    ("nothing", |_| None, &[["warning", "trust.revocation", "revoked certificates are accepted"]]),
    (
        "an expired certificate",
        |set_up| use_certificate(set_up, |params| params.not_after = rcgen::date_time_ymd(2020, 1, 1)),
        &[["failure", "server.certificate", "expired at 2020-01-01"]],
    ),
    (
        "a certificate of the future",
        |set_up| {
            use_certificate(set_up, |params| {
                params.not_before = rcgen::date_time_ymd(2900, 1, 1);
                params.not_after = rcgen::date_time_ymd(2901, 1, 1);
            })
        },
        &[["failure", "server.certificate", "is not valid before 2900-01-01"]],
    ),
    (
        "a client's certificate",
        |set_up| {
            use_certificate(set_up, |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth])
        },
        &[["failure", "server.certificate", "lacks serverAuth"]],
    ),
    (
        "another host",
        |set_up| set("https://localhost:8443", "https://gateway.example.be")(set_up),
        &[["failure", "server.public_url", "not valid for the host of https://gateway.example.be"]],
    ),
    (
        "a chain out of order",
        |set_up| {
            set_up.write("server.pem", set_up.read("server.pem") + &set_up.read("clients/fund.pem"));
            None
        },
        &[["failure", "server.certificate", "certificate 2 is not that of the issuer of certificate 1"]],
    ),
    (
        "a revocation list of another authority",
        |set_up| {
            set_up.write("list.pem", foreign_list());
            set("revocation = \"none\"", "revocation = \"list.pem\"")(set_up)
        },
        &[
            ["failure", "trust.revocation", "there is no revocation list of this issuer"],
            ["warning", "trust.revocation", "no authority of trust.client_ca issued it"],
        ],
    ),
    (
        "a key that everybody may read",
        |set_up| {
            fs::set_permissions(set_up.path("server.key"), fs::Permissions::from_mode(0o644)).expect("ours");
            None
        },
        &[["warning", "server.key", "every user of this machine"]],
    ),
    (
        "no data",
        |set_up| fs::remove_dir_all(set_up.path("data")).map(|()| None).expect("removed"),
        &[["warning", "data.folder", "never loaded: dimona, coprev, federated, insurance, persons"]],
    ),
    (
        "a pointer that cannot be read",
        |set_up| {
            set_up.write("data/dimona.current", "../passwd\n");
            None
        },
        &[["failure", "data.folder", "dataset dimona cannot be read"]],
    ),
    (
        "a file in place of the rejected records",
        |set_up| {
            let _ = fs::remove_dir_all(set_up.path("rejected"));
            set_up.write("rejected", "");
            None
        },
        &[["failure", "data.rejected", "cannot be written"]],
    ),
    (
        "a feed without a folder",
        |set_up| fs::remove_dir_all(set_up.path("feeds/coprev")).map(|()| None).expect("removed"),
        &[["warning", "data.feeds", "feed coprev has no folder"]],
    ),
    (
        "a feed with wrong files",
        |set_up| {
            let feed = "\n[feeds.dimona]\nurl = \"https://feeds.example.be/\"\nserver_ca = \"policy.toml\"\n\
                        certificate = \"missing.pem\"\nkey = \"server.pem\"\n";
            set_up.write("ehealth-attributes.toml", set_up.read("ehealth-attributes.toml") + feed);
            None
        },
        &[
            ["failure", "feeds.dimona.server_ca", "found neither PEM nor DER"],
            ["failure", "feeds.dimona.certificate", "No such file"],
            ["failure", "feeds.dimona.key", "found a certificate, expected an unencrypted private key"],
        ],
    ),
];

fn make(base: &Path, case: &Case) -> (SetUp, Held) {
    let set_up = SetUp { folder: tempfile::tempdir().expect("a temporary folder") };
    copy(base, set_up.folder.path());
    let held = case.1(&set_up);
    (set_up, held)
}

/// Checks the set-up; the lines of the findings and the exit code. The check changes nothing, and
/// the JSON has the same findings.
fn check(set_up: &SetUp, case: &Case) -> (Vec<String>, Option<i32>) {
    let before = set_up.content();
    let checked = set_up.run(&["config", "check", "--log", "error"]);
    assert!(set_up.content() == before, "{}: the check has changed a file", case.0);
    let printed = text(&checked.stderr);
    let is_finding = |line: &&str| ["error: ", "failure: ", "warning: "].iter().any(|begin| line.starts_with(begin));
    let lines: Vec<String> = printed.lines().filter(is_finding).map(str::to_owned).collect();
    for [severity, setting, part] in case.2 {
        let holds =
            |line: &String| line.starts_with(&format!("{severity}: ")) && line.contains(setting) && line.contains(part);
        assert!(lines.iter().any(holds), "{}: {severity} {setting} {part} is not in\n{printed}", case.0);
    }
    let json = set_up.run(&["config", "check", "--json", "--log", "off"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    let count = |severity: &str| lines.iter().filter(|line| line.starts_with(severity)).count();
    for (key, severity) in [("errors", "error: "), ("failures", "failure: "), ("warnings", "warning: ")] {
        assert_eq!(json[key], count(severity), "{}: {json:#}", case.0);
    }
    assert_eq!(json["starts"], count("error: ") == 0, "{}", case.0);
    assert_eq!(json["findings"].as_array().map(Vec::len), Some(lines.len()), "{}", case.0);
    (lines, checked.status.code())
}

#[test]
fn what_the_check_calls_an_error_stops_serve_too() {
    let base = working();
    for case in ERRORS {
        let (set_up, _held) = make(base.path(), case);
        let (found, code) = check(&set_up, case);
        let served = set_up.run(&["serve"]);
        let printed = text(&served.stderr);
        assert_eq!(served.status.code(), code, "{}\n{printed}", case.0);
        assert!(matches!(code, Some(1 | 3)), "{}: {code:?}", case.0);
        let is_finding =
            |line: &&str| ["error: ", "failure: ", "warning: "].iter().any(|begin| line.starts_with(begin));
        let lines: Vec<_> = printed.lines().filter(is_finding).collect();
        assert_eq!(lines, found, "{}", case.0);
    }
}

#[test]
fn serve_starts_where_the_check_finds_no_error() {
    let base = working();
    for case in STARTS {
        let (set_up, _held) = make(base.path(), case);
        let (found, code) = check(&set_up, case);
        assert_eq!(code, Some(0), "{}", case.0);
        let (code, log) = set_up.serve();
        assert_eq!(code, Some(0), "{}", case.0);
        for line in found {
            let (_, finding) = line.split_once(": ").expect("a severity");
            assert!(log.iter().any(|logged| logged.contains(finding)), "{}: {finding}\n{}", case.0, log.join("\n"));
        }
    }
}

#[test]
fn the_check_runs_beside_the_service_if_it_is_offline() {
    let base = working();
    let set_up = SetUp { folder: base };
    let mut command = Command::new(PROGRAM);
    let (program, log) = Program::start(command.arg("serve").arg("--config").arg(set_up.settings()), "public_url=");
    let address = crate::support::program::address_in(log.last().expect("the line"));
    set_up.set("listen = \"127.0.0.1:0\"", &format!("listen = \"{address}\""));
    assert_eq!(set_up.run(&["config", "check"]).status.code(), Some(1), "port and audit log are taken");
    let beside = set_up.run(&["config", "check", "--offline"]);
    assert_eq!(beside.status.code(), Some(0), "{}", text(&beside.stderr));
    assert_eq!(program.stop().0, Some(0));
}
