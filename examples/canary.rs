//! Looks for numbers of persons in files and folders: what a whole test run printed, for example.
//!
//! `canary PATH...` prints a line for each number found, without the number, and exits with 1 if there was one.
#![allow(clippy::print_stdout, reason = "its output is what it is for")]

#[path = "../tests/it/support/canary.rs"]
mod canary;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let found: Vec<String> = std::env::args().skip(1).flat_map(|path| canary::search_files(Path::new(&path))).collect();
    found.iter().for_each(|line| println!("{line}"));
    if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
