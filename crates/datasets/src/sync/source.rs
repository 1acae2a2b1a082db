//! Opens the files of a feed, and nothing outside the feed, whatever a notification says.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::bounded::read_at_most;
use super::error::{FileFault, RunError};
use super::https::FeedClient;
use super::monitor::{Activity, Monitor};
use super::settings::Source;
use crate::feed::{Notification, Uri};
use crate::store::CachedNotification;
use ehealth_core::model::{Dataset, Timestamp};

/// Maximum length of a signed note: 16 KiB. One with a few signatures has some hundred bytes.
const SIGNATURE_BYTES_MAX: u64 = 16 * 1024;

/// A feed that is open for one run.
pub(super) struct OpenFeed<'a> {
    transport: Transport<'a>,
    monitor: &'a Monitor,
    activity: &'a Activity,
}

enum Transport<'a> {
    Folder(&'a Path),
    Https(FeedClient<'a>),
}

impl<'a> OpenFeed<'a> {
    /// Opens a feed. Nothing is requested yet.
    pub fn open(source: &'a Source, dataset: Dataset, monitor: &'a Monitor, now: Timestamp) -> Result<Self, RunError> {
        let transport = match source {
            Source::Folder(folder) => Transport::Folder(folder),
            Source::Https(feed) => {
                let unusable = |source| RunError::Source { file: feed.url.to_string(), source };
                Transport::Https(FeedClient::new(feed, monitor, now).map_err(unusable)?)
            }
        };
        Ok(Self { transport, monitor, activity: monitor.activity(dataset) })
    }

    /// Reads the notification: at most one byte more than its maximum length, and for a web server
    /// the notification to cache. The server need not send the document of `cached` again.
    pub fn notification(
        &self,
        cached: Option<CachedNotification>,
    ) -> Result<(Vec<u8>, Option<CachedNotification>), RunError> {
        match &self.transport {
            Transport::Folder(folder) => {
                let file = open_inside(folder, [Notification::FILE_NAME].into_iter())?;
                let read = read_at_most(file, Notification::BYTES_MAX + 1);
                Ok((read.map_err(|source| self.unreadable(Notification::FILE_NAME, source))?, None))
            }
            Transport::Https(client) => client.notification(cached),
        }
    }

    /// Reads the signed note, at most its maximum length: the rest of a longer one is missing, so
    /// it does not verify.
    pub fn signature(&self) -> Result<Vec<u8>, RunError> {
        let read = match &self.transport {
            Transport::Folder(folder) => {
                let file = open_inside(folder, [Notification::SIGNATURE_NAME].into_iter())?;
                read_at_most(file, SIGNATURE_BYTES_MAX)
            }
            Transport::Https(client) => read_at_most(client.open(Notification::SIGNATURE_NAME)?, SIGNATURE_BYTES_MAX),
        };
        read.map_err(|source| self.unreadable(Notification::SIGNATURE_NAME, source))
    }

    /// Opens a listed file. Reading it counts its bytes, and fails once the runs are stopped.
    pub fn file(&self, uri: &Uri) -> Result<impl Read + use<'a>, RunError> {
        let source: Box<dyn Read + 'a> = match &self.transport {
            Transport::Folder(folder) => Box::new(open_inside(folder, uri.segments())?),
            Transport::Https(client) => Box::new(client.open(uri.as_str())?),
        };
        Ok(CountingReader { source, monitor: self.monitor, activity: self.activity })
    }

    /// Path or URL of a file of the feed, for operators.
    pub fn place(&self, path: &str) -> String {
        match &self.transport {
            Transport::Folder(folder) => folder.join(path).display().to_string(),
            Transport::Https(client) => client.url_of(path),
        }
    }

    /// The error of a file that is refused.
    pub fn refuse(&self, path: &str, reason: FileFault) -> RunError {
        RunError::File { file: self.place(path), reason }
    }

    /// The error of a file that cannot be read.
    pub fn unreadable(&self, path: &str, source: io::Error) -> RunError {
        RunError::Source { file: self.place(path), source }
    }
}

struct CountingReader<'a> {
    source: Box<dyn Read + 'a>,
    monitor: &'a Monitor,
    activity: &'a Activity,
}

impl Read for CountingReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.monitor.is_stopped() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        let count = self.source.read(buffer)?;
        self.activity.count_bytes(count);
        Ok(count)
    }
}

/// Opens a regular file below a folder, without following links: the file that was checked is the
/// one that is opened.
fn open_inside<'a>(folder: &Path, segments: impl Iterator<Item = &'a str>) -> Result<File, RunError> {
    let mut path = folder.to_owned();
    let mut checked = None;
    for segment in segments {
        path.push(segment);
        let metadata = fs::symlink_metadata(&path).map_err(|error| missing(folder, &path, error))?;
        if metadata.is_symlink() {
            return Err(refuse(&path, FileFault::Link));
        }
        checked = Some(metadata);
    }
    // Opening a named pipe would block until another process writes to it: check before the open,
    // and again after it.
    let checked = checked.filter(fs::Metadata::is_file).ok_or_else(|| refuse(&path, FileFault::NotAFile))?;
    let file = File::open(&path).map_err(|error| missing(folder, &path, error))?;
    let opened = file.metadata().map_err(|error| unreadable(&path, error))?;
    if (opened.dev(), opened.ino()) == (checked.dev(), checked.ino()) {
        Ok(file)
    } else {
        // Replaced between check and open: by the publisher's update, or by an attacker's link.
        Err(unreadable(&path, io::ErrorKind::ResourceBusy.into()))
    }
}

/// The error of a file that cannot be found or opened: a folder that does not exist is the
/// operator's error, a file that does not exist is the publisher's.
fn missing(folder: &Path, file: &Path, error: io::Error) -> RunError {
    if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) {
        unreadable(file, error)
    } else if folder.is_dir() {
        refuse(file, FileFault::Missing)
    } else {
        RunError::NoFeed { folder: folder.to_owned() }
    }
}

fn refuse(file: &Path, reason: FileFault) -> RunError {
    RunError::File { file: file.display().to_string(), reason }
}

fn unreadable(file: &Path, source: io::Error) -> RunError {
    RunError::Source { file: file.display().to_string(), source }
}
