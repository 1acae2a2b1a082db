//! `certificates rotate`: what is wrong with a new certificate is found before anything is changed, and
//! a service uses the new one without a restart.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ehealth_attributes::app::SystemClock;
use ehealth_attributes::config::parse_scenario;
use ehealth_core::model::Clock;
use testkit::{ClientKeys, ServerProblem, Workspace};

use crate::support::program::PROGRAM;

/// A prepared demo, and another one beside it, whose certificates its callers do not know.
struct Files {
    folder: tempfile::TempDir,
    own: Workspace,
}

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let prepare = |name: &str| {
            let workspace = Workspace::new(folder.path().join(name));
            workspace.prepare(SystemClock.now(), "").expect("the workspace can be created");
            workspace
        };
        prepare("other");
        let own = prepare("own");
        Self { folder, own }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn rotate(&self, arguments: &[&str]) -> Output {
        let config = self.own.settings();
        let mut command = Command::new(PROGRAM);
        command.args(["certificates", "rotate"]).args(arguments).arg("--config").arg(config);
        command.output().expect("it runs")
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).expect("readable")
    }
}

fn name(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_rotation_is_shown_then_done_and_can_be_undone() {
    let files = Files::new();
    let (certificate, key) = (files.path("other/server.pem"), files.path("other/server.key"));
    let before = (files.read("own/server.pem"), files.read("own/server.key"));
    fs::set_permissions(files.path("own/server.pem"), fs::Permissions::from_mode(0o640)).expect("set");
    let new = ["server", "--cert", name(&certificate), "--key", name(&key)];
    let shown = files.rotate(&new);
    assert_eq!(shown.status.code(), Some(0), "{}{}", text(&shown.stdout), text(&shown.stderr));
    assert!(text(&shown.stdout).contains("its public key is another"), "{}", text(&shown.stdout));
    assert_eq!((files.read("own/server.pem"), files.read("own/server.key")), before, "a dry run writes nothing");
    let written = files.rotate(&[&new[..], &["--write"]].concat());
    assert_eq!(written.status.code(), Some(0), "{}", text(&written.stderr));
    assert_eq!(
        (files.read("own/server.pem"), files.read("own/server.key")),
        (files.read("other/server.pem"), files.read("other/server.key"))
    );
    assert_eq!(files.read("own/server.pem.previous"), before.0);
    let mode = |name: &str| fs::metadata(files.path(name)).expect("there").permissions().mode() & 0o777;
    assert_eq!(
        (mode("own/server.pem"), mode("own/server.key.previous"), mode("own/server.key")),
        (0o640, 0o600, 0o600)
    );
    let (certificate, key) = (files.path("own/server.pem.previous"), files.path("own/server.key.previous"));
    let undone = files.rotate(&["server", "--cert", name(&certificate), "--key", name(&key), "--write"]);
    assert_eq!(undone.status.code(), Some(0), "{}", text(&undone.stderr));
    assert_eq!((files.read("own/server.pem"), files.read("own/server.key")), before);
}

#[test]
fn a_certificate_that_cannot_be_used_is_not_installed() {
    let files = Files::new();
    // Certificates for failures of a simulation, made for the present.
    let scenario =
        parse_scenario(Path::new("no scenario"), &format!("now = \"{}\"\n", SystemClock.now())).expect("valid");
    let made = Workspace::new(files.path("made"));
    made.prepare_scenario(&scenario, ClientKeys::P256, &[]).expect("made");
    let [(expired, expired_key), (early, early_key), (elsewhere, elsewhere_key)] =
        [ServerProblem::Expired, ServerProblem::NotValidYet, ServerProblem::OtherName]
            .map(|problem| made.faulty_server(problem));
    let (client, client_key) = files.own.client("fund");
    let unordered = files.path("unordered.pem");
    fs::write(&unordered, [files.read("own/server.pem"), fs::read(&expired).expect("read")].concat()).expect("written");
    let own_key = files.path("own/server.key");
    let other = files.path("other/server.pem");
    let before = (files.read("own/server.pem"), files.read("own/server.key"));
    for (certificate, key, problem) in [
        (&elsewhere, Some(elsewhere_key), "no name for the host of server.public_url, https://localhost"),
        (&expired, Some(expired_key), "the certificate expired at "),
        (&early, Some(early_key), "not valid before "),
        (&other, None, "the private key does not belong to the certificate"),
        (&client, Some(client_key), "lacks serverAuth"),
        (&unordered, Some(own_key), "certificate 2 of the file did not issue certificate 1"),
    ] {
        let key: Vec<_> = key.iter().flat_map(|key| ["--key", name(key)]).collect();
        let refused = files.rotate(&[&["server", "--cert", name(certificate), "--write"][..], &key].concat());
        let printed = text(&refused.stdout);
        assert_eq!(refused.status.code(), Some(12), "{printed}{}", text(&refused.stderr));
        assert!(printed.contains(problem) && printed.ends_with("Nothing was changed.\n"), "{problem}: {printed}");
    }
    for (arguments, code, message) in [
        (&["metrics", "--cert", name(&other)][..], 2, "the settings have no metrics.certificate"),
        (&["servers", "--cert", name(&other)], 2, "expected one of server, admin"),
        (&["server", "--cert", "/absent.pem"], 1, "/absent.pem"),
        (&["server"], 2, "--cert"),
    ] {
        let failed = files.rotate(arguments);
        assert_eq!(failed.status.code(), Some(code), "{}", text(&failed.stderr));
        assert!(text(&failed.stderr).contains(message), "{message}: {}", text(&failed.stderr));
    }
    assert_eq!((files.read("own/server.pem"), files.read("own/server.key")), before);
}
