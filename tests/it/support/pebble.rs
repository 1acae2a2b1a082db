//! Pebble, the ACME server that Let's Encrypt tests clients with: another implementation of RFC 8555. It fetches each
//! challenge.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use serde_json::json;
use testkit::Workspace;

use super::environment::skip;
use super::program::{DEADLINE, read_until};
use super::python::project;

/// Version that is built; the Go module proxy has it.
const VERSION: &str = "v2.10.3";
/// Key of the external account `kid-1`.
pub const EXTERNAL_KEY: &str = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";

/// A running server.
pub struct Pebble {
    child: Child,
    /// URL of its directory.
    pub directory: String,
    /// Port to which it connects for challenges.
    pub challenge_port: u16,
}

/// What a server demands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Demands {
    /// Nothing.
    Nothing,
    /// An external account.
    ExternalAccount,
}

impl Pebble {
    /// Starts a server with the certificate of this workspace. A share of all nonces is refused, in percent. `None`
    /// without Go.
    pub fn start(workspace: &Workspace, refused_nonces: u8, demands: Demands) -> Option<Self> {
        let program = program()?;
        let folder = workspace.settings().parent().expect("a folder").to_owned();
        for (from, to) in [("server.pem", "acme.pem"), ("server.key", "acme.key"), ("ca.pem", "acme-ca.pem")] {
            fs::copy(folder.join(from), folder.join(to)).expect("copied");
        }
        let (port, challenge_port) = (free_port(), free_port());
        let path = |name: &str| folder.join(name).display().to_string();
        let config = json!({ "pebble": {
            "listenAddress": format!("127.0.0.1:{port}"),
            "managementListenAddress": "",
            "certificate": path("acme.pem"),
            "privateKey": path("acme.key"),
            "httpPort": challenge_port,
            "tlsPort": 1,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": demands == Demands::ExternalAccount,
            "externalAccountMACKeys": { "kid-1": EXTERNAL_KEY },
            "retryAfter": { "authz": 1, "order": 1 },
            "keyAlgorithm": "ecdsa",
            "profiles": { "default": { "description": "90 days", "validityPeriod": 7_776_000 } },
        } });
        fs::write(folder.join("pebble.json"), config.to_string()).expect("written");
        let mut child = Command::new(program)
            .arg("-config")
            .arg(folder.join("pebble.json"))
            .env("PEBBLE_VA_NOSLEEP", "1")
            .env("PEBBLE_WFE_NONCEREJECT", refused_nonces.to_string())
            .env_remove("PEBBLE_VA_ALWAYS_VALID")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        read_until(child.stdout.take().expect("piped"), "ACME directory available at", DEADLINE);
        let pebble = Self { child, directory: format!("https://localhost:{port}/dir"), challenge_port };
        // It says so before it listens.
        let begin = std::time::Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begin.elapsed() < DEADLINE, "pebble does not listen");
            std::thread::yield_now();
        }
        Some(pebble)
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("[::]:0").expect("a port").local_addr().expect("bound").port()
}

/// The program, built once below `target`.
fn program() -> Option<&'static Path> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    let built = PROGRAM.get_or_init(|| {
        let folder = project().join("target/pebble").join(VERSION);
        let file = folder.join("pebble");
        if file.exists() {
            return Some(file);
        }
        let module = format!("github.com/letsencrypt/pebble/v2/cmd/pebble@{VERSION}");
        let mut go = Command::new("go");
        go.args(["install", &module]).env("GOBIN", &folder).env("GOTOOLCHAIN", "local");
        let built = go.output().is_ok_and(|built| built.status.success());
        (built && file.exists()).then_some(file)
    });
    if built.is_none() {
        skip("Go or its module proxy is missing; no ACME server issues certificates");
    }
    built.as_deref()
}
