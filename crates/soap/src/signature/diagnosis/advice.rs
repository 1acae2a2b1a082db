//! What to do about each error of a signed message.

use crate::signature::problem::SignatureError;

/// What the author of the message can do.
pub(super) fn remedy(error: SignatureError) -> &'static str {
    use SignatureError as E;
    match error {
        E::Missing => "Sign the request: put one wsse:Security block without actor into the SOAP header.",
        E::RepeatedBlock => "Send one wsse:Security block; address a block for another recipient to its actor.",
        E::UnexpectedElement => {
            "Remove the element. The block has a BinarySecurityToken, a Timestamp and a Signature, and nothing else."
        }
        E::RepeatedElement => "Send the element once.",
        E::MissingElement => "Add the element. Zeep writes no Timestamp by itself: add it before you sign.",
        E::UnexpectedText => "Remove the text between the elements.",
        E::TokenType => "Send one DER certificate of at most 8 KiB in base64, with the ValueType #X509v3.",
        E::KeyReference => {
            "Refer to the token by its id (WSS4J: signatureKeyIdentifier = DirectReference; zeep: BinarySignature)."
        }
        E::ReferenceUri => "Write # and the id of an element of this message.",
        E::References => {
            "Refer to each element once, at most 16. Older versions of Node's soap give Body and Timestamp one id: \
             use 1.3.0 or newer."
        }
        E::Value => "Write base64 for values, and times with their zone. A digest in hexadecimal is too long.",
        E::CanonicalizationMethod => "Set exclusive C14N for SignedInfo: inclusive C14N is the default of .NET.",
        E::SignatureMethod => {
            "Set the signature algorithm: SHA-1 is the default of zeep, of PHP's openssl_sign and of WSS4J."
        }
        E::DigestMethod => "Set the digest algorithm too (WSS4J: signatureDigestAlgorithm; zeep: digest_method).",
        E::Transform => "Set exclusive C14N as the one transform of each reference.",
        E::PrefixList => "Name at most 16 prefixes, separated by spaces.",
        E::CreatedInFuture => "Synchronise the clock of the signing machine (NTP), and write times in UTC with Z.",
        E::Expired => {
            "Sign each attempt again, just before it is sent, and synchronise the clock. For a stored message, name \
             its time: --at."
        }
        E::Lifetime => "Let Expires be 5 min after Created.",
        E::Certificate => "Use a certificate that a TLS client may have: see the guide on certificates.",
        E::UnknownSigner => "Use a certificate whose subject names a registered organisation.",
        E::ForeignSigner => "Ask the operator to register the signer's organisation for the TLS client.",
        E::TokenNotSigned => "Sign the token too: a relayed message must.",
        E::Digest => "Compute the digest of the canonical form of the element as it is sent.",
        E::KeyType => {
            "Use the signature algorithm of the certificate's key: RSA of at least 2048 bits, P-256 or P-384."
        }
        E::SignatureValue => "Sign the canonical form of SignedInfo as it is sent, with the key of the token.",
        E::Canonicalization => "Use absolute namespace URIs, and keep the message short.",
        E::UnknownId => "Give the element the id that the Reference has, as wsu:Id or as Id without a namespace.",
        E::AmbiguousId => {
            "Give each element one id, and no id to two elements. Build a new envelope for each request; Node's soap \
             needs version 1.3.0 or newer."
        }
        E::Ids => "Use ids only for signed elements.",
        E::Position => "Sign only Body, Timestamp, token and WS-Addressing headers of this message.",
        E::NotSigned => "Sign Body and Timestamp (WSS4J: signatureParts).",
        E::Replayed => "Sign each attempt again, with random ids or a new Timestamp.",
        E::ReplayMemory => "Try again later.",
    }
}
