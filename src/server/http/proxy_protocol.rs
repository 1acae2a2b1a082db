//! PROXY protocol, version 2: the address of a client behind a load balancer that passes bytes on
//! (HAProxy, `proxy-protocol.txt`, section 2.2).
//!
//! Only a balancer that the settings list is believed, and it must send the header: the receiver
//! does not guess (section 2). The header is not part of TLS, so a machine on the way could change
//! it. It affects logs and the limits on handshakes, never who the caller is: that is the
//! certificate.

use std::io;
use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use proxy_header::{ParseConfig, Protocol, ProxyHeader};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// Bytes before the addresses: signature, version and command, family, length.
const FIXED_BYTES: usize = 16;
/// Position of the length of the rest.
const LENGTH_AT: usize = 14;
/// Maximum bytes of the rest: addresses, and what a balancer adds about itself and the client. The
/// protocol allows 64 KiB; HAProxy sends less than 1 KiB.
const MAX_REST_BYTES: usize = 4_096;
/// Signature of version 2.
pub(super) const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// How a header of version 1 begins.
pub(super) const TEXT_SIGNATURE: &[u8; 6] = b"PROXY ";

/// Why a balancer's header is not accepted.
#[derive(Debug, thiserror::Error)]
pub(super) enum HeaderError {
    #[error("the connection ended within the header: {0}")]
    Read(#[from] io::Error),
    #[error("it is the text form, version 1; configure version 2 (HAProxy: send-proxy-v2)")]
    Version1,
    #[error("the connection begins without one; configure the balancer to send version 2 (HAProxy: send-proxy-v2)")]
    Missing,
    #[error("it announces {0} bytes after the first 16; at most 4096 are accepted")]
    TooLong(usize),
    #[error("it is malformed")]
    Malformed,
    #[error("it describes a datagram")]
    Datagram,
}

impl HeaderError {
    /// Code for the log.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Read(_) => "cut",
            Self::Version1 => "version-1",
            Self::Missing => "missing",
            Self::TooLong(_) => "too-long",
            Self::Malformed => "malformed",
            Self::Datagram => "datagram",
        }
    }
}

/// Whether a connection from this address begins with a header.
pub(super) fn is_balancer(balancers: &[IpNet], address: IpAddr) -> bool {
    balancers.iter().any(|network| network.contains(&address.to_canonical()))
}

/// Reads the header, and not a byte of what follows. Returns the address of the client; `None` if
/// the balancer itself is the client, because it checks the service (`LOCAL`), or names no address
/// of the internet.
///
/// # Errors
/// [`HeaderError`]; the connection is of no use then.
pub(super) async fn read_header(stream: &mut TcpStream) -> Result<Option<SocketAddr>, HeaderError> {
    let mut header = vec![0; FIXED_BYTES];
    // What is no header is refused by its first bytes: if it is shorter than one, waiting would end in the time-out.
    let first = stream.read(&mut header).await?;
    check_signature(header.get(..first).unwrap_or_default())?;
    if let Some(missing) = header.get_mut(first..) {
        stream.read_exact(missing).await?;
    }
    check_signature(&header)?;
    let rest = match header.get(LENGTH_AT..) {
        Some([high, low]) => usize::from(u16::from_be_bytes([*high, *low])),
        Some(_) | None => return Err(HeaderError::Malformed),
    };
    if rest > MAX_REST_BYTES {
        return Err(HeaderError::TooLong(rest));
    }
    header.resize(FIXED_BYTES.saturating_add(rest), 0);
    if let Some(rest) = header.get_mut(FIXED_BYTES..) {
        stream.read_exact(rest).await?;
    }
    parse(&header)
}

/// Whether the bytes begin a header of version 2, as far as they go.
fn check_signature(bytes: &[u8]) -> Result<(), HeaderError> {
    let begins = |signature: &[u8]| bytes.iter().zip(signature).all(|(byte, expected)| byte == expected);
    if begins(SIGNATURE) {
        Ok(())
    } else if begins(TEXT_SIGNATURE) {
        Err(HeaderError::Version1)
    } else {
        Err(HeaderError::Missing)
    }
}

fn parse(header: &[u8]) -> Result<Option<SocketAddr>, HeaderError> {
    let config = ParseConfig { include_tlvs: false, allow_v1: false, allow_v2: true };
    let (header, _) = ProxyHeader::parse(header, config).map_err(|_| HeaderError::Malformed)?;
    match header.proxied_address() {
        Some(proxied) if proxied.protocol == Protocol::Datagram => Err(HeaderError::Datagram),
        Some(proxied) => Ok(Some(proxied.source)),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use proxy_header::ProxiedAddress;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;

    fn encode(header: &ProxyHeader<'_>) -> Vec<u8> {
        let mut bytes = vec![0; 8_192];
        let length = header.encode_to_slice_v2(&mut bytes).expect("it fits");
        bytes.truncate(length);
        bytes
    }

    fn of_client(source: &str, destination: &str) -> Vec<u8> {
        let parse = |text: &str| text.parse().expect("an address");
        encode(&ProxyHeader::with_address(ProxiedAddress::stream(parse(source), parse(destination))))
    }

    /// What is read of these bytes, and the bytes that are left.
    async fn read(bytes: &[u8]) -> (Result<Option<SocketAddr>, HeaderError>, Vec<u8>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let mut client = TcpStream::connect(listener.local_addr().expect("bound")).await.expect("connected");
        let (mut accepted, _) = listener.accept().await.expect("accepted");
        client.write_all(bytes).await.expect("sent");
        drop(client);
        let read = read_header(&mut accepted).await;
        let mut left = Vec::new();
        accepted.read_to_end(&mut left).await.expect("read");
        (read, left)
    }

    #[tokio::test]
    async fn the_header_names_the_client_and_nothing_behind_it_is_read() {
        for (source, destination) in [("192.0.2.7:1234", "198.51.100.1:443"), ("[2001:db8::7]:1", "[2001:db8::1]:2")] {
            let mut bytes = of_client(source, destination);
            bytes.extend(b"\x16\x03\x01");
            let (read, left) = read(&bytes).await;
            assert_eq!(read.expect("a header").map(|address| address.to_string()).as_deref(), Some(source));
            assert_eq!(left, b"\x16\x03\x01");
        }
    }

    #[tokio::test]
    async fn a_check_of_the_balancer_and_unknown_families_name_no_client() {
        let local = encode(&ProxyHeader::with_local());
        let unix = [SIGNATURE.as_slice(), b"\x21\x31\x00\xd8", &[0; 216]].concat();
        let unspecified = [SIGNATURE.as_slice(), b"\x21\x00\x00\x00"].concat();
        for bytes in [local, unix, unspecified] {
            assert_eq!(read(&bytes).await.0.expect("a header"), None);
        }
    }

    #[tokio::test]
    async fn what_is_no_header_of_version_2_is_refused_with_its_reason() {
        let signature = SIGNATURE.as_slice();
        let whole = of_client("192.0.2.7:1234", "198.51.100.1:443");
        for (bytes, code) in [
            (b"\x16\x03\x01\x02\x00\x01".to_vec(), "missing"),
            (b"PROXY TCP4 192.0.2.7 198.51.100.1 1234 443\r\n".to_vec(), "version-1"),
            (b"\r\n\r\nGET / HTTP/1.1\r\n\r\n".to_vec(), "missing"),
            (whole[..whole.len() - 1].to_vec(), "cut"),
            (whole[..15].to_vec(), "cut"),
            ([signature, b"\x21\x11\x10\x01"].concat(), "too-long"),
            ([signature, b"\x21\x11\xff\xff"].concat(), "too-long"),
            // Too short for its family; version 3; an unknown command; an unknown family; a datagram.
            ([signature, b"\x21\x11\x00\x00"].concat(), "malformed"),
            ([signature, b"\x31\x11\x00\x0c", &[0; 12]].concat(), "malformed"),
            ([signature, b"\x22\x11\x00\x0c", &[0; 12]].concat(), "malformed"),
            ([signature, b"\x21\x41\x00\x0c", &[0; 12]].concat(), "malformed"),
            ([signature, b"\x21\x12\x00\x0c", &[0; 12]].concat(), "datagram"),
        ] {
            let error = read(&bytes).await.0.expect_err("no header");
            assert_eq!(error.code(), code, "{}: {error}", bytes.escape_ascii());
        }
    }

    #[test]
    fn a_listed_network_has_its_addresses_in_both_families() {
        let balancers = ["192.0.2.0/24", "2001:db8::7/128"].map(|network| network.parse().expect("a network"));
        let is_listed = |address: &str| is_balancer(&balancers, address.parse().expect("an address"));
        assert!(is_listed("192.0.2.200") && is_listed("::ffff:192.0.2.200") && is_listed("2001:db8::7"));
        assert!(!is_listed("192.0.3.1") && !is_listed("2001:db8::8") && !is_balancer(&[], IpAddr::from([0; 4])));
    }
}
