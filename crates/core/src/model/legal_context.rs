//! On what ground a question is asked: `DOMAIN:PURPOSE` (domain.md "Who may ask").

/// A legal context that this service knows. Any other text on the wire is a context for which nobody has a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LegalContext {
    /// Funds: their advisory physicians route a file to the occupational physician.
    AdvisoryPhysician,
    /// Prevention services: they look for the person's advisory physician.
    PreventionService,
    /// The eHealth platform, which checks its own users.
    EhealthPlatform,
}

impl LegalContext {
    /// All contexts, in domain.md's order.
    pub const ALL: [Self; 3] = [Self::AdvisoryPhysician, Self::PreventionService, Self::EhealthPlatform];

    /// The text on the wire and in the policy file.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::AdvisoryPhysician => "BACKTOWORK:ADVISORY_PHYSICIAN",
            Self::PreventionService => "BACKTOWORK:PREVENTION_SERVICE",
            Self::EhealthPlatform => "BACKTOWORK:EHEALTH_PLATFORM",
        }
    }

    /// The context of this text; `None` if there is no such context. Case counts.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|context| context.code() == text)
    }
}
