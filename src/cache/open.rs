//! How a cache is opened: which levels, how much memory, who listens.

use std::sync::Arc;

use super::event::{Level, Listener};
use super::handle::Cache;
use super::near::Near;
use super::view::Versions;

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

/// How to open a cache.
pub struct Options {
    levels: Levels,
    memory_bytes: u64,
    listeners: Vec<Arc<dyn Listener>>,
}

impl Default for Options {
    /// All levels, 64 MiB, nobody listens.
    fn default() -> Self {
        Self { levels: Levels::ALL, memory_bytes: 64 << 20, listeners: Vec::new() }
    }
}

impl Options {
    /// Only these levels.
    pub fn levels(mut self, levels: Levels) -> Self {
        self.levels = levels;
        self
    }

    /// Entries take at most so many bytes of this process.
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory_bytes = bytes;
        self
    }

    /// Somebody who is told what happens.
    pub fn listener(mut self, listener: Arc<dyn Listener>) -> Self {
        self.listeners.push(listener);
        self
    }

    /// The cache, judging by what `versions` says is current.
    pub fn open(self, versions: Arc<dyn Versions>) -> Cache {
        Cache::new(versions, self.levels, Near::with_capacity(self.memory_bytes), self.listeners)
    }
}
