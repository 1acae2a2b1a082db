//! Forms in which certificates and keys come, and how each is converted to the expected one.

use super::content::Content;

/// Form of a PEM block or a binary file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Form {
    Certificate,
    RevocationList,
    PrivateKey,
    /// PKCS #8 `EncryptedPrivateKeyInfo`, or a PEM block with the header `Proc-Type: 4,ENCRYPTED`.
    EncryptedKey,
    /// The same in DER.
    EncryptedKeyDer,
    PublicKey,
    CertificateRequest,
    /// PKCS #12: `.p12`, `.pfx`.
    Pkcs12,
    /// PKCS #7 in PEM: `.p7b`.
    Pkcs7,
    /// PKCS #7 in DER: `.p7b`.
    Pkcs7Der,
    /// Java keystore, `.jks`.
    JavaKeystore,
    OpenSshKey,
    /// A PEM block with another label.
    Labelled(String),
    InvalidLabel,
}

impl Form {
    /// Form of a PEM block with this label.
    pub fn of_label(label: &str) -> Self {
        match label {
            "CERTIFICATE" => Self::Certificate,
            "X509 CRL" => Self::RevocationList,
            "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" => Self::PrivateKey,
            "ENCRYPTED PRIVATE KEY" => Self::EncryptedKey,
            "PUBLIC KEY" | "RSA PUBLIC KEY" => Self::PublicKey,
            "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => Self::CertificateRequest,
            "PKCS7" | "CMS" => Self::Pkcs7,
            "PKCS12" => Self::Pkcs12,
            "OPENSSH PRIVATE KEY" => Self::OpenSshKey,
            // The file may be anything: its text is quoted only as far as it looks like a label.
            label if label.len() <= 40 && label.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b' ') => {
                Self::Labelled(label.to_owned())
            }
            _ => Self::InvalidLabel,
        }
    }

    /// Name of the form, as a phrase.
    pub fn phrase(&self) -> String {
        match self {
            Self::Certificate => "a certificate".to_owned(),
            Self::RevocationList => "a certificate revocation list".to_owned(),
            Self::PrivateKey => "a private key".to_owned(),
            Self::EncryptedKey => "an encrypted private key".to_owned(),
            Self::EncryptedKeyDer => "an encrypted private key (DER)".to_owned(),
            Self::PublicKey => "a public key".to_owned(),
            Self::CertificateRequest => "a certificate request".to_owned(),
            Self::Pkcs12 => "a PKCS #12 file (.p12, .pfx)".to_owned(),
            Self::Pkcs7 => "a PKCS #7 file (.p7b)".to_owned(),
            Self::Pkcs7Der => "a PKCS #7 file (.p7b, DER)".to_owned(),
            Self::JavaKeystore => "a Java keystore (.jks)".to_owned(),
            Self::OpenSshKey => "an OpenSSH private key".to_owned(),
            Self::Labelled(label) => format!("a PEM block `{label}`"),
            Self::InvalidLabel => "a PEM block with an invalid label".to_owned(),
        }
    }

    /// How to get the expected content from this form; `None` if it does not contain it.
    pub fn remedy(&self, expected: Content) -> Option<&'static str> {
        match (self, expected) {
            (Self::EncryptedKey, Content::PrivateKey) => {
                Some("remove its password with `openssl pkey -in OLD -out NEW`")
            }
            (Self::EncryptedKeyDer, Content::PrivateKey) => {
                Some("remove its password with `openssl pkey -inform DER -in OLD -out NEW`")
            }
            (Self::Pkcs12, Content::PrivateKey) => {
                Some("extract the key with `openssl pkcs12 -in OLD -nocerts -nodes -out NEW`")
            }
            (Self::Pkcs12, Content::Certificates) => {
                Some("extract the certificates with `openssl pkcs12 -in OLD -nokeys -out NEW`")
            }
            (Self::Pkcs7, Content::Certificates) => {
                Some("extract the certificates with `openssl pkcs7 -print_certs -in OLD -out NEW`")
            }
            (Self::Pkcs7Der, Content::Certificates) => {
                Some("extract the certificates with `openssl pkcs7 -inform DER -print_certs -in OLD -out NEW`")
            }
            (Self::JavaKeystore, Content::PrivateKey | Content::Certificates) => Some(
                "convert it with `keytool -importkeystore -srckeystore OLD -destkeystore NEW.p12 -deststoretype pkcs12`, \
                 then extract key and certificates with `openssl pkcs12`",
            ),
            (Self::OpenSshKey, Content::PrivateKey) => {
                Some("convert a copy of it in place with `ssh-keygen -p -m PKCS8 -f NEW`")
            }
            (Self::CertificateRequest, Content::Certificates) => {
                Some("send it to the CA, which returns the certificate")
            }
            (
                Self::Certificate
                | Self::RevocationList
                | Self::PrivateKey
                | Self::PublicKey
                | Self::Labelled(_)
                | Self::InvalidLabel
                | Self::EncryptedKey
                | Self::EncryptedKeyDer
                | Self::Pkcs12
                | Self::Pkcs7
                | Self::Pkcs7Der
                | Self::JavaKeystore
                | Self::OpenSshKey
                | Self::CertificateRequest,
                Content::Certificates | Content::RevocationLists | Content::PrivateKey,
            ) => None,
        }
    }
}
