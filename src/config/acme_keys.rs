//! The settings of `[acme]`, as data.

use super::key::{Example, Key, Kind, defaulted, key};

/// Authorities of the system (Debian: ca-certificates).
pub const SYSTEM_AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The settings of `[acme]`, in the order of the packaged example.
pub(super) const ACME_KEYS: [Key; 11] = [
    key(
        "acme.directory",
        Kind::Url,
        Example::Note("https://acme.example.be/directory"),
        "URL of an ACME directory (RFC 8555), from which `certificates acme` gets `server.certificate`; it accepts the terms of service of that CA. Without this section you renew the certificate yourself (`docs/operations/acme.md`).",
    ),
    defaulted(
        "acme.server_ca",
        Kind::Path,
        SYSTEM_AUTHORITIES,
        "PEM file: CAs that issue the certificate of the ACME server. The default has the authorities of the system; for a private ACME server, set its own CA.",
    ),
    key(
        "acme.contact",
        Kind::Text,
        Example::Note("operations@example.be"),
        "Mail addresses, one or a list, to which the CA writes. They are sent when the account is made.",
    ),
    defaulted(
        "acme.account",
        Kind::Path,
        "/var/lib/ehealth-attributes-acme/account",
        "File of the ACME account with its private key (mode 0600), made at the first run. Keep it: some CAs limit the number of accounts.",
    ),
    key(
        "acme.names",
        Kind::Text,
        Example::Note("gateway.example.be"),
        "Host names of the certificate, one or a list. Default: the host of `server.public_url`.",
    ),
    defaulted(
        "acme.listen",
        Kind::Address,
        "[::]:80",
        "Address and port on which challenges (http-01) are answered, only while an order runs. The CA connects to port 80 of each name.",
    ),
    key(
        "acme.webroot",
        Kind::Path,
        Example::Note("/var/www/html"),
        "Folder of a web server that answers on port 80: challenges become files in `.well-known/acme-challenge` below it, and nothing listens.",
    ),
    defaulted(
        "acme.renew_before",
        Kind::Duration,
        "35d",
        "Time before the end of the certificate at which it is renewed; at most half of its validity. The alert about an expiring certificate fires 30 days before its end.",
    ),
    defaulted(
        "acme.timeout",
        Kind::Duration,
        "30s",
        "Longest wait for one answer of the ACME server (1s–2m). A whole order has 5 minutes.",
    ),
    key(
        "acme.eab_key_id",
        Kind::Name,
        Example::Note("kid-1"),
        "Key identifier of the external account, if the CA gave you one (RFC 8555, 7.3.4).",
    ),
    key(
        "acme.eab_key",
        Kind::Secret,
        Example::Note("credential:eab.key"),
        "File with the HMAC key of the external account, base64url as the CA gave it.",
    ),
];
