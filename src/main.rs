//! The binary: reads the arguments, runs, gives the exit code. Everything else is the library's.

use std::process::ExitCode;

use clap::Parser;
use ehealth_attributes::cli::{Arguments, run};

fn main() -> ExitCode {
    run(Arguments::parse()).into()
}
