//! How old an answer is.
//!
//! - The first member of `Age` counts; one that is no number is as none. RFC 9111 §5.1.
//! - An answer is as old as its `Date` says, and at least as old as `Age` and the time that it took
//!   to come; a clock that went back makes nothing younger than new. RFC 9111 §4.2.3.
//! - Ages beyond 2^31 seconds are 2^31. RFC 9111 §1.2.2.

use std::time::{Duration, SystemTime};

use actix_web::http::header::HeaderValue;

use super::directives::{self, LONGEST};
use super::list::trim;

/// When an answer was asked for, and when it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchange {
    /// When the request was sent. RFC 9111 §4.2.3: `request_time`.
    pub requested: SystemTime,
    /// When the answer came. RFC 9111 §4.2.3: `response_time`.
    pub answered: SystemTime,
}

impl Exchange {
    /// How old the answer was when it came; `age` and `date` as its headers say, if they do.
    pub fn initial_age(self, age: Option<Duration>, date: Option<SystemTime>) -> Duration {
        let apparent = date.map(|date| since(date, self.answered)).unwrap_or_default();
        let delay = since(self.requested, self.answered);
        let corrected = age.unwrap_or_default().saturating_add(delay);
        apparent.max(corrected).min(LONGEST)
    }

    /// How old it is `now`, if it was `initial` when it came.
    pub fn current_age(self, initial: Duration, now: SystemTime) -> Duration {
        initial.saturating_add(since(self.answered, now)).min(LONGEST)
    }
}

fn since(earlier: SystemTime, later: SystemTime) -> Duration {
    later.duration_since(earlier).unwrap_or_default()
}

/// The age that the lines of `Age` say.
pub fn age<'h>(lines: impl IntoIterator<Item = &'h HeaderValue>) -> Option<Duration> {
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
    fn an_answer_is_as_old_as_its_date_or_its_age_and_delay() {
        let exchange = Exchange { requested: at(100), answered: at(103) };
        assert_eq!(exchange.initial_age(None, None), seconds(3));
        assert_eq!(exchange.initial_age(Some(seconds(10)), None), seconds(13));
        assert_eq!(exchange.initial_age(Some(seconds(10)), Some(at(50))), seconds(53));
        assert_eq!(exchange.initial_age(Some(seconds(60)), Some(at(50))), seconds(63));
        assert_eq!(exchange.current_age(seconds(13), at(110)), seconds(20));
    }

    #[test]
    fn a_clock_that_went_back_makes_nothing_younger() {
        let exchange = Exchange { requested: at(103), answered: at(100) };
        assert_eq!(exchange.initial_age(None, Some(at(900))), Duration::ZERO);
        assert_eq!(exchange.current_age(seconds(13), at(50)), seconds(13));
    }

    #[test]
    fn no_age_is_beyond_the_longest() {
        let exchange = Exchange { requested: at(0), answered: at(u64::from(u32::MAX)) };
        assert_eq!(exchange.initial_age(Some(Duration::MAX), None), LONGEST);
        assert_eq!(exchange.current_age(Duration::MAX, at(1 << 40)), LONGEST);
    }
}
