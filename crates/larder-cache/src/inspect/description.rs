//! What is told about what is kept; the same to people, to programs, and over HTTP.

use serde::{Deserialize, Serialize};

use crate::entry::Cost;
use crate::tag::{Stamp, Tag};

/// What something that is kept is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An entry of level one.
    Page,
    /// An entry of level two.
    Fragment,
    /// An entry of level three.
    Query,
    /// What somebody set.
    Value,
    /// The lock of an entry or a value.
    Lock,
}

impl Kind {
    /// Its name, lower case.
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

/// Something that is kept, in a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Listed {
    /// What it is.
    pub kind: Kind,
    /// The key by which its program knows it.
    pub key: String,
    /// `memory`, or the name of the store.
    pub place: String,
    /// The complete name in the store; none for entries in memory.
    pub name: Option<String>,
}

/// Some of what is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// Ordered by kind and key.
    pub keys: Vec<Listed>,
    /// How many more there are, about.
    pub left_off: u64,
}

/// All that is known of something that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// What it is and where.
    #[serde(flatten)]
    pub listed: Listed,
    /// The fingerprint of its type, where it was sealed.
    pub fingerprint: Option<String>,
    /// Its size; in memory about.
    pub bytes: u64,
    /// Milliseconds since it was made; none for values.
    pub age_ms: Option<u64>,
    /// Milliseconds until its lifetime is over; none for ever.
    pub left_ms: Option<u64>,
    /// What it was made from; empty for values.
    pub tags: Vec<TagStamp>,
    /// Whether it would be served.
    pub verdict: Verdict,
    /// How many look-ups it answered since it came into this memory; none in a store.
    #[serde(default)]
    pub hits: Option<u64>,
    /// What it took to make it, where that is known.
    #[serde(default)]
    pub cost: Option<BuildCost>,
    /// What it says.
    pub body: Body,
}

impl Description {
    /// Microseconds of making that its hits saved.
    pub fn saved_us(&self) -> u64 {
        let took = self.cost.map_or(0, |cost| cost.took_us);
        took.saturating_mul(self.hits.unwrap_or_default())
    }
}

/// What it took to make something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildCost {
    /// Queries that ran for it, and for all that was made for it.
    pub queries: u32,
    /// Microseconds from the look-up that did not find it.
    pub took_us: u64,
}

impl BuildCost {
    /// Of an entry that this process made; none of one that another instance made.
    pub(super) fn of(cost: Cost) -> Option<Self> {
        let took_us = u64::try_from(cost.took.as_micros()).unwrap_or(u64::MAX);
        (took_us > 0).then_some(Self { queries: cost.queries, took_us })
    }
}

/// A tag and the stamp that it had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagStamp {
    /// The tag.
    pub tag: String,
    /// How often it had changed.
    pub count: i64,
    /// What was drawn at the last change; as text, since it has more digits than some readers of
    /// JSON keep.
    pub nonce: String,
}

impl From<&(Tag, Stamp)> for TagStamp {
    fn from((tag, stamp): &(Tag, Stamp)) -> Self {
        Self { tag: tag.to_string(), count: stamp.count, nonce: stamp.nonce.to_string() }
    }
}

/// Whether something would be served, judged by the present current.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "is", content = "why")]
pub enum Verdict {
    /// An entry whose data has not changed, or a value.
    Valid,
    /// Its lifetime is over.
    Expired,
    /// What it was made from has changed: the first tag that says so.
    Changed(String),
    /// Its key was deleted since its load began: it takes up room, and is never served.
    Deleted,
    /// Its bytes are none that can be read.
    Unreadable(String),
    /// Nobody is here to judge: why.
    Unknown(String),
}

/// What something says, as far as it can be read without knowing its type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Body {
    /// A page.
    Page {
        /// Its status.
        status: u16,
        /// Its headers, in order.
        headers: Vec<(String, String)>,
        /// The first characters of its body.
        start: String,
    },
    /// The first characters of a fragment.
    Fragment(String),
    /// A whole number, which can be counted on.
    Number(i64),
    /// Text that somebody set.
    Text(String),
    /// Of a type that only the program knows.
    Opaque,
}

/// The cache in figures.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statistics {
    /// Look-ups since the process began; empty where no process was asked.
    pub look_ups: Vec<LookUps>,
    /// What the process keeps; none where no process was asked.
    pub memory: Option<Memory>,
    /// The store of values, and of shared entries if there are any.
    pub store: Store,
}

/// The look-ups of one level.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookUps {
    /// The level's name.
    pub level: String,
    /// Answered from the cache.
    pub hits: u64,
    /// Built anew.
    pub misses: u64,
    /// Answered with something old, as a policy allowed.
    pub stale: u64,
    /// Entries kept.
    pub stored: u64,
}

/// Entries in a process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Whole pages.
    pub pages: u64,
    /// Parts of templates.
    pub fragments: u64,
    /// Results of queries.
    pub queries: u64,
    /// Their bytes, about.
    pub bytes: u64,
    /// The bound on them.
    pub limit_bytes: Option<u64>,
    /// Entries dropped for lack of room since the process began.
    #[serde(default)]
    pub evicted: u64,
}

/// A store; where it cannot know, nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Store {
    /// `memory`, `redis`.
    pub name: String,
    /// Entries of ours, of every build.
    pub entries: u64,
    /// Values of ours.
    pub values: u64,
    /// Keys, whosever they are.
    pub keys: Option<u64>,
    /// Memory in use.
    pub bytes: Option<u64>,
    /// The bound on it.
    pub limit_bytes: Option<u64>,
    /// Keys dropped for lack of room since it was started.
    pub evicted: Option<u64>,
    /// Keys whose lifetime was over since it was started.
    pub expired: Option<u64>,
}
