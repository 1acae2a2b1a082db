//! Readers of single values. Each error says what the value must be.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;

use super::duration::parse_duration;
use super::overrides::{Overrides, resolve};
use super::settings::FetchMode;
use super::value::Value;
use crate::server;
use crate::server::tls::RevocationFiles;
use audit_log::{MissingCheckpoint, MissingKeys};
use datasets::feed::Signer;
use datasets::sync::{FeedUrl, Share};
use ehealth_core::model::Environment;

/// A value, or what it must be.
pub(super) type Read<T> = Result<T, String>;

/// Reads paths, which are relative to the folder of the settings file.
#[derive(Clone, Copy)]
pub(super) struct PathReader<'a> {
    /// Folder of the settings file.
    pub folder: &'a Path,
    /// Knows the folder of credentials.
    pub overrides: &'a Overrides,
}

impl PathReader<'_> {
    /// Reads a file or folder.
    pub fn path(self, value: Value<'_>) -> Read<PathBuf> {
        match value.text()? {
            "" => Err("must be a path".to_owned()),
            text => Ok(self.folder.join(text)),
        }
    }

    /// Reads one path, or a list of at least one path.
    pub fn paths(self, value: Value<'_>) -> Read<Vec<PathBuf>> {
        match value.one_or_list(|value| self.path(value))? {
            none if none.is_empty() => Err("must name at least one file or folder".to_owned()),
            paths => Ok(paths),
        }
    }

    /// Reads the file of a secret. A value that looks like the secret itself is refused, and not
    /// repeated.
    pub fn secret(self, value: Value<'_>) -> Read<PathBuf> {
        let text = value.text()?;
        let wrong = "must be the path of the secret's file, or credential:NAME; never write a secret into a setting";
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let names_nothing = match text.strip_prefix("credential:") {
            Some(name) => !name.bytes().all(is_name) || name.trim_matches('.').is_empty(),
            None => text.is_empty() || text.contains('\n') || text.contains("-----"),
        };
        if names_nothing { Err(wrong.to_owned()) } else { Ok(resolve(self.folder, text, self.overrides)) }
    }

    /// Reads the CRLs, or `none`.
    pub fn revocation(self, value: Value<'_>) -> Read<RevocationFiles> {
        if value.text() == Ok("none") {
            return Ok(RevocationFiles::None);
        }
        self.paths(value).map(RevocationFiles::Lists).map_err(|wrong| {
            format!("{wrong}, or be \"none\": revoked certificates are then accepted, and every start logs a warning")
        })
    }
}

/// Reads `trust.environment`.
pub(super) fn environment(value: Value<'_>) -> Read<Environment> {
    let text = value.text()?;
    Environment::parse(text)
        .ok_or_else(|| format!("must be one of {}", Environment::ALL.map(Environment::code).join(", ")))
}

/// Reads a duration between two limits in seconds, both inclusive, as milliseconds.
pub(super) fn millis(value: Value<'_>, least: u64, most: u64) -> Read<i64> {
    let duration = parse_duration(value.text()?)?;
    let millis = i64::try_from(duration.as_millis()).ok();
    let in_limits = millis.filter(|_| (least..=most).contains(&duration.as_secs()));
    in_limits.ok_or_else(|| format!("must be a duration from {least}s to {most}s"))
}

/// Reads a value whose type parses its text.
pub(super) fn parsed<T: FromStr<Err: Display>>(value: Value<'_>) -> Read<T> {
    value.text()?.parse().map_err(|error: T::Err| error.to_string())
}

/// Reads `cluster.durability`.
pub(super) fn durability(value: Value<'_>) -> Read<cluster::Durability> {
    match value.text()? {
        "replicated" => Ok(cluster::Durability::Replicated),
        "local" => Ok(cluster::Durability::Local),
        _ => Err("must be \"replicated\" or \"local\"".to_owned()),
    }
}

/// Reads `data.fetch_mode`.
pub(super) fn fetch_mode(value: Value<'_>) -> Read<FetchMode> {
    match value.text()? {
        "in_process" => Ok(FetchMode::InProcess),
        "separate_process" => Ok(FetchMode::SeparateProcess),
        _ => Err("must be \"in_process\" or \"separate_process\"".to_owned()),
    }
}

/// Reads an address and a port.
pub(super) fn address(value: Value<'_>) -> Read<SocketAddr> {
    let wrong = |_| "must be an IP address and a port, for example \"0.0.0.0:8443\"".to_owned();
    value.text()?.parse().map_err(wrong)
}

/// Reads IP addresses and networks in CIDR notation.
pub(super) fn networks(value: Value<'_>) -> Read<Vec<IpNet>> {
    let networks = value.one_or_list(|item| {
        let text = item.text()?;
        let network = text.parse::<IpAddr>().map(IpNet::from).or_else(|_| text.parse());
        let network = network.map_err(|_| {
            format!("`{text}` must be an IP address or a network, for example \"192.0.2.7\" or \"192.0.2.0/24\"")
        })?;
        if network.addr() != network.network() {
            return Err(format!("`{network}` has bits beyond its prefix; write {} or one address", network.trunc()));
        }
        Ok(network)
    })?;
    if networks.is_empty() { Err("must name at least one address or network".to_owned()) } else { Ok(networks) }
}

/// Reads `server.listen_mode`.
pub(super) fn listen_mode(value: Value<'_>) -> Read<server::PortUse> {
    match value.text()? {
        "exclusive" => Ok(server::PortUse::Own),
        "shared" => Ok(server::PortUse::Shared),
        _ => Err("must be \"exclusive\" or \"shared\"".to_owned()),
    }
}

/// Reads `server.public_url`, without a slash at its end.
pub(super) fn public_url(value: Value<'_>) -> Read<String> {
    parse_public_url(value.text()?)
}

/// Parses a public URL; returns it without a slash at its end.
///
/// # Errors
/// What it must be.
pub fn parse_public_url(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("https://").unwrap_or("");
    if rest.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) || text.contains(['?', '#']) {
        return Err("must be an HTTPS URL without a query, for example \"https://gateway.example.be\"".to_owned());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// Reads `server.max_requests_per_consumer`: at most the limit of all consumers together.
pub(super) fn requests_per_consumer(value: Value<'_>) -> Read<usize> {
    let most = u64::try_from(server::Limits::default().messages).unwrap_or(u64::MAX);
    value.integer(1, most).map(|count| usize::try_from(count).unwrap_or(usize::MAX))
}

/// Reads `limits.idle`.
pub(super) fn idle(value: Value<'_>) -> Read<Duration> {
    let idle = parse_duration(value.text()?)?;
    let (least, most) = (Duration::from_secs(1), Duration::from_hours(1));
    if (least..=most).contains(&idle) { Ok(idle) } else { Err("must be from \"1s\" to \"1h\"".to_owned()) }
}

/// Reads `limits.unregistered_per_minute`.
pub(super) fn unregistered_per_minute(value: Value<'_>) -> Read<u32> {
    value.integer(0, 60_000).map(|count| u32::try_from(count).unwrap_or(u32::MAX))
}

/// Reads a number of bytes with a binary unit.
pub(super) fn size(value: Value<'_>) -> Read<u64> {
    let wrong = || "must be a size: an integer with the unit KiB, MiB, GiB or TiB, for example \"512MiB\"".to_owned();
    let text = value.text()?;
    let (number, unit) = text.split_at(text.bytes().take_while(u8::is_ascii_digit).count());
    let shift = match unit {
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        "TiB" => 40,
        _ => return Err(wrong()),
    };
    let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift));
    bytes.ok_or_else(wrong)
}

/// Reads `audit_log.missing_keys`.
pub(super) fn missing_keys(value: Value<'_>) -> Read<MissingKeys> {
    match value.text()? {
        "refuse" => Ok(MissingKeys::Refuse),
        "make" => Ok(MissingKeys::Make),
        _ => Err("must be \"refuse\" or \"make\"".to_owned()),
    }
}

/// Reads `audit_log.missing_checkpoint`.
pub(super) fn missing_checkpoint(value: Value<'_>) -> Read<MissingCheckpoint> {
    match value.text()? {
        "refuse" => Ok(MissingCheckpoint::Refuse),
        "sign" => Ok(MissingCheckpoint::Sign),
        _ => Err("must be \"refuse\" or \"sign\"".to_owned()),
    }
}

/// Reads the origin of an audit log's checkpoints (C2SP signed-note: no blanks, no plus sign).
pub(super) fn log_origin(value: Value<'_>) -> Read<String> {
    let text = value.text()?;
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'+';
    if text.is_empty() || !text.bytes().all(is_plain) {
        let wrong = "must be a name without blanks and plus signs, for example \"gateway.example.be/audit-log\"";
        return Err(wrong.to_owned());
    }
    Ok(text.to_owned())
}

/// Reads the URL of a feed.
pub(super) fn feed_url(value: Value<'_>) -> Read<FeedUrl> {
    let wrong = "must be the HTTPS URL of a folder, for example \"https://feeds.example.be/dimona/\"";
    FeedUrl::parse(value.text()?).ok_or_else(|| wrong.to_owned())
}

/// Reads the verifier key of a publisher.
pub(super) fn signer(value: Value<'_>) -> Read<Signer> {
    let wrong = "must be a C2SP verifier key, NAME+HASH+KEY, with an Ed25519 key";
    Signer::parse(value.text()?).ok_or_else(|| wrong.to_owned())
}

/// Reads a percentage with up to four decimals: millionths, exactly.
pub(super) fn percentage(value: Value<'_>) -> Read<Share> {
    let wrong = || "must be a percentage from \"0%\" to \"100%\", for example \"0.1%\"".to_owned();
    let number = value.text()?.strip_suffix('%').ok_or_else(wrong)?;
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let are_digits = |text: &str, most| (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if !are_digits(whole, 3) || !are_digits(decimals, 4) {
        return Err(wrong());
    }
    let millionths: u32 = format!("{whole}{decimals:0<4}").parse().map_err(|_| wrong())?;
    if millionths > 1_000_000 { Err(wrong()) } else { Ok(Share::from_millionths(millionths)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_no_bits_beyond_its_prefix() {
        let shown =
            |text| networks(Value::Text(text)).map(|read| read.iter().map(IpNet::to_string).collect::<Vec<_>>());
        assert_eq!(shown("192.0.2.7, 2001:db8::/64"), Ok(vec!["192.0.2.7/32".to_owned(), "2001:db8::/64".to_owned()]));
        for (text, remedy) in [
            ("192.0.2.7/24", "`192.0.2.7/24` has bits beyond its prefix; write 192.0.2.0/24 or one address"),
            ("example.be", "`example.be` must be an IP address or a network"),
            ("192.0.2.0/33", "`192.0.2.0/33` must be an IP address or a network"),
            ("", "`` must be an IP address or a network"),
        ] {
            let error = shown(text).expect_err(text);
            assert!(error.starts_with(remedy), "{error}");
        }
    }

    #[test]
    fn a_size_is_an_integer_with_a_binary_unit() {
        for (text, bytes) in [("0KiB", 0), ("3MiB", 3_145_728), ("2GiB", 2_147_483_648), ("1TiB", 1_u64 << 40)] {
            assert_eq!(size(Value::Text(text)), Ok(bytes));
        }
        for text in ["", "GiB", "1", "1GB", "1 GiB", "-1GiB", "+1GiB", "1.5GiB", "1gib", "99999999TiB", "1é"] {
            assert!(size(Value::Text(text)).is_err(), "{text}");
        }
    }
}
