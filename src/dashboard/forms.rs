//! What visitors say to the cache.

use serde::Deserialize;

/// The button.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct InvalidateForm {
    /// What to make stale: `everything` where nothing is said, or a tag.
    tag: String,
    /// The page to go back to, a path of this site.
    pub back: String,
}

impl InvalidateForm {
    /// The tag's name.
    pub fn tag(&self) -> &str {
        if self.tag.is_empty() { "everything" } else { &self.tag }
    }
}
