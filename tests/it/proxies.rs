//! Reverse proxies and load balancers of Debian in front of the service, set up as their
//! documentation begins: nginx speaks HTTP/1.0 to it, and HAProxy checks it.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use testkit::Workspace;

use crate::support::environment::skip;
use crate::support::program::DEADLINE;
use crate::support::service::{CONSULT, question};
use crate::support::unread::{serve, workspace};

/// A process that ends with the test.
pub struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The program, also where Debian puts it for root; `None` after a message if it is missing.
pub fn find(program: &str) -> Option<String> {
    let runs =
        |path: &String| Command::new(path).arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    let found = [program.to_owned(), format!("/usr/sbin/{program}")].into_iter().find(runs);
    if found.is_none() {
        skip(&format!("{program} is not installed"));
    }
    found
}

pub fn start(program: &str, arguments: &[&str]) -> Started {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Started(command.spawn().expect("it starts"))
}

/// Calls until there is a value.
pub fn until<T>(what: &str, mut call: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(value) = call() {
            return value;
        }
        assert!(began.elapsed() < DEADLINE, "{what}");
        std::thread::yield_now();
    }
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

fn clients(workspace: &Workspace) -> (String, String) {
    let (certificate, key) = workspace.client("fund");
    (certificate.display().to_string(), key.display().to_string())
}

fn exchange(address: SocketAddr, request: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(DEADLINE)).expect("a time-out");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("text");
    Some(answer)
}

#[test]
fn nginx_passes_requests_as_it_comes() {
    let Some(nginx) = find("nginx") else { return };
    let (folder, workspace) = workspace();
    let (program, gateway, _) = serve(&workspace);
    let (certificate, key) = clients(&workspace);
    let port = free_port();
    let settings = format!(
        "daemon off; master_process off; pid nginx.pid; error_log error.log; events {{}}\n\
         http {{ access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;\n\
         uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n\
         server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass https://{gateway};\n\
         proxy_ssl_certificate {certificate}; proxy_ssl_certificate_key {key}; }} }} }}\n"
    );
    fs::write(folder.path().join("nginx.conf"), settings).expect("written");
    let prefix = folder.path().display().to_string();
    let _nginx = start(&nginx, &["-p", &prefix, "-c", "nginx.conf", "-e", "error.log"]);

    let body = question("0999010126", "BACKTOWORK:ADVISORY_PHYSICIAN", "85073099932", "");
    let request = format!(
        "POST {CONSULT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    );
    let proxy = SocketAddr::from(([127, 0, 0, 1], port));
    let answer = until("nginx listens", || exchange(proxy, &request));
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("<code>MSG00000</code>"), "{answer}");
    assert_eq!(program.stop().0, Some(0));
}

/// Status of each backend, and the result of its last check, once every backend has one.
pub fn checked(socket: &Path) -> Option<Vec<(String, String, String)>> {
    let mut stream = UnixStream::connect(socket).ok()?;
    stream.write_all(b"show stat\n").ok()?;
    let mut table = String::new();
    stream.read_to_string(&mut table).ok()?;
    let mut lines = table.trim_start_matches("# ").lines();
    let names: Vec<_> = lines.next()?.split(',').collect();
    let at = |name: &str| names.iter().position(|found| *found == name);
    let (backend, server, status, result) = (at("pxname")?, at("svname")?, at("status")?, at("check_status")?);
    let rows = lines.map(|line| line.split(',').collect::<Vec<_>>());
    let rows: Vec<_> = rows.filter(|row| row.get(server) == Some(&"s")).collect();
    let text = |row: &[&str], column: usize| row.get(column).map(|text| (*text).to_owned());
    let rows: Option<Vec<_>> =
        rows.iter().map(|row| Some((text(row, backend)?, text(row, status)?, text(row, result)?))).collect();
    // A check that was not made yet, or runs.
    rows.filter(|rows| {
        rows.iter().all(|(_, status, result)| {
            result != "INI" && !result.is_empty() && !result.starts_with('*') && !status.contains('/')
        })
    })
}

#[test]
fn haproxy_checks_the_service_over_tls_and_http_1_0() {
    let Some(haproxy) = find("haproxy") else { return };
    let (folder, workspace) = workspace();
    let (program, gateway, _) = serve(&workspace);
    let (certificate, key) = clients(&workspace);
    let both = folder.path().join("both.pem");
    let pem = [certificate, key].map(|file| fs::read_to_string(file).expect("readable")).concat();
    fs::write(&both, pem).expect("written");
    let (socket, both) = (folder.path().join("socket"), both.display());
    let backend = |name: &str, option: &str, check: &str| {
        format!("backend {name}\n {option}\n server s {gateway} check inter 200ms fall 1 rise 1 {check}\n")
    };
    let tls = format!("check-ssl verify none crt {both}");
    let settings = format!(
        "global\n stats socket {}\ndefaults\n mode tcp\n timeout connect 3s\n timeout client 30s\n timeout server 30s\n{}{}{}{}",
        socket.display(),
        backend("tcp", "", ""),
        backend("tls", "", &tls),
        backend("head", "option httpchk HEAD /", &tls),
        backend("options", "option httpchk", &tls),
    );
    let file = folder.path().join("haproxy.cfg");
    fs::write(&file, settings).expect("written");
    let _haproxy = start(&haproxy, &["-db", "-f", &file.display().to_string()]);

    let found = until("every backend was checked", || checked(&socket));
    let shown: Vec<_> = found.iter().map(|(name, status, result)| format!("{name} {status} {result}")).collect();
    // What it sends by itself is OPTIONS, and no resource has that method: the guide says HEAD.
    assert_eq!(shown, ["tcp UP L4OK", "tls UP L6OK", "head UP L7OK", "options DOWN L7STS"]);
    assert_eq!(program.stop().0, Some(0));
}
