//! The invalidation log: the last invalidations, deletions and values set by hand.
//!
//! - The last hundred are stored, each in a few hundred bytes.
//! - Invalidations by other instances, and writes to the database, are not in the log: they show in
//!   the stamps.
//! - Neither are changes made to Redis directly: `larder cache --redis` inspects the store itself.
//! - Values that the program sets are not logged, only those that people set.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderMap, ORIGIN};

/// The number of records in the log.
const MOST: usize = 100;

/// Characters stored of a name.
const LONGEST: usize = 240;

/// The way in which a change was requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// A button on a page of the application.
    Button,
    /// The pages under `/cache`.
    Dashboard,
    /// The toolbar.
    Toolbar,
    /// A program that is not a browser: `larder cache`, `curl`.
    Program,
    /// The application itself, at its start.
    Start,
}

impl Door {
    /// Returns the name shown in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Button => "button",
            Self::Dashboard => "dashboard",
            Self::Toolbar => "toolbar",
            Self::Program => "command line",
            Self::Start => "start",
        }
    }

    /// Recognizes how the form that leads back to `back` was sent; browsers reveal themselves by headers.
    pub fn of(request: &HttpRequest, at: &str, back: &str) -> Self {
        Self::told(request.headers(), back.strip_prefix(at).unwrap_or_default())
    }

    fn told(headers: &HeaderMap, back: &str) -> Self {
        let is_browser = headers.contains_key("sec-fetch-site") || headers.contains_key(ORIGIN);
        match is_browser {
            false => Self::Program,
            true if back == "/cache" || back.starts_with("/cache/") => Self::Dashboard,
            true => Self::Button,
        }
    }
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// A tag was invalidated.
    Invalidated,
    /// A key was deleted.
    Deleted,
    /// Everything was deleted.
    Cleared,
    /// The lifetime of a key was ended.
    Ended,
    /// A value was set.
    Remembered,
}

impl Act {
    /// Returns the name shown in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invalidated => "invalidated",
            Self::Deleted => "deleted",
            Self::Cleared => "cleared",
            Self::Ended => "expired",
            Self::Remembered => "set",
        }
    }
}

/// A record of the invalidation log.
#[derive(Debug, Clone)]
pub struct LogEntry {
    /// When it was done.
    pub at: SystemTime,
    /// What was done.
    pub act: Act,
    /// The tag or key.
    pub what: String,
    /// The way in which it was requested.
    pub door: Door,
    /// Entries of this process that depended on the tag, or places that held the key; `None` if unknown.
    pub entries: Option<u64>,
}

/// The invalidation log.
#[derive(Debug, Default)]
pub struct Audit {
    log: Mutex<VecDeque<LogEntry>>,
    invalidations: AtomicU64,
}

impl Audit {
    /// Records an act that was just done.
    pub fn note(&self, act: Act, what: &str, door: Door, entries: Option<u64>) {
        let what = what.chars().take(LONGEST).collect();
        let entry = LogEntry { at: SystemTime::now(), act, what, door, entries };
        let mut log = self.log.lock().unwrap();
        log.truncate(MOST - 1);
        log.push_front(entry);
    }

    /// Counts an invalidation.
    pub fn count(&self) {
        self.invalidations.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the number of invalidations by a person or a program.
    pub fn invalidations(&self) -> u64 {
        self.invalidations.load(Ordering::Relaxed)
    }

    /// Returns all records, the latest first.
    pub fn log(&self) -> Vec<LogEntry> {
        self.log.lock().unwrap().iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn the_last_hundred_are_remembered() {
        let audit = Audit::default();
        for number in 0..250 {
            audit.note(Act::Deleted, &number.to_string().repeat(300), Door::Program, Some(1));
        }
        let log = audit.log();
        assert_eq!(log.len(), MOST);
        assert!(log[0].what.starts_with("249") && log[99].what.starts_with("150"));
        assert!(log.iter().all(|entry| entry.what.len() <= LONGEST));
    }

    #[test]
    fn a_door_is_recognized_by_the_headers_of_browsers() {
        let browser = || {
            let name = HeaderName::from_static("sec-fetch-site");
            HeaderMap::from_iter([(name, HeaderValue::from_static("same-origin"))])
        };
        assert_eq!(Door::told(&HeaderMap::new(), "/cache"), Door::Program);
        assert_eq!(Door::told(&browser(), "/"), Door::Button);
        assert_eq!(Door::told(&browser(), "/cacheable"), Door::Button);
        assert_eq!(Door::told(&browser(), "/cache"), Door::Dashboard);
        assert_eq!(Door::told(&browser(), "/cache/entries?like=a"), Door::Dashboard);
    }
}
