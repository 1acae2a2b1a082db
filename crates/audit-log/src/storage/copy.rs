//! Copies an audit log while another process writes it.
//!
//! The checkpoint is read first, and records are only ever appended. So everything that the
//! checkpoint signs is there to be copied. Later records are left out: the copy ends where its
//! checkpoint does, and verifies by itself. Keys are not copied: a person who has both can read
//! everything.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use super::disk::{Disk, Folder};
use super::file_names::{CHECKPOINT, LEGAL_HOLD};
use super::{policy_text, segment};
use crate::format::frame::Frames;
use crate::format::note::checkpoint_size;

/// Copies the audit log in a folder to a new folder; the copy is durable afterwards.
///
/// # Errors
/// The error of the system; [`io::ErrorKind::AlreadyExists`] if the new folder exists,
/// [`io::ErrorKind::NotFound`] if the audit log has no checkpoint or is being pruned at this
/// moment, [`io::ErrorKind::InvalidData`] if records are missing that the checkpoint signs.
pub fn copy_audit_log(from: &Path, to: &Path) -> io::Result<()> {
    let disk = Folder::open(from)?;
    let checkpoint = fs::read_to_string(from.join(CHECKPOINT))?;
    let signed = checkpoint_size(&checkpoint).ok_or(io::ErrorKind::InvalidData)?;
    DirBuilder::new().mode(0o700).create(to)?;
    let segments = segment::list(&disk as &dyn Disk)?;
    let begun: Vec<_> = segments.into_iter().filter(|segment| segment.first < signed).collect();
    for segment in &begun {
        let name = segment.to_string();
        copy_file(&from.join(&name), &to.join(&name))?;
    }
    if let Some(newest) = begun.last() {
        cut_behind(&to.join(newest.to_string()), signed.saturating_sub(newest.first))?;
    }
    for name in policy_text::list(from)? {
        copy_file(&from.join(&name), &to.join(&name))?;
    }
    if from.join(LEGAL_HOLD).exists() {
        copy_file(&from.join(LEGAL_HOLD), &to.join(LEGAL_HOLD))?;
    }
    let file = write_new(&to.join(CHECKPOINT))?;
    io::copy(&mut checkpoint.as_bytes(), &mut &file)?;
    file.sync_all()?;
    File::open(to)?.sync_all()
}

fn write_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}

fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let copy = write_new(to)?;
    io::copy(&mut File::open(from)?, &mut &copy)?;
    copy.sync_all()
}

/// Truncates a segment after this many records.
fn cut_behind(path: &Path, records: u64) -> io::Result<()> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let mut frames = Frames::new(&file);
    for _ in 0..records {
        match frames.next_frame()? {
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
    let end = frames.offset();
    file.set_len(end)?;
    file.sync_all()
}
