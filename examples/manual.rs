//! Writes the manual pages and shell completions of the package, generated from the arguments of
//! the program.
//!
//! `cargo run --example manual -- DIR`. It is an example, so that the program does not contain the
//! generators.

use std::error::Error;
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;
use ehealth_attributes::cli::Arguments;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).ok_or("usage: manual DIR")?;
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    clap_mangen::generate_to(Arguments::command(), folder)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut Arguments::command(), "ehealth-attributes", folder)?;
    }
    Ok(())
}
