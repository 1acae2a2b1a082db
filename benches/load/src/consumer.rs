//! A consumer: the value of `--consumer`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// A consumer of the command line.
#[derive(Debug, Clone)]
pub struct Consumer {
    pub name: String,
    pub certificate: PathBuf,
    pub key: PathBuf,
    pub request: PathBuf,
    pub connections: usize,
    /// Local address to connect from.
    pub from: Option<IpAddr>,
    pub arrivals: Arrivals,
    pub connecting: Connecting,
    pub slow: Option<Slow>,
    pub expect: String,
}

/// Time at which the next request is due.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Arrivals {
    /// After the answer to the previous one.
    Closed,
    /// This many per second.
    Open(f64),
}

/// Use of a connection after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connecting {
    /// It is kept for the next request.
    Kept,
    /// It is closed; the next request opens a new one.
    Fresh,
}

/// Part of a request that a hostile consumer sends byte by byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slow {
    Handshake,
    Head,
    Body,
}

impl FromStr for Consumer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (mut name, mut certificate, mut key, mut request) = (None, None, None, None);
        let (mut connections, mut arrivals, mut connecting, mut slow) = (1, Arrivals::Closed, Connecting::Kept, None);
        let mut from = None;
        let mut expect = "Envelope>".to_owned();
        for part in text.split(',') {
            let (word, value) = part.split_once('=').ok_or_else(|| format!("{part:?} is not KEY=VALUE"))?;
            match word {
                "name" => name = Some(value.to_owned()),
                "cert" => certificate = Some(PathBuf::from(value)),
                "key" => key = Some(PathBuf::from(value)),
                "request" => request = Some(PathBuf::from(value)),
                "expect" => expect = value.to_owned(),
                "connections" => {
                    let count = value.parse().ok().filter(|count| *count > 0);
                    connections =
                        count.ok_or_else(|| format!("connections={value}: expected a number of at least 1"))?;
                }
                "from" => from = Some(value.parse().map_err(|_| format!("from={value}: expected an IP address"))?),
                "rate" => {
                    let rate = value.parse().ok().filter(|rate| *rate > 0.0 && *rate < 1e7);
                    arrivals =
                        Arrivals::Open(rate.ok_or_else(|| format!("rate={value}: expected requests per second"))?);
                }
                "fresh" => {
                    connecting = match value {
                        "yes" => Connecting::Fresh,
                        "no" => Connecting::Kept,
                        _ => return Err(format!("fresh={value}: expected yes or no")),
                    }
                }
                "slow" => {
                    slow = Some(match value {
                        "handshake" => Slow::Handshake,
                        "head" => Slow::Head,
                        "body" => Slow::Body,
                        _ => return Err(format!("slow={value}: expected handshake, head or body")),
                    });
                }
                _ => return Err(format!("{word}: unknown key; see --help")),
            }
        }
        let missing = |word| format!("{word}= is missing");
        Ok(Self {
            name: name.ok_or_else(|| missing("name"))?,
            certificate: certificate.ok_or_else(|| missing("cert"))?,
            key: key.ok_or_else(|| missing("key"))?,
            request: request.ok_or_else(|| missing("request"))?,
            connections,
            from,
            arrivals,
            connecting,
            slow,
            expect,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_one_kept_connection_in_a_closed_loop() {
        let consumer: Consumer = "name=a,cert=c,key=k,request=r".parse().expect("a consumer");
        assert_eq!((consumer.connections, consumer.connecting), (1, Connecting::Kept));
        assert_eq!((consumer.arrivals, consumer.slow), (Arrivals::Closed, None));
    }

    #[test]
    fn invalid_values_are_reported() {
        for (text, expected) in [
            ("name=a,cert=c,key=k", "request= is missing"),
            ("name", "not KEY=VALUE"),
            ("rate=-1", "requests per second"),
            ("slow=all", "handshake, head or body"),
            ("colour=red", "unknown key"),
        ] {
            let error = text.parse::<Consumer>().expect_err("refused");
            assert!(error.contains(expected), "{error}");
        }
    }
}
