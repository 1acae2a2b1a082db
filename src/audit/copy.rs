//! Copies a trail beside a process that writes it.
//!
//! The checkpoint is read first and everything else after it, and records are only ever appended: so the copy has at
//! least what the checkpoint signs. A record of which the copy caught but a part is cut off; nobody was told about it
//! when the copying began. Keys are not copied: who has both can read everything.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufReader};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use super::LEGAL_HOLD;
use super::checkpoint::CHECKPOINT;
use super::disk::{Disk, Folder};
use super::frame::Frames;
use super::segment;

/// Copies the trail in a folder into another one, which is made; all of it is durable afterwards.
///
/// # Errors
/// What the system says; [`io::ErrorKind::AlreadyExists`] if the folder is there, [`io::ErrorKind::NotFound`] if the
/// trail has no checkpoint, or is being pruned at this moment.
pub fn copy_trail(from: &Path, to: &Path) -> io::Result<()> {
    let disk = Folder::open(from)?;
    let checkpoint = fs::read(from.join(CHECKPOINT))?;
    DirBuilder::new().mode(0o700).create(to)?;
    let names: Vec<_> = segment::list(&disk as &dyn Disk)?.iter().map(ToString::to_string).collect();
    for name in &names {
        copy_file(&from.join(name), &to.join(name))?;
    }
    if let Some(newest) = names.last() {
        cut_unfinished(&to.join(newest))?;
    }
    if from.join(LEGAL_HOLD).exists() {
        copy_file(&from.join(LEGAL_HOLD), &to.join(LEGAL_HOLD))?;
    }
    let file = write_new(&to.join(CHECKPOINT))?;
    io::copy(&mut checkpoint.as_slice(), &mut &file)?;
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

/// Cuts a segment behind its last whole frame.
fn cut_unfinished(path: &Path) -> io::Result<()> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let mut frames = Frames::new(BufReader::with_capacity(1 << 18, &file));
    while let Some(Ok(_)) = frames.next_frame()? {}
    let whole = frames.offset();
    file.set_len(whole)?;
    file.sync_all()
}
