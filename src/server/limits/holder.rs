//! Whom a limit counts for.

use ehealth_core::model::EnterpriseNumber;

/// Whom a limit counts for. It follows from the certificate and the active policy, and is decided
/// again after a reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Holder {
    /// A registered consumer, with a certificate that its pins accept.
    Registered(EnterpriseNumber),
    /// An organisation that is not registered.
    Unregistered(EnterpriseNumber),
    /// All other callers together: their certificates name no organisation, or a pin refuses them,
    /// or they are no longer admitted. They take nothing of the limits of the organisation that
    /// their certificates name.
    Unknown,
}

impl Holder {
    /// Whether the caller is a registered consumer.
    pub fn is_registered(self) -> bool {
        match self {
            Self::Registered(_) => true,
            Self::Unregistered(_) | Self::Unknown => false,
        }
    }
}
