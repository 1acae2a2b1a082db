//! Writes what a package has beside the program, made from its own command line: a page of the manual for each command,
//! completions for the shells.
//!
//! `cargo run --example manual -- DIR`. An example, because the program itself need not carry it.

use std::error::Error;
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;
use ehealth_attributes::cli::Arguments;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).ok_or("say which folder")?;
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    clap_mangen::generate_to(Arguments::command(), folder)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut Arguments::command(), "ehealth-attributes", folder)?;
    }
    Ok(())
}
