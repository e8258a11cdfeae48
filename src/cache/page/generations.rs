//! Generations: how an answered write makes the pages of its address stale.
//!
//! - An address has a number that is drawn anew at each write to it and that is part of its pages' keys:
//!   what was stored before is never asked for again, and neither is what was begun before and is stored
//!   later.
//! - Addresses share numbers by a hash of their path: a write may empty more than it has to, never less.
//! - The numbers are this process's: in a shared store nobody takes another's old page for a new one.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// Numbers; a power of two.
const NUMBERS: usize = 1024;

/// The numbers of all addresses; 0 for those that nobody has written to.
#[derive(Debug)]
pub struct Generations {
    numbers: Vec<AtomicU64>,
    hasher: RandomState,
}

impl Default for Generations {
    fn default() -> Self {
        let numbers = (0..NUMBERS).map(|_| AtomicU64::new(0)).collect();
        Self { numbers, hasher: RandomState::new() }
    }
}

impl Generations {
    /// The number of the addresses with this path.
    pub fn of(&self, path: &str) -> u64 {
        self.number(path).load(Ordering::Acquire)
    }

    /// Draws a new one.
    pub fn renew(&self, path: &str) {
        let drawn = RandomState::new().build_hasher().finish();
        self.number(path).store(drawn.max(1), Ordering::Release);
    }

    fn number(&self, path: &str) -> &AtomicU64 {
        &self.numbers[self.hasher.hash_one(path) as usize % NUMBERS]
    }
}
