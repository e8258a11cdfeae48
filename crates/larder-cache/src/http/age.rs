//! Computes the age of a response.
//!
//! - Only the first member of `Age` counts; a member that is no number counts as absent. RFC 9111 §5.1.
//! - The initial age is at least the time since `Date`, and at least `Age` plus the response delay. A clock
//!   that was set back never makes an age negative. RFC 9111 §4.2.3.
//! - Ages are capped at 2^31 seconds. RFC 9111 §1.2.2.

use std::time::{Duration, SystemTime};

use super::types::header::HeaderValue;

use super::directives::{self, LONGEST};
use super::list::trim;

/// The times at which a request was sent and its response arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exchange {
    /// When the request was sent: `request_time` of RFC 9111 §4.2.3.
    pub requested: SystemTime,
    /// When the response arrived: `response_time` of RFC 9111 §4.2.3.
    pub answered: SystemTime,
}

impl Exchange {
    /// Returns the age of the response on arrival, from its `Age` and `Date` headers.
    pub(crate) fn initial_age(self, age: Option<Duration>, date: Option<SystemTime>) -> Duration {
        let apparent = date.map(|date| since(date, self.answered)).unwrap_or_default();
        let delay = since(self.requested, self.answered);
        let corrected = age.unwrap_or_default().saturating_add(delay);
        apparent.max(corrected).min(LONGEST)
    }
}

fn since(earlier: SystemTime, later: SystemTime) -> Duration {
    later.duration_since(earlier).unwrap_or_default()
}

/// Parses the lines of `Age`.
pub(crate) fn age<'h>(lines: impl IntoIterator<Item = &'h HeaderValue>) -> Option<Duration> {
    let first = lines.into_iter().next()?.as_bytes().split(|byte| *byte == b',').next()?;
    directives::seconds(trim(first))
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_first_member_counts_if_it_is_a_number() {
        let of = |lines: &[&'static str]| {
            let lines: Vec<_> = lines.iter().map(|line| HeaderValue::from_static(line)).collect();
            age(&lines).map(|age| age.as_secs())
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["7200"]), Some(7200));
        assert_eq!(of(&["7200,0"]), Some(7200));
        assert_eq!(of(&["0, 7200"]), Some(0));
        assert_eq!(of(&["7200", "0"]), Some(7200));
        assert_eq!(of(&["99999999999999999999"]), Some(1 << 31));
        for text in ["abc", "-7200", "7200.0", "", ",7200", "\"1\""] {
            assert_eq!(of(&[text]), None, "{text}");
        }
    }

    #[test]
    fn the_initial_age_is_the_larger_of_date_and_age_plus_delay() {
        let exchange = Exchange { requested: at(100), answered: at(103) };
        assert_eq!(exchange.initial_age(None, None), seconds(3));
        assert_eq!(exchange.initial_age(Some(seconds(10)), None), seconds(13));
        assert_eq!(exchange.initial_age(Some(seconds(10)), Some(at(50))), seconds(53));
        assert_eq!(exchange.initial_age(Some(seconds(60)), Some(at(50))), seconds(63));
    }

    #[test]
    fn a_clock_that_was_set_back_makes_no_age_negative() {
        let exchange = Exchange { requested: at(103), answered: at(100) };
        assert_eq!(exchange.initial_age(None, Some(at(900))), Duration::ZERO);
    }

    #[test]
    fn ages_are_capped() {
        let exchange = Exchange { requested: at(0), answered: at(u64::from(u32::MAX)) };
        assert_eq!(exchange.initial_age(Some(Duration::MAX), None), LONGEST);
    }
}
