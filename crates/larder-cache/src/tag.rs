//! Tags: the names of what can change, and their stamps.
//!
//! - The owner of the data names the tags: `posts`, or `posts#17` for one of them.
//! - A stamp changes whenever its tag's data does; equal stamps mean equal data.
//! - A tag that was never stamped has [`Stamp::NONE`].
//! - Two tags are general: [`Tag::ANY`] changes with every other tag, and every entry depends on
//!   [`Tag::EVERYTHING`] without recording it.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::footprint::ALLOCATION;

/// The name of something that can change.
///
/// ```
/// use larder_cache::Tag;
///
/// const POSTS: Tag = Tag::named("posts");
/// let post = Tag::from(format!("posts#{}", 17));
/// assert_ne!(post, POSTS);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tag(Cow<'static, str>);

impl Tag {
    /// The tag whose stamp changes whenever any other does: if it is equal, all are equal.
    pub const ANY: Tag = Tag::named("*");

    /// The tag that every entry depends on; *Invalidate cache* changes its stamp.
    pub const EVERYTHING: Tag = Tag::named("!");

    /// Creates the tag of something that is known at compile time, such as a table.
    pub const fn named(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// Returns the bytes that its name takes, if it owns it.
    pub(crate) fn footprint(&self) -> usize {
        match &self.0 {
            Cow::Borrowed(_) => 0,
            Cow::Owned(name) => name.capacity() + ALLOCATION,
        }
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Creates a tag whose name is known at run time only: `Tag::from(format!("article:{id}"))`.
impl From<String> for Tag {
    fn from(name: String) -> Self {
        Self(Cow::Owned(name))
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A tag's version: how often it changed, and a random number from the last change.
///
/// The counter orders the stamps of one history. The nonce distinguishes histories, as after a
/// backup was restored.
///
/// ```
/// use larder_cache::Stamp;
///
/// let restored = Stamp { count: 2, nonce: 7 };
/// assert_ne!(restored, Stamp { count: 2, nonce: 8 }, "another history of as many changes");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Stamp {
    /// The number of changes up to now, at least 0.
    pub count: i64,
    /// Drawn again at each change.
    pub nonce: i64,
}

impl Stamp {
    /// The stamp of a tag that never changed.
    pub const NONE: Stamp = Stamp { count: 0, nonce: 0 };

    /// Reports whether data at this stamp is at least as new as data at `other`.
    pub fn is_at_least(self, other: Stamp) -> bool {
        self == other || self.count > other.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restored_history_is_never_newer_by_equal_count() {
        let ours = Stamp { count: 3, nonce: 1 };
        let restored = Stamp { count: 3, nonce: 2 };
        assert!(!restored.is_at_least(ours));
        assert!(ours.is_at_least(ours));
    }
}
