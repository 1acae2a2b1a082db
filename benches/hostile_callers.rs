//! What hostile callers cost a good one: 5 000 slow connections, four times the load, one noisy consumer.
//!
//! `cargo bench --bench hostile_callers [-- slow|overload|noisy]` starts the service in a process of its own, the hostile
//! callers in another one that is nicer than both (their own work is none of the service's), asks as a good client would,
//! first alone and then among them, and prints what changed. Loopback alone; it ends by itself after about a minute.

#![allow(clippy::print_stdout, clippy::float_arithmetic, reason = "a bench prints ratios")]
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts here are far below what a double holds exactly"
)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ehealth_attributes::app::{App, SystemClock};
use ehealth_attributes::cli::workspace::Workspace;
use ehealth_attributes::config::read_settings;
use ehealth_attributes::model::Clock;
use ehealth_attributes::server::{raise_descriptor_limit, tls};
use ehealth_attributes::sync;
use rustls::ClientConfig;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const SLOW: usize = 5_000;
/// How long the good client asks, alone and among the others.
const ASKING: Duration = Duration::from_secs(12);
/// Between two questions.
const PACE: Duration = Duration::from_millis(5);
const PATH: &str = "/TestConnectionService/v1/sendTestMessage";
const MESSAGE: &str = include_str!("../fixtures/requests/accepted/test_message.xml");
/// Whose certificates the hostile callers have; the good client is `fund`.
const HOSTILE: [&str; 4] = ["other-fund", "service", "other-service", "platform"];
const GOOD: &str = "fund";

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let _ = raise_descriptor_limit();
    match words.as_slice() {
        ["serve", folder, messages] => runtime.block_on(serve(folder.as_ref(), messages.parse().expect("a number"))),
        ["attack", kind, folder, address, count] => {
            let caller = Callers { folder, address: address.parse().expect("an address") };
            runtime.block_on(caller.attack(kind, count.parse().expect("a number")));
        }
        [] => ["slow", "overload", "noisy"].into_iter().for_each(|mode| runtime.block_on(compare(mode))),
        [mode] => runtime.block_on(compare(mode)),
        other => panic!("{other:?}: no such mode"),
    }
}

/// The service, with so many messages at one time (0: as many as it has by itself).
async fn serve(folder: &Path, messages: usize) {
    let mut settings = read_settings(&Workspace::new(folder.to_owned()).settings()).expect("settings");
    settings.listen = "127.0.0.1:0".parse().expect("an address");
    settings.admin = None;
    if messages > 0 {
        (settings.server.limits.messages, settings.server.limits.messages_each) = (messages, messages.div_ceil(4));
    }
    let app = App::open(&settings, Arc::new(SystemClock)).await.expect("it starts");
    println!("{}", app.address());
    app.run(std::future::pending()).await;
}

/// A process of this program; it ends with whoever holds it.
struct Part(Child);

impl Part {
    fn start(command: &mut Command) -> (Self, BufReader<std::process::ChildStdout>) {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("this program starts");
        let told = BufReader::new(child.stdout.take().expect("piped"));
        (Self(child), told)
    }

    fn memory_mib(&self, field: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("a line");
        line.trim_matches([':', ' ', '\t', 'k', 'B']).parse::<u64>().expect("KiB") / 1_024
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the service, asks alone, lets the others come, and asks again.
async fn compare(mode: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = folder.path().join("demo");
    let workspace = Workspace::new(place.clone());
    workspace.prepare(SystemClock.now(), "").expect("the workspace can be made");
    let settings = read_settings(&workspace.settings()).expect("settings");
    sync::run_all(&settings.sync, &SystemClock);
    let program = std::env::current_exe().expect("this program");
    let messages = if mode == "overload" { "16" } else { "0" };
    let (service, mut told) = Part::start(Command::new(&program).arg("serve").arg(&place).arg(messages));
    let mut line = String::new();
    told.read_line(&mut line).expect("where it listens");
    let address = line.trim();
    let callers = Callers { folder: place.to_str().expect("a path"), address: address.parse().expect("an address") };

    let attack = |kind: &str, count: usize| {
        let mut command = Command::new("nice");
        command.args(["-n", "19"]).arg(&program).args(["attack", kind]).arg(&place).args([address, &count.to_string()]);
        Part::start(&mut command)
    };
    if mode == "overload" {
        return overload(attack);
    }
    let mut alone = callers.ask_many().await;
    let before = service.memory_mib("VmRSS");
    let (_hostile, mut said) = attack(mode, if mode == "slow" { SLOW } else { 256 });
    line.clear();
    said.read_line(&mut line).expect("they are there");
    let mut among = callers.ask_many().await;
    let (alone, among) = (percentiles(&mut alone), percentiles(&mut among));
    println!("{mode}: {}", line.trim());
    println!("  a good client alone: p50 {:?}, p99 {:?}", alone.0, alone.1);
    println!("  among them:          p50 {:?}, p99 {:?}", among.0, among.1);
    println!(
        "  p99 {:.2} times as long; memory {before} MiB before, {} MiB at most",
        among.1.as_secs_f64() / alone.1.as_secs_f64(),
        service.memory_mib("VmHWM"),
    );
}

/// Answers a second with as many callers as places, and with four times as many.
fn overload(attack: impl Fn(&str, usize) -> (Part, BufReader<std::process::ChildStdout>)) {
    let mut goodput = Vec::new();
    for count in [16, 64] {
        let (_callers, mut said) = attack("load", count);
        let mut line = String::new();
        said.read_line(&mut line).expect("they are there");
        line.clear();
        said.read_line(&mut line).expect("what they got");
        println!("overload: {count} callers, 16 places: {}", line.trim());
        goodput.push(line.split(' ').next().and_then(|number| number.parse::<f64>().ok()).expect("a number"));
    }
    println!("  goodput at four times the load: {:.2} of that at the peak", goodput[1] / goodput[0]);
}

fn percentiles(times: &mut [Duration]) -> (Duration, Duration) {
    times.sort_unstable();
    (times[times.len() / 2], times[times.len() * 99 / 100])
}

/// Whoever connects to the service.
#[derive(Clone, Copy)]
struct Callers<'a> {
    folder: &'a str,
    address: SocketAddr,
}

impl Callers<'_> {
    fn tls_of(self, caller: &str) -> Arc<ClientConfig> {
        let workspace = Workspace::new(self.folder.into());
        let (certificate, key) = workspace.client(caller);
        let roots = tls::load_authorities(&workspace.authority()).expect("an authority");
        let config = ClientConfig::builder_with_provider(tls::provider())
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_client_auth_cert(
                tls::load_certificates(&certificate).expect("a certificate"),
                PrivateKeyDer::from_pem_file(key).expect("a key"),
            );
        Arc::new(config.expect("an identity"))
    }

    /// The good client: one connection, one question after the other, each timed.
    async fn ask_many(self) -> Vec<Duration> {
        let tls = self.tls_of(GOOD);
        let mut stream = connect(self.address, &tls).await.expect("a good client gets in");
        let (mut times, began) = (Vec::new(), Instant::now());
        while began.elapsed() < ASKING {
            let begin = Instant::now();
            let status = ask(&mut stream).await.expect("an answer");
            times.push(begin.elapsed());
            assert_eq!(status, 200, "a good client is answered");
            tokio::time::sleep(PACE).await;
        }
        times
    }

    async fn attack(self, kind: &str, count: usize) {
        let tls = HOSTILE.map(|caller| self.tls_of(caller));
        let state = Arc::new(State::default());
        for number in 0..count {
            let (tls, state, address) = (Arc::clone(&tls[number % tls.len()]), Arc::clone(&state), self.address);
            match kind {
                "slow" => drop(tokio::spawn(async move {
                    loop {
                        hold(number % 3, address, &tls, &state).await;
                        state.cut.fetch_add(1, Ordering::Relaxed);
                    }
                })),
                // All of one consumer, or of all.
                "noisy" | "load" => {
                    let tls = if kind == "noisy" { self.tls_of(HOSTILE[0]) } else { tls };
                    tokio::spawn(async move {
                        loop {
                            let _ = flood(address, &tls, &state).await;
                        }
                    });
                }
                other => panic!("{other}: no such attack"),
            }
        }
        let settle = Duration::from_secs(if kind == "slow" { 12 } else { 2 });
        tokio::time::sleep(settle).await;
        let (held, cut) = (state.held.load(Ordering::Relaxed), state.cut.load(Ordering::Relaxed));
        println!("{count} hostile callers; {held} hold a connection, {cut} were cut and came again in {settle:?}");
        let read = || (state.answered.load(Ordering::Relaxed), state.refused.load(Ordering::Relaxed));
        let (before, begin) = (read(), Instant::now());
        tokio::time::sleep(Duration::from_secs(10)).await;
        let (after, seconds) = (read(), begin.elapsed().as_secs_f64());
        println!(
            "{:.0} answers a second, {:.0} told to come back",
            (after.0 - before.0) as f64 / seconds,
            (after.1 - before.1) as f64 / seconds,
        );
        // Until whoever started this ends it, but not for ever.
        tokio::time::sleep(Duration::from_secs(120)).await;
    }
}

#[derive(Default)]
struct State {
    held: AtomicUsize,
    cut: AtomicU64,
    answered: AtomicU64,
    refused: AtomicU64,
}

async fn connect(address: SocketAddr, tls: &Arc<ClientConfig>) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    TlsConnector::from(Arc::clone(tls)).connect("localhost".try_into().expect("a name"), stream).await
}

/// Takes a connection and keeps it for as long as the service lets it: in the handshake, in a head, in a body.
async fn hold(kind: usize, address: SocketAddr, tls: &Arc<ClientConfig>, state: &State) {
    let mut sink = [0; 512];
    if kind == 0 {
        let Ok(mut stream) = TcpStream::connect(address).await else { return };
        let _ = stream.write_all(b"\x16\x03\x01\x02\x00\x01").await;
        state.held.fetch_add(1, Ordering::Relaxed);
        while matches!(stream.read(&mut sink).await, Ok(count) if count > 0) {}
        state.held.fetch_sub(1, Ordering::Relaxed);
        return;
    }
    let Ok(mut stream) = connect(address, tls).await else { return };
    let begin = if kind == 1 {
        format!("POST {PATH} HTTP/1.1\r\nHost: local")
    } else {
        format!("POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: 200000\r\n\r\n<")
    };
    let _ = stream.write_all(begin.as_bytes()).await;
    state.held.fetch_add(1, Ordering::Relaxed);
    let (mut reading, mut writing) = tokio::io::split(stream);
    let until_cut = async { while matches!(reading.read(&mut sink).await, Ok(count) if count > 0) {} };
    let drip = async {
        // Just fast enough for a body.
        while kind == 2 && writing.write_all(&[b' '; 5_000]).await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = until_cut => {}
        () = drip => {}
    }
    state.held.fetch_sub(1, Ordering::Relaxed);
}

/// Asks one question after the other, without a breath, whatever the answers say.
async fn flood(address: SocketAddr, tls: &Arc<ClientConfig>, state: &State) -> std::io::Result<()> {
    let mut stream = connect(address, tls).await?;
    state.held.fetch_add(1, Ordering::Relaxed);
    loop {
        match ask(&mut stream).await {
            Ok(200) => state.answered.fetch_add(1, Ordering::Relaxed),
            Ok(_) => state.refused.fetch_add(1, Ordering::Relaxed),
            Err(error) => {
                state.held.fetch_sub(1, Ordering::Relaxed);
                return Err(error);
            }
        };
    }
}

/// One question, and the status of its answer.
async fn ask(stream: &mut TlsStream<TcpStream>) -> std::io::Result<u16> {
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: {}\r\n\r\n",
        MESSAGE.len()
    );
    stream.write_all(&[head.as_bytes(), MESSAGE.as_bytes()].concat()).await?;
    stream.flush().await?;
    let mut came = Vec::with_capacity(4_096);
    loop {
        if stream.read_buf(&mut came).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let text = String::from_utf8_lossy(&came);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            return Ok(head.get(9..12).and_then(|status| status.parse().ok()).unwrap_or_default());
        }
    }
}
