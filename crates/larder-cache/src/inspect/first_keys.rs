//! Collects the first keys that match a pattern, in order and in bounded memory.

use std::collections::BTreeSet;

use super::description::{Listed, Listing};
use crate::values::pattern::Pattern;

/// The first keys of those that were taken.
pub(super) struct FirstKeys {
    pattern: Pattern,
    limit: usize,
    keys: BTreeSet<Listed>,
    left_off: u64,
}

impl FirstKeys {
    /// Collects the first `limit` keys that match `pattern`.
    pub(super) fn of(pattern: &str, limit: usize) -> Self {
        Self { pattern: Pattern::of(pattern), limit, keys: BTreeSet::new(), left_off: 0 }
    }

    /// Takes a key if it matches and is among the first.
    pub(super) fn take(&mut self, listed: Listed) {
        if !self.pattern.matches(&listed.key) {
            return;
        }
        self.keys.insert(listed);
        if self.keys.len() > self.limit {
            self.keys.pop_last();
            self.left_off += 1;
        }
    }

    /// Returns the keys, and how many matched beside them.
    pub(super) fn listing(self) -> Listing {
        Listing { keys: self.keys.into_iter().collect(), left_off: self.left_off }
    }
}
