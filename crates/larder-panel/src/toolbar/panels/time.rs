//! The time panel: how the time of the request was spent.
//!
//! - The shares do not overlap, and together are the whole; unaccounted time is “elsewhere”.
//! - The toolbar shows its own share.

use std::time::Duration;

use askama::Template;

use super::super::record::{Record, Times};
use super::Panel;
use crate::figures::{count, percent, took};

#[derive(Template)]
#[template(path = "toolbar/time.html")]
pub struct Time {
    wall: String,
    cpu: String,
    busy: u64,
    shares: Vec<Share>,
    round_trips: Option<String>,
}

/// A part of the whole.
#[derive(Debug, Clone, PartialEq)]
struct Share {
    name: &'static str,
    look: usize,
    took: String,
    percent: u64,
    /// Position in the picture, which is 1000 wide.
    x: u32,
    width: u32,
}

impl Time {
    pub fn new(record: &Record) -> Self {
        let time = &record.time;
        let trips = time.round_trips;
        Self {
            wall: took(time.wall),
            cpu: took(time.cpu),
            busy: percent(time.cpu, time.wall),
            shares: shares(time),
            round_trips: (trips > 0).then(|| count(trips.into(), "round trip", "round trips")),
        }
    }
}

impl Panel for Time {
    const TITLE: &'static str = "Time";

    fn subtitle(&self) -> String {
        format!("{}, {} of CPU", self.wall, self.cpu)
    }
}

fn shares(time: &Times) -> Vec<Share> {
    let own = time.cache.saturating_sub(time.store + time.codec);
    let known = [
        ("SQL", time.sql),
        ("Rendering", time.rendering),
        ("Cache", own),
        ("Freshness check", time.freshness),
        ("Waiting for Redis", time.store),
        ("Waiting for a connection", time.connection),
        ("Waiting for another request", time.flight),
        ("Encoding", time.codec),
        ("Toolbar", time.toolbar),
    ];
    let sum: Duration = known.iter().map(|(_, time)| *time).sum();
    let parts = known.into_iter().chain([("Other", time.wall.saturating_sub(sum))]);
    // Concurrent parts can add up to more than the elapsed time.
    let whole = time.wall.max(sum).as_secs_f64().max(1e-9);
    let mut begin = Duration::ZERO;
    let mut shares = Vec::new();
    for (look, (name, part)) in parts.enumerate().filter(|(_, (_, part))| !part.is_zero()) {
        let place = |at: Duration| (at.as_secs_f64() / whole * 1_000.0).round() as u32;
        let (x, end) = (place(begin), place(begin + part));
        let percent = percent(part, Duration::from_secs_f64(whole));
        shares.push(Share { name, look, took: took(part), percent, x, width: end - x });
        begin += part;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(wall: u64, sql: u64, cache: u64, codec: u64) -> Times {
        let ms = Duration::from_millis;
        Times {
            wall: ms(wall),
            cpu: ms(1),
            sql: ms(sql),
            cache: ms(cache),
            freshness: ms(0),
            checks: 0,
            connection: ms(0),
            flight: ms(0),
            rendering: ms(0),
            store: ms(0),
            round_trips: 0,
            codec: ms(codec),
            toolbar: ms(0),
        }
    }

    #[test]
    fn the_shares_are_the_whole_and_do_not_overlap() {
        let shares = shares(&times(10, 5, 3, 1));
        let told: Vec<_> = shares.iter().map(|s| (s.name, s.percent, s.x, s.width)).collect();
        let expected = [
            ("SQL", 50, 0, 500),
            ("Cache", 20, 500, 200),
            ("Encoding", 10, 700, 100),
            ("Other", 20, 800, 200),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn what_ran_side_by_side_stays_in_the_picture() {
        let shares = shares(&times(10, 15, 5, 0));
        let told: Vec<_> = shares.iter().map(|s| (s.name, s.percent, s.x, s.width)).collect();
        assert_eq!(told, [("SQL", 75, 0, 750), ("Cache", 25, 750, 250)]);
    }

    #[test]
    fn the_toolbar_names_its_own_share() {
        let mut times = times(10, 5, 3, 1);
        times.toolbar = Duration::from_millis(1);
        assert!(shares(&times).iter().any(|share| share.name == "Toolbar" && share.percent == 10));
    }

    #[test]
    fn waits_have_their_own_share() {
        let mut times = times(10, 2, 0, 0);
        (times.connection, times.flight) = (Duration::from_millis(5), Duration::from_millis(3));
        let told: Vec<_> = shares(&times).into_iter().map(|s| (s.name, s.percent)).collect();
        let expected =
            [("SQL", 20), ("Waiting for a connection", 50), ("Waiting for another request", 30)];
        assert_eq!(told, expected);
    }

    #[test]
    fn nothing_takes_no_time() {
        assert!(shares(&times(0, 0, 0, 0)).is_empty());
    }
}
