//! Load generator over mutual TLS: measures throughput and latency of a server.
//!
//! One thread polls all sockets, so that one core of the generator is faster than one core of the
//! server. Every consumer has its own certificate, load and figures; all of them run at the same
//! time.
//!
//! | file | what |
//! |---|---|
//! | `args`, `consumer` | arguments |
//! | `request`, `response` | request template, response reader |
//! | `identity`, `link` | one connection: TLS and its state |
//! | `run`, `slot` | event loop; slot for one connection |
//! | `histogram`, `tally`, `process`, `report` | figures and their output |
//!
//! It is not a client of the service: of an answer it reads only the status, the length and one
//! expected text.

mod args;
mod consumer;
mod histogram;
mod identity;
mod link;
mod process;
mod report;
mod request;
mod response;
mod run;
mod slot;
mod tally;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let arguments = args::Arguments::parse();
    match run::run(&arguments) {
        Ok(figures) if figures.is_sound() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(5),
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}
