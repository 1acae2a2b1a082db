//! `contract export`: the contract as files, for client generators.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;

use crate::support::python::Python;
use crate::support::service::{CONSULT, TEST, TestService};

const ATTRIBUTES: &str = "eHealthAttributesServiceV1.wsdl";
const CONNECTION: &str = "TestConnectionServiceV1.wsdl";
const SCHEMAS: [(&str, &str); 4] = [
    (CONSULT, "eHealthAttributesV1.xsd"),
    (CONSULT, "CommonV3.xsd"),
    (CONSULT, "EndUserV1.xsd"),
    (TEST, "TestConnectionServiceV1.xsd"),
];

/// User and group that own nothing.
const UNPRIVILEGED: u32 = 65_534;

fn command(folder: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ehealth-attributes"));
    command.args(["contract", "export"]).arg(folder).args(more);
    command
}

fn export(folder: &Path, more: &[&str]) -> Output {
    command(folder, more).output().expect("the program runs")
}

/// Exports; must succeed. Returns what was printed.
fn exported(folder: &Path, more: &[&str]) -> String {
    let output = export(folder, more);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Exports; must fail. Returns the message.
fn refused(folder: &Path, more: &[&str]) -> String {
    let output = export(folder, more);
    let message = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{message}");
    message
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<_> = entries.map(|name| name.into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).expect("a file")
}

#[tokio::test(flavor = "multi_thread")]
async fn exported_files_have_the_text_that_is_served() {
    let service = TestService::start().await;
    let url = format!("https://localhost:{}", service.address.port());
    let (separate, single) = (service.folder().join("separate"), service.folder().join("single"));
    exported(&separate, &["--public-url", &url]);
    exported(&single, &["--public-url", &url, "--single"]);
    let served = async |target: &str| service.get("fund", target).await.body;
    for (path, name) in [(CONSULT, ATTRIBUTES), (TEST, CONNECTION)] {
        let reference = format!("{url}{path}?xsd=");
        assert_eq!(read(&separate, name), served(&format!("{path}?wsdl")).await.replace(&reference, ""));
        assert_eq!(read(&single, name), served(&format!("{path}?singleWsdl")).await);
    }
    for (path, name) in SCHEMAS {
        let served = served(&format!("{path}?xsd={name}")).await;
        assert_eq!(read(&separate, name), served.replace(&format!("{url}{path}?xsd="), ""), "{name}");
    }
    assert_eq!(names(&separate).len(), 6);
    assert_eq!(names(&single), [CONNECTION, ATTRIBUTES]);
    service.finish().await;
}

#[test]
fn exported_files_are_valid_and_need_no_network() {
    let Some(python) = Python::find() else { return };
    let folder = folder();
    let url = "https://gateway.example.be/prefix/";
    for (name, more) in [("separate", &[][..]), ("single", &["--single"])] {
        let form = folder.path().join(name);
        exported(&form, &[&["--public-url", url], more].concat());
        let form = form.display().to_string();
        // Validators and zeep resolve every import beside the file.
        for script in [&["check_documents.py", &form][..], &["describe.py", "services", &form]] {
            let printed = python.run(script[0], &script[1..]).unwrap_or_else(|printed| panic!("{name}: {printed}"));
            let is_described = script.len() == 2
                || printed.contains("address https://gateway.example.be/prefix/eHealthAttributesService/v1/consult\n")
                    && printed.contains("operation sendTestMessage")
                    && printed.contains("operation consultAttributes");
            assert!(is_described, "{name}: {printed}");
        }
    }
}

#[test]
fn a_second_export_changes_nothing() {
    let folder = folder();
    let contract = folder.path().join("a/b/contract");
    let first = exported(&contract, &[]);
    assert_eq!(first.matches(": created\n").count(), 6, "{first}");
    assert!(first.contains(&format!("{}: created\n", contract.join(ATTRIBUTES).display())), "{first}");
    let location = "location=\"https://localhost:8443/eHealthAttributesService/v1/consult\"";
    assert!(read(&contract, ATTRIBUTES).contains(location));
    let written = fs::metadata(contract.join(ATTRIBUTES)).expect("a file").modified().expect("a time");
    for more in [&[][..], &["--force"]] {
        let second = exported(&contract, more);
        assert_eq!(second.matches(": unchanged\n").count(), 6, "{second}");
    }
    assert_eq!(fs::metadata(contract.join(ATTRIBUTES)).expect("a file").modified().expect("a time"), written);
    assert_eq!(names(&contract).len(), 6, "no draft is left");
}

#[test]
fn a_file_with_other_content_is_kept_without_force() {
    let folder = folder();
    for content in ["mine", "", &"long".repeat(100_000)] {
        fs::write(folder.path().join("CommonV3.xsd"), content).expect("written");
        let message = refused(folder.path(), &[]);
        assert!(
            message.contains("CommonV3.xsd: exists with other content") && message.contains("--force"),
            "{message}"
        );
        assert_eq!(read(folder.path(), "CommonV3.xsd"), content);
        assert_eq!(names(folder.path()), ["CommonV3.xsd"], "nothing else was written");
    }
    let forced = exported(folder.path(), &["--force"]);
    assert_eq!((forced.matches(": created").count(), forced.matches(": replaced").count()), (5, 1), "{forced}");
    // Another address, and another form.
    for more in [&["--public-url", "https://a.example"][..], &["--single"]] {
        let message = refused(folder.path(), more);
        assert_eq!(message.matches(".wsdl: exists with other content\n").count(), 2, "{message}");
        let forced = exported(folder.path(), &[more, &["--force"]].concat());
        assert_eq!(forced.matches(": replaced").count(), 2, "{forced}");
    }
}

#[test]
fn a_link_in_the_folder_is_never_followed() {
    let (folder, elsewhere) = (folder(), folder());
    let target = elsewhere.path().join("precious");
    fs::write(&target, "precious").expect("written");
    let missing = elsewhere.path().join("missing");
    let copy = elsewhere.path().join("copy");
    exported(&copy, &[]);
    // To a file, to nothing, to the wanted content.
    symlink(&target, folder.path().join(ATTRIBUTES)).expect("a link");
    symlink(&missing, folder.path().join(CONNECTION)).expect("a link");
    symlink(copy.join("CommonV3.xsd"), folder.path().join("CommonV3.xsd")).expect("a link");
    let message = refused(folder.path(), &[]);
    assert_eq!(message.matches("is a symbolic link, which is not followed\n").count(), 3, "{message}");
    assert_eq!(names(folder.path()).len(), 3);
    let forced = exported(folder.path(), &["--force"]);
    assert_eq!(forced.matches(": replaced").count(), 3, "{forced}");
    assert_eq!(fs::read_to_string(&target).expect("a file"), "precious");
    assert!(!missing.exists());
    for name in names(folder.path()) {
        assert!(fs::symlink_metadata(folder.path().join(&name)).expect("there").is_file(), "{name}");
    }
}

#[test]
fn what_is_no_file_is_never_replaced() {
    let make: [fn(&Path); 3] = [
        |path| fs::create_dir(path).expect("a folder"),
        |path| mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a FIFO"),
        |path| drop(UnixListener::bind(path).expect("a socket")),
    ];
    for make in make {
        let folder = folder();
        make(&folder.path().join(ATTRIBUTES));
        for more in [&[][..], &["--force"]] {
            let message = refused(folder.path(), more);
            assert!(message.contains(".wsdl: is not a regular file\nNothing was written"), "{message}");
            assert_eq!(names(folder.path()), [ATTRIBUTES]);
        }
    }
}

#[test]
fn a_folder_that_cannot_be_used_is_named() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, "mine").expect("written");
    symlink(folder.path().join("missing"), folder.path().join("dangling")).expect("a link");
    for name in ["file", "file/below", "dangling"] {
        for more in [&[][..], &["--force"]] {
            let message = refused(&folder.path().join(name), more);
            assert!(message.contains(&format!("{name}: the folder cannot be used: ")), "{message}");
        }
    }
    assert_eq!(fs::read_to_string(&file).expect("a file"), "mine");
    assert_eq!(names(folder.path()), ["dangling", "file"]);
}

#[test]
fn a_folder_without_permission_is_an_error() {
    // No user can create a file there, the superuser included.
    let message = refused(Path::new("/proc/self"), &[]);
    assert!(message.contains("/proc/self/") && message.contains(": cannot be written: "), "{message}");
    let folder = folder();
    let set = |mode: u32| fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).expect("set");
    for mode in [0o555, 0o444] {
        set(mode);
        let mut command = command(folder.path(), &["--force"]);
        // Permissions do not bind the superuser.
        if rustix::process::geteuid().is_root() {
            command.uid(UNPRIVILEGED).gid(UNPRIVILEGED);
        }
        let output = command.output().expect("the program runs");
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        set(0o700);
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains("Permission denied"), "{message}");
        assert!(names(folder.path()).is_empty());
    }
}

#[test]
fn the_export_is_listed_as_json() {
    let folder = folder();
    fs::write(folder.path().join(CONNECTION), "mine").expect("written");
    let printed = exported(folder.path(), &["--single", "--force", "--json"]);
    let listed: serde_json::Value = serde_json::from_str(&printed).expect("JSON");
    let file = |name: &str, outcome: &str| {
        let bytes = fs::metadata(folder.path().join(name)).expect("a file").len();
        serde_json::json!({"file": folder.path().join(name), "bytes": bytes, "outcome": outcome})
    };
    let expected = serde_json::json!({
        "folder": folder.path(),
        "form": "single",
        "publicUrl": "https://localhost:8443",
        "files": [file(ATTRIBUTES, "created"), file(CONNECTION, "replaced")],
    });
    assert_eq!(listed, expected);
}

#[test]
fn an_invalid_public_url_is_an_invalid_argument() {
    let folder = folder();
    for url in ["http://localhost", "https://", "gateway.example.be", "https://a.example/?b", "https://a b", ""] {
        let output = export(&folder.path().join("contract"), &["--public-url", url]);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{url}: {message}");
        assert!(message.contains("--public-url"), "{message}");
    }
    assert!(names(folder.path()).is_empty());
}
