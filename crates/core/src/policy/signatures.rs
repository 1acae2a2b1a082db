//! Message signatures of a consumer: whether its messages are signed, by whom, and whether the
//! responses are.

use crate::model::EnterpriseNumber;

/// Message signatures of a consumer (docs/reference/message-signature.md).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signatures {
    /// Whether its messages are signed.
    pub rule: SignatureRule,
    /// Other organisations whose signed messages it may bring. Such a message is a question of its
    /// signer: the signer's grants and quota decide it.
    pub signers: Vec<EnterpriseNumber>,
    /// Whether its responses are signed.
    pub sign_responses: bool,
}

crate::closed_enum! {
    /// Whether the messages of a consumer are signed. The code is the word in the policy file.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub enum SignatureRule {
        /// A signature is not read; one that must be understood refuses the message.
        #[default]
        Off => "off",
        /// A signature is verified; a message without one is accepted.
        Accept => "accept",
        /// A message without a valid signature is refused.
        Require => "require",
    }
}
