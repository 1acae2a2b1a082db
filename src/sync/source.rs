//! Opening the files of a feed. Nothing outside the feed is ever opened, whatever a notification says.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::run::Trouble;
use super::{Refusal, Source};
use crate::feed::{Notification, Uri};

impl Source {
    /// The notification's bytes, one more than may be at most.
    pub(super) fn notification(&self) -> Result<Vec<u8>, Trouble> {
        let file = match self {
            Self::Folder(folder) => open_inside(folder, [Notification::FILE_NAME].into_iter())?,
        };
        let mut document = Vec::new();
        file.take(Notification::BYTES_MAX + 1).read_to_end(&mut document).map_err(Trouble::Source)?;
        Ok(document)
    }

    /// A listed file.
    pub(super) fn open(&self, uri: &Uri) -> Result<impl Read + use<>, Trouble> {
        match self {
            Self::Folder(folder) => open_inside(folder, uri.segments()),
        }
    }
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
