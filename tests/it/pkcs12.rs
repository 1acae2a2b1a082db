//! PKCS #12 files as programs write them, opened by `lookup --p12` and `certificates inspect --p12`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::support::environment::skip;
use crate::support::program::PROGRAM;
use crate::support::simulation::Simulation;

const PASSWORD: &str = "pass wörd";

/// Certificate and key of a caller of a simulation, and the files that are made of them.
struct Desk {
    folder: TempDir,
    simulation: Simulation,
}

impl Desk {
    /// `None` after a message if a program that the test needs is missing.
    fn new(programs: &[&str]) -> Option<Self> {
        for program in programs {
            let argument = if *program == "keytool" { "-help" } else { "version" };
            let run = Command::new(program).arg(argument).stdout(Stdio::null()).stderr(Stdio::null()).status();
            if run.is_err() {
                skip(&format!("{program} is missing: its PKCS #12 files were not read"));
                return None;
            }
        }
        let desk =
            Self { folder: tempfile::tempdir().expect("a folder"), simulation: Simulation::start_with("", &["--rsa"]) };
        fs::write(desk.path("password"), format!("{PASSWORD}\r\n")).expect("written");
        Some(desk)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn of_caller(&self, pointer: &str) -> PathBuf {
        self.simulation.file(pointer)
    }

    /// Exports the identity of the fund with OpenSSL; `false` if this OpenSSL lacks an algorithm.
    fn export(&self, name: &str, more: &[&str]) -> bool {
        let output = Command::new("openssl")
            .args(["pkcs12", "-export", "-in"])
            .arg(self.of_caller("/clients/fund/certificate"))
            .arg("-inkey")
            .arg(self.of_caller("/clients/fund/key"))
            .arg("-passout")
            .arg(format!("pass:{PASSWORD}"))
            .args(more)
            .arg("-out")
            .arg(self.path(name))
            .output()
            .expect("openssl runs");
        output.status.success()
    }

    fn lookup(&self, name: &str, more: &[&str]) -> Output {
        let mut command = self.command(more);
        command.arg("--p12").arg(self.path(name)).output().expect("the program runs")
    }

    fn command(&self, more: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .env_remove("EHEALTH_ATTRIBUTES_P12_PASSWORD")
            .args(["lookup", "--url", self.simulation.url(), "--organisation", "0999010126", "--ca"])
            .arg(self.simulation.file("/ca"))
            .args(["--legal-context", "advisory-physician", "--ssin", "85073099932"])
            .args(more)
            .stdin(Stdio::null());
        command
    }

    fn password_file(&self) -> String {
        self.path("password").display().to_string()
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

#[test]
fn files_of_openssl_in_each_form_open_the_connection() {
    let Some(desk) = Desk::new(&["openssl"]) else { return };
    let legacy = ["-certpbe", "PBE-SHA1-RC2-40", "-keypbe", "PBE-SHA1-3DES", "-macalg", "sha1", "-legacy"];
    let forms: [(&str, &[&str]); 8] = [
        ("modern", &[]),
        ("with-chain", &["-certfile"]),
        ("aes-128", &["-certpbe", "AES-128-CBC", "-keypbe", "AES-128-CBC", "-macalg", "sha512"]),
        ("3des", &["-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES", "-macalg", "sha1"]),
        ("rc2", &legacy),
        ("no-code", &["-nomac"]),
        ("plain-certificates", &["-certpbe", "NONE"]),
        ("iterations", &["-iter", "100000"]),
    ];
    let ca = desk.simulation.file("/ca").display().to_string();
    for (name, options) in forms {
        let more: Vec<&str> = if name == "with-chain" { vec!["-certfile", &ca] } else { options.to_vec() };
        if !desk.export(name, &more) {
            skip(&format!("this OpenSSL writes no PKCS #12 file of the form {name}"));
            continue;
        }
        let asked = desk.lookup(name, &["--p12-password-file", &desk.password_file()]);
        assert_eq!(asked.status.code(), Some(0), "{name}: {}", text(&asked));
        assert!(text(&asked).contains("DATA_FOUND"), "{name}: {}", text(&asked));
    }
}

#[test]
fn a_file_of_java_opens_the_connection() {
    let Some(desk) = Desk::new(&["openssl", "keytool"]) else { return };
    assert!(desk.export("openssl", &["-name", "fund", "-passout", "pass:changeit"]));
    let java = desk.path("java");
    let imported = Command::new("keytool")
        .args(["-importkeystore", "-noprompt", "-srckeystore"])
        .arg(desk.path("openssl"))
        .args(["-srcstorepass", "changeit", "-deststoretype", "pkcs12", "-deststorepass", "changeit", "-destkeystore"])
        .arg(&java)
        .output()
        .expect("keytool runs");
    if !imported.status.success() {
        skip(&format!("keytool makes no PKCS #12 file here: {}", text(&imported)));
        return;
    }
    let asked = desk.command(&[]).arg("--p12").arg(&java).env("EHEALTH_ATTRIBUTES_P12_PASSWORD", "changeit").output();
    let asked = asked.expect("the program runs");
    assert_eq!(asked.status.code(), Some(0), "{}", text(&asked));
}

#[test]
fn an_empty_password_is_a_password() {
    let Some(desk) = Desk::new(&["openssl"]) else { return };
    assert!(desk.export("empty", &["-passout", "pass:"]));
    let mut command = desk.command(&[]);
    let asked = command.arg("--p12").arg(desk.path("empty")).env("EHEALTH_ATTRIBUTES_P12_PASSWORD", "").output();
    let asked = asked.expect("the program runs");
    assert_eq!(asked.status.code(), Some(0), "{}", text(&asked));
}

#[test]
fn a_file_that_cannot_be_used_says_why() {
    let Some(desk) = Desk::new(&["openssl"]) else { return };
    assert!(desk.export("right", &[]));
    assert!(desk.export("no-key", &["-nokeys"]));
    assert!(desk.export("no-certificate", &["-nocerts"]));
    let bytes = fs::read(desk.path("right")).expect("read");
    let mut changed = bytes.clone();
    *changed.last_mut().expect("bytes") ^= 1;
    let mut middle = bytes.clone();
    middle[bytes.len() / 2] ^= 1;
    for (name, content) in [
        ("cut", &bytes[..bytes.len() - 1]),
        ("longer", &[&bytes[..], b"x"].concat()),
        ("changed", &middle),
        ("iterations", &changed),
        ("none", b""),
        ("text", b"-----BEGIN CERTIFICATE-----\n"),
        ("large", &vec![0x30; (1 << 20) + 1]),
    ] {
        fs::write(desk.path(name), content).expect("written");
    }
    fs::write(desk.path("wrong-password"), "wrong").expect("written");
    let wrong = desk.path("wrong-password").display().to_string();
    let right = desk.password_file();
    for (name, password, message) in [
        ("right", &wrong, "the password is wrong, or the file is damaged"),
        ("no-key", &right, "the file has no private key; export it with its private key"),
        ("no-certificate", &right, "no certificate of the file belongs to its private key"),
        ("cut", &right, "is no PKCS #12 file in DER"),
        ("longer", &right, "is no PKCS #12 file in DER"),
        ("changed", &right, "the password is wrong, or the file is damaged"),
        ("none", &right, "is no PKCS #12 file in DER"),
        ("text", &right, "is no PKCS #12 file in DER"),
        ("large", &right, "more than 1 MiB"),
        ("absent", &right, "No such file"),
    ] {
        let asked = desk.lookup(name, &["--p12-password-file", password]);
        assert_eq!(asked.status.code(), Some(1), "{name}: {}", text(&asked));
        assert!(text(&asked).contains(message) && text(&asked).contains(name), "{name}: {}", text(&asked));
        assert!(!text(&asked).contains("panicked") && !text(&asked).contains(PASSWORD), "{name}: {}", text(&asked));
    }
    let asked = desk.lookup("right", &[]);
    assert_eq!(asked.status.code(), Some(2), "{}", text(&asked));
    assert!(text(&asked).contains("give --p12-password-file FILE, or set EHEALTH_ATTRIBUTES_P12_PASSWORD"));
    let both = desk.lookup("right", &["--cert", "a.pem", "--key", "a.key"]);
    assert_eq!(both.status.code(), Some(2), "{}", text(&both));
}

#[test]
fn a_file_with_two_keys_is_refused() {
    let Some(desk) = Desk::new(&["openssl", "keytool"]) else { return };
    let store = desk.path("two");
    for alias in ["one", "two"] {
        let made = Command::new("keytool")
            .args(["-genkeypair", "-alias", alias, "-keyalg", "EC", "-dname", "CN=x", "-storetype", "pkcs12"])
            .args(["-storepass", "changeit", "-keystore"])
            .arg(&store)
            .output()
            .expect("keytool runs");
        if !made.status.success() {
            skip(&format!("keytool makes no PKCS #12 file here: {}", text(&made)));
            return;
        }
    }
    let asked = desk.command(&[]).arg("--p12").arg(&store).env("EHEALTH_ATTRIBUTES_P12_PASSWORD", "changeit").output();
    let asked = asked.expect("the program runs");
    assert_eq!(asked.status.code(), Some(1), "{}", text(&asked));
    assert!(text(&asked).contains("the file has 2 private keys"), "{}", text(&asked));
}

#[test]
fn random_bytes_of_a_file_never_panic() {
    let Some(desk) = Desk::new(&["openssl"]) else { return };
    assert!(desk.export("right", &["-iter", "1"]));
    let bytes = fs::read(desk.path("right")).expect("read");
    for at in 0..bytes.len() {
        for value in [0x00, 0x7f, 0x80, 0xff, bytes[at] ^ 1] {
            let mut changed = bytes.clone();
            changed[at] = value;
            let read = tls_files::parse_pkcs12(&changed, PASSWORD);
            assert!(read.is_err() || changed == bytes || is_insignificant(&bytes, at), "byte {at}");
        }
        assert!(tls_files::parse_pkcs12(&bytes[..at], PASSWORD).is_err());
    }
}

/// The code covers the content alone: its own parameters may be written in another way.
fn is_insignificant(bytes: &[u8], at: usize) -> bool {
    at + 80 > bytes.len()
}

#[test]
fn inspect_reads_the_certificate_of_a_file() {
    let Some(desk) = Desk::new(&["openssl"]) else { return };
    assert!(desk.export("fund.p12", &[]) && desk.export("only-certificates", &["-nokeys"]));
    for name in ["fund.p12", "only-certificates"] {
        let output = inspect(&desk.path(name), &desk.path("password"));
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        assert!(text(&output).contains("0999010126"), "{}", text(&output));
        assert!(!text(&output).contains("PRIVATE"), "{}", text(&output));
    }
}

fn inspect(file: &Path, password: &Path) -> Output {
    let mut command = Command::new(PROGRAM);
    command.args(["certificates", "inspect", "--p12"]).arg(file).arg("--p12-password-file").arg(password);
    command.output().expect("the program runs")
}
