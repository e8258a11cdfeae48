//! The descriptions of what is stored: the same for people, for programs and over HTTP.

use serde::{Deserialize, Serialize};

use crate::entry::Cost;
use crate::tag::{Stamp, Tag};

/// The kind of something that is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An entry of level one.
    Page,
    /// An entry of level two.
    Fragment,
    /// An entry of level three.
    Query,
    /// A value, set by a caller.
    Value,
    /// The lock of an entry or a value.
    Lock,
}

impl Kind {
    /// Returns the kind's name, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Fragment => "fragment",
            Self::Query => "query",
            Self::Value => "value",
            Self::Lock => "lock",
        }
    }
}

/// A stored key in a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Listed {
    /// Its kind.
    pub kind: Kind,
    /// The key, as the program uses it.
    pub key: String,
    /// `memory`, or the name of the store.
    pub place: String,
    /// The complete name in the store; `None` for entries in memory.
    pub name: Option<String>,
}

/// A part of the stored keys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// Ordered by kind and key.
    pub keys: Vec<Listed>,
    /// The approximate number of further keys.
    pub left_off: u64,
}

/// All that is known of an entry, value or lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// Its kind, key and place.
    #[serde(flatten)]
    pub listed: Listed,
    /// The fingerprint of its type, if it was sealed.
    pub fingerprint: Option<String>,
    /// Its size in bytes; approximate in memory.
    pub bytes: u64,
    /// Milliseconds since it was built; `None` for values.
    pub age_ms: Option<u64>,
    /// Milliseconds until its lifetime is over; `None` if it never is.
    pub left_ms: Option<u64>,
    /// The tags that it depends on; empty for values.
    pub tags: Vec<TagStamp>,
    /// Whether it would be served.
    pub verdict: Verdict,
    /// The lookups that it answered since it entered this memory; `None` in a store.
    #[serde(default)]
    pub hits: Option<u64>,
    /// What it cost to build, if known.
    #[serde(default)]
    pub cost: Option<BuildCost>,
    /// Its content.
    pub body: Body,
}

impl Description {
    /// Returns the microseconds of building that its hits saved.
    pub fn saved_us(&self) -> u64 {
        let took = self.cost.map_or(0, |cost| cost.took_us);
        took.saturating_mul(self.hits.unwrap_or_default())
    }
}

/// What it cost to build an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildCost {
    /// The number of queries for it, and for all that was built for it.
    pub queries: u32,
    /// Microseconds from the lookup that missed it.
    pub took_us: u64,
}

impl BuildCost {
    /// Converts the cost of an entry; returns `None` if no build time is recorded.
    pub(super) fn of(cost: Cost) -> Option<Self> {
        let took_us = u64::try_from(cost.took.as_micros()).unwrap_or(u64::MAX);
        (took_us > 0).then_some(Self { queries: cost.queries, took_us })
    }
}

/// A tag and its stamp.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagStamp {
    /// The tag.
    pub tag: String,
    /// The number of its changes.
    pub count: i64,
    /// The random number of the last change.
    ///
    /// It is text, since it has more digits than some readers of JSON preserve.
    pub nonce: String,
}

impl From<&(Tag, Stamp)> for TagStamp {
    fn from((tag, stamp): &(Tag, Stamp)) -> Self {
        Self { tag: tag.to_string(), count: stamp.count, nonce: stamp.nonce.to_string() }
    }
}

/// Whether something would be served at the current stamps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "is", content = "why")]
pub enum Verdict {
    /// An entry whose data has not changed, or a value.
    Valid,
    /// Its lifetime is over.
    Expired,
    /// The data it was built from has changed: the first invalidated tag.
    Changed(String),
    /// Its key was deleted since its load began: it takes up room, and is never served.
    Deleted,
    /// Its bytes cannot be read, for this reason.
    Unreadable(String),
    /// It cannot be validated, for this reason.
    Unknown(String),
}

/// The content of something, as far as it can be read without knowing its type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Body {
    /// A page.
    Page {
        /// The status code.
        status: u16,
        /// The headers, in order.
        headers: Vec<(String, String)>,
        /// The first characters of the body.
        start: String,
    },
    /// The first characters of a fragment.
    Fragment(String),
    /// A whole number, which can be incremented.
    Number(i64),
    /// Text, set by a caller.
    Text(String),
    /// A content whose type only the program knows.
    Opaque,
}

/// The figures of a cache.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statistics {
    /// Lookups since the process started; empty if no process was inspected.
    pub look_ups: Vec<LookUps>,
    /// The entries of the process; `None` if no process was inspected.
    pub memory: Option<Memory>,
    /// The store of values, and of shared entries if there are any.
    pub store: Store,
}

/// The lookups of one level.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookUps {
    /// The level's name.
    pub level: String,
    /// Answered from the cache.
    pub hits: u64,
    /// Built again.
    pub misses: u64,
    /// Answered with a stale entry, as a policy allowed.
    pub stale: u64,
    /// Entries stored.
    pub stored: u64,
}

/// The entries of a process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Whole pages.
    pub pages: u64,
    /// Parts of templates.
    pub fragments: u64,
    /// Results of queries.
    pub queries: u64,
    /// Their approximate bytes.
    pub bytes: u64,
    /// The limit of the bytes.
    pub limit_bytes: Option<u64>,
    /// Entries evicted since the process started.
    #[serde(default)]
    pub evicted: u64,
}

/// The figures of a store; `None` is a figure that it does not know.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Store {
    /// `memory`, `redis`.
    pub name: String,
    /// Entries of this application, of every build.
    pub entries: u64,
    /// Values of this application.
    pub values: u64,
    /// All keys, also those of other applications.
    pub keys: Option<u64>,
    /// Memory in use.
    pub bytes: Option<u64>,
    /// The limit of the memory.
    pub limit_bytes: Option<u64>,
    /// Keys evicted since the store was started.
    pub evicted: Option<u64>,
    /// Keys expired since the store was started.
    pub expired: Option<u64>,
}
