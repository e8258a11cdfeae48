//! Which file a path leads to.

use std::os::unix::fs::MetadataExt;

use super::url::Url;

/// Tells files apart that had the same name one after the other.
///
/// An open SQLite connection does not notice when its file is replaced by renaming another over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// Of the file behind `url`; none if there is none, as for a server.
    pub fn of(url: &Url) -> Option<Self> {
        let Url::Sqlite(path) = url else { return None };
        let file = std::fs::metadata(path).ok()?;
        Some(Self { device: file.dev(), inode: file.ino() })
    }
}
