//! What an operator does next, for each reason and each warning.
//!
//! A code without a next step and a section does not compile.

use super::super::health::ReasonCode;
use super::super::warning_code::WarningCode;
use super::section::Section;

/// The next step of an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::admin) struct Guidance {
    /// One sentence in the imperative.
    pub step: &'static str,
    /// Section of the guide that describes the step.
    pub section: Section,
}

impl ReasonCode {
    /// What an operator does next.
    pub(in crate::admin) const fn guidance(self) -> Guidance {
        let (step, section) = match self {
            Self::Stopping => (
                "Wait until the open requests are finished; start the service again if the stop was not intended.",
                Section::Upgrade,
            ),
            Self::DatasetMissing => {
                ("Run `ehealth-attributes sync` and act on the outcome that it prints.", Section::StaleFeed)
            }
            Self::DatasetStale => (
                "Run `ehealth-attributes sync`; if the outcome is `nothing`, contact the publisher.",
                Section::StaleFeed,
            ),
            Self::DatasetUnreadable => (
                "Find the cause in the log, repair the disk or the permissions, and fetch or restore the dataset.",
                Section::Restore,
            ),
            Self::AuditLogUnwritable => {
                ("Free space on the disk of the audit log, or repair the disk.", Section::DiskFull)
            }
            Self::AuditLogCompromised => (
                "Take the service out of the load balancer, change nothing, and verify a copy of the audit log.",
                Section::DamagedAuditLog,
            ),
            Self::AuditLogClosed => ("Restart the service.", Section::Upgrade),
            Self::NotReplicated => ("Bring a synchronous standby of the database back.", Section::NotReplicated),
            Self::DiskUnresponsive => {
                ("Find the disk that does not respond, and repair or replace it.", Section::DiskFull)
            }
            Self::IssuerRefused => ("Install a current CRL of the issuer.", Section::RefusedIssuer),
            Self::CertificateExpired => ("Install a new certificate and reload.", Section::CertificateRenewal),
            Self::CertificateNotYetValid => (
                "Check the clock with `timedatectl`; if it is right, install a certificate that is valid now.",
                Section::CertificateRenewal,
            ),
        };
        Guidance { step, section }
    }
}

impl WarningCode {
    /// What an operator does next.
    pub(in crate::admin) const fn guidance(self) -> Guidance {
        let (step, section) = match self {
            Self::ReloadRejected => {
                ("Correct the files that the errors name; the service loads them by itself.", Section::RejectedReload)
            }
            Self::LogLinesDropped => ("Check the rate limit and the disk of the journal.", Section::UnreadLog),
            Self::VerificationFailed => {
                ("Change nothing, copy the folder of the audit log, and verify the copy.", Section::DamagedAuditLog)
            }
            Self::NotVerified => ("Start `ehealth-attributes-verify` and enable its timer.", Section::Verification),
            Self::CheckpointsFailed | Self::CopyBehind | Self::Unsigned => (
                "Find the location and the reason in the log line `checkpoints cannot be written`, and repair it.",
                Section::StoppedCheckpoints,
            ),
            Self::DiskFilling | Self::ReserveUsed => {
                ("Free space on the disk of the audit log, or give it a larger one.", Section::DiskFull)
            }
            Self::DatasetAgeing => (
                "Run `ehealth-attributes sync`; if the outcome is `nothing`, contact the publisher.",
                Section::StaleFeed,
            ),
            Self::CertificateExpiring => {
                ("Request a new certificate, install it and reload.", Section::CertificateRenewal)
            }
            Self::CrlExpiring => ("Fetch the next CRL of the issuer.", Section::RefusedIssuer),
            Self::RevocationNotChecked => {
                ("Name the CRLs of the issuer in `trust.revocation`.", Section::RefusedIssuer)
            }
            Self::CrlUnused => {
                ("Remove the file, or configure the CA that issued it in `trust.client_ca`.", Section::RefusedIssuer)
            }
            Self::ConsumerSlowed => {
                ("See with `audit search` whom the consumer asked about, and call it.", Section::SlowedConsumer)
            }
            Self::DatesRefused => (
                "Ask the consumer why it needs the days, and raise the limit only if its work needs them.",
                Section::TooManyDates,
            ),
            Self::BuiltInContexts => ("Define the legal contexts in the policy file.", Section::NewContext),
            Self::ContextEnds => {
                ("Ask whether the deliberation is prolonged, and change the policy.", Section::EndOfGrant)
            }
            Self::ConsumerPolicy => {
                ("Change the consumer's grants or limits, test the policy and reload.", Section::Consumer)
            }
            Self::GrantEnds => ("Ask whether the grant is prolonged, and change the policy.", Section::EndOfGrant),
            Self::Unreplicated => ("Bring a synchronous standby of the database back.", Section::UnreplicatedAnswers),
            Self::UnknownOutcomes => ("Check the connection to the database.", Section::CommitOutcomeUnknown),
            Self::NodesUnreadable => ("Check the database and the connection to it.", Section::ReplicationLagging),
            Self::NodeSilent => ("Check whether the node runs and reaches the database.", Section::NodeSilent),
            Self::NodeDiffers | Self::NodeBehind => {
                ("Bring the nodes to the same files and datasets.", Section::NodesDiffer)
            }
        };
        Guidance { step, section }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::rendered;
    use super::*;

    /// Every guidance.
    fn all() -> impl Iterator<Item = Guidance> {
        ReasonCode::ALL.map(ReasonCode::guidance).into_iter().chain(WarningCode::ALL.map(WarningCode::guidance))
    }

    #[test]
    fn every_link_leads_to_a_heading_of_a_served_page() {
        for section in Section::ALL {
            let (page, anchor) = section.code().split_once('#').expect("a page and an anchor");
            let rendered = rendered(page).unwrap_or_else(|| panic!("{page} is not served"));
            assert!(rendered.ids.contains_key(anchor), "{page} has no heading #{anchor}: {:?}", rendered.ids);
            assert!(section.title().is_some_and(|title| !title.is_empty()));
            assert!(rendered.html.contains(&format!(" id=\"{anchor}\"")), "{anchor}");
        }
    }

    #[test]
    fn every_step_is_one_sentence_and_every_section_is_used() {
        for Guidance { step, .. } in all() {
            let begin = step.chars().next().expect("a step");
            assert!(begin.is_uppercase() && step.ends_with('.') && step.matches(". ").count() == 0, "{step}");
            assert!(step.split_whitespace().count() <= 25, "{step}");
            assert_eq!(step.matches('`').count() % 2, 0, "{step}");
        }
        let used: BTreeSet<_> = all().map(|guidance| guidance.section.code()).collect();
        assert_eq!(used, Section::ALL.map(Section::code).into_iter().collect());
    }
}
