//! Whom a limit counts for.

use ehealth_core::model::EnterpriseNumber;
use ehealth_core::policy::ConsumerId;

/// Whom a limit counts for. It follows from the certificate and the active policy, and is decided
/// again after a reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Holder {
    /// A registered consumer, with a certificate that its pins accept.
    Registered(ConsumerId),
    /// An organisation that is not registered, or not with the application of the certificate.
    Unregistered(EnterpriseNumber),
    /// All other callers together: their certificates name no organisation, or are for another
    /// environment, or a pin refuses them, or they are no longer admitted. They take nothing of the
    /// limits of the organisation that their certificates name.
    Unknown,
}

impl Holder {
    /// A registered consumer with this enterprise number that lists these applications.
    #[cfg(test)]
    pub fn registered(organisation: &str, applications: &[&str]) -> Self {
        use ehealth_core::model::Application;
        use ehealth_core::policy::Consumer;

        let organisation = EnterpriseNumber::parse(organisation).expect("a number");
        let applications = applications.iter().map(|text| Application::parse(text).expect("a name")).collect();
        Self::Registered(Consumer { applications, ..Consumer::new(organisation, "Fund") }.id())
    }

    /// Whether the caller is a registered consumer.
    pub fn is_registered(self) -> bool {
        match self {
            Self::Registered(_) => true,
            Self::Unregistered(_) | Self::Unknown => false,
        }
    }
}
