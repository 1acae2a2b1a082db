//! The container images of the service and the simulator, and the recipes for Testcontainers.
//!
//! The images are written without an engine (`deploy/container/image.py`); a test reads them as an engine
//! does, and runs their root file systems. Where Podman and runc are installed, `CONTAINERS=1` also runs it
//! as the guide says, read-only, as user 65532, and the recipes of `examples/testcontainers` against it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::environment::{is_set, say, skip};
use crate::support::python;

const IMAGE: &str = "localhost/ehealth-attributes-simulator";

/// Writes an image of this build to a folder.
fn write_image(kind: &str, folder: &Path) -> bool {
    let script = python::project().join("deploy/container/image.py");
    let output = Command::new("python3")
        .arg(script)
        .arg(kind)
        .arg(env!("CARGO_BIN_EXE_ehealth-attributes"))
        .arg(folder)
        .output();
    match output {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            true
        }
        Err(error) => {
            skip(&format!("the image of the {kind}: python3: {error}"));
            false
        }
    }
}

fn unpack(archive: &Path, folder: &Path) {
    fs::create_dir_all(folder).expect("a folder");
    let status = Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(folder).status().expect("tar");
    assert!(status.success(), "{}", archive.display());
}

/// A blob of an OCI layout, whose digest and size are those of its descriptor.
fn blob(layout: &Path, descriptor: &Value) -> PathBuf {
    let digest = descriptor["digest"].as_str().and_then(|digest| digest.strip_prefix("sha256:")).expect("a digest");
    let path = layout.join("blobs/sha256").join(digest);
    let output = Command::new("sha256sum").arg(&path).output().expect("sha256sum");
    assert!(String::from_utf8_lossy(&output.stdout).starts_with(digest));
    assert_eq!(fs::metadata(&path).expect("a blob").len(), descriptor["size"].as_u64().expect("a size"));
    path
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON")
}

#[test]
fn the_images_are_complete_and_run_without_root() {
    check_image("simulator", &["simulate", "--example"], include_str!("../../fixtures/scenario.toml"));
    check_image("service", &["config", "example"], include_str!("../../deploy/config.toml"));
}

/// Reads an image as an engine does, and runs a command in it that prints this text.
fn check_image(kind: &str, arguments: &[&str], printed: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    if !write_image(kind, folder.path()) {
        return;
    }
    let layout = folder.path().join("layout");
    unpack(&folder.path().join("image.tar"), &layout);
    let index = read_json(&layout.join("index.json"));
    let manifest = read_json(&blob(&layout, &index["manifests"][0]));
    let config = read_json(&blob(&layout, &manifest["config"]));
    assert_eq!(config["config"]["User"], "65532:65532");
    let root = folder.path().join("root");
    unpack(&blob(&layout, &manifest["layers"][0]), &root);
    if let Some(example) = run_in(&root, arguments) {
        assert_eq!(example, printed);
        // What it writes belongs to the user of the image.
        let state = root.join("var/lib/ehealth-attributes");
        assert_eq!(fs::metadata(state).ok().map(|folder| folder.uid()), (kind == "service").then_some(65_532));
    }
    let digest = fs::read_to_string(folder.path().join("image.digest")).expect("a digest");
    assert_eq!(index["manifests"][0]["digest"].as_str(), Some(digest.trim_end()));
    // The same files give the same bytes.
    let first = fs::read(folder.path().join("image.tar")).expect("an image");
    assert!(write_image(kind, folder.path()));
    assert!(first == fs::read(folder.path().join("image.tar")).expect("an image"));
}

/// Runs the program of a root file system with nothing but that file system; `None` if this user may not.
fn run_in(root: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("chroot")
        .arg("--userspec=65532:65532")
        .arg(root)
        .arg("/usr/bin/ehealth-attributes")
        .args(arguments)
        .output()
        .expect("chroot");
    if !rustix::process::geteuid().is_root() {
        skip("an image runs: needs root for chroot");
        return None;
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).expect("UTF-8"))
}

/// Podman with storage of its own, as a service with Docker's API.
struct Engine {
    folder: TempDir,
    service: Option<Child>,
}

impl Engine {
    /// The engine, with the image; `None` if it is not asked for or not installed.
    fn start() -> Option<Self> {
        if !is_set("CONTAINERS") {
            say("*** SKIPPED, not asked for: CONTAINERS=1 cargo test --test it containers::");
            return None;
        }
        if ["podman", "runc"].iter().any(|program| Command::new(program).arg("--version").output().is_err()) {
            skip("containers: needs Debian's packages podman, runc, netavark, iptables and uidmap");
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let limits = "default_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]";
        let engine = "runtime = \"runc\"\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"";
        fs::write(folder.path().join("containers.conf"), format!("[engine]\n{engine}\n[containers]\n{limits}\n"))
            .expect("written");
        let mut engine = Self { folder, service: None };
        assert!(write_image("simulator", engine.folder.path()));
        engine.run(&["load", "-i", &engine.path("image.tar")]);
        let socket = format!("unix://{}", engine.path("socket"));
        engine.service = Some(engine.podman(&["system", "service", "--time", "0", &socket]).spawn().expect("podman"));
        while !Path::new(&engine.path("socket")).exists() {
            std::thread::yield_now();
        }
        Some(engine)
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn podman(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("podman");
        command
            .env("CONTAINERS_CONF", self.path("containers.conf"))
            .args(["--root", &self.path("storage"), "--runroot", &self.path("run"), "--storage-driver", "vfs"])
            .args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> String {
        let output = self.podman(arguments).output().expect("podman");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// A command whose Docker client finds this engine.
    fn client(&self, command: &str) -> Command {
        let mut shell = Command::new("bash");
        shell
            .args(["-euo", "pipefail", "-c", command])
            .env("DOCKER_HOST", format!("unix://{}", self.path("socket")))
            .env("TESTCONTAINERS_RYUK_DISABLED", "true")
            .env("TESTCONTAINERS_HOST_OVERRIDE", "127.0.0.1")
            .env("TESTCONTAINERS_CONNECTION_MODE", "docker_host")
            .env("NO_PROXY", "localhost,127.0.0.1")
            .env("no_proxy", "localhost,127.0.0.1");
        shell
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.podman(&["rm", "--all", "--force", "--time", "1"]).output();
        if let Some(mut service) = self.service.take() {
            let _ = service.kill();
            let _ = service.wait();
        }
        // Its files belong to other users.
        let _ = self.podman(&["system", "reset", "--force"]).output();
    }
}

#[test]
fn the_image_runs_read_only_and_rootless() {
    let Some(engine) = Engine::start() else { return };
    let version = env!("CARGO_PKG_VERSION");
    let mut child = engine
        .podman(&["run", "--rm", "--read-only", "--cap-drop=all", "--security-opt=no-new-privileges", "--network=host"])
        .args([&format!("{IMAGE}:{version}"), "--port", "0", "--control", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("podman");
    let mut control = String::new();
    for line in BufReader::new(child.stdout.take().expect("its output")).lines().map_while(Result::ok) {
        if let Some(url) = line.strip_prefix("Control API: ") {
            url.clone_into(&mut control);
        }
        if line.starts_with("Press Ctrl-C") {
            break;
        }
    }
    let get = |path: &str| {
        let output =
            Command::new("curl").args(["-sS", "--fail", "--noproxy", "*", &format!("{control}{path}")]).output();
        String::from_utf8(output.expect("curl").stdout).expect("UTF-8")
    };
    let simulation: Value = serde_json::from_str(&get("/v1/simulation")).expect("JSON");
    let folder = engine.folder.path();
    for name in ["ca.pem", "clients/fund.pem", "clients/fund.key"] {
        fs::create_dir_all(folder.join("clients")).expect("a folder");
        fs::write(folder.join(name), get(&format!("/v1/files/{name}"))).expect("written");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_ehealth-attributes"))
        .args(["lookup", "--url", simulation["url"].as_str().expect("a URL"), "--ca", &engine.path("ca.pem")])
        .args(["--cert", &engine.path("clients/fund.pem"), "--key", &engine.path("clients/fund.key"), "--test"])
        .output()
        .expect("the program runs");
    let _ = engine.podman(&["stop", "--all", "--time", "2"]).output();
    let _ = child.wait();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Each recipe with the command that runs it in a copy of its folder.
fn recipes() -> BTreeMap<&'static str, &'static str> {
    BTreeMap::from([
        ("java", "command -v mvn >/dev/null || exit 77; mvn --batch-mode --quiet test"),
        ("node", "command -v npm >/dev/null || exit 77; npm install --silent --no-audit --no-fund && npm test"),
        ("python", "python3 -m venv venv && venv/bin/pip install --quiet -r requirements.txt && venv/bin/pytest -q"),
        ("dotnet", "command -v dotnet >/dev/null || exit 77; dotnet test"),
    ])
}

#[test]
fn the_recipes_for_testcontainers_pass() {
    let Some(engine) = Engine::start() else { return };
    for (language, command) in recipes() {
        let folder = engine.folder.path().join(language);
        let source = python::project().join("examples/testcontainers").join(language);
        assert!(Command::new("cp").arg("-r").arg(source).arg(&folder).status().expect("cp").success());
        let output = engine.client(command).current_dir(&folder).output().expect("bash");
        let mut printed = String::new();
        let _ = output.stdout.as_slice().read_to_string(&mut printed);
        if output.status.code() == Some(77) {
            say(&format!("*** SKIPPED Testcontainers for {language}: not installed"));
            continue;
        }
        assert!(output.status.success(), "{language}:\n{printed}{}", String::from_utf8_lossy(&output.stderr));
        say(&format!("Testcontainers for {language}: passed"));
    }
}
