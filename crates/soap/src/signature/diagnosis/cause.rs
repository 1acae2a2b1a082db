//! Causes of digests and signatures that do not fit, each with its remedy.

ehealth_core::closed_enum! {
    /// Why a digest or a signature differs from what the message has. The code is stable.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Cause {
        /// White space between elements was added after signing.
        SpaceAdded => "space-added",
        /// White space between elements was removed after signing.
        SpaceRemoved => "space-removed",
        /// Carriage returns were signed and are gone, or the reverse.
        LineEnds => "line-ends",
        /// White space at the ends of lines or of texts was added after signing.
        TrailingSpace => "trailing-space",
        /// Inclusive C14N was used.
        InclusiveCanonicalization => "inclusive-c14n",
        /// Exclusive C14N with comments was used.
        CommentsKept => "comments-kept",
        /// Another prefix list was used than the message names.
        PrefixList => "prefix-list",
        /// The element was hashed outside of its document.
        DetachedElement => "detached-element",
        /// Namespace declarations were moved to another element after signing.
        MovedDeclarations => "moved-declarations",
        /// The id was set after the digest was computed.
        IdAddedLater => "id-added-later",
        /// The octets are not UTF-8.
        TextEncoding => "text-encoding",
        /// Only the content of the element was hashed.
        ContentOnly => "content-only",
        /// The text was hashed as it is written, without canonicalisation.
        NotCanonical => "not-canonical",
        /// Another element with the same id was hashed.
        SameId => "same-id",
        /// The digest belongs to another reference.
        OtherReference => "other-reference",
        /// Another digest algorithm was used than the message names.
        OtherDigestMethod => "other-digest-method",
        /// The digest is right, but encoded in another way than base64.
        DigestEncoding => "digest-encoding",
        /// The digest is that of no octets at all.
        EmptyInput => "empty-input",
        /// The element was changed after signing, or hashed in an unknown form.
        ChangedContent => "changed-content",
        /// The value of an ECDSA signature is DER.
        DerValue => "der-value",
        /// Another key signed.
        OtherKey => "other-key",
        /// Another hash algorithm was used than `SignatureMethod` names.
        OtherHash => "other-hash",
        /// PSS was used instead of PKCS #1 v1.5, or the reverse.
        Padding => "padding",
        /// The digest of `SignedInfo` was signed instead of `SignedInfo`.
        DigestSigned => "digest-signed",
        /// The digest values were set after `SignedInfo` was signed.
        DigestsReplaced => "digests-replaced",
        /// The signature is right, but encoded in another way than base64.
        ValueEncoding => "value-encoding",
        /// `SignedInfo` was changed after signing, or hashed in an unknown form; the key is right.
        ChangedSignedInfo => "changed-signed-info",
        /// Another key signed, or `SignedInfo` was changed after signing, or hashed in an unknown form.
        KeyOrSignedInfo => "key-or-signed-info",
    }
}

impl Cause {
    /// What happened, as a sentence without its full stop.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::SpaceAdded => "white space between elements was added after signing, for example by pretty-printing",
            Self::SpaceRemoved => "white space between elements was removed after signing",
            Self::LineEnds => "line ends were changed after signing, between LF, CR and CR LF",
            Self::TrailingSpace => "white space at the ends of lines or texts was added after signing",
            Self::InclusiveCanonicalization => "inclusive C14N was used instead of exclusive C14N",
            Self::CommentsKept => "comments were hashed: C14N with comments was used",
            Self::PrefixList => "another prefix list was used than InclusiveNamespaces names",
            Self::DetachedElement => {
                "the element was hashed outside of its document, without the declarations around it"
            }
            Self::MovedDeclarations => "namespace declarations were moved to another element after signing",
            Self::IdAddedLater => "the digest was computed before the element had its id",
            Self::TextEncoding => "the octets were not UTF-8 when they were hashed",
            Self::ContentOnly => "the content of the element was hashed, without the element itself",
            Self::NotCanonical => "the text was hashed as it is written, without canonicalisation",
            Self::SameId => "another element has the same id, and that one was hashed",
            Self::OtherReference => "the digest is that of another element",
            Self::OtherDigestMethod => "another digest algorithm was used than DigestMethod names",
            Self::DigestEncoding => "the digest is right, but it is not plain base64 of its bytes",
            Self::EmptyInput => "nothing was hashed: the signer did not find the element, or did not write it",
            Self::ChangedContent => "the element was changed after its digest was computed; no known change fits",
            Self::DerValue => "the value is an ECDSA signature in DER",
            Self::OtherKey => "another key signed than that of the token's certificate",
            Self::OtherHash => "another hash algorithm was used than SignatureMethod names",
            Self::Padding => "the other RSA padding was used than SignatureMethod names",
            Self::DigestSigned => "the digest of SignedInfo was signed instead of SignedInfo: it was hashed twice",
            Self::DigestsReplaced => "SignedInfo was signed before it had these digest values",
            Self::ValueEncoding => "the signature is right, but it is not plain base64 of its bytes",
            Self::ChangedSignedInfo => "the key is right; SignedInfo was changed after signing, no known change fits",
            Self::KeyOrSignedInfo => {
                "another key signed, or SignedInfo was changed after signing; no known change fits"
            }
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::SpaceAdded | Self::SpaceRemoved => {
                "Sign last, and send the signed bytes unchanged: switch off formatting, and proxies or log handlers \
                 that parse and write the message."
            }
            Self::LineEnds | Self::TrailingSpace => {
                "Before you sign, normalise line ends to LF and trim texts; then send the bytes unchanged."
            }
            Self::InclusiveCanonicalization => {
                "Use http://www.w3.org/2001/10/xml-exc-c14n# where you canonicalise (PHP: C14N(true, false); .NET: \
                 XmlDsigExcC14NTransform)."
            }
            Self::CommentsKept => "Canonicalise without comments (PHP: second argument false).",
            Self::PrefixList => {
                "Use the same list for the digest and in InclusiveNamespaces; without that element, use none."
            }
            Self::DetachedElement => "Put the element into its document first, then compute its digest.",
            Self::MovedDeclarations => {
                "Sign last, and send the signed bytes: a second serialisation moves declarations. Declare prefixes \
                 where they are used."
            }
            Self::IdAddedLater => "Set the ids first, then compute the digests.",
            Self::TextEncoding => "Hash the octets of the canonical form in UTF-8, also for a message in UTF-16.",
            Self::ContentOnly => "Compute the digest of the element that has the id, with its start and end tag.",
            Self::NotCanonical => "Compute the digest of the canonical form (exclusive C14N), not of the written text.",
            Self::SameId => "Give each element its own id. Node's soap does so from version 1.3.0 on.",
            Self::OtherReference => "Compute each digest of the element whose id the Reference has.",
            Self::OtherDigestMethod => "Name the algorithm in DigestMethod with which you compute the digest.",
            Self::DigestEncoding => "Write base64 of the digest's bytes, not of their hexadecimal form, and only once.",
            Self::EmptyInput => {
                "Check that the signer finds the element by its id (for wsu:Id, libraries need an id function), and \
                 flush the output before you hash."
            }
            Self::ChangedContent => {
                "Compare your octets with those of --canonical. Compute the digest last, and change nothing \
                 afterwards."
            }
            Self::DerValue => {
                "Send r and s one after the other, each as long as the curve's order (32 bytes with P-256)."
            }
            Self::OtherKey => {
                "Use the key of the certificate in BinarySecurityToken. Compare: `openssl x509 -in fund.pem -noout \
                 -pubkey`, `openssl pkey -in fund.key -pubout`. --other-cert tries other certificates."
            }
            Self::OtherHash => "Name the algorithm in SignatureMethod with which you sign (PHP: OPENSSL_ALGO_SHA256).",
            Self::Padding => {
                "Use PKCS #1 v1.5 for rsa-sha256, rsa-sha384 and rsa-sha512; use PSS for the algorithms …-rsa-MGF1."
            }
            Self::DigestSigned => "Pass the canonical octets of SignedInfo to the function that signs: it hashes them.",
            Self::DigestsReplaced => "Write every DigestValue first, then canonicalise and sign SignedInfo.",
            Self::ValueEncoding => "Write base64 of the signature's bytes, most significant byte first.",
            Self::ChangedSignedInfo => "Sign last; compare your octets of SignedInfo with those of --canonical.",
            Self::KeyOrSignedInfo => {
                "Compare the public keys: `openssl x509 -in fund.pem -noout -pubkey`, `openssl pkey -in fund.key \
                 -pubout`. Then compare your octets of SignedInfo with those of --canonical."
            }
        }
    }
}

/// The cause of one difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What reproduces the signed value.
    pub cause: Cause,
    /// A second cause, if only both together do.
    pub also: Option<Cause>,
    /// What exactly was tried, such as the algorithm; may be empty.
    pub detail: String,
}

impl Explanation {
    pub(super) fn new(cause: Cause, detail: impl Into<String>) -> Self {
        Self { cause, also: None, detail: detail.into() }
    }

    /// The cause as a sentence without its full stop.
    #[must_use]
    pub fn sentence(&self) -> String {
        let mut text = self.cause.sentence().to_owned();
        if let Some(also) = self.also {
            text.push_str("; also: ");
            text.push_str(also.sentence());
        }
        if self.detail.is_empty() { text } else { format!("{text} ({})", self.detail) }
    }
}
