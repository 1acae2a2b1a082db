//! Loads the files that can be replaced while the service runs.

use std::collections::HashMap;
use std::sync::Arc;

use super::error::AppError;
use crate::config::{Problems, Settings, find_outdated_pins, read_policy};
use crate::server::ActiveConfig;
use crate::server::tls::{self, OperatorSide};
use ehealth_core::model::Clock;

/// Loads and validates the policy, certificates, keys, CAs and CRLs.
///
/// # Errors
/// [`AppError::Files`] with every error of every file.
pub(super) fn load_active_config(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
) -> Result<(ActiveConfig, Option<OperatorSide>), AppError> {
    let operators = settings.admin_tls.as_ref().map(|files| tls::load_for_operators(files, clock)).transpose();
    match (read_policy(&settings.policy), tls::load(&settings.tls, clock), operators) {
        (Ok(register), Ok((tls, client_verifier)), Ok(operators)) => {
            let names: HashMap<_, _> = client_verifier.trust().authority_names().collect();
            let outdated = find_outdated_pins(&settings.policy, &register, |pin| names.get(pin).cloned());
            if !outdated.is_empty() {
                return Err(AppError::Files { policy: Some(Problems(outdated)), tls: Vec::new() });
            }
            let chain = tls::read_certificates(&settings.tls.certificate);
            let chain = chain.map_err(|error| AppError::Files { policy: None, tls: vec![error.into()] })?;
            Ok((ActiveConfig { register, tls, client_verifier, chain }, operators))
        }
        (policy, tls, operators) => {
            let tls = tls.err().unwrap_or_default().into_iter().chain(operators.err()).collect();
            Err(AppError::Files { policy: policy.err(), tls })
        }
    }
}
