//! Opens the files of a feed, and nothing outside the feed, whatever a notification says.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::bounded::read_at_most;
use super::error::RunError;
use super::https::FeedClient;
use super::monitor::{Activity, Monitor};
use super::settings::Source;
use crate::feed::{Notification, Uri};
use crate::outcome::Refusal;
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
            Source::Https(feed) => Transport::Https(FeedClient::new(feed, monitor, now).map_err(RunError::Source)?),
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
                Ok((read_at_most(file, Notification::BYTES_MAX + 1)?, None))
            }
            Transport::Https(client) => client.notification(cached),
        }
    }

    /// Reads the signed note, at most its maximum length: the rest of a longer one is missing, so
    /// it does not verify.
    pub fn signature(&self) -> Result<Vec<u8>, RunError> {
        match &self.transport {
            Transport::Folder(folder) => {
                let file = open_inside(folder, [Notification::SIGNATURE_NAME].into_iter())?;
                read_at_most(file, SIGNATURE_BYTES_MAX)
            }
            Transport::Https(client) => read_at_most(client.open(Notification::SIGNATURE_NAME)?, SIGNATURE_BYTES_MAX),
        }
    }

    /// Opens a listed file. Reading it counts its bytes, and fails once the runs are stopped.
    pub fn file(&self, uri: &Uri) -> Result<impl Read + use<'a>, RunError> {
        let source: Box<dyn Read + 'a> = match &self.transport {
            Transport::Folder(folder) => Box::new(open_inside(folder, uri.segments())?),
            Transport::Https(client) => Box::new(client.open(uri.as_str())?),
        };
        Ok(CountingReader { source, monitor: self.monitor, activity: self.activity })
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
    let missing = |error: io::Error| {
        let is_missing = matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory);
        if is_missing { RunError::Refused(Refusal::MissingFile) } else { RunError::Source(error) }
    };
    let mut path = folder.to_owned();
    let mut checked = None;
    for segment in segments {
        path.push(segment);
        let metadata = fs::symlink_metadata(&path).map_err(missing)?;
        if metadata.is_symlink() {
            return Err(RunError::Refused(Refusal::Uri));
        }
        checked = Some(metadata);
    }
    // Opening a named pipe would block until another process writes to it: check before the open,
    // and again after it.
    let checked = checked.filter(fs::Metadata::is_file).ok_or(RunError::Refused(Refusal::Uri))?;
    let file = File::open(&path).map_err(missing)?;
    let opened = file.metadata().map_err(RunError::Source)?;
    if (opened.dev(), opened.ino()) == (checked.dev(), checked.ino()) {
        Ok(file)
    } else {
        // Replaced between check and open: by the publisher's update, or by an attacker's link.
        Err(RunError::Source(io::ErrorKind::ResourceBusy.into()))
    }
}
