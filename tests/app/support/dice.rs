//! Pseudorandom numbers from a seed (SplitMix64), so that a failure can be repeated.

use std::hash::{BuildHasher, Hasher, RandomState};

pub struct Dice(u64);

impl Dice {
    pub fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a random seed.
    pub fn any_seed() -> u64 {
        RandomState::new().build_hasher().finish()
    }

    /// Returns a number below `sides`.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % sides
    }

    /// Returns an index below `length`.
    pub fn pick(&mut self, length: usize) -> usize {
        self.roll(length as u64) as usize
    }
}
