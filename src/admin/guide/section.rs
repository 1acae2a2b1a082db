//! The one table of links into the guide.

use ehealth_core::closed_enum;

closed_enum! {
    /// A section of the guide to which the admin page links. Its code is the name of a served page, and
    /// the anchor of a heading after `#`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Section {
        /// A rejected reload.
        RejectedReload => "incident#a-rejected-reload",
        /// All clients of an issuer are refused.
        RefusedIssuer => "incident#a-refused-issuer",
        /// A consumer gets delayed answers.
        SlowedConsumer => "incident#a-slowed-consumer",
        /// Too many days about one person.
        TooManyDates => "incident#too-many-days-about-one-person",
        /// A legal context or a grant ends.
        EndOfGrant => "consumers#an-end-of-a-legal-context-or-grant",
        /// Legal contexts are defined in the policy.
        NewContext => "consumers#a-new-legal-context",
        /// Consumers and their grants.
        Consumer => "consumers#add-a-consumer",
        /// Log lines are dropped.
        UnreadLog => "incident#a-log-that-is-not-read",
        /// Certificates are renewed.
        CertificateRenewal => "rotate#certificate-renewal",
        /// A dataset is missing or stale.
        StaleFeed => "incident#a-stale-feed",
        /// A disk is full or does not respond.
        DiskFull => "incident#disk-full",
        /// Checkpoints are not written.
        StoppedCheckpoints => "incident#checkpoints-that-stop",
        /// The audit log is damaged.
        DamagedAuditLog => "incident#a-damaged-audit-log",
        /// The audit log is verified.
        Verification => "audit-visit#audit-visit",
        /// A lost disk or file is replaced.
        Restore => "restore#restore",
        /// The service is stopped and started.
        Upgrade => "upgrade#upgrade",
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
