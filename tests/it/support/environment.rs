//! The environment variables of the test run, and the behaviour of a test whose requirement is
//! missing.

use std::io::Write;
use std::process::Command;

/// Whether an environment variable has a non-empty value. An empty one counts as unset, as in `CI=
/// cargo test`.
pub fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

/// Whether the tests run before a change is merged: `CI`. There a skipped test fails.
pub fn is_ci() -> bool {
    is_set("CI")
}

/// The number in an environment variable, or this default if the variable is not set.
///
/// # Panics
/// If the variable is set to something else than a number.
pub fn number(name: &str, otherwise: u64) -> u64 {
    if !is_set(name) {
        return otherwise;
    }
    let text = std::env::var(name).unwrap_or_default();
    text.parse().unwrap_or_else(|_| panic!("{name} is {text}, not a number"))
}

/// Lets a program see the real clock if the tests run under `faketime`.
///
/// libfaketime 0.9 breaks two of them although `FAKETIME_DONT_FAKE_MONOTONIC=1` is set: it shifts
/// the deadline of `clock_nanosleep` into the past, so `time.sleep` of Python fails with `EINVAL`,
/// and chromium never ends. Neither needs the tests' date: the certificates of a
/// [`super::service::TestService`] are valid on both.
pub fn with_real_clock(command: &mut Command) -> &mut Command {
    command.env_remove("LD_PRELOAD")
}

/// Reports that a test, or a part of it, is skipped because something is missing.
///
/// # Panics
/// Where `CI` is set: a test that did not run would be taken for one that passed.
pub fn skip(reason: &str) {
    assert!(!is_ci(), "cannot run here: {reason}");
    say(&format!("*** SKIPPED: {reason}"));
}

/// Writes to the terminal even if the test passes: the test runner swallows `eprintln!` then.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "\n{text}");
}
