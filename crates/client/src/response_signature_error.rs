//! Errors of the signature of a response.

use soap::signature::{Problem, SignatureError};

/// Why a response is not accepted as signed by the service. `Debug` and `Display` show no SSIN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResponseSignatureError {
    /// It has no `wsse:Security` block for this client.
    #[error("it is not signed")]
    Missing,
    /// Its block is not of the profile, its timestamp is not current, or a digest, the signature or a
    /// position is wrong.
    #[error("{}: {detail}", .error.check().code())]
    Refused {
        /// What is wrong.
        error: SignatureError,
        /// Line, element, expected and found values; SSINs are masked.
        detail: String,
    },
    /// The token is another certificate than those that may sign responses.
    #[error("it is signed with another certificate than that of the TLS connection or of a response signer")]
    UnknownSigner,
    /// The token is no X.509 certificate.
    #[error("its signing certificate is malformed")]
    Certificate,
    /// The request was signed, and the response confirms no signature.
    #[error("it does not confirm the signature of the request")]
    NotConfirmed,
    /// It has a confirmation that its signature does not cover.
    #[error("its confirmation of the request's signature is not signed")]
    ConfirmationNotSigned,
    /// It confirms a signature that is not the request's.
    #[error("it confirms the signature of another request")]
    AnotherRequest,
}

impl From<Box<Problem>> for ResponseSignatureError {
    fn from(problem: Box<Problem>) -> Self {
        let cause = problem.cause().and("expected", &problem.expected);
        let detail = format!("line {}, {}", problem.line, cause.for_log());
        Self::Refused { error: problem.error, detail }
    }
}
