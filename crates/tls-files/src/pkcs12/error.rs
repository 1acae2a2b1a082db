//! Why a PKCS #12 file cannot be used.

/// Why a PKCS #12 file cannot be used. The text has nothing of a key or a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Pkcs12Error {
    /// More than 1 MiB.
    #[error("the file has more than 1 MiB: it is no PKCS #12 file")]
    Size,
    /// Not PKCS #12, in BER instead of DER, or damaged.
    #[error(
        "the file is no PKCS #12 file in DER (.p12, .pfx), or damaged; write it again with \
         `openssl pkcs12 -in OLD -out PEM -nodes` and `openssl pkcs12 -export -in PEM -out NEW`"
    )]
    Malformed,
    /// The password does not open the file.
    #[error("the password is wrong, or the file is damaged")]
    Password,
    /// An algorithm that is not supported.
    #[error(
        "the file has {0}; write it again with `openssl pkcs12 -in OLD -out PEM -nodes` and \
         `openssl pkcs12 -export -in PEM -out NEW`"
    )]
    Algorithm(&'static str),
    /// A key derivation that would take too much time.
    #[error("the file demands more than {maximum} iterations of its key derivation")]
    Iterations {
        /// Maximum iterations.
        maximum: u32,
    },
    /// No private key.
    #[error("the file has no private key; export it with its private key")]
    NoKey,
    /// More than one private key.
    #[error("the file has {0} private keys; export the entry of one certificate to a file of its own")]
    SeveralKeys(usize),
    /// No certificate has the private key.
    #[error("no certificate of the file belongs to its private key; export both together")]
    NoCertificate,
}
