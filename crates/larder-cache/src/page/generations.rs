//! Generations: how an answered write makes the pages of its address stale.
//!
//! - An address has a number that is drawn anew at each write to it and that is part of its pages' keys:
//!   what was stored before is never asked for again, and neither is what was begun before and is stored
//!   later.
//! - Addresses share numbers by a hash of their path: a write empties any other page once in 65,536 times,
//!   and never less than it has to.
//! - The numbers are this process's: in a shared store nobody takes another's old page for a new one.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// Numbers, of 8 bytes each; a power of two.
const NUMBERS: usize = 1 << 16;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_draws_the_number_of_its_address_anew_and_of_few_others() {
        let generations = Generations::default();
        let paths: Vec<_> = (0..1000).map(|nth| format!("/{nth}")).collect();
        let numbers = || paths.iter().map(|path| generations.of(path)).collect::<Vec<_>>();
        let before = numbers();
        paths[..100].iter().for_each(|path| generations.renew(path));
        let after = numbers();
        let changed = before.iter().zip(&after).map(|(before, after)| before != after);
        let changed: Vec<_> = changed.collect();
        assert!(changed[..100].iter().all(|changed| *changed));
        // 1.4 are to be expected; with 1,024 numbers they would be 84.
        let others = changed[100..].iter().filter(|changed| **changed).count();
        assert!(others < 15, "{others} of 900 for a hundred writes");
    }
}
