//! An hour as a picture: a bar for each minute, look-ups that hit below those that did not.
//!
//! - The highest bar fills the picture; what happened at all can be seen.

use super::history::Minute;

/// Height of the picture; it is 600 wide.
const HEIGHT: u64 = 100;

/// Room for one minute, and what its bar takes of that.
const STEP: usize = 10;
const BAR: usize = 8;

/// What is seen at least of what happened.
const LEAST: u64 = 2;

/// A bar, in the picture's units; from above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bar {
    /// From the left.
    pub x: usize,
    /// Its width.
    pub width: usize,
    /// Where its upper end is.
    pub y: u64,
    /// Its height; never 0.
    pub height: u64,
    /// Whether these look-ups were hits.
    pub is_hit: bool,
}

/// The bars of an hour, oldest minute first.
pub fn bars(hour: &[Minute]) -> Vec<Bar> {
    let most = hour.iter().map(Minute::look_ups).max().unwrap_or_default().max(1);
    let mut bars = Vec::new();
    for (place, minute) in hour.iter().enumerate() {
        let hits = height(minute.hits, most);
        let others = height(minute.misses + minute.stale, most).min(HEIGHT - hits.min(HEIGHT));
        let (x, width) = (place * STEP, BAR);
        let bar = |y, height, is_hit| Bar { x, width, y, height, is_hit };
        bars.extend((hits > 0).then(|| bar(HEIGHT - hits, hits, true)));
        bars.extend((others > 0).then(|| bar(HEIGHT - hits - others, others, false)));
    }
    bars
}

fn height(count: u64, most: u64) -> u64 {
    if count == 0 {
        return 0;
    }
    let exact = u128::from(count) * u128::from(HEIGHT) / u128::from(most);
    // A share of a hundred fits; the other part keeps its least height, too.
    u64::try_from(exact)
        .unwrap_or(HEIGHT)
        .clamp(LEAST, if count < most { HEIGHT - LEAST } else { HEIGHT })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_bar_fills_the_picture_and_what_happened_at_all_can_be_seen() {
        let minute = |hits, misses| Minute { hits, misses, ..Minute::default() };
        let bars = bars(&[minute(1_000, 1), minute(0, 0), minute(1, 0), minute(0, 500)]);
        let told: Vec<_> = bars.iter().map(|b| (b.x, b.y, b.height, b.is_hit)).collect();
        let expected = [(0, 2, 98, true), (0, 0, 2, false), (20, 98, 2, true), (30, 51, 49, false)];
        assert_eq!(told, expected);
    }

    #[test]
    fn an_hour_without_look_ups_is_an_empty_picture() {
        assert!(bars(&[Minute::default(); 60]).is_empty());
    }
}
