//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;

use crate::consumer::Consumer;

/// Sends requests over mutual TLS, and prints throughput, latency and errors
///
/// A run has one or more consumers, each with its own certificate, request and load. All of them
/// send at the same time, and each has its own figures. A consumer is a list of KEY=VALUE,
/// separated by commas:
///
///   name=WORD          name in the output
///   cert=FILE          client certificate with its chain, PEM
///   key=FILE           its private key, PEM
///   request=FILE       body to send; every `{ssin}` in it is replaced by the next SSIN of --ssins
///   connections=N      number of connections (default 1)
///   rate=R             open loop: R requests per second, due at fixed times whether or not answers arrived. Latency is
///                      measured from the time at which a request was due, so that a server that stalls cannot hide the
///                      requests that were delayed. Without rate: closed loop, the next request follows the answer
///   fresh=yes          a new connection with a full handshake for every request; latency includes connecting
///   slow=PART          a hostile consumer: sends the bytes of `handshake`, `head` or `body` one by one, one per --drip, and
///                      connects again 1 s after the server closed the connection
///   from=ADDRESS       local address to connect from: 127.0.0.2 is another peer than 127.0.0.1
///   expect=TEXT        text that an answer with status 200 must contain (default `Envelope>`)
///
/// Throughput of 64 kept connections:
///
///   load --to 127.0.0.1:8443 --ca ca.pem --ssins ssins.txt --seconds 10 \
///     --consumer name=fund,cert=fund.pem,key=fund.key,request=ask.xml,connections=64
///
/// Effect of a noisy consumer on a quiet one:
///
///   load ... --consumer name=quiet,...,connections=8,rate=200 --consumer name=noisy,...,connections=400,rate=50000
///
/// Prints one line per second and consumer: requests answered with 200 and the expected text, their
/// p50 and p99, and the numbers of refusals (503), faults (500), other answers, and failures. Then
/// it prints the same for the whole run without --warmup, and the processor time of the generator:
/// at 100 % of a core it measures itself, not the server.
///
/// Exit codes: 0 done, 1 failed, 5 an answer was neither the expected one nor a 503.
#[derive(Debug, Parser)]
#[command(version, verbatim_doc_comment)]
pub struct Arguments {
    /// Address and port of the server
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8443")]
    pub to: SocketAddr,
    /// Name in the certificate of the server; also the Host header
    #[arg(long, value_name = "NAME", default_value = "localhost")]
    pub name: String,
    /// Path of the requests
    #[arg(long, value_name = "PATH", default_value = "/eHealthAttributesService/v1/consultAttributes")]
    pub path: String,
    /// CA certificate that signed the server certificate (PEM)
    #[arg(long, value_name = "FILE")]
    pub ca: PathBuf,
    /// A consumer; may be given several times
    #[arg(long = "consumer", value_name = "KEY=VALUE,...", required = true)]
    pub consumers: Vec<Consumer>,
    /// File with one SSIN per line; they are used in turn
    #[arg(long, value_name = "FILE")]
    pub ssins: Option<PathBuf>,
    /// Duration of the measurement
    #[arg(long, value_name = "S", default_value_t = 10)]
    pub seconds: u32,
    /// Duration of the load before the measurement
    #[arg(long, value_name = "S", default_value_t = 2)]
    pub warmup: u32,
    /// Timeout of an answer in seconds
    #[arg(long, value_name = "S", default_value_t = 10)]
    pub timeout: u32,
    /// Milliseconds between two bytes of a slow consumer
    #[arg(long, value_name = "MS", default_value_t = 1_000)]
    pub drip: u64,
    /// Process whose memory and processor time are measured too: the server
    #[arg(long, value_name = "PID")]
    pub watch: Option<u32>,
    /// File for the figures as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Never sleep, so that a server on another core of this machine does not pay for waking the
    /// generator. Without it the slower of two servers looks slower than it is, because the faster
    /// one keeps the generator awake
    #[arg(long)]
    pub spin: bool,
    /// Print no line per second
    #[arg(long)]
    pub quiet: bool,
}
