//! The identity of the file that a path leads to at this moment.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::url::Url;

/// Distinguishes files that had the same name one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// Returns the identity of the file at `url`; `None` for a server or a missing file.
    pub fn of(url: &Url) -> Option<Self> {
        let Url::Sqlite(path) = url else { return None };
        Self::at(path)
    }

    /// Whether the file at `path` has no content: SQLite would take it for a new database.
    pub(super) fn is_of_nothing(path: &Path) -> bool {
        std::fs::metadata(path).is_ok_and(|file| file.len() == 0)
    }

    pub(super) fn at(path: &Path) -> Option<Self> {
        let file = std::fs::metadata(path).ok()?;
        Some(Self { device: file.dev(), inode: file.ino() })
    }
}
