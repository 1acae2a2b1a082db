//! Reads `[acme]`.

use std::time::Duration;

use super::acme::{AcmeSettings, ExternalAccountFiles, host_of};
use super::document::Section;
use super::duration::parse_duration;
use super::readers::{self, PathReader};
use super::value::Value;

/// Longest host name (RFC 1035).
const MAX_NAME: usize = 253;
/// Longest label of a host name (RFC 1035).
const MAX_LABEL: usize = 63;

/// Reads the section. `public_url` is that of the server, if it is valid.
pub(super) fn read_acme(
    mut section: Section<'_>,
    public_url: Option<&str>,
    paths: PathReader<'_>,
) -> Option<AcmeSettings> {
    let directory = section.required("directory", readers::public_url);
    let server_ca = section.required("server_ca", |value| paths.path(value));
    let contact = section.optional("contact", |value| value.one_or_list(read_mail));
    let account = section.required("account", |value| paths.path(value));
    let names = section.optional("names", |value| value.one_or_list(read_name));
    let listen = section.required("listen", readers::address);
    let webroot = section.optional("webroot", |value| paths.path(value));
    let renew_before = section.required("renew_before", |value| parse_duration(value.text()?));
    let timeout = section.required("timeout", |value| readers::millis(value, 1, 120));
    let eab_key_id = section.optional("eab_key_id", read_key_id);
    let eab_key = section.optional("eab_key", |value| paths.secret(value));
    if eab_key_id.is_some() != eab_key.is_some() {
        section.report("set both of eab_key_id and eab_key, or none of them");
    }
    let names = names.filter(|names| !names.is_empty()).or_else(|| {
        let host = public_url.and_then(host_name);
        if host.is_none() && public_url.is_some() {
            section.report("the host of server.public_url is no DNS name; set names");
        }
        host.map(|host| vec![host])
    });
    section.finish();
    Some(AcmeSettings {
        directory: directory?,
        server_ca: server_ca?,
        contact: contact.unwrap_or_default(),
        account: account?,
        names: names?,
        listen: listen?,
        webroot,
        renew_before: renew_before?,
        timeout: Duration::from_millis(u64::try_from(timeout?).unwrap_or(30_000)),
        external: eab_key_id.zip(eab_key).map(|(id, key)| ExternalAccountFiles { id, key }),
    })
}

/// Host of a URL, if it is a DNS name.
fn host_name(url: &str) -> Option<String> {
    let host = host_of(url).to_ascii_lowercase();
    is_name(&host).then_some(host)
}

/// Whether a text is a DNS name that a certificate can have: no address, no wildcard, which http-01 cannot verify.
fn is_name(name: &str) -> bool {
    let is_label = |label: &str| {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (1..=MAX_LABEL).contains(&label.len())
            && label.bytes().all(is_plain)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    name.len() <= MAX_NAME && name.split('.').all(is_label) && !name.rsplit('.').next().is_none_or(is_number)
}

fn read_name(value: Value<'_>) -> Result<String, String> {
    let name = value.text()?.to_ascii_lowercase();
    let wrong = || format!("`{name}` must be a host name, for example \"gateway.example.be\"; no address, no wildcard");
    if is_name(&name) { Ok(name) } else { Err(wrong()) }
}

fn read_mail(value: Value<'_>) -> Result<String, String> {
    let text = value.text()?;
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"?&,;:<>\"".contains(&byte);
    let has_parts = text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    if has_parts && text.len() <= MAX_NAME && text.bytes().all(is_plain) {
        return Ok(text.to_owned());
    }
    Err(format!("`{text}` must be a mail address, for example \"operations@example.be\""))
}

fn read_key_id(value: Value<'_>) -> Result<String, String> {
    let text = value.text()?;
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_plain { Ok(text.to_owned()) } else { Err("must be the key identifier that the CA gave you".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_a_url_is_a_name_or_nothing() {
        for (url, host) in [
            ("https://Gateway.Example.be", Some("gateway.example.be")),
            ("https://gateway.example.be:8443/soap", Some("gateway.example.be")),
            ("https://localhost", Some("localhost")),
            ("https://192.0.2.7", None),
            ("https://[2001:db8::1]:443/", None),
            ("https://*.example.be", None),
            ("https://a..be", None),
            ("https://-a.be", None),
        ] {
            assert_eq!(host_name(url).as_deref(), host, "{url}");
        }
    }

    #[test]
    fn a_mail_address_has_two_parts_and_no_header() {
        assert!(read_mail(Value::Text("operations@example.be")).is_ok());
        for wrong in ["", "@", "a@", "@b", "a b@c", "a@b?subject=c", "a@b,c@d", "mailto:a@b"] {
            assert!(read_mail(Value::Text(wrong)).is_err(), "{wrong}");
        }
    }
}
