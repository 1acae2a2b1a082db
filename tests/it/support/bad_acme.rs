//! An ACME server that misbehaves. It verifies no signature and no name: what a client accepts is the client's fault.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use testkit::Workspace;
use tls_files::{provider, read_certificates, read_private_key};

/// How the server misbehaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Issues this file.
    Issue(Vec<u8>),
    /// Refuses the order, with this text.
    Problem(String),
    /// Sends a directory without an end.
    EndlessBody,
    /// Sends headers without an end.
    EndlessHead,
    /// Sends nothing after the TLS handshake.
    Silence,
    /// Names a challenge with this token.
    Token(String),
    /// Names URLs of plain HTTP.
    PlainHttp,
}

/// Starts a server with the certificate of this workspace, which runs as long as the process. Returns the URL of its
/// directory.
pub fn start(workspace: &Workspace, fault: Fault) -> String {
    let folder = workspace.settings().parent().expect("a folder").to_owned();
    fs::copy(folder.join("ca.pem"), folder.join("acme-ca.pem")).expect("copied");
    let tls = Arc::new(tls(&folder));
    // Whether the certificate was requested.
    let finalized = Arc::new(AtomicBool::new(false));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (tls, fault, finalized) = (Arc::clone(&tls), fault.clone(), Arc::clone(&finalized));
            // An error of one connection does not concern the next.
            thread::spawn(move || drop(serve(tls, stream, address, (&fault, &finalized))));
        }
    });
    format!("https://localhost:{}/dir", address.port())
}

fn tls(folder: &Path) -> ServerConfig {
    let chain = read_certificates(&folder.join("server.pem")).expect("certificates");
    let key = read_private_key(&folder.join("server.key")).expect("a key");
    let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    builder.expect("versions").with_no_client_auth().with_single_cert(chain, key).expect("they belong together")
}

fn serve(
    tls: Arc<ServerConfig>,
    stream: TcpStream,
    address: SocketAddr,
    (fault, finalized): (&Fault, &AtomicBool),
) -> std::io::Result<()> {
    let connection = ServerConnection::new(tls).expect("a valid configuration");
    let mut stream = BufReader::new(StreamOwned::new(connection, stream));
    let (mut path, mut length, mut line) = (String::new(), 0, String::new());
    while line != "\r\n" {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if path.is_empty() {
            path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    std::io::copy(&mut (&mut stream).take(length), &mut std::io::sink())?;
    let out = stream.get_mut();
    match fault {
        Fault::Silence => loop {
            // Until the client leaves.
            let mut byte = [0];
            if out.read(&mut byte)? == 0 {
                return Ok(());
            }
        },
        Fault::EndlessBody => {
            write!(out, "HTTP/1.1 200 OK\r\n\r\n")?;
            loop {
                out.write_all(&[b' '; 16_384])?;
            }
        }
        Fault::EndlessHead => {
            write!(out, "HTTP/1.1 200 OK\r\nx: ")?;
            loop {
                out.write_all(&[b'x'; 16_384])?;
            }
        }
        Fault::Issue(_) | Fault::Problem(_) | Fault::Token(_) | Fault::PlainHttp => {}
    }
    let (status, body) = answer(&path, address, fault, finalized);
    write!(
        out,
        "HTTP/1.1 {status} So\r\ncontent-length: {}\r\nreplay-nonce: bm9uY2U\r\nlocation: {}\r\nconnection: close\r\n\r\n",
        body.len(),
        url(address, if path == "/account" { "account/1" } else { "order/1" }),
    )?;
    out.write_all(&body)?;
    out.flush()
}

fn url(address: SocketAddr, path: &str) -> String {
    format!("https://localhost:{}/{path}", address.port())
}

/// Status and body for a path.
fn answer(path: &str, address: SocketAddr, fault: &Fault, finalized: &AtomicBool) -> (u16, Vec<u8>) {
    let url = |path: &str| url(address, path);
    let name = json!({ "type": "dns", "value": "localhost" });
    let order = |status: &str| {
        let authorizations = if matches!(fault, Fault::Token(_)) { vec![url("authorization")] } else { Vec::new() };
        json!({ "status": status, "identifiers": [name], "authorizations": authorizations,
            "finalize": url("finalize"), "certificate": url("certificate") })
    };
    let (status, body): (u16, Value) = match (path, fault) {
        ("/dir", Fault::PlainHttp) => (
            200,
            json!({ "newNonce": "http://localhost:1/", "newAccount": "http://localhost:1/", "newOrder": "http://localhost:1/" }),
        ),
        ("/dir", _) => {
            (200, json!({ "newNonce": url("nonce"), "newAccount": url("account"), "newOrder": url("order") }))
        }
        ("/nonce", _) => return (200, Vec::new()),
        ("/account", _) => (201, json!({ "status": "valid" })),
        ("/order", Fault::Problem(text)) => {
            (403, json!({ "type": "urn:ietf:params:acme:error:rateLimited", "detail": text }))
        }
        ("/order", Fault::Token(_)) => (201, order("pending")),
        ("/order", _) => (201, order("ready")),
        ("/order/1", _) => (200, order(if finalized.load(Ordering::Relaxed) { "valid" } else { "ready" })),
        ("/finalize", _) => {
            finalized.store(true, Ordering::Relaxed);
            (200, order("valid"))
        }
        ("/certificate", Fault::Issue(file)) => return (200, file.clone()),
        ("/authorization", Fault::Token(token)) => {
            let challenge = json!({ "type": "http-01", "url": url("challenge"), "status": "pending", "token": token });
            (200, json!({ "status": "pending", "identifier": name, "challenges": [challenge] }))
        }
        _ => (404, json!({ "type": "about:blank", "detail": path })),
    };
    (status, body.to_string().into_bytes())
}
