//! A signal that ends a test: background threads wait on it, and also pace themselves by it.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

/// A signal that is given once and then stays given.
#[derive(Default)]
pub struct Bell {
    has_rung: Mutex<bool>,
    changed: Condvar,
}

/// Rings the bell when it is dropped, so that background threads stop even if the test fails.
pub struct Ringer<'a>(pub &'a Bell);

impl Bell {
    pub fn ring(&self) {
        *self.has_rung.lock().unwrap() = true;
        self.changed.notify_all();
    }

    pub fn has_rung(&self) -> bool {
        *self.has_rung.lock().unwrap()
    }

    /// Waits until the bell rings or `limit` has passed; returns whether it has rung.
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
