//! Reads certificates, revocation lists and private keys from files, and builds TLS client
//! configurations.
//!
//! This is the only place that parses PEM and PKCS #12. Each error names the file and says what it holds, and how
//! to convert it: "`ca.pem`: found a PKCS #7 file (.p7b), expected certificates; extract the
//! certificates with …".
//!
//! | to | call |
//! |---|---|
//! | read a file | [`read_certificates`], [`read_revocation_lists`], [`read_private_key`] |
//! | read files and folders | [`read_all_certificates`], [`read_all_revocation_lists`], [`files_of`] |
//! | parse bytes | [`parse_certificates`], [`parse_revocation_lists`], [`parse_private_key`] |
//! | read a PKCS #12 file | [`read_pkcs12()`], [`read_pkcs12_certificates`], [`parse_pkcs12`] |
//! | write certificates as PEM | [`write_pem`] |
//! | write a private key as PEM | [`write_private_key`] |
//! | make a root store | [`root_store`] |
//! | build a client configuration | [`ClientTls`] |
//!
//! # Example
//!
//! ```no_run
//! use std::path::Path;
//!
//! use tls_files::{ClientTls, Identity, read_certificates, read_private_key};
//!
//! # fn configure() -> Result<rustls::ClientConfig, Box<dyn std::error::Error>> {
//! let authorities = read_certificates(Path::new("ca.pem"))?;
//! let chain = read_certificates(Path::new("client.pem"))?;
//! let key = read_private_key(Path::new("client-key.pem"))?;
//! Ok(ClientTls::new(authorities).with_identity(Identity { chain, key }).build()?)
//! # }
//! ```

// Files: what they hold, and how they are parsed.
mod content;
mod der;
mod form;
mod parse;
mod read;

// PKCS #12: key and certificates behind a password.
mod pkcs12;
mod read_pkcs12;
mod write;

// TLS configuration.
mod client;

pub use client::{ClientTls, ClientTlsError, Identity, describe_error, provider, root_store};
pub use content::{Content, ContentError};
pub use parse::{parse_certificates, parse_private_key, parse_revocation_lists};
pub use pkcs12::{Pkcs12Error, parse_pkcs12, parse_pkcs12_certificates};
pub use read::{
    FileError, files_of, read_all_certificates, read_all_revocation_lists, read_certificates, read_private_key,
    read_revocation_lists,
};
pub use read_pkcs12::{Pkcs12FileError, read_pkcs12, read_pkcs12_certificates};
pub use write::{write_pem, write_private_key};
