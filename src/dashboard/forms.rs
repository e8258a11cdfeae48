//! What visitors say to the cache.

use serde::Deserialize;

use crate::cache::inspect::Kind;
use crate::cache::values::Timeout;
use crate::error::AppError;
use crate::site::pagination;

/// So many keys are listed where nobody says how many, and at most.
const LIMITS: (usize, usize) = (1_000, 100_000);

/// Bytes of the longest key: that of a page, whose query may be long.
const LONGEST_KEY: usize = 16_384;

/// The button.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct InvalidateForm {
    /// What to make stale: `everything` where nothing is said, or a tag.
    tag: String,
    /// The page to go back to, a path of this site.
    pub back: String,
}

impl InvalidateForm {
    /// The tag's name.
    pub fn tag(&self) -> &str {
        if self.tag.is_empty() { "everything" } else { &self.tag }
    }
}

/// Which entries to show to people.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct EntriesQuery {
    /// A pattern, or a part of a key; empty for all.
    pub like: String,
    /// The name of a tag; empty for all.
    pub tag: String,
    /// The name of a level, or `value`; empty for all.
    pub level: String,
    page: String,
}

/// What can be chosen, in the order of the list.
pub const KINDS: [Kind; 4] = [Kind::Page, Kind::Fragment, Kind::Query, Kind::Value];

impl EntriesQuery {
    /// The pattern: text without `*` and `?` may stand anywhere in a key.
    pub fn pattern(&self) -> String {
        match self.like.contains(['*', '?']) {
            true => self.like.clone(),
            false => format!("*{}*", self.like.replace('\\', "\\\\")),
        }
    }

    /// The tag as the database writes it; none for all.
    pub fn tag(&self) -> Option<&str> {
        match self.tag.as_str() {
            "" => None,
            "everything" => Some("!"),
            tag => Some(tag),
        }
    }

    /// The kind; none for all.
    ///
    /// # Errors
    /// [`AppError::Unprocessable`] for the name of none.
    pub fn kind(&self) -> Result<Option<Kind>, AppError> {
        let found = KINDS.into_iter().find(|kind| kind.name() == self.level);
        match (self.level.as_str(), found) {
            ("", _) => Ok(None),
            (_, Some(kind)) => Ok(Some(kind)),
            _ => Err(AppError::Unprocessable("A level is page, fragment, query or value.")),
        }
    }

    /// The page from 1, if it is written as one.
    pub fn page(&self) -> Option<u64> {
        pagination::page_number(&self.page).filter(|page| *page <= 1_000_000)
    }
}

/// What to delete, and the page to go back to.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct DeleteForm {
    key: String,
    /// A path of this site.
    pub back: String,
}

impl DeleteForm {
    /// Its key.
    pub fn key(&self) -> Result<&str, AppError> {
        named(&self.key)
    }
}

/// Which keys to list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct KeysQuery {
    like: String,
    limit: String,
}

impl KeysQuery {
    /// A pattern; all keys where nothing is said.
    pub fn like(&self) -> &str {
        if self.like.is_empty() { "*" } else { &self.like }
    }

    /// How many keys at most.
    pub fn limit(&self) -> Result<usize, AppError> {
        if self.limit.is_empty() {
            return Ok(LIMITS.0);
        }
        let limit = self.limit.parse().ok().filter(|limit| (1..=LIMITS.1).contains(limit));
        limit.ok_or(AppError::Unprocessable("The limit is a number from 1 to 100000."))
    }
}

/// Something that is kept, or may be.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct KeyForm {
    key: String,
}

impl KeyForm {
    /// Its key.
    pub fn key(&self) -> Result<&str, AppError> {
        named(&self.key)
    }
}

/// A value to remember.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SetForm {
    key: String,
    /// A whole number, or text.
    pub value: String,
    timeout: String,
}

impl SetForm {
    /// Its key.
    pub fn key(&self) -> Result<&str, AppError> {
        named(&self.key)
    }

    /// How long to remember it.
    pub fn timeout(&self) -> Result<Timeout, AppError> {
        if self.timeout.is_empty() {
            return Ok(Timeout::Default);
        }
        let refused = AppError::Unprocessable("The timeout is a number of seconds, or never.");
        self.timeout.parse().map_err(|_| refused)
    }
}

/// A key, if it can be one.
///
/// # Errors
/// [`AppError::Unprocessable`] where there is none, or where it is longer than keys are.
pub fn named(key: &str) -> Result<&str, AppError> {
    match key.len() {
        0 => Err(AppError::Unprocessable("Name a key.")),
        1..=LONGEST_KEY => Ok(key),
        _ => Err(AppError::Unprocessable("A key has at most 16384 bytes.")),
    }
}
