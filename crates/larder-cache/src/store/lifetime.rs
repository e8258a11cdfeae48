//! Lifetimes of keys.

use std::time::Duration;

/// How long a key is stored, counted from the write: forever, or at least 1 ms.
///
/// [`Lifetime::of`] returns no lifetime for zero, so a store never receives an expired key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime(Option<Duration>);

/// A hundred years. Longer durations are capped, so that adding one to a clock cannot overflow.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

impl Lifetime {
    /// Lasts until the key is deleted or evicted.
    pub const FOREVER: Self = Self(None);

    /// Rounds `duration` up to whole milliseconds; returns `None` for zero.
    pub fn of(duration: Duration) -> Option<Self> {
        let millis = duration.min(LONGEST).as_nanos().div_ceil(1_000_000);
        (millis > 0).then(|| Self(Some(Duration::from_millis(millis as u64))))
    }

    /// Returns the duration in whole milliseconds, or `None` for [`Lifetime::FOREVER`].
    pub fn duration(self) -> Option<Duration> {
        self.0
    }
}

/// What is left of a key's lifetime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ttl {
    /// The key does not exist.
    Absent,
    /// The key stays until it is deleted or evicted.
    Forever,
    /// The key expires after this time.
    In(Duration),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_whole_milliseconds_and_never_nothing() {
        let of = |nanos| Lifetime::of(Duration::from_nanos(nanos)).and_then(Lifetime::duration);
        let millis = |count| Some(Duration::from_millis(count));
        assert_eq!(of(0), None);
        assert_eq!(of(1), millis(1));
        assert_eq!(of(1_000_000), millis(1));
        assert_eq!(of(1_500_000), millis(2));
        assert_eq!(Lifetime::of(Duration::MAX), Lifetime::of(LONGEST));
    }
}
