//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;

use crate::consumer::Consumer;

/// Sends requests over mutual TLS and tells how many were answered, how, and how long each took.
///
/// A run has one or more consumers, each with a certificate, a request and a way of asking of its own; all of them ask at
/// the same time, and each gets its own figures. A consumer is written as KEY=VALUE, separated by commas:
///
///   name=WORD          what its lines begin with
///   cert=FILE          client certificate with its chain, PEM
///   key=FILE           its private key, PEM
///   request=FILE       the body to send; every `{ssin}` in it is replaced by the next number of --ssins
///   connections=N      so many at a time (default 1)
///   rate=R             open loop: R requests a second, due at fixed moments whether or not answers came; latency
///                      counts from the moment a request was due, so that a server that stalls cannot hide the
///                      requests that it kept from being sent. Without it: closed loop, the next request is sent
///                      when the answer came
///   fresh=yes          a new connection, with a full handshake, for every request; latency counts from connecting
///   slow=PART          a hostile consumer: sends the bytes of `handshake`, `head` or `body` one by one, one in each
///                      --drip, and connects anew a second after it was cut
///   from=ADDRESS       connects from this address of the machine: 127.0.0.2 is another peer than 127.0.0.1
///   expect=TEXT        what an answer with status 200 must contain (default `Envelope>`)
///
/// Throughput of 64 connections that are kept:
///
///   load --to 127.0.0.1:8443 --ca ca.pem --ssins ssins.txt --seconds 10 \
///     --consumer name=fund,cert=fund.pem,key=fund.key,request=ask.xml,connections=64
///
/// Does a noisy consumer make a quiet one wait?
///
///   load ... --consumer name=quiet,...,connections=8,rate=200 --consumer name=noisy,...,connections=400,rate=50000
///
/// Every second one line for each consumer: requests that were answered with 200 and the expected text, their p50 and p99,
/// and how many were refused (503), were faults (500), were something else, or failed. At the end the same over the whole
/// run without --warmup, and what the run cost the generator: at 100 % of a core it measures itself, not the server.
/// Exit code 5: something came that was neither the expected answer nor a 503.
#[derive(Debug, Parser)]
#[command(version, verbatim_doc_comment)]
pub struct Arguments {
    /// Address and port of the server.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8443")]
    pub to: SocketAddr,
    /// The name that the server's certificate must have; sent as Host, too.
    #[arg(long, value_name = "NAME", default_value = "localhost")]
    pub name: String,
    /// The path that is posted to.
    #[arg(long, value_name = "PATH", default_value = "/eHealthAttributesService/v1/consultAttributes")]
    pub path: String,
    /// The authority of the server's certificate, PEM.
    #[arg(long, value_name = "FILE")]
    pub ca: PathBuf,
    /// Who asks, and how; may be given several times.
    #[arg(long = "consumer", value_name = "KEY=VALUE,...", required = true)]
    pub consumers: Vec<Consumer>,
    /// Numbers of persons, eleven digits a line; taken one after the other, and again from the first.
    #[arg(long, value_name = "FILE")]
    pub ssins: Option<PathBuf>,
    /// How long is counted.
    #[arg(long, value_name = "S", default_value_t = 10)]
    pub seconds: u32,
    /// How long is asked before anything is counted.
    #[arg(long, value_name = "S", default_value_t = 2)]
    pub warmup: u32,
    /// After this many seconds an answer is given up.
    #[arg(long, value_name = "S", default_value_t = 10)]
    pub timeout: u32,
    /// Milliseconds between two bytes of a slow consumer.
    #[arg(long, value_name = "MS", default_value_t = 1_000)]
    pub drip: u64,
    /// A process whose memory and processor time are told beside: the server's.
    #[arg(long, value_name = "PID")]
    pub watch: Option<u32>,
    /// Where the figures are written as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Never sleep: on a core of its own, a server on the same machine is not charged for waking the generator. The faster
    /// of two servers keeps it awake anyhow, so that without this the slower one looks slower than it is.
    #[arg(long)]
    pub spin: bool,
    /// No line for each second.
    #[arg(long)]
    pub quiet: bool,
}
