//! The codes of warnings.

use ehealth_core::closed_enum;

closed_enum! {
    /// Code of a warning, for scripts.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(super) enum WarningCode {
        /// The last reload was rejected.
        ReloadRejected => "reload-rejected",
        /// Log lines were dropped.
        LogLinesDropped => "log-lines-dropped",
        /// The last verification of the audit log failed.
        VerificationFailed => "verification-failed",
        /// The audit log was not verified, or long ago.
        NotVerified => "not-verified",
        /// Checkpoints could not be written.
        CheckpointsFailed => "checkpoints-failed",
        /// Records are not signed.
        Unsigned => "unsigned",
        /// The copy of the checkpoint is behind.
        CopyBehind => "copy-behind",
        /// The audit log's disk is filling.
        DiskFilling => "disk-filling",
        /// The audit log's disk has less than its reserve.
        ReserveUsed => "reserve-used",
        /// A dataset becomes stale soon.
        DatasetAgeing => "dataset-ageing",
        /// A certificate expires soon.
        CertificateExpiring => "certificate-expiring",
        /// A CRL expires soon.
        CrlExpiring => "crl-expiring",
        /// Revocation is not checked.
        RevocationNotChecked => "revocation-not-checked",
        /// A CRL has no effect.
        CrlUnused => "crl-unused",
        /// A consumer is slowed.
        ConsumerSlowed => "consumer-slowed",
        /// Too many days about one person.
        DatesRefused => "dates-refused",
        /// The policy defines no legal contexts.
        BuiltInContexts => "built-in-contexts",
        /// A legal context ended, or ends soon.
        ContextEnds => "context-ends",
        /// A consumer's policy has no effect.
        ConsumerPolicy => "consumer-policy",
        /// A grant ended, or ends soon.
        GrantEnds => "grant-ends",
        /// Answers have no second copy of their record.
        Unreplicated => "unreplicated",
        /// The outcome of a commit is unknown.
        UnknownOutcomes => "unknown-outcomes",
        /// The states of the nodes cannot be read.
        NodesUnreadable => "nodes-unreadable",
        /// A node is silent.
        NodeSilent => "node-silent",
        /// A node has another policy, CRLs or version.
        NodeDiffers => "node-differs",
        /// A node has an older dataset.
        NodeBehind => "node-behind",
    }
}
