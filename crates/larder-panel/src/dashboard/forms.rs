//! The forms and queries of the dashboard.

use serde::Deserialize;

use super::pagination;
use crate::cache::inspect::Kind;
use crate::cache::values::Timeout;
use crate::error::PanelError;

/// The default and the maximum number of listed keys.
const LIMITS: (usize, usize) = (1_000, 100_000);

/// Bytes of the longest key: that of a page, whose query may be long.
const LONGEST_KEY: usize = 16_384;

/// Bytes of the longest pattern, which is compared with each key.
const LONGEST_PATTERN: usize = 500;

/// The form that invalidates a tag.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct InvalidateForm {
    /// The tag to invalidate; empty for `everything`.
    tag: String,
    /// The page to return to, a path of this site.
    pub back: String,
}

impl InvalidateForm {
    /// Returns the tag's name.
    pub fn tag(&self) -> &str {
        if self.tag.is_empty() { "everything" } else { &self.tag }
    }
}

/// The search for entries.
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

/// The kinds that can be chosen, in the order of the list.
pub const KINDS: [Kind; 4] = [Kind::Page, Kind::Fragment, Kind::Query, Kind::Value];

impl EntriesQuery {
    /// Returns the pattern: text without `*` and `?` matches anywhere in a key.
    ///
    /// # Errors
    /// [`PanelError::Unprocessable`] if it is too long.
    pub fn pattern(&self) -> Result<String, PanelError> {
        let like = bounded(&self.like)?;
        Ok(match like.contains(['*', '?']) {
            true => like.to_owned(),
            false => format!("*{}*", like.replace('\\', "\\\\")),
        })
    }

    /// Returns the tag as the database writes it; `None` for all.
    pub fn tag(&self) -> Option<&str> {
        match self.tag.as_str() {
            "" => None,
            "everything" => Some("!"),
            tag => Some(tag),
        }
    }

    /// Returns the kind; `None` for all.
    ///
    /// # Errors
    /// [`PanelError::Unprocessable`] for an unknown name.
    pub fn kind(&self) -> Result<Option<Kind>, PanelError> {
        let found = KINDS.into_iter().find(|kind| kind.name() == self.level);
        match (self.level.as_str(), found) {
            ("", _) => Ok(None),
            (_, Some(kind)) => Ok(Some(kind)),
            _ => Err(PanelError::Unprocessable("A level is page, fragment, query or value.")),
        }
    }

    /// Returns the page from 1, if its number is valid.
    pub fn page(&self) -> Option<u64> {
        pagination::page_number(&self.page).filter(|page| *page <= 1_000_000)
    }
}

/// The form that deletes a key.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct DeleteForm {
    key: String,
    /// The page to return to, a path of this site.
    pub back: String,
}

impl DeleteForm {
    /// Returns the key.
    pub fn key(&self) -> Result<&str, PanelError> {
        named(&self.key)
    }
}

/// The query for keys.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct KeysQuery {
    like: String,
    limit: String,
}

impl KeysQuery {
    /// Returns the pattern; by default it matches all keys.
    ///
    /// # Errors
    /// [`PanelError::Unprocessable`] if it is too long.
    pub fn like(&self) -> Result<&str, PanelError> {
        if self.like.is_empty() { Ok("*") } else { bounded(&self.like) }
    }

    /// Returns the maximum number of keys.
    pub fn limit(&self) -> Result<usize, PanelError> {
        if self.limit.is_empty() {
            return Ok(LIMITS.0);
        }
        let limit = self.limit.parse().ok().filter(|limit| (1..=LIMITS.1).contains(limit));
        limit.ok_or(PanelError::Unprocessable("The limit is a number from 1 to 100000."))
    }
}

/// The form or query that names a key.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct KeyForm {
    key: String,
}

impl KeyForm {
    /// Returns the key.
    pub fn key(&self) -> Result<&str, PanelError> {
        named(&self.key)
    }
}

/// The form that sets a value.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SetForm {
    key: String,
    /// A whole number, or text.
    pub value: String,
    timeout: String,
}

impl SetForm {
    /// Returns the key.
    pub fn key(&self) -> Result<&str, PanelError> {
        named(&self.key)
    }

    /// Returns how long to store the value.
    pub fn timeout(&self) -> Result<Timeout, PanelError> {
        if self.timeout.is_empty() {
            return Ok(Timeout::Default);
        }
        let refused = PanelError::Unprocessable("The timeout is a number of seconds, or never.");
        self.timeout.parse().map_err(|_| refused)
    }
}

fn bounded(pattern: &str) -> Result<&str, PanelError> {
    match pattern.len() {
        0..=LONGEST_PATTERN => Ok(pattern),
        _ => Err(PanelError::Unprocessable("A pattern has at most 500 bytes.")),
    }
}

/// Returns the key if its length is valid.
///
/// # Errors
/// [`PanelError::Unprocessable`] if it is empty or too long.
pub fn named(key: &str) -> Result<&str, PanelError> {
    match key.len() {
        0 => Err(PanelError::Unprocessable("A key is required.")),
        1..=LONGEST_KEY => Ok(key),
        _ => Err(PanelError::Unprocessable("A key has at most 16384 bytes.")),
    }
}
