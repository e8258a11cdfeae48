//! A bell at the end of a story, by which those who work meanwhile also keep their pace.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

/// Rings once, and stays rung.
#[derive(Default)]
pub struct Bell {
    has_rung: Mutex<bool>,
    changed: Condvar,
}

/// Rings when it is dropped, so that nobody works on for a story that has failed.
pub struct Ringer<'a>(pub &'a Bell);

impl Bell {
    pub fn ring(&self) {
        *self.has_rung.lock().unwrap() = true;
        self.changed.notify_all();
    }

    pub fn has_rung(&self) -> bool {
        *self.has_rung.lock().unwrap()
    }

    /// Waits for it for so long; whether it has rung.
    pub fn rings_within(&self, limit: Duration) -> bool {
        let state = self.has_rung.lock().unwrap();
        *self.changed.wait_timeout_while(state, limit, |has_rung| !*has_rung).unwrap().0
    }
}

impl Drop for Ringer<'_> {
    fn drop(&mut self) {
        self.0.ring();
    }
}
