//! Opening the files of a feed. Nothing outside the feed is ever opened, whatever a notification says.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::https::Visit;
use super::monitor::{Activity, Monitor};
use super::run::Trouble;
use super::{Refusal, Source};
use crate::feed::{Notification, Uri};
use crate::store::CachedNotification;
use ehealth_core::model::{Dataset, Timestamp};

/// The longest signed note that is read. One with a few signatures has some hundreds of bytes.
const SIGNATURE_BYTES_MAX: u64 = 16 * 1024;

/// A feed that is being visited: one run long.
pub(super) struct Visited<'a> {
    place: Place<'a>,
    monitor: &'a Monitor,
    activity: &'a Activity,
}

enum Place<'a> {
    Folder(&'a Path),
    Https(Visit<'a>),
}

impl<'a> Visited<'a> {
    /// Begins a visit. Nothing is asked yet.
    pub fn begin(source: &'a Source, dataset: Dataset, monitor: &'a Monitor, now: Timestamp) -> Result<Self, Trouble> {
        let place = match source {
            Source::Folder(folder) => Place::Folder(folder),
            Source::Https(feed) => Place::Https(Visit::begin(feed, monitor, now).map_err(Trouble::Source)?),
        };
        Ok(Self { place, monitor, activity: monitor.activity(dataset) })
    }

    /// The notification's bytes, one more than may be at most; from a web server also how it is asked for another one.
    /// It need not send again what `last` holds.
    pub fn notification(
        &self,
        last: Option<CachedNotification>,
    ) -> Result<(Vec<u8>, Option<CachedNotification>), Trouble> {
        match &self.place {
            Place::Folder(folder) => {
                let file = open_inside(folder, [Notification::FILE_NAME].into_iter())?;
                Ok((read_at_most(file, Notification::BYTES_MAX + 1)?, None))
            }
            Place::Https(visit) => visit.notification(last),
        }
    }

    /// The signed note's bytes, as many as may be at most; a longer one is no note for it.
    pub fn signature(&self) -> Result<Vec<u8>, Trouble> {
        match &self.place {
            Place::Folder(folder) => {
                let file = open_inside(folder, [Notification::SIGNATURE_NAME].into_iter())?;
                read_at_most(file, SIGNATURE_BYTES_MAX)
            }
            Place::Https(visit) => read_at_most(visit.open(Notification::SIGNATURE_NAME)?, SIGNATURE_BYTES_MAX),
        }
    }

    /// A listed file. Reading it is counted, and fails once runs are to end.
    pub fn open(&self, uri: &Uri) -> Result<impl Read + use<'a>, Trouble> {
        let source: Box<dyn Read + 'a> = match &self.place {
            Place::Folder(folder) => Box::new(open_inside(folder, uri.segments())?),
            Place::Https(visit) => Box::new(visit.open(uri.as_str())?),
        };
        Ok(Counted { source, monitor: self.monitor, activity: self.activity })
    }
}

struct Counted<'a> {
    source: Box<dyn Read + 'a>,
    monitor: &'a Monitor,
    activity: &'a Activity,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.monitor.is_stopped() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        let count = self.source.read(buffer)?;
        self.activity.count_bytes(count);
        Ok(count)
    }
}

pub(super) fn read_at_most(source: impl Read, bytes: u64) -> Result<Vec<u8>, Trouble> {
    let mut document = Vec::new();
    source.take(bytes).read_to_end(&mut document).map_err(Trouble::Source)?;
    Ok(document)
}

/// Opens a file below a folder, over no link: what was looked at is what is opened.
fn open_inside<'a>(folder: &Path, segments: impl Iterator<Item = &'a str>) -> Result<File, Trouble> {
    let missing = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Trouble::Refused(Refusal::MissingFile),
        _ => Trouble::Source(error),
    };
    let mut path = folder.to_owned();
    let mut looked = None;
    for segment in segments {
        path.push(segment);
        let metadata = fs::symlink_metadata(&path).map_err(missing)?;
        if metadata.is_symlink() {
            return Err(Trouble::Refused(Refusal::Uri));
        }
        looked = Some(metadata);
    }
    // Opening a pipe would wait for somebody to write to it: looked at before, and again after.
    let looked = looked.filter(fs::Metadata::is_file).ok_or(Trouble::Refused(Refusal::Uri))?;
    let file = File::open(&path).map_err(missing)?;
    let opened = file.metadata().map_err(Trouble::Source)?;
    if (opened.dev(), opened.ino()) == (looked.dev(), looked.ino()) {
        Ok(file)
    } else {
        // Replaced between the two looks: by a publisher at work, or by somebody with a link.
        Err(Trouble::Source(io::ErrorKind::ResourceBusy.into()))
    }
}
