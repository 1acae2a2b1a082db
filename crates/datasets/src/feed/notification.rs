//! `notification.xml`: which state the publisher is at, and the files that lead there.
//!
//! A [`Notification`] that exists is one that could be followed: its snapshot and every delta after it are there, each
//! named by a path that stays inside the feed. Nothing was fetched, and nothing is known yet of the reader's own state.

use std::collections::BTreeMap;
use std::fmt;

use super::markup::{Element, Tag, tags};
use ehealth_core::model::{Dataset, Digest, Timestamp};

/// The publisher's name for one unbroken line of serials: a UUID.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Session(u128);

impl Session {
    /// The session with this value.
    #[must_use]
    pub const fn new(value: u128) -> Self {
        Self(value)
    }

    /// Reads the canonical form of RFC 9562, 8-4-4-4-12 hexadecimal digits of either case; `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let groups: Vec<&str> = text.split('-').collect();
        let right = groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]);
        let digits = groups.concat();
        if !right || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        u128::from_str_radix(&digits, 16).ok().map(Self)
    }

    /// The 128 bits.
    #[must_use]
    pub const fn as_u128(self) -> u128 {
        self.0
    }
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g, h, i, rest @ ..] = self.0.to_be_bytes();
        write!(f, "{a:02x}{b:02x}{c:02x}{d:02x}-{e:02x}{g:02x}-{h:02x}{i:02x}-")?;
        for (place, byte) in rest.iter().enumerate() {
            let dash = if place == 2 { "-" } else { "" };
            write!(f, "{dash}{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A path inside the feed: segments of `[A-Za-z0-9._-]` between single slashes, none of them `.` or `..`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Uri(String);

impl Uri {
    /// Paths longer than this are refused: what a Linux file name may have.
    const LENGTH_MAX: usize = 255;

    /// Reads a path; `None` if it is not such a one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        let inside = |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(plain);
        (text.len() <= Self::LENGTH_MAX && text.split('/').all(inside)).then(|| Self(text.to_owned()))
    }

    /// The path as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its segments: folders, then the file.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }
}

/// What a data file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// The whole dataset at a serial.
    Snapshot,
    /// What changed from the serial before.
    Delta,
}

impl FileKind {
    /// The kind's name: in a notification, in the names of rejected files.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot",
            Self::Delta => "delta",
        }
    }
}

/// One file of a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The state that the file leads to.
    pub serial: u64,
    /// Where it lies.
    pub uri: Uri,
    /// SHA-256 of the file as stored.
    pub digest: Digest,
    /// Its length as stored.
    pub bytes: u64,
    /// Its rows without the header.
    pub records: u64,
}

/// What a publisher offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Of which dataset.
    pub dataset: Dataset,
    /// In which line of serials.
    pub session: Session,
    /// The newest state, from 1.
    pub serial: u64,
    /// When the publisher made the notification.
    pub created: Timestamp,
    /// A whole state, at `serial` or before.
    pub snapshot: Listed,
    /// The deltas by their serials. Every serial after the snapshot's is there; before it there may be holes.
    pub deltas: BTreeMap<u64, Listed>,
}

/// Why a document is no notification that could be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotificationError {
    /// Longer than [`Notification::BYTES_MAX`].
    #[error("the notification is too long")]
    TooLong,
    /// Not UTF-8, not well-formed XML, or holding what the format has not.
    #[error("the notification is not XML of the right form")]
    Markup,
    /// An element or attribute is missing, superfluous or out of place.
    #[error("the notification has not the elements and attributes of its schema")]
    Structure,
    /// An attribute's value is not of its type, or a version that is not 1.
    #[error("an attribute of the notification has a wrong value")]
    Value,
    /// A path that could leave the feed.
    #[error("a path of the notification is not a plain relative one")]
    Uri,
    /// The files do not lead to the notification's serial: one is missing after the snapshot, twice there, or beyond.
    #[error("the files of the notification do not lead to its serial")]
    Chain,
}

impl Notification {
    /// The name of the document in its feed.
    pub const FILE_NAME: &str = "notification.xml";

    /// The name of the signed note beside it.
    pub const SIGNATURE_NAME: &str = "notification.sig";

    /// The longest document that is read: some 20 000 deltas. A longer one would only fill the memory.
    pub const BYTES_MAX: u64 = 4 * 1024 * 1024;

    /// Reads a whole document.
    ///
    /// # Errors
    /// [`NotificationError`]. A bad path anywhere wins over a wrong chain, and the first fault in the document over
    /// later ones.
    pub fn parse(document: &[u8]) -> Result<Self, NotificationError> {
        if document.len() as u64 > Self::BYTES_MAX {
            return Err(NotificationError::TooLong);
        }
        let text = std::str::from_utf8(document).map_err(|_| NotificationError::Markup)?;
        let tags = tags(text).map_err(|_| NotificationError::Markup)?;
        let mut tags = tags.iter();
        let root = open(tags.next(), "notification")?;
        let [version, dataset, session, serial, created] =
            root.exactly(["version", "dataset", "session", "serial", "created"]).ok_or(NotificationError::Structure)?;
        if version != "1" {
            return Err(NotificationError::Value);
        }
        let dataset = Dataset::parse(dataset).ok_or(NotificationError::Value)?;
        let session = Session::parse(session).ok_or(NotificationError::Value)?;
        let serial = positive(serial)?;
        let created = Timestamp::parse(created).map_err(|_| NotificationError::Value)?;
        let snapshot = listed(open(tags.next(), "snapshot")?)?;
        close(tags.next())?;
        let mut deltas = BTreeMap::new();
        let mut twice = false;
        loop {
            let tag = tags.next();
            if tag == Some(&Tag::Close) {
                break;
            }
            let delta = listed(open(tag, "delta")?)?;
            close(tags.next())?;
            twice |= deltas.insert(delta.serial, delta).is_some();
        }
        let notification = Self { dataset, session, serial, created, snapshot, deltas };
        if twice || !notification.leads_to_its_serial() {
            return Err(NotificationError::Chain);
        }
        Ok(notification)
    }

    fn leads_to_its_serial(&self) -> bool {
        let Some(gap) = self.serial.checked_sub(self.snapshot.serial) else { return false };
        let after = self.deltas.range(self.snapshot.serial.saturating_add(1)..).count() as u64;
        after == gap && self.deltas.keys().next_back().is_none_or(|last| *last <= self.serial)
    }
}

fn open<'a>(tag: Option<&'a Tag>, name: &str) -> Result<&'a Element, NotificationError> {
    match tag {
        Some(Tag::Open(element)) if element.name == name => Ok(element),
        _ => Err(NotificationError::Structure),
    }
}

fn close(tag: Option<&Tag>) -> Result<(), NotificationError> {
    if tag == Some(&Tag::Close) { Ok(()) } else { Err(NotificationError::Structure) }
}

fn listed(element: &Element) -> Result<Listed, NotificationError> {
    let [serial, uri, sha256, bytes, records] =
        element.exactly(["serial", "uri", "sha256", "bytes", "records"]).ok_or(NotificationError::Structure)?;
    Ok(Listed {
        serial: positive(serial)?,
        uri: Uri::parse(uri).ok_or(NotificationError::Uri)?,
        digest: Digest::parse(sha256).map_err(|_| NotificationError::Value)?,
        bytes: count(bytes)?,
        records: count(records)?,
    })
}

/// A count of at most 18 digits, so that it fits every integer it meets, SQLite's included.
fn count(text: &str) -> Result<u64, NotificationError> {
    let plain = (1..=18).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| plain).ok_or(NotificationError::Value)
}

fn positive(text: &str) -> Result<u64, NotificationError> {
    count(text).and_then(|number| if number == 0 { Err(NotificationError::Value) } else { Ok(number) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: &str = "9df4b597-af9e-4dca-bdda-719cce2c4e28";

    fn file(kind: &str, serial: u64, uri: &str) -> String {
        let sha256 = "AB".repeat(32);
        format!("<{kind} serial=\"{serial}\" uri=\"{uri}\" sha256=\"{sha256}\" bytes=\"10\" records=\"2\"/>")
    }

    fn document(serial: u64, files: &[String]) -> String {
        format!(
            "<notification version=\"1\" dataset=\"dimona\" session=\"{SESSION}\" serial=\"{serial}\" \
             created=\"2026-11-22T05:00:00Z\">{}</notification>",
            files.concat()
        )
    }

    fn chain(serial: u64, snapshot: u64, deltas: &[u64]) -> Result<Notification, NotificationError> {
        let mut files = vec![file("snapshot", snapshot, "s.csv")];
        files.extend(deltas.iter().map(|serial| file("delta", *serial, "d/1.csv.gz")));
        Notification::parse(document(serial, &files).as_bytes())
    }

    #[test]
    fn reads_what_the_publisher_offers() {
        let notification = chain(7, 5, &[7, 6, 3]).expect("a right one");
        assert_eq!((notification.dataset, notification.serial), (Dataset::Dimona, 7));
        assert_eq!(notification.session.to_string(), SESSION);
        assert_eq!(notification.created.to_string(), "2026-11-22T05:00:00.000Z");
        assert_eq!(notification.deltas.keys().copied().collect::<Vec<_>>(), [3, 6, 7]);
        assert_eq!(notification.snapshot.digest.as_bytes(), &[0xab; 32]);
    }

    #[test]
    fn the_files_must_lead_to_the_serial() {
        assert!(chain(5, 5, &[]).is_ok());
        assert!(chain(5, 5, &[2, 5]).is_ok(), "a hole that the snapshot spans");
        for (serial, snapshot, deltas) in
            [(5, 6, vec![]), (5, 4, vec![]), (6, 4, vec![6]), (5, 5, vec![6]), (5, 4, vec![5, 5]), (7, 5, vec![6, 8])]
        {
            assert_eq!(
                chain(serial, snapshot, &deltas),
                Err(NotificationError::Chain),
                "{serial} {snapshot} {deltas:?}"
            );
        }
    }

    #[test]
    fn a_path_stays_inside_the_feed() {
        for uri in ["a", "a/b.csv.zst", "...", "-", "a..b"] {
            assert!(Uri::parse(uri).is_some(), "{uri}");
        }
        let long = "a".repeat(256);
        for uri in
            ["", "/a", "a/", "a//b", "..", "a/../b", ".", "./a", "a\\b", "http://h/a", "a%2e", "a b", "é", "a\0", &long]
        {
            assert_eq!(Uri::parse(uri), None, "{uri}");
        }
        let evil = document(2, &[file("snapshot", 9, "s.csv"), file("delta", 2, "../d.csv")]);
        assert_eq!(Notification::parse(evil.as_bytes()), Err(NotificationError::Uri));
    }

    #[test]
    fn refuses_what_its_schema_does_not_allow() {
        use NotificationError::{Markup, Structure, TooLong, Value};
        let right = document(5, &[file("snapshot", 5, "s.csv")]);
        for (from, to, error) in [
            ("version=\"1\"", "version=\"2\"", Value),
            ("version=\"1\"", "", Structure),
            ("version=\"1\"", "version=\"1\" xmlns=\"urn:x\"", Structure),
            ("dataset=\"dimona\"", "dataset=\"Dimona\"", Value),
            ("serial=\"5\"", "serial=\"0\"", Value),
            ("serial=\"5\"", "serial=\"+5\"", Value),
            ("serial=\"5\"", "serial=\"5555555555555555555\"", Value),
            ("created=\"2026", "created=\"26", Value),
            (SESSION, "9df4b597-af9e-4dca-bdda-719cce2c4e2", Value),
            ("bytes=\"10\"", "bytes=\"-1\"", Value),
            ("records=\"2\"", "records=\"\"", Value),
            ("sha256=\"AB", "sha256=\"", Value),
            ("<snapshot ", "<delta ", Structure),
            ("<snapshot ", "<Snapshot ", Structure),
            ("</notification>", "<snapshot/></notification>", Structure),
            ("</notification>", "", Markup),
            ("</notification>", "\u{7}</notification>", Markup),
        ] {
            assert_eq!(Notification::parse(right.replacen(from, to, 1).as_bytes()), Err(error), "{from} → {to}");
        }
        assert_eq!(Notification::parse(b"\xff"), Err(Markup));
        assert_eq!(Notification::parse(document(5, &[]).as_bytes()), Err(Structure));
        let long = vec![b' '; usize::try_from(Notification::BYTES_MAX).expect("a few MiB") + 1];
        assert_eq!(Notification::parse(&long), Err(TooLong));
    }
}
