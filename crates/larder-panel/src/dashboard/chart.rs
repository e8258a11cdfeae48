//! The chart of an hour: a bar for each minute, hits below the other lookups.
//!
//! The highest bar fills the chart; every count above 0 is visible.

use super::history::Minute;

/// The height of the chart; its width is 600.
const HEIGHT: u64 = 100;

/// The width of a minute, and of its bar.
const STEP: usize = 10;
const BAR: usize = 8;

/// The least height of a count above 0.
const LEAST: u64 = 2;

/// A bar, in the chart's units, measured from above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bar {
    /// The distance from the left.
    pub x: usize,
    /// Its width.
    pub width: usize,
    /// The position of its upper end.
    pub y: u64,
    /// Its height; never 0.
    pub height: u64,
    /// Whether it counts hits, or the other lookups.
    pub is_hit: bool,
}

/// Returns the bars of an hour, oldest minute first.
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
    // A part of a minute leaves room for the other part, which has at least the least height, too.
    u64::try_from(exact)
        .unwrap_or(HEIGHT)
        .clamp(LEAST, if count < most { HEIGHT - LEAST } else { HEIGHT })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_bar_fills_the_chart_and_small_counts_stay_visible() {
        let minute = |hits, misses| Minute { hits, misses, ..Minute::default() };
        let bars = bars(&[minute(1_000, 1), minute(0, 0), minute(1, 0), minute(0, 500)]);
        let told: Vec<_> = bars.iter().map(|b| (b.x, b.y, b.height, b.is_hit)).collect();
        let expected = [(0, 2, 98, true), (0, 0, 2, false), (20, 98, 2, true), (30, 51, 49, false)];
        assert_eq!(told, expected);
    }

    #[test]
    fn an_hour_without_lookups_is_an_empty_chart() {
        assert!(bars(&[Minute::default(); 60]).is_empty());
    }
}
