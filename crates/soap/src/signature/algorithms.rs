//! Algorithms of signed messages, by their URIs (XML Signature 1.1, section 6; RFC 9231).

use aws_lc_rs::digest;

/// Exclusive XML Canonicalization 1.0 without comments. Also the namespace of its `PrefixList`.
pub const EXCLUSIVE_C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

/// The transform that leaves the signature itself out. No element that may be signed contains the
/// signature, so that it changes nothing.
pub const ENVELOPED_SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

ehealth_core::closed_enum! {
    /// A digest algorithm. The code is its URI.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum DigestMethod {
        /// SHA-256.
        Sha256 => "http://www.w3.org/2001/04/xmlenc#sha256",
        /// SHA-384.
        Sha384 => "http://www.w3.org/2001/04/xmldsig-more#sha384",
        /// SHA-512.
        Sha512 => "http://www.w3.org/2001/04/xmlenc#sha512",
    }
}

impl DigestMethod {
    /// The algorithm in the cryptographic library.
    pub(super) fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        }
    }
}

ehealth_core::closed_enum! {
    /// A signature algorithm. The code is its URI.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum SignatureMethod {
        /// RSASSA-PKCS1-v1_5 with SHA-256.
        RsaSha256 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        /// RSASSA-PKCS1-v1_5 with SHA-384.
        RsaSha384 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
        /// RSASSA-PKCS1-v1_5 with SHA-512.
        RsaSha512 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
        /// RSASSA-PSS with SHA-256, MGF1 and a salt of 32 bytes (RFC 9231, section 2.3.10).
        RsaPssSha256 => "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
        /// RSASSA-PSS with SHA-384, MGF1 and a salt of 48 bytes.
        RsaPssSha384 => "http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1",
        /// RSASSA-PSS with SHA-512, MGF1 and a salt of 64 bytes.
        RsaPssSha512 => "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1",
        /// ECDSA with SHA-256. The value is r and s, each as long as the curve's order (RFC 9231,
        /// section 2.3.6).
        EcdsaSha256 => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
        /// ECDSA with SHA-384.
        EcdsaSha384 => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
    }
}

impl SignatureMethod {
    /// The digest of `SignedInfo` that is signed.
    #[must_use]
    pub fn digest(self) -> DigestMethod {
        match self {
            Self::RsaSha256 | Self::RsaPssSha256 | Self::EcdsaSha256 => DigestMethod::Sha256,
            Self::RsaSha384 | Self::RsaPssSha384 | Self::EcdsaSha384 => DigestMethod::Sha384,
            Self::RsaSha512 | Self::RsaPssSha512 => DigestMethod::Sha512,
        }
    }
}
