//! What visitors say to the cache.

use serde::Deserialize;

use crate::cache::values::Timeout;
use crate::error::AppError;

/// So many keys are listed where nobody says how many, and at most.
const LIMITS: (usize, usize) = (1_000, 100_000);

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

fn named(key: &str) -> Result<&str, AppError> {
    if key.is_empty() { Err(AppError::Unprocessable("Name a key.")) } else { Ok(key) }
}
