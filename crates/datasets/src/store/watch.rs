//! Watches which file of each dataset is the current one.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::folder::Folder;
use ehealth_core::model::{Dataset, DatasetSet};

/// Knows the current file of each dataset. Cheap to clone: all clones share one state.
///
/// Another process may replace a dataset, so the owner must call [`Watch::poll`] a few times a
/// second. Readers notice a change with their next view, by one atomic load.
#[derive(Clone)]
pub struct Watch(Arc<Watched>);

struct Watched {
    folder: Folder,
    /// Number of changes of `files`.
    generation: AtomicU64,
    files: Mutex<[CurrentFile; 5]>,
}

/// What a pointer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CurrentFile {
    /// No data were ever loaded.
    None,
    /// Path of the current file.
    At(PathBuf),
    /// The pointer cannot be read.
    Unreadable,
}

impl Watch {
    /// Watches the datasets of a folder. A folder that does not exist has no data.
    #[must_use]
    pub fn open(folder: &Path) -> Self {
        let watch = Self(Arc::new(Watched {
            folder: Folder::new(folder),
            generation: AtomicU64::new(0),
            files: Mutex::new(Dataset::ALL.map(|_| CurrentFile::None)),
        }));
        watch.poll();
        watch
    }

    /// Reads the five pointers. Returns the datasets that changed since the last call.
    #[expect(clippy::must_use_candidate, reason = "most callers poll for the effect on readers")]
    pub fn poll(&self) -> DatasetSet {
        let now = Dataset::ALL.map(|dataset| match self.0.folder.current(dataset) {
            Ok(None) => CurrentFile::None,
            Ok(Some(file)) => CurrentFile::At(file),
            Err(error) => {
                tracing::error!(dataset = dataset.code(), %error, "cannot read the pointer to the current file");
                CurrentFile::Unreadable
            }
        });
        let mut files = self.0.files.lock();
        let pairs = Dataset::ALL.into_iter().zip(files.iter().zip(&now));
        let changed: DatasetSet = pairs.filter(|(_, (old, new))| old != new).map(|(dataset, _)| dataset).collect();
        if !changed.is_empty() {
            *files = now;
            self.0.generation.fetch_add(1, Ordering::Release);
        }
        changed
    }

    /// Number of changes so far.
    pub(super) fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::Acquire)
    }

    /// Number of changes so far, and the current files.
    pub(super) fn files(&self) -> (u64, [CurrentFile; 5]) {
        let files = self.0.files.lock();
        (self.0.generation.load(Ordering::Acquire), files.clone())
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("folder", &self.0.folder).finish_non_exhaustive()
    }
}
