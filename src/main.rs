//! The binary: reads the arguments, runs the command, returns the exit code. Everything else is in
//! the library.

use std::process::ExitCode;

use clap::Parser;
use ehealth_attributes::cli::{Arguments, run};

fn main() -> ExitCode {
    run(Arguments::parse()).into()
}
