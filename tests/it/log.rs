//! The log of the real program: a reader that sleeps stops nothing, and peers cannot flood it.

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::time::Instant;

use crate::support::canary;
use crate::support::program::DEADLINE;
use crate::support::unread::{Caller, DROPPED, Unread, client_tls, metric, read_admin, serve, workspace};

#[test]
fn a_log_that_is_not_read_stops_nothing() {
    let (_folder, workspace) = workspace();
    let tls = client_tls(&workspace, "fund");
    let program = Unread::start(&workspace.settings());
    // From here on the log is not read.
    program.fill_log(&tls);
    Caller::connect(program.gateway, tls).ask();
    assert_eq!(read_admin(program.admin, "/health/live").0, "HTTP/1.1 200 OK");
    let (first, reasons) = read_admin(program.admin, "/health/ready");
    assert_eq!(first, "HTTP/1.1 200 OK", "{reasons}");
    let page = read_admin(program.admin, "/").1;
    assert!(page.contains("log lines were dropped since the start"), "{page}");
    assert_eq!(program.stop().code(), Some(0), "every request was finished");
}

#[test]
fn a_reader_that_wakes_learns_how_many_lines_are_lost() {
    let (_folder, workspace) = workspace();
    let mut program = Unread::start(&workspace.settings());
    program.fill_log(&client_tls(&workspace, "fund"));
    let lost = loop {
        let mut line = String::new();
        assert!(program.log.read_line(&mut line).expect("a line") > 0, "it ended");
        assert_eq!(canary::search(line.as_bytes()), [], "a number of a person in the log");
        if line.contains(" log lines dropped: ") {
            let (_, lost) = line.rsplit_once("lines=").expect("a number");
            break lost.trim().parse::<u64>().expect("a number");
        }
    };
    assert!(lost > 0 && lost <= metric(program.admin, DROPPED), "{lost}");
    // Read on, so that the end of the log is written.
    let mut log = std::mem::replace(&mut program.log, BufReader::new(std::io::pipe().expect("a pipe").0));
    let (sender, rest) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        let _ = log.read_to_string(&mut text);
        let _ = sender.send(text);
    });
    assert_eq!(program.stop().code(), Some(0));
    let rest = rest.recv_timeout(DEADLINE).expect("the log ends");
    assert!(rest.trim_end().ends_with("stopped: all requests were finished"), "{rest}");
}

/// Connects, sends these bytes, and waits until the program has closed the connection.
fn knock(gateway: SocketAddr, bytes: &[u8]) {
    let mut stream = TcpStream::connect(gateway).expect("it listens");
    stream.set_read_timeout(Some(DEADLINE)).expect("set");
    stream.write_all(bytes).expect("sent");
    match stream.read_to_end(&mut Vec::new()) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}"),
    }
}

/// Waits until a metric has this value.
fn wait_for(admin: SocketAddr, series: &str, value: u64) {
    let deadline = Instant::now() + DEADLINE;
    while metric(admin, series) != value {
        assert!(Instant::now() < deadline, "{series} does not become {value}");
        std::thread::yield_now();
    }
}

#[test]
fn a_flood_of_refused_handshakes_is_two_lines() {
    let (_folder, workspace) = workspace();
    let (program, gateway, admin) = serve(&workspace);
    for _ in 0..500 {
        knock(gateway, b"GET / HTTP/1.1\r\n\r\n");
    }
    wait_for(admin, "ehealth_attributes_tls_handshakes_total{outcome=\"refused\"}", 500);
    let (code, lines) = program.stop();
    assert_eq!(code, Some(0));
    let said: Vec<_> = lines.iter().filter(|line| line.contains("TLS handshake failed")).collect();
    // A minute may end between them on a slow machine; then there is one line and one sum more.
    assert!((2..=6).contains(&said.len()), "{said:#?}");
    assert!(said[0].contains("reason=\"not-tls\"") && said[0].contains("address=127.0.0.1:"), "{said:#?}");
    let more = said.iter().filter_map(|line| line.rsplit_once(" more=")?.1.trim().parse::<usize>().ok());
    let samples = said.iter().filter(|line| line.contains("address=")).count();
    assert_eq!(more.sum::<usize>() + samples, 500, "every event is counted: {said:#?}");
}

#[test]
fn a_probe_that_sends_nothing_is_an_outcome_of_its_own() {
    let (_folder, workspace) = workspace();
    let (program, gateway, admin) = serve(&workspace);
    for _ in 0..25 {
        drop(TcpStream::connect(gateway).expect("it listens"));
    }
    wait_for(admin, "ehealth_attributes_tls_handshakes_total{outcome=\"probe\"}", 25);
    assert_eq!(metric(admin, "ehealth_attributes_tls_handshakes_total{outcome=\"refused\"}"), 0);
    let (code, lines) = program.stop();
    assert_eq!(code, Some(0));
    let said: Vec<_> = lines.iter().filter(|line| line.contains("andshake") || line.contains("disconnected")).collect();
    assert!(said.is_empty(), "{said:#?}");
}

#[test]
fn exchanges_of_unregistered_callers_are_sampled() {
    let (_folder, workspace) = workspace();
    // The limit on their requests is not the subject of this test.
    let settings = fs::read_to_string(workspace.settings()).expect("settings");
    let settings = settings + "\n[limits]\nunregistered_per_minute = 60000\n";
    fs::write(workspace.settings(), settings).expect("written");
    let (program, gateway, _) = serve(&workspace);
    for caller in ["fund", "stranger"] {
        let mut caller = Caller::connect(gateway, client_tls(&workspace, caller));
        (0..20).for_each(|_| caller.ask());
    }
    let (code, lines) = program.stop();
    assert_eq!(code, Some(0));
    let answered = |consumer: &str| {
        let of = format!("consumer={consumer} ");
        lines.iter().filter(|line| line.contains(" answered ") && line.contains(&of)).count()
    };
    assert_eq!(answered("0999010126"), 20, "a registered consumer has a line for each exchange: {lines:#?}");
    let samples = answered("0999090102");
    // A minute may end between them on a slow machine.
    assert!((1..=2).contains(&samples), "{lines:#?}");
    let more = lines.iter().filter(|line| line.contains(" answered: "));
    let more = more.filter_map(|line| line.rsplit_once(" more=")?.1.trim().parse::<usize>().ok());
    assert_eq!(more.sum::<usize>() + samples, 20, "every exchange is counted: {lines:#?}");
}
