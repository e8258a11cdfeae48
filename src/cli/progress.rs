//! Shows the progress of a command on standard error.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::site::render::grouped;

/// How often the progress is updated.
const PROGRESS: Duration = Duration::from_millis(200);

/// A line on standard error that counts up; on a terminal it is overwritten in place.
pub struct Progress {
    noun: &'static str,
    wanted: u64,
    shown: Option<Instant>,
}

impl Progress {
    /// Starts at none of `wanted` items, which are called `noun`.
    pub fn of(wanted: u64, noun: &'static str) -> Self {
        Self { noun, wanted, shown: None }
    }

    /// Shows how many items there are, if an update is due.
    pub fn show(&mut self, added: u64) {
        let is_due = self.shown.is_none_or(|shown| shown.elapsed() >= PROGRESS);
        if !is_due && added < self.wanted {
            return;
        }
        self.shown = Some(Instant::now());
        let percent = added.saturating_mul(100) / self.wanted.max(1);
        let (added, wanted) = (grouped(added), grouped(self.wanted));
        let noun = self.noun;
        let (start, end) = if is_terminal() { ("\r", "") } else { ("", "\n") };
        eprint!("{start}{added} of {wanted} {noun} ({percent} %){end}");
        // The line has no line break on a terminal, so it would stay in the buffer.
        let _ = std::io::stderr().flush();
    }

    /// Removes the line.
    pub fn clear(&self) {
        if self.shown.is_some() && is_terminal() {
            eprint!("\r\x1b[K");
        }
    }
}

fn is_terminal() -> bool {
    std::io::stderr().is_terminal()
}
