//! PostgreSQL as Debian installs it: its programs, the user that runs them, an empty database.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::shared::environment::skip;

/// Folder of the programs of the oldest version that is supported.
pub const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";

/// User who runs a server that root starts; without this account, the unprivileged one does.
const USER: &str = "postgres";
const UNPRIVILEGED: (u32, u32) = (65_534, 65_534);

/// Programs of PostgreSQL, and the user that runs them.
#[derive(Debug, Clone, Copy)]
pub struct Installation {
    /// User and group; `None`: the user of the tests.
    user: Option<(u32, u32)>,
}

impl Installation {
    /// Finds the programs; `None` after a message if they are missing.
    pub fn find() -> Option<Self> {
        if !Path::new(PROGRAMS).join("postgres").exists() {
            skip(&format!("PostgreSQL 15 is not installed: no {PROGRAMS}/postgres"));
            return None;
        }
        let user = rustix::process::geteuid().is_root().then(|| {
            let accounts = fs::read_to_string("/etc/passwd").expect("accounts");
            ids_of(&accounts, USER).unwrap_or(UNPRIVILEGED)
        });
        Some(Self { user })
    }

    /// A program, run as the servers' user.
    pub fn command(self, program: &str) -> Command {
        let mut command = Command::new(Path::new(PROGRAMS).join(program));
        command.current_dir("/").env("LC_ALL", "C");
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }

    /// Gives a file or folder to the servers' user.
    pub fn give(self, path: &Path) {
        if let Some((user, group)) = self.user {
            chown(path, Some(user), Some(group)).expect("given");
        }
    }

    /// Makes a folder for the data of a server, with an empty database in it. `initdb` runs once;
    /// its result is copied.
    pub fn make_data(self, data: &Path) {
        static TEMPLATE: OnceLock<PathBuf> = OnceLock::new();
        let template = TEMPLATE.get_or_init(|| self.template(data));
        if !data.exists() {
            run(Command::new("cp").arg("-R").arg(template).arg(data));
            run(Command::new("chmod").arg("0700").arg(data));
        }
        if let Some((user, group)) = self.user {
            run(Command::new("chown").arg("-R").arg(format!("{user}:{group}")).arg(data));
        }
    }

    /// The folder that is copied. It stays in the build folder, where only the tests' user uses it;
    /// `cargo clean` removes it. `scratch` is in a folder in which the servers' user may write.
    fn template(self, scratch: &Path) -> PathBuf {
        let version = Command::new(Path::new(PROGRAMS).join("initdb")).arg("--version").output().expect("it runs");
        let version: String =
            String::from_utf8_lossy(&version.stdout).chars().filter(char::is_ascii_alphanumeric).collect();
        let template = Path::new(env!("CARGO_TARGET_TMPDIR")).join(version);
        if !template.exists() {
            let mut initdb = self.command("initdb");
            initdb.args(["--no-sync", "--no-locale", "--encoding=UTF8", "--auth=trust", "--username=postgres"]);
            run(initdb.arg("--wal-segsize=4").arg("--pgdata").arg(scratch));
            // Another test run may do the same: the complete folder appears at once.
            let unfinished = template.with_extension(std::process::id().to_string());
            run(Command::new("cp").arg("-R").arg(scratch).arg(&unfinished));
            if fs::rename(&unfinished, &template).is_err() {
                let _ = fs::remove_dir_all(&unfinished);
            }
        }
        template
    }
}

fn ids_of(accounts: &str, user: &str) -> Option<(u32, u32)> {
    let line = accounts.lines().find(|line| line.split(':').next() == Some(user))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

/// Runs a command to its end.
///
/// # Panics
/// With its output if it fails.
pub fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {text}", command.get_program().display());
}
