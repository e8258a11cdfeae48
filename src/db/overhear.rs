//! What is asked on this thread, overheard by who checks it.
//!
//! - In debug builds only: printing a statement costs more than many a statement.
//! - Not a log: who keeps one is asked for a whole task, who overhears sits within one read.

use std::cell::RefCell;
use std::fmt;

thread_local! {
    static HEARD: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// Overhears this thread until it is dropped.
#[derive(Debug)]
pub struct Ear(());

impl Ear {
    /// Begins to overhear; hears nothing in a release build.
    pub fn open() -> Self {
        HEARD.set(Some(Vec::new()));
        Self(())
    }

    /// The statements since the last time, in order, without their binds.
    pub fn take(&self) -> Vec<String> {
        HEARD.with_borrow_mut(|heard| heard.as_mut().map(std::mem::take).unwrap_or_default())
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        HEARD.set(None);
    }
}

/// A statement was run.
pub(super) fn hear(statement: impl fmt::Display) {
    if !cfg!(debug_assertions) {
        return;
    }
    HEARD.with_borrow_mut(|heard| {
        if let Some(heard) = heard {
            heard.push(super::binds::without_binds(statement));
        }
    });
}
