//! Load over mutual TLS: how much a server answers, and how long each answer takes.
//!
//! One thread and one poll over all sockets, so that one core of generator outruns one core of server. Every consumer
//! has its own certificate, way of asking and figures; what all of them do happens in one run, at the same time.
//!
//! | file | what |
//! |---|---|
//! | `args`, `consumer` | what is asked for |
//! | `request`, `response` | bytes out of a template, and what came back |
//! | `identity`, `link` | one connection: TLS, and at which point it is |
//! | `run`, `seat` | the loop: who asks when; what happens to one connection |
//! | `histogram`, `tally`, `process`, `report` | what is counted, and how it is told |
//!
//! It is no client of the service: it reads of an answer its status, its length and one expected text.

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
mod seat;
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
