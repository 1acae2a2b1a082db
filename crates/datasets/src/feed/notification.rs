//! `notification.xml`: the publisher's current serial and the files that lead to it.
//!
//! A [`Notification`] is complete by construction: it lists its snapshot and every delta after it,
//! each with a path that stays inside the feed. Parsing fetches nothing and does not compare with
//! the loaded state. Format: `docs/reference/feeds.md "Notification"`.

use std::collections::BTreeMap;
use std::fmt;

use super::xml::{Element, Tag, XmlError, tags};
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

/// Why a document is not a valid notification, and the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct NotificationError {
    /// Line of the tag, from 1.
    pub line: u64,
    /// What is wrong there.
    pub reason: NotificationFault,
}

/// What is wrong with a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotificationFault {
    /// Longer than [`Notification::BYTES_MAX`].
    #[error("the document is longer than 4 MiB")]
    TooLong,
    /// The document ends too early.
    #[error("the document ends before its root element is closed")]
    Incomplete,
    /// Not UTF-8.
    #[error("the document is not UTF-8")]
    Utf8,
    /// Not well-formed XML, or with a construct that the format forbids.
    #[error("this is not well-formed XML, or a construct that a notification may not have")]
    Markup,
    /// An element is missing, unexpected or out of order.
    #[error("the element `{0}` is expected here")]
    Element(&'static str),
    /// An element has content or a sibling that the format does not know.
    #[error("the end of the element is expected here")]
    End,
    /// An attribute is missing or unexpected.
    #[error("an attribute is missing or unexpected; `{0}` has exactly those that the schema lists")]
    Attributes(&'static str),
    /// The value of an attribute is invalid, or the version is not 1.
    #[error("the value of the attribute `{0}` is invalid")]
    Value(&'static str),
    /// `created` is not an xs:dateTime with a time zone.
    #[error("the value of the attribute `created` is not a date and time with a time zone, like 2026-11-01T03:00:00Z")]
    Created,
    /// A path that could leave the feed.
    #[error("the value of the attribute `uri` is not a plain relative path")]
    Uri,
    /// The files do not lead to the serial: a delta after the snapshot is missing, listed twice, or
    /// beyond the serial.
    #[error("the listed files do not lead to the serial of the notification")]
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
        let at_start = |reason| NotificationError { line: 1, reason };
        if document.len() as u64 > Self::BYTES_MAX {
            return Err(at_start(NotificationFault::TooLong));
        }
        let text = std::str::from_utf8(document).map_err(|_| at_start(NotificationFault::Utf8))?;
        let tags = tags(text).map_err(|XmlError { line, is_cut }| {
            let reason = if is_cut { NotificationFault::Incomplete } else { NotificationFault::Markup };
            NotificationError { line, reason }
        })?;
        let mut tags = Tags { tags: tags.iter(), line: 1 };
        let root = tags.open("notification")?;
        let [version, dataset, session, serial, created] =
            attributes(root, "notification", ["version", "dataset", "session", "serial", "created"])?;
        let line = root.line;
        let invalid = |name| NotificationError { line, reason: NotificationFault::Value(name) };
        if version != "1" {
            return Err(invalid("version"));
        }
        let dataset = Dataset::parse(dataset).ok_or(invalid("dataset"))?;
        let session = Session::parse(session).ok_or(invalid("session"))?;
        let serial = positive(serial).ok_or(invalid("serial"))?;
        let created = Timestamp::parse_zoned(created)
            .map_err(|_| NotificationError { line, reason: NotificationFault::Created })?;
        let snapshot = listed(tags.open("snapshot")?, "snapshot")?;
        tags.close()?;
        let mut deltas = BTreeMap::new();
        let mut is_duplicate = false;
        while let Some(element) = tags.open_or_close("delta")? {
            let delta = listed(element, "delta")?;
            tags.close()?;
            is_duplicate |= deltas.insert(delta.serial, delta).is_some();
        }
        let notification = Self { dataset, session, serial, created, snapshot, deltas };
        if is_duplicate || !notification.is_complete() {
            return Err(NotificationError { line, reason: NotificationFault::Chain });
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

/// The tags of a document that are not yet parsed.
struct Tags<'a> {
    tags: std::slice::Iter<'a, Tag>,
    /// Line of the last start tag.
    line: u64,
}

impl<'a> Tags<'a> {
    /// The next tag, which must open this element.
    fn open(&mut self, name: &'static str) -> Result<&'a Element, NotificationError> {
        self.open_or_close(name)?.ok_or(NotificationError { line: self.line, reason: NotificationFault::Element(name) })
    }

    /// The next tag, which must open this element, or close the one around it (`None`).
    fn open_or_close(&mut self, name: &'static str) -> Result<Option<&'a Element>, NotificationError> {
        match self.tags.next() {
            Some(Tag::Open(element)) => {
                self.line = element.line;
                if element.name == name {
                    return Ok(Some(element));
                }
                Err(NotificationError { line: element.line, reason: NotificationFault::Element(name) })
            }
            Some(Tag::Close) | None => Ok(None),
        }
    }

    /// The next tag, which must close an element.
    fn close(&mut self) -> Result<(), NotificationError> {
        match self.tags.next() {
            Some(Tag::Open(element)) => Err(NotificationError { line: element.line, reason: NotificationFault::End }),
            Some(Tag::Close) | None => Ok(()),
        }
    }
}

fn attributes<'a, const N: usize>(
    element: &'a Element,
    name: &'static str,
    names: [&str; N],
) -> Result<[&'a str; N], NotificationError> {
    let reason = NotificationFault::Attributes(name);
    element.exactly(names).ok_or(NotificationError { line: element.line, reason })
}

fn listed(element: &Element, name: &'static str) -> Result<ListedFile, NotificationError> {
    let [serial, uri, sha256, bytes, records] =
        attributes(element, name, ["serial", "uri", "sha256", "bytes", "records"])?;
    let wrong = |reason| NotificationError { line: element.line, reason };
    let invalid = |name| wrong(NotificationFault::Value(name));
    Ok(ListedFile {
        serial: positive(serial).ok_or(invalid("serial"))?,
        uri: Uri::parse(uri).ok_or(wrong(NotificationFault::Uri))?,
        digest: Digest::parse(sha256).map_err(|_| invalid("sha256"))?,
        bytes: count(bytes).ok_or(invalid("bytes"))?,
        records: count(records).ok_or(invalid("records"))?,
    })
}

/// Parses a count of at most 18 digits, which fits into every integer type in use, SQLite's
/// included.
fn count(text: &str) -> Option<u64> {
    let is_plain = (1..=18).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain)
}

fn positive(text: &str) -> Option<u64> {
    count(text).filter(|number| *number > 0)
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

    fn parse(document: &[u8]) -> Result<Notification, NotificationFault> {
        Notification::parse(document).map_err(|error| error.reason)
    }

    fn chain(serial: u64, snapshot: u64, deltas: &[u64]) -> Result<Notification, NotificationFault> {
        let mut files = vec![file("snapshot", snapshot, "s.csv")];
        files.extend(deltas.iter().map(|serial| file("delta", *serial, "d/1.csv.gz")));
        parse(document(serial, &files).as_bytes())
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
                Err(NotificationFault::Chain),
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
        assert_eq!(parse(evil.as_bytes()), Err(NotificationFault::Uri));
    }

    #[test]
    fn refuses_what_the_schema_forbids() {
        use NotificationFault::{Attributes, Created, Element, Incomplete, Markup, TooLong, Utf8, Value};
        let valid = document(5, &[file("snapshot", 5, "s.csv")]);
        for (from, to, error) in [
            ("version=\"1\"", "version=\"2\"", Value("version")),
            ("version=\"1\"", "", Attributes("notification")),
            ("version=\"1\"", "version=\"1\" xmlns=\"urn:x\"", Attributes("notification")),
            ("dataset=\"dimona\"", "dataset=\"Dimona\"", Value("dataset")),
            ("serial=\"5\"", "serial=\"0\"", Value("serial")),
            ("serial=\"5\"", "serial=\"+5\"", Value("serial")),
            ("serial=\"5\"", "serial=\"5555555555555555555\"", Value("serial")),
            ("created=\"2026", "created=\"26", Created),
            ("05:00:00Z", "05:00:00", Created),
            (SESSION, "9df4b597-af9e-4dca-bdda-719cce2c4e2", Value("session")),
            ("bytes=\"10\"", "bytes=\"-1\"", Value("bytes")),
            ("records=\"2\"", "records=\"\"", Value("records")),
            ("sha256=\"AB", "sha256=\"", Value("sha256")),
            ("<snapshot ", "<delta ", Element("snapshot")),
            ("<snapshot ", "<Snapshot ", Element("snapshot")),
            ("</notification>", "<snapshot/></notification>", Element("delta")),
            ("</notification>", "", Incomplete),
            ("</notification>", "\u{7}</notification>", Markup),
        ] {
            assert_eq!(parse(valid.replacen(from, to, 1).as_bytes()), Err(error), "{from} → {to}");
        }
        assert_eq!(parse(b"\xff"), Err(Utf8));
        assert_eq!(parse(document(5, &[]).as_bytes()), Err(Element("snapshot")));
        let long = vec![b' '; usize::try_from(Notification::BYTES_MAX).expect("a few MiB") + 1];
        assert_eq!(parse(&long), Err(TooLong));
    }

    #[test]
    fn an_error_names_its_line() {
        let valid = document(5, &[file("snapshot", 5, "s.csv"), file("delta", 5, "d.csv")]).replace("><", ">\n<");
        for (from, to, text) in [
            ("sha256=\"ABAB", "sha256=\"AB", "line 2: the value of the attribute `sha256` is invalid"),
            (
                "<delta serial=\"5\"",
                "<delta serial=\"6\"",
                "line 1: the listed files do not lead to the serial of the notification",
            ),
            (
                "uri=\"d.csv\"",
                "uri=\"/d.csv\"",
                "line 3: the value of the attribute `uri` is not a plain relative path",
            ),
            ("</notification>", "", "line 4: the document ends before its root element is closed"),
        ] {
            let error = Notification::parse(valid.replacen(from, to, 1).as_bytes()).expect_err("invalid");
            assert_eq!(error.to_string(), text);
        }
    }
}
