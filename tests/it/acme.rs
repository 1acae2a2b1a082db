//! `certificates acme` against an ACME server of others, which fetches each challenge.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use ehealth_attributes::app::SystemClock;
use ehealth_attributes::config::parse_scenario;
use ehealth_core::model::Clock;
use tempfile::TempDir;
use testkit::{ClientKeys, ServerProblem, Workspace};

use crate::support::bad_acme::{self, Fault};
use crate::support::pebble::{Demands, EXTERNAL_KEY, Pebble, free_port};
use crate::support::program::{DEADLINE, PROGRAM};
use crate::support::unread::{serve, workspace};

/// Settings with a section `[acme]`.
struct Folder {
    _folder: TempDir,
    workspace: Workspace,
}

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let workspace = Workspace::new(folder.path().join("demo"));
        workspace.prepare(SystemClock.now(), "").expect("the workspace can be created");
        Self { _folder: folder, workspace }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.workspace.settings().with_file_name(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Adds the section.
    fn set(&self, directory: &str, listen: u16, more: &str) {
        let text = fs::read_to_string(self.workspace.settings()).expect("settings");
        let text = text.split("\n[acme]").next().expect("a text");
        let section = format!(
            "\n[acme]\ndirectory = \"{directory}\"\nserver_ca = \"acme-ca.pem\"\naccount = \"account\"\n\
             contact = \"operations@example.be\"\nlisten = \"[::]:{listen}\"\n{more}"
        );
        fs::write(self.workspace.settings(), text.to_owned() + &section).expect("written");
    }

    /// Runs the command; returns its exit code and both outputs.
    fn run(&self, more: &[&str]) -> (i32, String, String) {
        let ran = Command::new(PROGRAM)
            .args(["certificates", "acme", "--config"])
            .arg(self.workspace.settings())
            .args(more)
            .env_remove("EHEALTH_ATTRIBUTES_LOG")
            .env_remove("CREDENTIALS_DIRECTORY")
            .output()
            .expect("the program runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (ran.status.code().expect("a code"), text(&ran.stdout), text(&ran.stderr))
    }

    /// Runs the command, which must succeed.
    fn succeed(&self, more: &[&str]) -> String {
        let (code, printed, said) = self.run(more);
        assert_eq!(code, 0, "{more:?}: {printed}{said}");
        printed
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").permissions().mode() & 0o7777
}

#[test]
fn a_certificate_is_issued_then_renewed_when_due() {
    let folder = Folder::new();
    // A fifth of all nonces is refused.
    let Some(pebble) = Pebble::start(&folder.workspace, 20, Demands::Nothing) else { return };
    folder.set(&pebble.directory, pebble.challenge_port, "");
    for file in ["server.pem", "server.key"] {
        fs::remove_file(folder.path(file)).expect("removed");
    }
    let shown = folder.succeed(&[]);
    assert!(shown.contains("yes: there is no certificate") && shown.contains("Nothing was changed"), "{shown}");
    assert!(!folder.path("server.pem").exists() && !folder.path("account").exists(), "a dry run wrote");
    let first = folder.succeed(&["--write"]);
    assert!(first.contains("valid, 89 days left") && first.contains("with a new key"), "{first}");
    assert_eq!(mode(&folder.path("server.key")), 0o600);
    assert_eq!(mode(&folder.path("account")), 0o600);
    assert!(!folder.path("server.pem.previous").exists());
    let (certificate, key, account) = (folder.read("server.pem"), folder.read("server.key"), folder.read("account"));
    assert_eq!(String::from_utf8_lossy(&certificate).matches("BEGIN CERTIFICATE").count(), 2, "no issuer");

    // Not due: nothing changes, and nothing is asked.
    let idle = folder.succeed(&["--write", "--set", "acme.directory=https://localhost:1/dir"]);
    assert!(idle.contains("Nothing was changed"), "{idle}");
    assert_eq!(folder.read("server.pem"), certificate);

    // Due by its end, then by its names.
    fs::set_permissions(folder.path("server.pem"), fs::Permissions::from_mode(0o640)).expect("set");
    let renewed = folder.succeed(&["--write", "--set", "acme.renew_before=44d"]);
    assert!(renewed.contains("Nothing was changed"), "half of the validity: {renewed}");
    let forced: serde_json::Value =
        serde_json::from_str(&folder.succeed(&["--write", "--force", "--json"])).expect("JSON");
    assert_eq!((forced["due"].as_str(), forced["installed"]["validity"].as_str()), (Some("forced"), Some("valid")));
    assert_ne!(folder.read("server.pem"), certificate);
    assert_eq!(folder.read("server.pem.previous"), certificate);
    assert_eq!((folder.read("server.key"), folder.read("account")), (key, account), "key and account are kept");
    assert_eq!((mode(&folder.path("server.pem")), mode(&folder.path("server.pem.previous"))), (0o640, 0o640));
    let names = folder.succeed(&["--set", "acme.names=localhost,other.example.be"]);
    assert!(names.contains("yes: it lacks a name"), "{names}");

    // A key that was replaced: the next certificate is for it.
    fs::copy(folder.path("acme.key"), folder.path("server.key")).expect("copied");
    let other = folder.succeed(&[]);
    assert!(other.contains("yes: it belongs to another key"), "{other}");
    folder.succeed(&["--write"]);
    let (code, inspected, _) = folder.run(&[]);
    assert!(code == 0 && inspected.contains("due          no"), "{inspected}");
}

/// The certificate that a service presents, PEM.
fn presented(address: SocketAddr) -> String {
    let output = Command::new("openssl")
        .args(["s_client", "-servername", "localhost", "-connect", &address.to_string()])
        .stdin(Stdio::null())
        .output()
        .expect("openssl");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let begin = printed.find("-----BEGIN CERTIFICATE-----").unwrap_or_else(|| panic!("no certificate: {printed}"));
    let end = printed.find("-----END CERTIFICATE-----").expect("an end");
    printed[begin..end].to_owned()
}

#[test]
fn a_running_service_presents_the_new_certificate() {
    let (folder, workspace) = workspace();
    let folder = Folder { _folder: folder, workspace };
    let Some(pebble) = Pebble::start(&folder.workspace, 0, Demands::Nothing) else { return };
    folder.set(&pebble.directory, pebble.challenge_port, "");
    let (program, address, _) = serve(&folder.workspace);
    let before = presented(address);
    folder.succeed(&["--write", "--force"]);
    let renewed = String::from_utf8(folder.read("server.pem")).expect("PEM");
    let begin = Instant::now();
    let mut now = presented(address);
    while now == before {
        assert!(begin.elapsed() < DEADLINE, "the service still presents the previous certificate");
        now = presented(address);
    }
    assert!(renewed.starts_with(&now), "{now}");
    assert_eq!(program.stop().0, Some(0));
}

#[test]
fn a_web_server_can_answer_the_challenge() {
    let folder = Folder::new();
    let Some(pebble) = Pebble::start(&folder.workspace, 0, Demands::Nothing) else { return };
    folder.set(&pebble.directory, 1, "webroot = \"www\"\n");
    let (code, _, said) = folder.run(&["--write", "--force"]);
    assert!(code == 1 && said.contains("acme.webroot: cannot write"), "{said}");
    let root = folder.path("www");
    fs::create_dir(&root).expect("created");
    let listener = TcpListener::bind(("::", pebble.challenge_port)).expect("free");
    let served = root.clone();
    // Ends with the process: it waits for the next connection.
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut head = [0; 4_096];
            let length = stream.read(&mut head).unwrap_or(0);
            let head = String::from_utf8_lossy(&head[..length]).into_owned();
            let path = head.split(' ').nth(1).unwrap_or("/").trim_start_matches('/').to_owned();
            let body = fs::read_to_string(served.join(path)).unwrap_or_default();
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        }
    });
    folder.succeed(&["--write", "--force"]);
    let left = fs::read_dir(root.join(".well-known/acme-challenge")).expect("a folder").count();
    assert_eq!(left, 0, "the files of challenges stay");
}

#[test]
fn an_external_account_is_bound_if_the_ca_demands_it() {
    let folder = Folder::new();
    let Some(pebble) = Pebble::start(&folder.workspace, 0, Demands::ExternalAccount) else { return };
    folder.set(&pebble.directory, pebble.challenge_port, "");
    let (code, _, said) = folder.run(&["--write", "--force"]);
    assert!(code == 1 && said.contains("set acme.eab_key_id and acme.eab_key"), "{said}");
    folder.set(&pebble.directory, pebble.challenge_port, "eab_key_id = \"kid-1\"\neab_key = \"credential:eab.key\"\n");
    fs::write(folder.path("eab.key"), "no key!\n").expect("written");
    let (code, _, said) = folder.run(&["--write", "--force"]);
    assert!(code == 1 && said.contains("must be the HMAC key") && !said.contains("no key!"), "{said}");
    fs::write(folder.path("eab.key"), format!("{EXTERNAL_KEY}\n")).expect("written");
    folder.succeed(&["--write", "--force"]);
}

#[test]
fn a_failed_order_says_why_and_replaces_nothing() {
    let folder = Folder::new();
    let Some(pebble) = Pebble::start(&folder.workspace, 0, Demands::Nothing) else { return };
    let certificate = folder.read("server.pem");
    let fail = |more: &[&str], code: i32, word: &str| {
        let (found, printed, said) = folder.run(&[&["--write", "--force"], more].concat());
        assert!(found == code && said.contains(word) && printed.is_empty(), "{more:?}: {found} {said}");
        assert_eq!(folder.read("server.pem"), certificate, "{more:?}");
    };
    // The CA connects to another port than that of the listener.
    folder.set(&pebble.directory, free_port(), "");
    fail(&[], 1, "could not verify localhost: ");
    // The port is in use.
    let taken = TcpListener::bind("[::]:0").expect("a port");
    let listen = format!("acme.listen={}", taken.local_addr().expect("bound"));
    fail(&["--set", &listen], 1, "acme.listen: cannot listen on [::]:");
    // Another CA.
    let other = Folder::new();
    let other = format!("acme.server_ca={}", other.path("ca.pem").display());
    fail(&["--set", &other], 4, "; for a private ACME server set acme.server_ca");
    // Nothing listens; something that is no ACME server; the account of another server.
    fs::remove_file(folder.path("account")).expect("it was made");
    fail(&["--set", "acme.directory=https://localhost:1/dir"], 4, "cannot connect to localhost:1: ");
    let elsewhere = format!("acme.directory={}", pebble.directory.replace("/dir", "/nonce"));
    fail(&["--set", &elsewhere], 1, "is not ACME: ");
    folder.set(&pebble.directory, pebble.challenge_port, "");
    folder.succeed(&["--write", "--force"]);
    let certificate = folder.read("server.pem");
    let (code, _, said) = folder.run(&["--write", "--force", "--set", "acme.directory=https://localhost:1/dir"]);
    assert!(code == 1 && said.contains("the account belongs to https://localhost:"), "{said}");
    fs::write(folder.path("account"), "{}").expect("written");
    let (code, _, said) = folder.run(&["--write", "--force"]);
    assert!(code == 1 && said.contains("account: the account belongs to"), "{said}");
    assert_eq!(folder.read("server.pem"), certificate);
}

#[test]
fn a_server_that_stalls_ends_by_a_timeout() {
    let folder = Folder::new();
    // The system accepts for it; nothing reads.
    let stalling = TcpListener::bind("127.0.0.1:0").expect("a port");
    let before = format!("https://localhost:{}/dir", stalling.local_addr().expect("bound").port());
    let after = bad_acme::start(&folder.workspace, Fault::Silence);
    let certificate = folder.read("server.pem");
    for directory in [before, after] {
        folder.set(&directory, free_port(), "timeout = \"1s\"\n");
        let (code, _, said) = folder.run(&["--write", "--force"]);
        assert!(code == 4 && said.contains("did not answer within 1 s (acme.timeout)"), "{code} {said}");
        assert_eq!(folder.read("server.pem"), certificate);
    }
}

#[test]
fn answers_without_an_end_are_cut_and_only_https_is_used() {
    let folder = Folder::new();
    for (fault, code, words) in [
        (Fault::EndlessBody, 4, "sent no complete answer: "),
        (Fault::EndlessHead, 4, "sent no complete answer: "),
        (Fault::PlainHttp, 4, "names the URL http://localhost:1/; only https is used"),
    ] {
        folder.set(&bad_acme::start(&folder.workspace, fault.clone()), free_port(), "");
        let (found, printed, said) = folder.run(&["--write", "--force"]);
        assert!(found == code && said.contains(words) && printed.is_empty(), "{fault:?}: {found} {said}");
    }
    assert!(!folder.path("account").exists() && !folder.path("server.pem.previous").exists());
}

#[test]
fn texts_and_tokens_of_the_server_are_bounded_and_clean() {
    let folder = Folder::new();
    let detail = "\u{1b}[2J\r\n\u{202e}evil ".repeat(10_000);
    folder.set(&bad_acme::start(&folder.workspace, Fault::Problem(detail)), free_port(), "");
    let (code, _, said) = folder.run(&["--write", "--force"]);
    assert!(code == 1 && said.contains("refused the request: ") && said.contains("wait until the time"), "{said}");
    let line = said.trim_end_matches('\n');
    assert!(line.chars().count() < 1_000 && !line.contains(['\u{1b}', '\r', '\n', '\u{202e}']), "{line:?}");
    fs::create_dir(folder.path("www")).expect("created");
    for token in ["../../../server.pem", "/etc/passwd", ""] {
        fs::remove_file(folder.path("account")).expect("it was made");
        let directory = bad_acme::start(&folder.workspace, Fault::Token(token.to_owned()));
        folder.set(&directory, 1, "webroot = \"www\"\n");
        let certificate = folder.read("server.pem");
        let (code, _, said) = folder.run(&["--write", "--force"]);
        assert!(code == 1 && said.contains("the token of a challenge is not base64url"), "{token}: {said}");
        assert_eq!(folder.read("server.pem"), certificate);
    }
}

#[test]
fn a_certificate_that_does_not_fit_is_not_installed() {
    let (folder, other) = (Folder::new(), Folder::new());
    // Certificates for failures of a simulation, made for the present.
    let scenario = format!("now = \"{}\"\n", SystemClock.now());
    let scenario = parse_scenario(Path::new("no scenario"), &scenario).expect("valid");
    let simulation = Workspace::new(other.path("simulation"));
    simulation.prepare_scenario(&scenario, ClientKeys::P256, &[]).expect("made");
    let made = |problem| fs::read(simulation.faulty_server(problem).0).expect("made");
    let (own, authority) = (folder.read("server.pem"), other.read("ca.pem"));
    let certificate = own.clone();
    let end = b"-----END CERTIFICATE-----\n";
    let leaf = &own[..own.windows(end.len()).position(|window| window == end).expect("PEM") + end.len()];
    for (issued, reason) in [
        ([leaf, &authority[..]].concat(), "the certificates behind it did not sign it"),
        (other.read("server.pem"), "the certificate belongs to another key"),
        (made(ServerProblem::OtherName), "the certificate lacks localhost"),
        (made(ServerProblem::Expired), "the certificate is expired"),
        (made(ServerProblem::NotValidYet), "the certificate is not yet valid"),
        ([&own[..], &authority[..], &own[..]].concat(), "the certificates behind it are not its issuers"),
        (fs::read(folder.workspace.client("fund").0).expect("there"), "server"),
    ] {
        let _ = fs::remove_file(folder.path("account"));
        folder.set(&bad_acme::start(&folder.workspace, Fault::Issue(issued)), free_port(), "");
        let (code, printed, said) = folder.run(&["--write", "--force"]);
        assert!(code == 12 && said.contains(reason) && printed.is_empty(), "{reason}: {code} {said}");
        assert_eq!(folder.read("server.pem"), certificate, "{reason}");
        assert!(!folder.path("server.pem.previous").exists(), "{reason}");
    }
    for issued in ["", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let _ = fs::remove_file(folder.path("account"));
        folder.set(&bad_acme::start(&folder.workspace, Fault::Issue(issued.into())), free_port(), "");
        let (code, _, said) = folder.run(&["--write", "--force"]);
        assert!(code == 1 || code == 12, "{issued}: {code} {said}");
        assert_eq!(folder.read("server.pem"), certificate, "{issued}");
    }
    // The same server with the right certificate: what failed above was the certificate.
    let _ = fs::remove_file(folder.path("account"));
    folder.set(&bad_acme::start(&folder.workspace, Fault::Issue(own.clone())), free_port(), "");
    folder.succeed(&["--write", "--force"]);
    assert_eq!(folder.read("server.pem.previous"), certificate);
}

#[test]
fn an_account_that_others_can_read_or_that_is_a_link_is_refused() {
    let folder = Folder::new();
    let directory = bad_acme::start(&folder.workspace, Fault::Problem("no".to_owned()));
    folder.set(&directory, free_port(), "");
    folder.run(&["--write", "--force"]);
    let account = folder.path("account");
    assert_eq!(mode(&account), 0o600);
    let refused = |words: &str| {
        let (code, _, said) = folder.run(&["--write", "--force"]);
        assert!(code == 1 && said.contains(words), "{words}: {code} {said}");
    };
    for wrong in [0o640, 0o604, 0o620, 0o644] {
        fs::set_permissions(&account, fs::Permissions::from_mode(wrong)).expect("set");
        refused(&format!("mode {wrong:04o}, others can read or change it; `chmod 600 "));
    }
    fs::set_permissions(&account, fs::Permissions::from_mode(0o600)).expect("set");
    refused("the ACME server refused the request: ");
    fs::rename(&account, folder.path("elsewhere")).expect("renamed");
    symlink(folder.path("elsewhere"), &account).expect("a link");
    refused("account: ");
    fs::remove_file(&account).expect("removed");
    fs::create_dir(&account).expect("created");
    refused("it is not an account");
}

#[test]
fn root_does_not_write_in_the_folder_of_another_user() {
    let folder = Folder::new();
    folder.set("https://localhost:1/dir", 1, "");
    let root = folder.path("");
    // Only root may give a folder away, and only root is refused.
    if chown(&root, Some(1), None).is_ok() {
        let (code, _, said) = folder.run(&["--write", "--force"]);
        assert!(code == 1 && said.contains("belongs to the user ") && said.contains("runuser -u "), "{code} {said}");
    }
}

#[test]
fn settings_without_the_section_are_an_error() {
    let folder = Folder::new();
    let (code, _, said) = folder.run(&[]);
    assert!(code == 3 && said.contains("no section [acme]"), "{said}");
    folder.set("http://localhost/dir", 80, "eab_key_id = \"a\"\nnames = \"*.example.be\"\ncontact2 = 1\n");
    let (code, _, said) = folder.run(&[]);
    assert!(code == 3, "{said}");
    for word in
        ["acme.directory: must be an HTTPS URL", "set both of eab_key_id", "no address, no wildcard", "contact2"]
    {
        assert!(said.contains(word), "{word}: {said}");
    }
}
