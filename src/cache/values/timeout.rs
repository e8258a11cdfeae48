//! How long a value is remembered.

use std::time::{Duration, SystemTime};

/// When a value is forgotten.
///
/// - A time of zero is over at once: the value is not kept, and an old one goes.
/// - Fractions of a second count, to the millisecond.
/// - Any time is counted from now, however long: there is no point from which it is taken as a
///   date.
///
/// Source: Django's `timeout` argument, which is `DEFAULT_TIMEOUT`, a number, or `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Timeout {
    /// As the cache was set up: 300 seconds if nobody said otherwise.
    #[default]
    Default,
    /// After this time.
    After(Duration),
    /// Not before it is deleted or evicted.
    Never,
}

impl Timeout {
    /// So many seconds; zero, negative and NaN are over at once, infinity is never.
    pub fn seconds(seconds: f64) -> Self {
        if seconds <= 0.0 || seconds.is_nan() {
            return Self::After(Duration::ZERO);
        }
        Duration::try_from_secs_f64(seconds).map_or(Self::Never, Self::After)
    }

    /// At this moment; one in the past is over at once.
    pub fn at(moment: SystemTime) -> Self {
        let left = moment.duration_since(SystemTime::now());
        Self::After(left.unwrap_or_default())
    }
}

impl From<Duration> for Timeout {
    fn from(time: Duration) -> Self {
        Self::After(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_may_be_zero_negative_fractional_or_endless() {
        let millis = |count| Timeout::After(Duration::from_millis(count));
        let cases = [
            (0.0, millis(0)),
            (-1.0, millis(0)),
            (f64::NAN, millis(0)),
            (0.25, millis(250)),
            (300.0, millis(300_000)),
            (f64::INFINITY, Timeout::Never),
            (1e300, Timeout::Never),
        ];
        for (seconds, expected) in cases {
            assert_eq!(Timeout::seconds(seconds), expected, "{seconds}");
        }
    }

    #[test]
    fn a_moment_in_the_past_is_over_at_once() {
        let past = SystemTime::UNIX_EPOCH;
        assert_eq!(Timeout::at(past), Timeout::After(Duration::ZERO));
    }
}
