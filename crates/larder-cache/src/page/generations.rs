//! Generations: how an answered write makes the pages of its address stale.
//!
//! - An address is scheme, host and path: another host's page of the same path stays.
//! - It has a number that is drawn anew at each write to it and that is part of its pages' keys:
//!   what was stored before is never asked for again, and neither is what was begun before and is stored
//!   later.
//! - Addresses share numbers by a hash: a write empties any other page once in 65,536 times,
//!   and never less than it has to.
//! - The numbers are this process's: in a shared store no instance takes another's old page for a new one.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use super::target::Origin;

/// Numbers, of 8 bytes each; a power of two.
const NUMBERS: usize = 1 << 16;

/// The numbers of all addresses; 0 for those that were never written to.
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
    /// Returns the number of this address, with whatever query.
    pub fn of(&self, origin: &Origin<'_>, path: &str) -> u64 {
        self.number(origin, path).load(Ordering::Acquire)
    }

    /// Draws a new one.
    pub fn renew(&self, origin: &Origin<'_>, path: &str) {
        let drawn = RandomState::new().build_hasher().finish();
        self.number(origin, path).store(drawn.max(1), Ordering::Release);
    }

    fn number(&self, origin: &Origin<'_>, path: &str) -> &AtomicU64 {
        let hash = self.hasher.hash_one((&*origin.scheme, &*origin.host, path));
        &self.numbers[hash as usize % NUMBERS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two schemes, five hosts, a hundred paths each.
    fn addresses() -> Vec<(Origin<'static>, String)> {
        let of = |nth: usize| {
            let scheme = if nth.is_multiple_of(2) { "http" } else { "https" };
            let host = format!("{}.test", nth / 2 % 5);
            (Origin { scheme: scheme.into(), host: host.into() }, format!("/{}", nth / 10))
        };
        (0..1000).map(of).collect()
    }

    #[test]
    fn a_write_draws_the_number_of_its_address_anew_and_of_few_others() {
        let (generations, addresses) = (Generations::default(), addresses());
        let numbers = || {
            let of = |(origin, path): &(Origin<'static>, String)| generations.of(origin, path);
            addresses.iter().map(of).collect::<Vec<_>>()
        };
        let is_written = |nth: usize| nth.is_multiple_of(10);
        let before = numbers();
        for (_, (origin, path)) in addresses.iter().enumerate().filter(|(nth, _)| is_written(*nth))
        {
            generations.renew(origin, path);
        }
        let after = numbers();
        let changed = before.iter().zip(&after).map(|(before, after)| before != after);
        let (written, others): (Vec<_>, Vec<_>) =
            changed.enumerate().partition(|(nth, _)| is_written(*nth));
        assert!(written.iter().all(|(_, changed)| *changed));
        // 1.4 are to be expected; with 1,024 numbers they would be 84, and by path alone 900.
        let others = others.iter().filter(|(_, changed)| *changed).count();
        assert!(others < 15, "{others} of 900 for a hundred writes");
    }
}
