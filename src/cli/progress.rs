//! How far a command is, for those who wait for it.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::site::render::grouped;

/// How often progress is shown: often enough to see it move.
const PROGRESS: Duration = Duration::from_millis(200);

/// A line on standard error that counts up; on a terminal it stays one line.
pub struct Progress {
    noun: &'static str,
    wanted: u64,
    shown: Option<Instant>,
}

impl Progress {
    /// Of so many things that are called so.
    pub fn of(wanted: u64, noun: &'static str) -> Self {
        Self { noun, wanted, shown: None }
    }

    /// Tells how many there are, if it is time to.
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
        // Without a flush the line would appear when it is over.
        let _ = std::io::stderr().flush();
    }

    /// Takes the line away.
    pub fn clear(&self) {
        if self.shown.is_some() && is_terminal() {
            eprint!("\r\x1b[K");
        }
    }
}

fn is_terminal() -> bool {
    std::io::stderr().is_terminal()
}
