//! Which file a path leads to at this moment.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::url::Url;

/// Tells files apart that had the same name one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// Of the file behind `url`; none if there is none, as for a server.
    pub fn of(url: &Url) -> Option<Self> {
        let Url::Sqlite(path) = url else { return None };
        Self::at(path)
    }

    pub(super) fn at(path: &Path) -> Option<Self> {
        let file = std::fs::metadata(path).ok()?;
        Some(Self { device: file.dev(), inode: file.ino() })
    }
}
