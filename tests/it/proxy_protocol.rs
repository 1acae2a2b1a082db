//! The address of a client behind a load balancer: HAProxy passes it by PROXY protocol version 2, and
//! is believed only if the settings list it.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;

use ehealth_attributes::server::tls::provider;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::proxies::{checked, find, free_port, start, until};
use crate::support::program::DEADLINE;
use crate::support::unread::{Caller, client_tls, metric, serve, workspace};

const OUTCOMES: &str = "ehealth_attributes_tls_handshakes_total";

/// Connects from this address of the loopback network.
fn connect_from(source: [u8; 4], target: SocketAddr) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from((Ipv4Addr::from(source), 0))).expect("an address of loopback");
        socket.connect(target).await.expect("it listens")
    });
    let stream = stream.into_std().expect("a socket");
    stream.set_nonblocking(false).expect("set");
    stream.set_read_timeout(Some(DEADLINE)).expect("set");
    stream
}

/// Attempts a handshake without a client certificate, until the service refuses it.
fn refused_handshake(stream: TcpStream, roots: RootCertStore) {
    let config = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let config = config.expect("versions").with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    let client = ClientConnection::new(Arc::new(config), name).expect("a client");
    let mut stream = StreamOwned::new(client, stream);
    let _ = stream.write_all(b"x");
    let refused = stream.read(&mut [0]);
    assert!(refused.is_err() || refused.is_ok_and(|read| read == 0), "a handshake without certificate is refused");
}

/// Whether the service closes the connection after these bytes.
fn is_closed_after(mut stream: TcpStream, bytes: &[u8]) -> bool {
    stream.write_all(bytes).expect("sent");
    !matches!(stream.read(&mut [0]), Ok(1..))
}

fn list_balancer(settings: &Path, address: &str) {
    let text = fs::read_to_string(settings).expect("settings");
    let text = text.replacen("[server]\n", &format!("[server]\nproxy_protocol = \"{address}\"\n"), 1);
    fs::write(settings, text).expect("written");
}

#[test]
fn haproxy_passes_the_address_of_the_client() {
    let Some(haproxy) = find("haproxy") else { return };
    let (folder, workspace) = workspace();
    list_balancer(&workspace.settings(), "127.0.0.1");
    let (program, gateway, admin) = serve(&workspace);
    let [version_2, version_1] = [free_port(), free_port()];
    let socket = folder.path().join("socket");
    let listen =
        |name: &str, port: u16, option: &str| format!("listen {name}\n bind 127.0.0.1:{port}\n server {option}\n");
    let settings = format!(
        "global\n stats socket {}\ndefaults\n mode tcp\n timeout connect 3s\n timeout client 30s\n timeout server 30s\n{}{}",
        socket.display(),
        listen("version2", version_2, &format!("s {gateway} check inter 200ms fall 1 rise 1 send-proxy-v2")),
        listen("version1", version_1, &format!("unchecked {gateway} send-proxy")),
    );
    let file = folder.path().join("haproxy.cfg");
    fs::write(&file, settings).expect("written");
    let _haproxy = start(&haproxy, &["-db", "-f", &file.display().to_string()]);
    // The checks of the balancer itself have a header that names no client, and are probes.
    let found = until("HAProxy checked the service", || checked(&socket));
    assert_eq!(found, [("version2", "UP", "L4OK")].map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned())));
    until("a probe is counted", || (metric(admin, &format!("{OUTCOMES}{{outcome=\"probe\"}}")) > 0).then_some(()));
    let by = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));

    // A caller is answered, and one without a certificate is logged with its own address.
    Caller::connect(by(version_2), client_tls(&workspace, "fund")).ask();
    let roots = ehealth_attributes::server::tls::load_authorities(&workspace.authority()).expect("authorities");
    refused_handshake(connect_from([127, 0, 0, 2], by(version_2)), roots);
    let line = program.hear("TLS handshake failed").pop().expect("a line");
    assert!(line.contains("address=127.0.0.2:"), "{line}");

    // Version 1, and a connection of the balancer without a header.
    assert!(is_closed_after(connect_from([127, 0, 0, 1], by(version_1)), b"\x16\x03\x01"));
    let line = program.hear("PROXY protocol header not accepted").pop().expect("a line");
    assert!(line.contains("version-1") && line.contains("send-proxy-v2"), "{line}");
    assert!(is_closed_after(connect_from([127, 0, 0, 1], gateway), b"\x16\x03\x01\x00\x05"));
    assert_eq!(metric(admin, &format!("{OUTCOMES}{{outcome=\"proxy-header\"}}")), 2);
    assert_eq!(program.stop().0, Some(0));
}

#[test]
fn a_header_of_an_unlisted_address_is_refused() {
    let (_folder, workspace) = workspace();
    list_balancer(&workspace.settings(), "127.0.0.3");
    let (program, gateway, _) = serve(&workspace);
    let header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\x7f\x00\x00\x02\x7f\x00\x00\x01\x04\xd2\x16.";
    assert!(is_closed_after(connect_from([127, 0, 0, 2], gateway), header));
    let line = program.hear("PROXY protocol header refused").pop().expect("a line");
    assert!(line.contains("address=127.0.0.2:") && line.contains("server.proxy_protocol"), "{line}");
    // A client that is not behind the balancer needs no header.
    Caller::connect(gateway, client_tls(&workspace, "fund")).ask();
    assert_eq!(program.stop().0, Some(0));
}
