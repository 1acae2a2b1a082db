//! `completions` and `man`: what a shell and `man` know of the program, from the definition of its
//! arguments.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Command, ValueEnum};
use clap_complete::{Shell, generate};
use clap_mangen::Man;

use super::exit::{Exit, fail};

/// Name of the program.
const PROGRAM: &str = "ehealth-attributes";

const COMPLETIONS_HELP: &str = "\
Examples:
  ehealth-attributes completions bash > ~/.local/share/bash-completion/completions/ehealth-attributes
  ehealth-attributes completions zsh > ~/.zfunc/_ehealth-attributes
  ehealth-attributes completions fish > ~/.config/fish/completions/ehealth-attributes.fish
  ehealth-attributes completions powershell >> $PROFILE

Exit codes:
  0  printed
  2  an argument is invalid";

const MAN_HELP: &str = "\
Examples:
  ehealth-attributes man | man -l -
  ehealth-attributes man ~/.local/share/man/man1

With DIR, a page for the program and one for each command is written to it: ehealth-attributes.1,
ehealth-attributes-lookup.1 and so on. Files of these names are replaced.

Exit codes:
  0  printed or written
  1  a page cannot be written; the message names it";

/// Arguments of `completions`.
#[derive(Debug, Args)]
#[command(after_help = COMPLETIONS_HELP)]
pub struct CompletionsArguments {
    /// Shell
    #[arg(value_enum)]
    pub shell: ShellName,
}

/// A shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ShellName {
    /// GNU Bash
    Bash,
    /// Elvish
    Elvish,
    /// fish
    Fish,
    /// PowerShell
    #[value(name = "powershell")]
    PowerShell,
    /// Z shell
    Zsh,
}

impl From<ShellName> for Shell {
    fn from(name: ShellName) -> Self {
        match name {
            ShellName::Bash => Self::Bash,
            ShellName::Elvish => Self::Elvish,
            ShellName::Fish => Self::Fish,
            ShellName::PowerShell => Self::PowerShell,
            ShellName::Zsh => Self::Zsh,
        }
    }
}

/// Arguments of `man`.
#[derive(Debug, Args)]
#[command(after_help = MAN_HELP)]
pub struct ManArguments {
    /// Folder for the pages of all commands; it is created if it does not exist [default: print the
    /// page of the program]
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

/// Prints the completions of a shell.
pub(super) fn run_completions(arguments: &CompletionsArguments, mut program: Command) -> Exit {
    let mut script = Vec::new();
    generate(Shell::from(arguments.shell), &mut program, PROGRAM, &mut script);
    print!("{}", String::from_utf8_lossy(&script));
    Exit::Done
}

/// Prints the page of the program, or writes the pages of all commands.
pub(super) fn run_man(arguments: &ManArguments, program: Command) -> Exit {
    let mut command = program.disable_help_subcommand(true);
    command.build();
    let printed = match &arguments.folder {
        None => render(&command).map(|page| print!("{}", String::from_utf8_lossy(&page))),
        Some(folder) => std::fs::create_dir_all(folder).and_then(|()| write_all(&command, PROGRAM, folder)),
    };
    match (printed, &arguments.folder) {
        (Ok(()), _) => Exit::Done,
        (Err(error), Some(folder)) => fail(Exit::Failed, &format_args!("{}: {error}", folder.display())),
        (Err(error), None) => fail(Exit::Failed, &error),
    }
}

/// Date in the footer of the pages: that of the release, so that the same sources give the same bytes.
const WRITTEN: &str = "2026-11-30";

fn render(command: &Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    let version = format!("{PROGRAM} {}", env!("CARGO_PKG_VERSION"));
    Man::new(command.clone()).date(WRITTEN).source(version).manual("User Commands").render(&mut page)?;
    Ok(tidy(&String::from_utf8_lossy(&page)).into_bytes())
}

/// Keeps the lines of the examples as they are, which `man` would otherwise fill into paragraphs, and
/// removes what `mandoc -T lint` objects to: blanks at the ends of lines, and line breaks beside an
/// empty line.
fn tidy(page: &str) -> String {
    let page = page.replace("\n.br\n\n.br\n", "\n.sp\n");
    let mut tidied = String::with_capacity(page.len());
    let mut is_extra = false;
    for line in page.lines().map(str::trim_end) {
        match line {
            ".SH EXTRA" => {
                is_extra = true;
                tidied.push_str(".SH EXAMPLES\n.nf\n");
                continue;
            }
            section if is_extra && section.starts_with(".SH") => {
                is_extra = false;
                tidied.push_str(".fi\n");
            }
            // The heading of the section says it.
            "Example:" | "Examples:" if is_extra => continue,
            _ => {}
        }
        tidied.push_str(line);
        tidied.push('\n');
    }
    if is_extra {
        tidied.push_str(".fi\n");
    }
    tidied
}

/// Writes the page of a command and those of its subcommands.
fn write_all(command: &Command, name: &str, folder: &Path) -> io::Result<()> {
    let file = folder.join(OsStr::new(&format!("{name}.1")));
    // A rename: a symbolic link of this name is replaced and not followed.
    durable_file::replace(&file, &render(command)?, 0o644).map_err(io::Error::other)?;
    command.get_subcommands().try_for_each(|sub| write_all(sub, &format!("{name}-{}", sub.get_name()), folder))
}
