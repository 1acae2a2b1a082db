//! Requests that a rate limit refused before they were read, recorded together.

use crate::model::{Digest, EnterpriseNumber, Timestamp};

/// Requests of one caller that were refused by a rate limit before they were read. One record
/// stands for all of them: a record for each would let any certificate fill the audit log's disk.
/// Nothing was disclosed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuppressedRequests {
    /// Organisation in the certificate; `None`: it names none, or several callers are counted
    /// together.
    pub caller: Option<EnterpriseNumber>,
    /// SHA-256 of the certificate (DER) of the last of them.
    pub fingerprint: Digest,
    /// Time of the first of them.
    pub since: Timestamp,
    /// Time of the last of them.
    pub until: Timestamp,
    /// Number of requests.
    pub count: u64,
}
