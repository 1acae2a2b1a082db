//! `notification.xml`: the publisher's current serial and the files that lead to it.
//!
//! A [`Notification`] is complete by construction: it lists its snapshot and every delta after it,
//! each with a path that stays inside the feed. Parsing fetches nothing and does not compare with
//! the loaded state. Format: `docs/reference/feeds.md "Notification"`.

use std::collections::BTreeMap;
use std::fmt;

use super::xml::{Element, Tag, tags};
use ehealth_core::closed_enum;
use ehealth_core::model::{Dataset, Digest, Timestamp};

/// UUID of one unbroken sequence of serials of a publisher.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Session(u128);

impl Session {
    /// Makes a session from its 128 bits.
    #[must_use]
    pub const fn new(value: u128) -> Self {
        Self(value)
    }

    /// Parses the canonical form of RFC 9562: 8-4-4-4-12 hexadecimal digits of either case. `None`
    /// for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let groups: Vec<&str> = text.split('-').collect();
        let is_canonical = groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]);
        let digits = groups.concat();
        if !is_canonical || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
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
        for (index, byte) in rest.iter().enumerate() {
            let dash = if index == 2 { "-" } else { "" };
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

/// Relative path inside the feed: segments of `[A-Za-z0-9._-]` between single slashes, none of them
/// `.` or `..`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Uri(String);

impl Uri {
    /// Maximum length in bytes: that of a Linux file name.
    const LENGTH_MAX: usize = 255;

    /// Parses a path; `None` if it is not of this form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        let is_inside = |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(is_plain);
        (text.len() <= Self::LENGTH_MAX && text.split('/').all(is_inside)).then(|| Self(text.to_owned()))
    }

    /// The path as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Segments in order: folders, then the file.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }
}

closed_enum! {
    /// Kind of a data file. The codes are element names in a notification and part of the names of
    /// rejected files.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum FileKind {
        /// The complete dataset at a serial.
        Snapshot => "snapshot",
        /// The changes from the previous serial.
        Delta => "delta",
    }
}

/// One data file as a notification lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFile {
    /// Serial that the dataset has after the file is loaded.
    pub serial: u64,
    /// Path inside the feed.
    pub uri: Uri,
    /// SHA-256 of the file as stored.
    pub digest: Digest,
    /// Length in bytes as stored.
    pub bytes: u64,
    /// Rows without the header.
    pub records: u64,
}

/// A publisher's notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Dataset of the feed.
    pub dataset: Dataset,
    /// Session that the serials belong to.
    pub session: Session,
    /// Newest serial, from 1.
    pub serial: u64,
    /// Time at which the publisher made the notification; freshness counts from here.
    pub created: Timestamp,
    /// The snapshot, at `serial` or before.
    pub snapshot: ListedFile,
    /// Deltas by serial. Every serial after the snapshot's is listed; before it there may be gaps.
    pub deltas: BTreeMap<u64, ListedFile>,
}

/// Why a document is not a valid notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotificationError {
    /// Longer than [`Notification::BYTES_MAX`].
    #[error("the notification is longer than 4 MiB")]
    TooLong,
    /// Not UTF-8, not well-formed XML, or with a construct that the format forbids.
    #[error("the notification is not well-formed XML of the allowed subset")]
    Markup,
    /// An element or attribute is missing, unexpected or out of order.
    #[error("an element or attribute of the notification is missing, unexpected or out of order")]
    Structure,
    /// The value of an attribute is invalid, or the version is not 1.
    #[error("an attribute of the notification has an invalid value")]
    Value,
    /// A path that could leave the feed.
    #[error("a path in the notification is not a plain relative path")]
    Uri,
    /// The files do not lead to the serial: a delta after the snapshot is missing, listed twice, or
    /// beyond the serial.
    #[error("the files of the notification do not lead to its serial")]
    Chain,
}

impl Notification {
    /// File name of the document in its feed.
    pub const FILE_NAME: &str = "notification.xml";

    /// File name of the signed note beside it.
    pub const SIGNATURE_NAME: &str = "notification.sig";

    /// Maximum length of a document: 4 MiB, about 20 000 deltas. It bounds the memory.
    pub const BYTES_MAX: u64 = 4 * 1024 * 1024;

    /// Parses a complete document.
    ///
    /// # Errors
    /// [`NotificationError`]: the first error in the document. An invalid path anywhere comes before an incomplete
    /// chain.
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
        let created = Timestamp::parse_zoned(created).map_err(|_| NotificationError::Value)?;
        let snapshot = listed(open(tags.next(), "snapshot")?)?;
        close(tags.next())?;
        let mut deltas = BTreeMap::new();
        let mut is_duplicate = false;
        loop {
            let tag = tags.next();
            if tag == Some(&Tag::Close) {
                break;
            }
            let delta = listed(open(tag, "delta")?)?;
            close(tags.next())?;
            is_duplicate |= deltas.insert(delta.serial, delta).is_some();
        }
        let notification = Self { dataset, session, serial, created, snapshot, deltas };
        if is_duplicate || !notification.is_complete() {
            return Err(NotificationError::Chain);
        }
        Ok(notification)
    }

    /// Whether the snapshot and the deltas after it lead to the serial.
    fn is_complete(&self) -> bool {
        let Some(gap) = self.serial.checked_sub(self.snapshot.serial) else { return false };
        let after = self.deltas.range(self.snapshot.serial.saturating_add(1)..).count() as u64;
        after == gap && self.deltas.keys().next_back().is_none_or(|last| *last <= self.serial)
    }
}

fn open<'a>(tag: Option<&'a Tag>, name: &str) -> Result<&'a Element, NotificationError> {
    match tag {
        Some(Tag::Open(element)) if element.name == name => Ok(element),
        Some(Tag::Open(_) | Tag::Close) | None => Err(NotificationError::Structure),
    }
}

fn close(tag: Option<&Tag>) -> Result<(), NotificationError> {
    if tag == Some(&Tag::Close) { Ok(()) } else { Err(NotificationError::Structure) }
}

fn listed(element: &Element) -> Result<ListedFile, NotificationError> {
    let [serial, uri, sha256, bytes, records] =
        element.exactly(["serial", "uri", "sha256", "bytes", "records"]).ok_or(NotificationError::Structure)?;
    Ok(ListedFile {
        serial: positive(serial)?,
        uri: Uri::parse(uri).ok_or(NotificationError::Uri)?,
        digest: Digest::parse(sha256).map_err(|_| NotificationError::Value)?,
        bytes: count(bytes)?,
        records: count(records)?,
    })
}

/// Parses a count of at most 18 digits, which fits into every integer type in use, SQLite's
/// included.
fn count(text: &str) -> Result<u64, NotificationError> {
    let is_plain = (1..=18).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain).ok_or(NotificationError::Value)
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
    fn parses_a_notification() {
        let notification = chain(7, 5, &[7, 6, 3]).expect("a valid notification");
        assert_eq!((notification.dataset, notification.serial), (Dataset::Dimona, 7));
        assert_eq!(notification.session.to_string(), SESSION);
        assert_eq!(notification.created.to_string(), "2026-11-22T05:00:00.000Z");
        assert_eq!(notification.deltas.keys().copied().collect::<Vec<_>>(), [3, 6, 7]);
        assert_eq!(notification.snapshot.digest.as_bytes(), &[0xab; 32]);
    }

    #[test]
    fn the_files_must_lead_to_the_serial() {
        assert!(chain(5, 5, &[]).is_ok());
        assert!(chain(5, 5, &[2, 5]).is_ok(), "the snapshot spans the gap");
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
    fn accepts_only_paths_inside_the_feed() {
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
    fn refuses_what_the_schema_forbids() {
        use NotificationError::{Markup, Structure, TooLong, Value};
        let valid = document(5, &[file("snapshot", 5, "s.csv")]);
        for (from, to, error) in [
            ("version=\"1\"", "version=\"2\"", Value),
            ("version=\"1\"", "", Structure),
            ("version=\"1\"", "version=\"1\" xmlns=\"urn:x\"", Structure),
            ("dataset=\"dimona\"", "dataset=\"Dimona\"", Value),
            ("serial=\"5\"", "serial=\"0\"", Value),
            ("serial=\"5\"", "serial=\"+5\"", Value),
            ("serial=\"5\"", "serial=\"5555555555555555555\"", Value),
            ("created=\"2026", "created=\"26", Value),
            ("05:00:00Z", "05:00:00", Value),
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
            assert_eq!(Notification::parse(valid.replacen(from, to, 1).as_bytes()), Err(error), "{from} → {to}");
        }
        assert_eq!(Notification::parse(b"\xff"), Err(Markup));
        assert_eq!(Notification::parse(document(5, &[]).as_bytes()), Err(Structure));
        let long = vec![b' '; usize::try_from(Notification::BYTES_MAX).expect("a few MiB") + 1];
        assert_eq!(Notification::parse(&long), Err(TooLong));
    }
}
