//! How long bytes are kept.

use std::time::Duration;

/// How long a store keeps a key, counted from the moment it is told: for ever, or at least 1 ms.
///
/// Made by [`Lifetime::of`], so that a lifetime that is over before it begins never reaches a
/// store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime(Option<Duration>);

/// A hundred years: more is taken as this, so that adding it to a clock cannot overflow.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

impl Lifetime {
    /// Until it is deleted or evicted.
    pub const FOREVER: Self = Self(None);

    /// So long, rounded up to whole milliseconds; `None` for no time at all.
    pub fn of(duration: Duration) -> Option<Self> {
        let millis = duration.min(LONGEST).as_nanos().div_ceil(1_000_000);
        (millis > 0).then(|| Self(Some(Duration::from_millis(millis as u64))))
    }

    /// The time, a whole number of milliseconds; `None` for ever.
    pub fn duration(self) -> Option<Duration> {
        self.0
    }
}

/// What is left of a key's lifetime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ttl {
    /// There is no such key.
    Absent,
    /// The key stays until it is deleted or evicted.
    Forever,
    /// The key goes after this time.
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
