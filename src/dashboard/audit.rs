//! Who had what forgotten or remembered: the last invalidations, deletions and values set by hand.
//!
//! - The last hundred are remembered, each in a few hundred bytes.
//! - What other instances did, and who wrote to the database, is not among them: that shows in the stamps.
//! - Nor is what was done to Redis past this process: `larder cache --redis` asks the store itself.
//! - Values that the program sets are its own business: only what people set is noted.

use std::collections::VecDeque;
use std::sync::Mutex;

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderMap, ORIGIN};

use crate::site::time::Timestamp;

/// So many are remembered.
const MOST: usize = 100;

/// Letters of what is remembered of a name.
const LONGEST: usize = 240;

/// By which way somebody came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// *Invalidate cache* on a page of the shop.
    Button,
    /// The pages under `/cache`.
    Dashboard,
    /// The toolbar.
    Toolbar,
    /// A program that is no browser: `larder cache`, `curl`.
    Program,
    /// The shop itself, which was started with `--clear-cache`.
    Start,
}

impl Door {
    /// What to call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Button => "button",
            Self::Dashboard => "dashboard",
            Self::Toolbar => "toolbar",
            Self::Program => "command line",
            Self::Start => "start",
        }
    }

    /// The door of a form that leads back to this path. Browsers say where a form comes from.
    pub fn of(request: &HttpRequest, back: &str) -> Self {
        Self::told(request.headers(), back)
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
    /// A tag was moved.
    Invalidated,
    /// What was under a key was deleted.
    Deleted,
    /// Everything was deleted.
    Cleared,
    /// The lifetime of what was under a key was ended.
    Ended,
    /// A value was remembered.
    Remembered,
}

impl Act {
    /// What to call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invalidated => "invalidated",
            Self::Deleted => "deleted",
            Self::Cleared => "emptied",
            Self::Ended => "ended",
            Self::Remembered => "remembered",
        }
    }
}

/// Something that was forgotten or remembered because somebody said so.
#[derive(Debug, Clone)]
pub struct Deed {
    /// When.
    pub at: Timestamp,
    /// What was done.
    pub act: Act,
    /// To which tag or key.
    pub what: String,
    /// By which way.
    pub door: Door,
    /// How many entries of this process hung on it, or places it was in; none where nobody could tell.
    pub entries: Option<u64>,
}

/// The last of them.
#[derive(Debug, Default)]
pub struct Audit(Mutex<VecDeque<Deed>>);

impl Audit {
    /// Remembers that this was done just now.
    pub fn note(&self, act: Act, what: &str, door: Door, entries: Option<u64>) {
        let what = what.chars().take(LONGEST).collect();
        let deed = Deed { at: Timestamp::now(), act, what, door, entries };
        let mut deeds = self.0.lock().unwrap();
        deeds.truncate(MOST - 1);
        deeds.push_front(deed);
    }

    /// All that are remembered, the latest first.
    pub fn deeds(&self) -> Vec<Deed> {
        self.0.lock().unwrap().iter().cloned().collect()
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
        let deeds = audit.deeds();
        assert_eq!(deeds.len(), MOST);
        assert!(deeds[0].what.starts_with("249") && deeds[99].what.starts_with("150"));
        assert!(deeds.iter().all(|deed| deed.what.len() <= LONGEST));
    }

    #[test]
    fn a_door_is_told_by_what_browsers_say() {
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
