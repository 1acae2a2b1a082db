//! Who asks, and which service: the options of the command line, completed by a profile.

use std::env;
use std::path::{Path, PathBuf};

use super::args::LookupArguments;
use super::error::LookupError;
use crate::cli::argument_errors::ArgumentErrors;
use crate::config::{Profile, find_profile, read_profile};
use ehealth_core::model::LegalContext;

/// Environment variable with the password of a PKCS #12 file.
const PASSWORD_VARIABLE: &str = "EHEALTH_ATTRIBUTES_P12_PASSWORD";

/// The connection of a lookup. An option of the command line wins over the profile.
#[derive(Debug)]
pub(super) struct Caller {
    pub url: String,
    pub ca: PathBuf,
    pub identity: IdentityFiles,
    /// As given: ten digits, unless it is invalid.
    pub organisation: Option<String>,
    pub context: Option<LegalContext>,
}

/// Files of the client certificate and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum IdentityFiles {
    Pem {
        certificate: PathBuf,
        key: PathBuf,
    },
    /// With the file of its password; `None`: the environment has it.
    Pkcs12 {
        file: PathBuf,
        password_file: Option<PathBuf>,
    },
}

impl Caller {
    /// Completes the arguments.
    ///
    /// # Errors
    /// Every error of the profile, or every option that neither gives.
    pub fn resolve(arguments: &LookupArguments) -> Result<Self, LookupError> {
        let profile = match &arguments.profile {
            Some(name) => {
                let file = find_profile(name, |variable| env::var_os(variable)).ok_or(LookupError::ProfileFolder)?;
                read_profile(&file)?
            }
            None => Profile::default(),
        };
        let mut errors = ArgumentErrors::default();
        let url = take(&mut errors, "--url", arguments.url.clone().or(profile.url.clone()));
        let ca = take(&mut errors, "--ca", arguments.ca.clone().or(profile.ca.clone()));
        let identity = identity(arguments, &profile, &mut errors);
        let organisation = arguments.organisation.clone().or(profile.organisation);
        let context = arguments.legal_context.or(profile.legal_context);
        if !arguments.test {
            take(&mut errors, "--organisation", organisation.as_ref());
            take(&mut errors, "--legal-context", context.as_ref());
        }
        let (url, (ca, identity)) = errors.into_result(url.zip(ca.zip(identity)))?;
        Ok(Self { url, ca, identity, organisation, context })
    }
}

fn take<T>(errors: &mut ArgumentErrors, option: &str, value: Option<T>) -> Option<T> {
    errors.take(option, value.ok_or("is missing; give it, or add it to the profile"))
}

fn identity(arguments: &LookupArguments, profile: &Profile, errors: &mut ArgumentErrors) -> Option<IdentityFiles> {
    let LookupArguments { cert, key, p12, p12_password_file, .. } = arguments;
    let is_pem = cert.is_some() || key.is_some();
    let p12 = p12.as_ref().or(profile.p12.as_ref().filter(|_| !is_pem));
    if let Some(file) = p12 {
        let password_file = p12_password_file.clone().or(profile.p12_password_file.clone());
        return Some(IdentityFiles::Pkcs12 { file: file.clone(), password_file });
    }
    let certificate = take(errors, "--cert", cert.clone().or(profile.cert.clone()));
    let key = take(errors, "--key", key.clone().or(profile.key.clone()));
    Some(IdentityFiles::Pem { certificate: certificate?, key: key? })
}

/// Reads the password of a PKCS #12 file: the first line of a file, or the environment.
///
/// # Errors
/// If the file cannot be read, or neither is given.
pub(in crate::cli) fn read_password(p12: &Path, file: Option<&Path>) -> Result<String, LookupError> {
    if let Some(file) = file {
        let text = text_file::read(file);
        let text = text.map_err(|reason| LookupError::Text { file: file.display().to_string(), reason })?;
        return Ok(text.lines().next().unwrap_or_default().to_owned());
    }
    env::var(PASSWORD_VARIABLE).map_err(|_| LookupError::NoPassword { file: p12.to_owned() })
}
