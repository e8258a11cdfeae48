//! The three levels of caching.

/// One of the three levels of caching.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// Level one: whole pages.
    Page,
    /// Level two: parts of templates.
    Fragment,
    /// Level three: results of queries.
    Query,
}

impl Level {
    /// Returns the level's name, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Level::Page => "page",
            Level::Fragment => "fragment",
            Level::Query => "query",
        }
    }
}

/// The levels that are on.
///
/// ```
/// # use std::sync::Arc;
/// use larder_cache::{Builder, InProcess, Levels};
///
/// let levels = Levels { pages: false, ..Levels::ALL };
/// let cache = Builder::default().levels(levels).open(Arc::new(InProcess::new()));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Levels {
    /// Level one.
    pub pages: bool,
    /// Level two.
    pub fragments: bool,
    /// Level three.
    pub queries: bool,
}

impl Levels {
    /// All three are on.
    pub const ALL: Levels = Levels { pages: true, fragments: true, queries: true };
    /// All three are off: everything is built for each request.
    pub const OFF: Levels = Levels { pages: false, fragments: false, queries: false };

    /// Reports whether this level is on.
    pub const fn has(&self, level: Level) -> bool {
        match level {
            Level::Page => self.pages,
            Level::Fragment => self.fragments,
            Level::Query => self.queries,
        }
    }
}
