//! Timeouts of values.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

/// When a value expires.
///
/// - A timeout of zero is over at once: the value is not stored, and an old one is removed.
/// - Fractions of a second count, to the millisecond.
/// - Every timeout is relative to now, however long. memcached reads more than 30 days as a date.
///
/// ```
/// use std::time::Duration;
///
/// use larder_cache::values::Timeout;
///
/// assert_eq!(Timeout::seconds(300.0), Timeout::from(Duration::from_secs(300)));
/// assert_eq!("never".parse(), Ok(Timeout::Never));
/// ```
///
/// Source: Django's `timeout` argument, which is `DEFAULT_TIMEOUT`, a number, or `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Timeout {
    /// The timeout of the cache's settings, which is 300 seconds by default.
    #[default]
    Default,
    /// The value expires after this time.
    After(Duration),
    /// The value stays until it is deleted or evicted.
    Never,
}

impl Timeout {
    /// Converts seconds; zero, negative numbers and NaN are over at once, infinity is never.
    pub fn seconds(seconds: f64) -> Self {
        if seconds <= 0.0 || seconds.is_nan() {
            return Self::After(Duration::ZERO);
        }
        Duration::try_from_secs_f64(seconds).map_or(Self::Never, Self::After)
    }

    /// Returns the timeout that ends at `moment`; a moment in the past is over at once.
    pub fn at(moment: SystemTime) -> Self {
        let left = moment.duration_since(SystemTime::now());
        Self::After(left.unwrap_or_default())
    }
}

impl FromStr for Timeout {
    type Err = &'static str;

    /// Parses seconds, `never` or `default`, such as `300`, `0.5`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "never" => Ok(Self::Never),
            "default" => Ok(Self::Default),
            _ => {
                let seconds = text.parse().ok().filter(|seconds: &f64| seconds.is_finite());
                seconds.map(Self::seconds).ok_or("give seconds, as in 300, or never")
            }
        }
    }
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::After(time) => write!(f, "{}", time.as_secs_f64()),
            Self::Never => f.write_str("never"),
        }
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
    fn what_is_printed_can_be_read() {
        for text in ["default", "never", "300", "0.25", "0"] {
            assert_eq!(text.parse::<Timeout>().map(|timeout| timeout.to_string()), Ok(text.into()));
        }
        for text in ["", "soon", "1 s", "NaN", "inf"] {
            assert!(text.parse::<Timeout>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_moment_in_the_past_is_over_at_once() {
        let past = SystemTime::UNIX_EPOCH;
        assert_eq!(Timeout::at(past), Timeout::After(Duration::ZERO));
    }
}
