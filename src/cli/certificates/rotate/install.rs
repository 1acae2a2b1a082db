//! Puts the files of a rotation in place.

use tls_files::{write_pem, write_private_key};

use super::super::failure::Failure;
use super::super::replaced::{CERTIFICATE_MODE, keep, previous, put};
use super::plan::Plan;

/// Permission bits of a key where there was none before, and of each copy of a key.
const KEY_MODE: u32 = 0o600;

/// Keeps the old files, then installs the new ones: the key first. Each step is complete or not done
/// at all; if the second fails, the files of the first are named so that they can be put back.
///
/// # Errors
/// Names the file.
pub(super) fn install(plan: &Plan) -> Result<(), Failure> {
    let (certificate, key_file) = (&plan.files.certificate, &plan.files.key);
    keep(certificate, CERTIFICATE_MODE)?;
    if let Some(key) = &plan.key {
        keep(key_file, KEY_MODE)?;
        put(key_file, &write_private_key(key), KEY_MODE)?;
    }
    put(certificate, &write_pem(&plan.new.ders), CERTIFICATE_MODE).map_err(|(exit, message)| {
        let back = plan.key.as_ref().map(|_| previous(key_file).display().to_string());
        let back = back.map(|kept| format!("\nThe new key is in place; the old one is {kept}.")).unwrap_or_default();
        (exit, message + &back)
    })
}
