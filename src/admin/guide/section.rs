//! The one table of links into the guide.

use ehealth_core::closed_enum;

closed_enum! {
    /// A section of the guide to which the admin page links. Its code is the name of a served page, and
    /// the anchor of a heading after `#`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Section {
        /// A rejected reload.
        RejectedReload => "runbook#a-rejected-reload",
        /// All clients of an issuer are refused.
        RefusedIssuer => "runbook#a-refused-issuer",
        /// A consumer gets delayed answers.
        SlowedConsumer => "runbook#a-slowed-consumer",
        /// Too many days about one person.
        TooManyDates => "runbook#too-many-days-about-one-person",
        /// A legal context or a grant ends.
        EndOfGrant => "runbook#an-end-of-a-legal-context-or-grant",
        /// Legal contexts are defined in the policy.
        NewContext => "runbook#a-new-legal-context",
        /// Consumers and their grants.
        Consumer => "runbook#first-consumer",
        /// Log lines are dropped.
        UnreadLog => "runbook#a-log-that-is-not-read",
        /// Certificates are renewed.
        CertificateRenewal => "runbook#certificate-renewal",
        /// A dataset is missing or stale.
        StaleFeed => "runbook#a-stale-feed",
        /// A disk is full or does not respond.
        DiskFull => "runbook#disk-full",
        /// Checkpoints are not written.
        StoppedCheckpoints => "runbook#checkpoints-that-stop",
        /// The audit log is damaged.
        DamagedAuditLog => "runbook#a-damaged-audit-log",
        /// The audit log is verified.
        Verification => "runbook#audit-visit",
        /// A lost disk or file is replaced.
        Restore => "runbook#backup-and-restore",
        /// The service is stopped and started.
        Upgrade => "runbook#upgrade",
        /// Records have no second copy.
        NotReplicated => "cluster#notreplicated",
        /// Records follow late to the database.
        ReplicationLagging => "cluster#replicationlagging",
        /// A node is silent.
        NodeSilent => "cluster#nodesilent",
        /// Nodes differ.
        NodesDiffer => "cluster#nodesdiffer",
        /// The outcome of a commit is unknown.
        CommitOutcomeUnknown => "cluster#commitoutcomeunknown",
        /// Answers without a second copy.
        UnreplicatedAnswers => "cluster#unreplicatedanswers",
    }
}

impl Section {
    /// Address of the section on the admin listener.
    #[must_use]
    pub fn address(self) -> String {
        format!("/guide/{}", self.code())
    }
}
