//! Write epochs: an answered write invalidates the pages of its URL.
//!
//! - There is one epoch per scheme, host and path: the page of the same path on another host stays valid.
//! - An epoch is a number in the keys of its pages, and each write draws a new one. Pages that were stored
//!   before are never looked up again, and neither are pages whose build began before the write.
//! - URLs share epochs by hash: a write invalidates an unrelated page with a probability of 1 in 65,536,
//!   but never misses one of its own.
//! - The epochs belong to this process: in a shared store, no instance takes another instance's old page
//!   for a new one.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use super::random;

/// A URL without its query: scheme, host and path.
pub(crate) type Address<'a> = (&'a str, &'a str, &'a str);

/// How many epochs there are, of 8 bytes each; a power of two.
const NUMBERS: usize = 1 << 16;

/// The write epochs of all URLs; 0 means never written to.
#[derive(Debug)]
pub(crate) struct WriteEpochs {
    numbers: Vec<AtomicU64>,
    hasher: RandomState,
}

impl Default for WriteEpochs {
    fn default() -> Self {
        let numbers = (0..NUMBERS).map(|_| AtomicU64::new(0)).collect();
        Self { numbers, hasher: RandomState::new() }
    }
}

impl WriteEpochs {
    /// Returns the epoch of this URL, whatever its query.
    pub(crate) fn of(&self, address: Address<'_>) -> u64 {
        self.number(address).load(Ordering::Acquire)
    }

    /// Draws a new epoch for this URL.
    pub(crate) fn renew(&self, address: Address<'_>) {
        let drawn = random::u64();
        // 0 is taken: it means never written to.
        self.number(address).store(drawn.max(1), Ordering::Release);
    }

    fn number(&self, address: Address<'_>) -> &AtomicU64 {
        let hash = self.hasher.hash_one(address);
        &self.numbers[hash as usize % NUMBERS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn as_address([scheme, host, path]: &[String; 3]) -> Address<'_> {
        (scheme, host, path)
    }

    /// Returns two schemes, five hosts and a hundred paths of each.
    fn addresses() -> Vec<[String; 3]> {
        let of = |nth: usize| {
            let scheme = if nth.is_multiple_of(2) { "http" } else { "https" };
            let host = format!("{}.test", nth / 2 % 5);
            [scheme.to_owned(), host, format!("/{}", nth / 10)]
        };
        (0..1000).map(of).collect()
    }

    #[test]
    fn a_write_changes_the_epoch_of_its_url_and_of_few_others() {
        let (write_epochs, addresses) = (WriteEpochs::default(), addresses());
        let numbers = || {
            let of = |address: &[String; 3]| write_epochs.of(as_address(address));
            addresses.iter().map(of).collect::<Vec<_>>()
        };
        let is_written = |nth: usize| nth.is_multiple_of(10);
        let before = numbers();
        for (_, address) in addresses.iter().enumerate().filter(|(nth, _)| is_written(*nth)) {
            write_epochs.renew(as_address(address));
        }
        let after = numbers();
        let changed = before.iter().zip(&after).map(|(before, after)| before != after);
        let (written, others): (Vec<_>, Vec<_>) =
            changed.enumerate().partition(|(nth, _)| is_written(*nth));
        assert!(written.iter().all(|(_, changed)| *changed));
        // 1.4 are expected; with 1,024 epochs it would be 84, and by path alone 900.
        let others = others.iter().filter(|(_, changed)| *changed).count();
        assert!(others < 15, "{others} of 900 for a hundred writes");
    }
}
