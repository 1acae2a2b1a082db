//! The independent oracles of the tests: Python packages in their own environment under
//! `target/python`.
//!
//! The first test process creates the environment, once for each `requirements.txt` and each
//! Python; the others wait for it. Without Python or its packages, a test that needs them is
//! skipped and says so on the terminal, past the capture of the test runner. Where `CI` is set it
//! fails instead: there a skipped test would be taken for one that passed.
//!
//! An environment that a call returned is complete: it has every package of `requirements.txt`.

use super::environment::{skip, with_real_clock};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Pinned packages.
const REQUIREMENTS: &str = include_str!("requirements.txt");

/// File that marks an environment as complete; it is written last.
const WHOLE: &str = "whole";

/// An environment with every package of `requirements.txt`.
#[derive(Clone, Debug)]
pub struct Python {
    interpreter: PathBuf,
}

impl Python {
    /// Returns the environment; the first call creates it. `None` on failure, which is reported on
    /// the terminal.
    ///
    /// # Panics
    /// If that fails and the environment variable `CI` is set.
    pub fn find() -> Option<Self> {
        match make() {
            Ok(python) => Some(python),
            Err(reason) => {
                skip(&format!("the Python oracles are missing: {reason}"));
                None
            }
        }
    }

    /// Path of the interpreter.
    pub fn interpreter(&self) -> &Path {
        &self.interpreter
    }

    /// Runs a script of `tests/it/support` and returns its output.
    ///
    /// # Errors
    /// The whole output, if the exit code is not 0.
    ///
    /// # Panics
    /// If the interpreter cannot be started.
    pub fn run<I, A>(&self, script: &str, arguments: I) -> Result<String, String>
    where
        I: IntoIterator<Item = A>,
        A: AsRef<OsStr>,
    {
        let path = project().join("tests/it/support").join(script);
        self.run_file(&path, arguments)
    }

    /// Runs a script anywhere and returns its output.
    ///
    /// # Errors
    /// The whole output, if the exit code is not 0.
    ///
    /// # Panics
    /// If the interpreter cannot be started.
    pub fn run_file<I, A>(&self, script: &Path, arguments: I) -> Result<String, String>
    where
        I: IntoIterator<Item = A>,
        A: AsRef<OsStr>,
    {
        let output = with_real_clock(&mut Command::new(&self.interpreter))
            // -B: no __pycache__ in the sources. -E and -s: ignore the user's own Python settings.
            .args(["-B", "-E", "-s", "-X", "utf8"])
            .arg(script)
            .args(arguments)
            .output()
            .unwrap_or_else(|error| panic!("{}: {error}", self.interpreter.display()));
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(printed(&output))
        }
    }
}

/// Validates every SOAP envelope in `folder` (`*.xml`): the envelope, the body's element and a
/// fault's detail, by two independent oracles. A folder without an envelope is an error, too.
///
/// # Errors
/// One line for each failure, file name first. Without Python nothing is validated; the terminal
/// says so.
///
/// # Panics
/// As [`Python::find`] and [`Python::run`].
pub fn validate_envelopes(folder: &Path) -> Result<(), String> {
    match Python::find() {
        Some(python) => python.run("validate.py", [folder]).map(drop),
        None => Ok(()),
    }
}

/// Folder of the project.
pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Makes the environment if it does not exist.
fn make() -> Result<Python, String> {
    let base = Path::new("python3");
    let version = run(Command::new(base).arg("--version"))?;
    let mut key = DefaultHasher::new();
    (REQUIREMENTS, version).hash(&mut key);

    // Beside cargo's own folders, wherever the target folder is.
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("python");
    fs::create_dir_all(&home).map_err(|error| format!("{}: {error}", home.display()))?;
    let environment = home.join(format!("{:016x}", key.finish()));
    let python = Python { interpreter: environment.join("bin/python") };

    // The lock ends with the process, even if it is killed. An incomplete environment lacks the
    // last file.
    let lock = environment.with_extension("lock");
    File::create(&lock)
        .and_then(|file| file.lock().map(|()| file))
        .map_err(|error| format!("{}: {error}", lock.display()))
        .and_then(|_held| {
            if !environment.join(WHOLE).exists() {
                install(base, &environment, &python)?;
            }
            Ok(python)
        })
}

/// Makes a new environment with every package.
fn install(base: &Path, environment: &Path, python: &Python) -> Result<(), String> {
    let _ = writeln!(io::stderr(), "\n*** installing the independent oracles in {}", environment.display());
    run(Command::new(base).args(["-m", "venv", "--clear"]).arg(environment))?;
    run(Command::new(python.interpreter())
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(["--no-deps", "--only-binary", ":all:", "--requirement"])
        .arg(project().join("tests/it/support/requirements.txt")))?;
    run(Command::new(python.interpreter()).args(["-m", "pip", "check"]))?;
    fs::write(environment.join(WHOLE), "").map_err(|error| error.to_string())
}

/// Runs a command; describes its failure.
fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    if output.status.success() {
        Ok(printed(&output))
    } else {
        Err(format!("{command:?} failed: {}", printed(&output)))
    }
}

/// Whole output of a command.
fn printed(output: &Output) -> String {
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&text).trim().to_owned()
}
