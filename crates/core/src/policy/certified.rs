//! What a verified certificate says about its holder, and why a caller is not identified.

use crate::model::{Application, Digest, EnterpriseNumber, Environment, NamedEnvironment};

/// Facts of a verified certificate about its holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Certified {
    /// Organisation in its subject.
    pub organisation: EnterpriseNumber,
    /// Application in its subject, if it names one.
    pub application: Option<Application>,
    /// Environment in its subject.
    pub environment: NamedEnvironment,
    /// SHA-256 of its public key (`SubjectPublicKeyInfo`, DER).
    pub key: Digest,
    /// SHA-256 of its issuer's public key (`SubjectPublicKeyInfo`, DER), from the verified path.
    /// Two authorities may have the same name; only one has the key that signed the certificate.
    pub issuer: Digest,
}

impl Certified {
    /// Facts of a certificate that names the organisation alone, without application and environment.
    #[must_use]
    pub fn new(organisation: EnterpriseNumber, key: Digest, issuer: Digest) -> Self {
        Self { organisation, application: None, environment: NamedEnvironment::Absent, key, issuer }
    }
}

/// Environment whose certificates are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnvironmentRule {
    /// Environment of this service.
    pub environment: Environment,
    /// Whether a certificate that names no environment is refused.
    pub is_required: bool,
}

impl EnvironmentRule {
    /// Checks the environment that a certificate names.
    ///
    /// # Errors
    /// [`NotIdentified`], by a reason that says nothing about who is registered.
    pub fn check(self, named: NamedEnvironment) -> Result<(), NotIdentified> {
        match named {
            NamedEnvironment::One(environment) if environment == self.environment => Ok(()),
            NamedEnvironment::One(_) => Err(NotIdentified::OtherEnvironment),
            NamedEnvironment::Absent if self.is_required => Err(NotIdentified::NoEnvironment),
            NamedEnvironment::Absent => Ok(()),
            NamedEnvironment::Two => Err(NotIdentified::TwoEnvironments),
            NamedEnvironment::Malformed => Err(NotIdentified::MalformedEnvironment),
        }
    }
}

crate::closed_enum! {
    /// Why a caller is refused before its question is considered.
    ///
    /// In the order in which the reasons are checked. The caller can tell apart the certificate that
    /// names no organisation, the wrong environment, and everything else: the first two are found
    /// before the register is read, so that nothing tells a stranger who is registered.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
    pub enum NotIdentified {
        /// The certificate names no organisation, or not unambiguously (`SOA-01001`).
        #[error("the certificate names no organisation")]
        NoOrganisation,
        /// The certificate is for another environment (`SOA-01001`).
        #[error("the certificate is for another environment")]
        OtherEnvironment,
        /// The certificate names no environment, and one is required (`SOA-01001`).
        #[error("the certificate names no environment")]
        NoEnvironment,
        /// The certificate names two environments (`SOA-01001`).
        #[error("the certificate names two environments")]
        TwoEnvironments,
        /// An OU of the certificate differs from an environment's code in case or by blanks
        /// (`SOA-01001`).
        #[error("the certificate names an environment in a malformed way")]
        MalformedEnvironment,
        /// The organisation is not registered (`SOA-01001`).
        #[error("the organisation of the certificate is not registered")]
        UnknownCaller,
        /// The organisation is registered, but not with this application (`SOA-01001`).
        #[error("the organisation is not registered with the application of the certificate")]
        OtherApplication,
        /// The organisation is registered, but not with this key or this issuer (`SOA-01001`).
        #[error("the certificate does not match the pins of its organisation")]
        NotPinned,
        /// `customerIdentification` is neither the certificate's organisation nor one that it acts for
        /// (`MSG90051`).
        #[error("customerIdentification is neither the caller's organisation nor one that it acts for")]
        ForeignCustomer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_environment_is_accepted() {
        for environment in Environment::ALL {
            for is_required in [true, false] {
                let check =
                    |named| EnvironmentRule { environment, is_required }.check(named).map_err(NotIdentified::code);
                for other in Environment::ALL {
                    let expected = if other == environment { Ok(()) } else { Err("other-environment") };
                    assert_eq!(check(NamedEnvironment::One(other)), expected);
                }
                let absent = if is_required { Err("no-environment") } else { Ok(()) };
                assert_eq!(check(NamedEnvironment::Absent), absent);
                assert_eq!(check(NamedEnvironment::Two), Err("two-environments"));
                assert_eq!(check(NamedEnvironment::Malformed), Err("malformed-environment"));
            }
        }
    }
}
