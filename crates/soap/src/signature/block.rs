//! A `wsse:Security` block as data (WS-Security 1.1 X.509 Certificate Token Profile).

use ehealth_core::model::Timestamp;

use super::algorithms::{DigestMethod, SignatureMethod};
use super::kind::MessageKind;
use super::prefix_list::PrefixList;
use super::problem::Problem;

/// Maximum references of one signature: body, timestamp, token and the WS-Addressing headers are 10.
pub const REFERENCES: usize = 16;

/// Maximum size of a certificate, in bytes of DER.
pub const CERTIFICATE_BYTES: usize = 8 * 1_024;

/// Maximum size of a signature value: RSA with 8192 bits.
pub const SIGNATURE_BYTES: usize = 1_024;

/// The one `wsse:Security` block of a message, with the positions of what it may sign. Only reading a
/// message makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityBlock {
    /// Kind of the message, which has its own limits.
    pub(super) kind: MessageKind,
    /// `Created` of the timestamp.
    pub created: Timestamp,
    /// `Expires` of the timestamp.
    pub expires: Timestamp,
    /// The signer's certificate, DER.
    pub certificate: Vec<u8>,
    /// `SignatureMethod`.
    pub method: SignatureMethod,
    /// `SignatureValue`.
    pub value: Vec<u8>,
    /// `wsse11:SignatureConfirmation`: the values of the signatures that a response confirms.
    pub confirmations: Vec<Vec<u8>>,
    /// Prefix list of `CanonicalizationMethod`.
    pub(super) prefixes: PrefixList,
    /// The references of `SignedInfo`, in its order.
    pub(super) references: Vec<Reference>,
    /// The first algorithm outside the profile. With it nothing is verified.
    pub(super) refused_algorithm: Option<Box<Problem>>,
    pub(super) places: Places,
}

/// A reference of `SignedInfo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    /// The id behind `#`.
    pub(super) id: String,
    pub(super) prefixes: PrefixList,
    pub(super) method: DigestMethod,
    pub(super) digest: Vec<u8>,
}

/// Positions in the document of the elements that count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) body: usize,
    pub(super) timestamp: usize,
    pub(super) token: usize,
    pub(super) signed_info: usize,
    pub(super) confirmations: Vec<usize>,
    /// WS-Addressing headers of this message.
    pub(super) addressing: Vec<usize>,
}

/// What a reference signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// The body.
    Body,
    /// The timestamp of the block.
    Timestamp,
    /// The token of the block.
    Token,
    /// A `SignatureConfirmation` of the block.
    Confirmation,
    /// A WS-Addressing header of the message.
    Addressing,
}

impl Target {
    /// Its name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Body => "Body",
            Self::Timestamp => "Timestamp",
            Self::Token => "BinarySecurityToken",
            Self::Confirmation => "SignatureConfirmation",
            Self::Addressing => "WS-Addressing header",
        }
    }
}

impl Places {
    /// What is at this position.
    pub(super) fn target(&self, position: usize) -> Option<Target> {
        if position == self.body {
            Some(Target::Body)
        } else if position == self.timestamp {
            Some(Target::Timestamp)
        } else if position == self.token {
            Some(Target::Token)
        } else if self.confirmations.contains(&position) {
            Some(Target::Confirmation)
        } else {
            self.addressing.contains(&position).then_some(Target::Addressing)
        }
    }
}

impl SecurityBlock {
    /// Checks the time of the message (WS-Security 1.1, section 10).
    ///
    /// # Errors
    /// [`Problem`]: it is from the future, expired, or valid for too long.
    pub fn check_time(&self, now: Timestamp, rule: TimeRule) -> Result<(), Box<Problem>> {
        use super::problem::SignatureError::{CreatedInFuture, Expired, Lifetime};
        let Self { created, expires, .. } = self;
        let problem = |error, expected: String, found: String| Err(Box::new(Problem::new(error, expected, found)));
        let (skew, longest) = (rule.skew_millis, rule.lifetime_millis);
        if created.as_millis() > now.as_millis().saturating_add(skew) {
            let expected = format!("Created at most {} s after {now}", skew / 1_000);
            return problem(CreatedInFuture, expected, format!("Created {created}"));
        }
        if now.as_millis() > expires.as_millis().saturating_add(skew) {
            let expected = format!("Expires at most {} s before {now}", skew / 1_000);
            return problem(Expired, expected, format!("Expires {expires}"));
        }
        let lifetime = expires.as_millis().saturating_sub(created.as_millis());
        if !(1..=longest).contains(&lifetime) {
            let expected = format!("Expires after Created, by at most {} s", longest / 1_000);
            return problem(Lifetime, expected, format!("Created {created}, Expires {expires}"));
        }
        Ok(())
    }

    /// The first algorithm outside the profile.
    ///
    /// # Errors
    /// [`Problem`], if there is one.
    pub fn check_algorithms(&self) -> Result<(), Box<Problem>> {
        self.refused_algorithm.clone().map_or(Ok(()), Err)
    }
}

/// Limits of a message's timestamp, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRule {
    /// How far the clocks of signer and service may differ.
    pub skew_millis: i64,
    /// Longest time from `Created` to `Expires`.
    pub lifetime_millis: i64,
}

impl Default for TimeRule {
    /// 60 s and 10 min: some clients always write 10 min.
    fn default() -> Self {
        Self { skew_millis: 60_000, lifetime_millis: 600_000 }
    }
}
