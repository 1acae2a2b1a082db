//! Legal context of a question: `DOMAIN:PURPOSE` (`docs/reference/domain.md` "Who may ask").

crate::closed_enum! {
    /// A legal context that this service knows. No consumer has a grant for any other text.
    ///
    /// The code is the text on the wire and in the policy file.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum LegalContext {
        /// Health-insurance funds: their advisory physicians send a file to the occupational
        /// physician.
        AdvisoryPhysician => "BACKTOWORK:ADVISORY_PHYSICIAN",
        /// Prevention services: they look for the person's advisory physician.
        PreventionService => "BACKTOWORK:PREVENTION_SERVICE",
        /// The eHealth platform, which checks its own users.
        EhealthPlatform => "BACKTOWORK:EHEALTH_PLATFORM",
    }
}
