//! Searches files and folders for SSINs, for example the output of a test run.
//!
//! `canary PATH...` prints one line per SSIN that it finds, without the SSIN, and exits with 1 if
//! there is any.
#![allow(clippy::print_stdout, reason = "an example prints its findings")]

#[path = "../tests/it/support/canary.rs"]
mod canary;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let found: Vec<String> = std::env::args().skip(1).flat_map(|path| canary::search_files(Path::new(&path))).collect();
    found.iter().for_each(|line| println!("{line}"));
    if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
