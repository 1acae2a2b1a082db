//! Errors in a reply.

/// An error in a reply. Its text has only names of the contract, never a value of the reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotUnderstood {
    /// Not HTTP/1.1, or the headers are too large.
    #[error("it is not HTTP/1.1")]
    NotHttp,
    /// The media type is not `text/xml`.
    #[error("its media type is not text/xml")]
    MediaType,
    /// The bytes, the declaration or the charset are not UTF-8.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// Larger than the limits of size, depth or number of elements.
    #[error("it is too large for an answer")]
    TooLarge,
    /// Not well-formed, or has a DOCTYPE or a processing instruction.
    #[error("it is not well-formed XML as SOAP 1.1 requires (line {line})")]
    NotXml {
        /// Line number, from 1.
        line: u64,
    },
    /// Not a SOAP 1.1 envelope with one element in its body.
    #[error("it is not a SOAP 1.1 envelope with one message")]
    NotAnEnvelope,
    /// The body has neither the response of the operation nor a fault.
    #[error("its body has another message")]
    NotTheMessage,
    /// An element is missing, unknown, repeated or out of order.
    #[error("its elements are not those of the contract")]
    Shape,
    /// The value of this element is invalid.
    #[error("the value of {0} is invalid")]
    Value(&'static str),
    /// This element contradicts the status.
    #[error("{0} contradicts the status")]
    Contradiction(&'static str),
    /// This element differs from the request: the reply answers another question.
    #[error("{0} differs from the request: the reply answers another question")]
    AnotherQuestion(&'static str),
}
