//! The position of an event in the time of its request, as a bar in a picture 1000 wide.
//!
//! - A bar never leaves the picture.
//! - A bar is wide enough to be seen.

use std::time::Duration;

const WIDTH: f64 = 1_000.0;
const NARROWEST: f64 = 6.0;

/// A bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// Where it begins, 0 to 1000.
    pub x: u32,
    /// Its width, at least 6.
    pub width: u32,
}

impl Span {
    /// Returns the bar of an event that began `at` and `took` its time in a request of `whole`.
    pub fn new(at: Duration, took: Duration, whole: Duration) -> Self {
        let scale = WIDTH / whole.as_secs_f64().max(1e-9);
        let x = (at.as_secs_f64() * scale).min(WIDTH - NARROWEST);
        let width = (took.as_secs_f64() * scale).clamp(NARROWEST, WIDTH - x);
        Self { x: x.round() as u32, width: width.round() as u32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(at: u64, took: u64, whole: u64) -> (u32, u32) {
        let ms = Duration::from_millis;
        let Span { x, width } = Span::new(ms(at), ms(took), ms(whole));
        (x, width)
    }

    #[test]
    fn a_bar_never_leaves_the_picture() {
        assert_eq!(span(5, 2, 10), (500, 200));
        assert_eq!(span(5, 20, 10), (500, 500));
        assert_eq!(span(50, 20, 10), (994, 6));
        assert_eq!(span(0, 0, 0), (0, 6));
    }

    #[test]
    fn a_bar_is_wide_enough_to_be_seen() {
        assert_eq!(span(1, 0, 1_000), (1, 6));
    }
}
