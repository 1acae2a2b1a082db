//! `lookup --profile`: a file with the connection options.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::support::program::PROGRAM;
use crate::support::simulation::Simulation;

struct Desk {
    folder: TempDir,
    simulation: Simulation,
}

impl Desk {
    /// A folder with the files of the fund, as a user would keep them.
    fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().expect("a folder"), simulation: Simulation::start("") };
        let profiles = desk.path("config/ehealth-attributes/profiles");
        fs::create_dir_all(profiles.join("tls")).expect("a folder");
        for (pointer, name) in
            [("/ca", "ca.pem"), ("/clients/fund/certificate", "fund.pem"), ("/clients/fund/key", "fund.key")]
        {
            fs::copy(desk.simulation.file(pointer), profiles.join("tls").join(name)).expect("copied");
        }
        desk.write("config/ehealth-attributes/profiles/fund.toml", &desk.profile(""));
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("written");
    }

    /// The profile of the fund, without the keys of this name.
    fn profile(&self, without: &str) -> String {
        let text = format!(
            "url = \"{}\"\nca = \"tls/ca.pem\"\ncert = \"tls/fund.pem\"\nkey = \"tls/fund.key\"\n\
             organisation = \"0999010126\"\nlegal_context = \"advisory-physician\"\n",
            self.simulation.url()
        );
        let is_kept = |line: &&str| without.is_empty() || !line.starts_with(without);
        text.lines().filter(is_kept).map(|line| format!("{line}\n")).collect()
    }

    fn lookup(&self, more: &[&str]) -> Output {
        Command::new(PROGRAM)
            .arg("lookup")
            .args(more)
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env_remove("EHEALTH_ATTRIBUTES_P12_PASSWORD")
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .output()
            .expect("the program runs")
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

#[test]
fn a_profile_is_found_by_name_and_by_path() {
    let desk = Desk::new();
    let file = "config/ehealth-attributes/profiles/fund.toml";
    for name in ["fund", file, &format!("./{file}")] {
        let asked = desk.lookup(&["--profile", name, "--ssin", "85.07.30-999.32"]);
        assert_eq!(asked.status.code(), Some(0), "{name}: {}", text(&asked));
        let tested = desk.lookup(&["--profile", name, "--test"]);
        assert!(text(&tested).contains("Registered as"), "{name}: {}", text(&tested));
    }
    let home = Command::new(PROGRAM)
        .args(["lookup", "--profile", "fund", "--test"])
        .env_remove("XDG_CONFIG_HOME")
        .env("HOME", desk.path("absent"))
        .output()
        .expect("the program runs");
    assert_eq!(home.status.code(), Some(3), "{}", text(&home));
    let expected = desk.path("absent/.config/ehealth-attributes/profiles/fund.toml").display().to_string();
    assert!(text(&home).contains(&expected) && text(&home).contains("cannot be read"), "{}", text(&home));
}

#[test]
fn options_of_the_command_line_win() {
    let desk = Desk::new();
    let other = |pointer: &str| desk.simulation.file(pointer).display().to_string();
    let (certificate, key) = (other("/clients/service/certificate"), other("/clients/service/key"));
    let service = ["--profile", "fund", "--cert", &certificate, "--key", &key, "--test"];
    let tested = desk.lookup(&service);
    assert_eq!(tested.status.code(), Some(0), "{}", text(&tested));
    assert!(text(&tested).contains("0999020123") && !text(&tested).contains("0999010126"), "{}", text(&tested));
    for (option, value, code) in [
        ("--url", "https://localhost:1", 4),
        ("--organisation", "0999010225", 6),
        ("--legal-context", "prevention-service", 5),
        ("--ca", "absent.pem", 1),
    ] {
        let asked = desk.lookup(&["--profile", "fund", option, value, "--ssin", "85073099932"]);
        assert_eq!(asked.status.code(), Some(code), "{option}: {}", text(&asked));
    }
    // The old name of the option.
    let asked = desk.lookup(&["--profile", "fund", "--context", "advisory-physician", "--ssin", "85073099932"]);
    assert_eq!(asked.status.code(), Some(0), "{}", text(&asked));
}

#[test]
fn every_option_that_is_missing_is_reported() {
    let desk = Desk::new();
    desk.write("empty.toml", "");
    let asked = desk.lookup(&["--profile", "empty.toml", "--ssin", "85073099932"]);
    assert_eq!(asked.status.code(), Some(2), "{}", text(&asked));
    for option in ["--url", "--ca", "--cert", "--key", "--organisation", "--legal-context"] {
        let expected = format!("{option}: is missing; give it, or add it to the profile");
        assert!(text(&asked).contains(&expected), "{option}: {}", text(&asked));
    }
    for (key, option) in [("organisation", "--organisation"), ("url", "--url")] {
        desk.write("config/ehealth-attributes/profiles/part.toml", &desk.profile(key));
        let asked = desk.lookup(&["--profile", "part", "--ssin", "85073099932"]);
        assert_eq!(asked.status.code(), Some(2), "{}", text(&asked));
        assert_eq!(text(&asked).lines().count(), 1, "{}", text(&asked));
        assert!(text(&asked).starts_with(option), "{}", text(&asked));
    }
    // Without a profile, clap names the missing options.
    let asked = desk.lookup(&["--ssin", "85073099932"]);
    assert_eq!(asked.status.code(), Some(2), "{}", text(&asked));
    assert!(text(&asked).contains("--profile <NAME>") || text(&asked).contains("--url <URL>"), "{}", text(&asked));
}

#[test]
fn every_error_of_a_profile_is_reported_at_once() {
    let desk = Desk::new();
    let wrong = desk.profile("").replace("0999010126", "12") + "p12 = \"a.p12\"\npasword = \"x\"\n";
    desk.write("wrong.toml", &wrong);
    let asked = desk.lookup(&["--profile", "wrong.toml", "--ssin", "85073099932"]);
    let printed = text(&asked);
    assert_eq!(asked.status.code(), Some(3), "{printed}");
    for part in [
        "wrong.toml: p12 has certificate and key: remove cert and key, or p12",
        "wrong.toml:5: organisation: an enterprise number has ten digits, in quotes",
        "wrong.toml:8: pasword: unknown key; valid keys: ca, cert, key, legal_context, organisation, p12, p12_password_file, url",
    ] {
        assert!(printed.contains(part), "{part}\n{printed}");
    }
    assert_eq!(printed.lines().count(), 3, "{printed}");
    // Hostile files: a folder, no text, nested tables.
    fs::create_dir(desk.path("folder.toml")).expect("a folder");
    fs::write(desk.path("bytes.toml"), b"\xff\xfe\x00").expect("written");
    desk.write("nested.toml", "url = [\"a\"]\n[ca]\nfile = \"x\"\n");
    for name in ["folder.toml", "bytes.toml", "nested.toml", "absent.toml", "../absent"] {
        let asked = desk.lookup(&["--profile", name, "--ssin", "85073099932"]);
        assert_eq!(asked.status.code(), Some(3), "{name}: {}", text(&asked));
        let file = Path::new(name).file_stem().and_then(|stem| stem.to_str()).expect("a name");
        assert!(text(&asked).contains(file) && !text(&asked).contains("panicked"), "{name}: {}", text(&asked));
    }
}

#[test]
fn a_profile_may_name_a_pkcs12_file() {
    let desk = Desk::new();
    let profile = desk.profile("cert").replace("key = \"tls/fund.key\"", "p12 = \"tls/fund.p12\"");
    desk.write("config/ehealth-attributes/profiles/p12.toml", &profile);
    let asked = desk.lookup(&["--profile", "p12", "--ssin", "85073099932"]);
    assert_eq!(asked.status.code(), Some(2), "{}", text(&asked));
    assert!(text(&asked).contains("tls/fund.p12") && text(&asked).contains("password is missing"), "{}", text(&asked));
    // Certificate and key of the command line take its place.
    let tls = desk.path("config/ehealth-attributes/profiles/tls");
    let (certificate, key) = (tls.join("fund.pem").display().to_string(), tls.join("fund.key").display().to_string());
    let asked = desk.lookup(&["--profile", "p12", "--cert", &certificate, "--key", &key, "--ssin", "85073099932"]);
    assert_eq!(asked.status.code(), Some(0), "{}", text(&asked));
}
