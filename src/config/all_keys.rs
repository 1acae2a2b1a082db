//! The lists of settings as one.

use super::acme_keys::ACME_KEYS;
use super::key::Key;
use super::keys::SERVICE_KEYS;

/// All settings, in the order of the packaged example.
pub const KEYS: &[Key] = &join();

/// Joins the lists when the program is compiled.
const fn join() -> [Key; SERVICE_KEYS.len() + ACME_KEYS.len()] {
    let mut keys = [ACME_KEYS[0]; SERVICE_KEYS.len() + ACME_KEYS.len()];
    let mut at = 0;
    while at < keys.len() {
        keys[at] = if at < SERVICE_KEYS.len() { SERVICE_KEYS[at] } else { ACME_KEYS[at - SERVICE_KEYS.len()] };
        at += 1;
    }
    keys
}
