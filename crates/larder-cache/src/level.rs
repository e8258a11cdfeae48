//! The three levels of caching.

/// Which of the three levels of caching.
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
    /// The level's name, lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Level::Page => "page",
            Level::Fragment => "fragment",
            Level::Query => "query",
        }
    }
}

/// Which of the three levels are on.
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
    /// All three.
    pub const ALL: Levels = Levels { pages: true, fragments: true, queries: true };
    /// None: everything is made anew for each request.
    pub const OFF: Levels = Levels { pages: false, fragments: false, queries: false };

    /// Whether this level is on.
    pub const fn has(&self, level: Level) -> bool {
        match level {
            Level::Page => self.pages,
            Level::Fragment => self.fragments,
            Level::Query => self.queries,
        }
    }
}
