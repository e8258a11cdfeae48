//! The record of an answered request: plain data, collected by the recorders and shown by the panels.

use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::request_id::RequestId;
use crate::trace::Trace;

/// One request and everything it caused.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    pub id: RequestId,
    pub began: SystemTime,
    pub request: Request,
    pub response: Response,
    pub verdict: Verdict,
    pub time: Times,
    /// What the cache did, in order, as a tree: page ⊃ query or fragment ⊃ …
    pub cache: Vec<CacheNode>,
    /// Calls to stores and values that belong to no node: `values().get(…)` and the like.
    pub values: Vec<ValueCall>,
    pub sql: Vec<Sql>,
    /// Waits for a connection.
    pub waits: Vec<Wait>,
    /// Tags that this request's writes invalidated.
    pub moved: Vec<Moved>,
    pub templates: Vec<Template>,
    pub log: Vec<LogLine>,
    /// One sentence for each list that was cut for lack of room.
    pub cut: Vec<String>,
    /// About how many bytes its lists take.
    #[serde(skip)]
    pub bytes: usize,
}

#[derive(Debug, Clone, Serialize)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// Decoded pairs of the query string, in order.
    pub query: Vec<(String, String)>,
    /// The pattern of the route that answered, as `/posts/{id}`; `None` if no route did.
    pub route: Option<String>,
    pub version: String,
    /// The address of the client, as trusted proxies report it.
    pub client: Option<String>,
    /// The other end of the connection: the client, or the last proxy.
    pub peer: Option<String>,
    /// As received; values of Cookie, Authorization and Proxy-Authorization are already "…".
    pub headers: Vec<(String, String)>,
    /// Names only: the values are secrets.
    pub cookies: Vec<String>,
    /// Content type and length of the body, if there is one.
    pub body: Option<(String, u64)>,
    /// The fields of a form, in order, as far as the application has read it.
    pub form: Vec<(String, String)>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Response {
    pub status: u16,
    pub kind: Kind,
    /// As they would have been sent without the toolbar; Set-Cookie values are "…".
    pub headers: Vec<(String, String)>,
    pub bytes: Option<u64>,
    /// The target of a redirect.
    pub location: Option<String>,
    /// The error, and what caused it, outermost first; empty if there was none.
    pub errors: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Kind {
    Page,
    Redirect,
    Json,
    Other,
}

/// What the page cache did for this request, and why.
#[derive(Debug, Clone, Serialize)]
pub struct Verdict {
    pub outcome: PageOutcome,
    /// The rule that decided, as `Cache-Status` names it: `method`, `route`, `session`, `Set-Cookie` …
    pub rule: Option<String>,
    /// The `Cache-Status` sent.
    pub status_line: String,
    /// The key in readable parts: ("path", "\"/\""), …; empty if there was none.
    pub key: Vec<(String, String)>,
    /// The whole key, for the buttons.
    pub raw_key: Option<String>,
    /// The headers that `Vary` names.
    pub varies: Vec<String>,
    pub age: Option<Duration>,
    /// How long the page stays fresh; zero if it is stale.
    pub fresh_left: Option<Duration>,
    /// How long the page may be served stale, on error or while it is revalidated.
    pub stale_left: Option<Duration>,
    pub stored_bytes: Option<u64>,
    /// Bytes sent, if the page was compressed.
    pub sent_bytes: Option<u64>,
    pub coding: Option<String>,
    pub level: Option<Store>,
    /// The cost of the original build, for a hit.
    pub saved: Option<Build>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum PageOutcome {
    Hit,
    Miss,
    Stale,
    Collapsed,
    Revalidated,
    Bypass,
    Uncacheable,
    Write,
    Off,
}

/// How an entry was built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Build {
    pub queries: u32,
    pub took: Duration,
    pub at: SystemTime,
    /// The request that built it, if this process answered it.
    pub by: Option<RequestId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Level {
    Page,
    Fragment,
    Query,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Store {
    Memory,
    Shared,
}

#[derive(Debug, Clone, Serialize)]
pub struct CacheNode {
    pub level: Level,
    /// `posts.list`
    pub name: String,
    /// Readable parts of the key.
    pub key: Vec<(String, String)>,
    pub raw_key: String,
    pub outcome: Outcome,
    /// The store in which a hit was found.
    pub store: Option<Store>,
    /// Since the request began.
    pub at: Duration,
    /// Duration of the lookup.
    pub took: Duration,
    /// Duration of the build, on a miss.
    pub making: Option<Duration>,
    /// Time spent waiting for another request.
    pub waited: Option<Duration>,
    /// The request that it waited for, if it is known.
    pub behind: Option<RequestId>,
    /// Bytes stored, or the reason why the result was not stored.
    pub kept: Option<Result<u64, String>>,
    pub bytes: Option<u64>,
    pub age: Option<Duration>,
    pub left: Option<Duration>,
    /// Tags that the entry depends on.
    pub tags: Vec<String>,
    pub saved: Option<Build>,
    pub children: Vec<CacheNode>,
    /// The place of the call: `src/posts/service.rs:41`.
    pub caller: Option<String>,
    /// The calls that led to it, where they are wanted.
    #[serde(skip)]
    pub trace: Option<Trace>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Outcome {
    Hit,
    /// A hit whose value is that there is nothing.
    HitNothing,
    Collapsed,
    /// The rule: `stale-if-error` …
    Stale(String),
    Miss(Miss),
    /// The shared store failed (`breaker open`, `timeout` …); the lookup went on as a miss.
    Outage(String),
    /// The stored value was rejected (`wrong seal`, `another type` …).
    Unreadable(String),
    Refreshing,
    TimedOut,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Miss {
    /// Never stored in this process, as far as is known.
    Never,
    /// Evicted for lack of room.
    Evicted,
    Expired,
    /// This tag was invalidated; `by` is known if this process answered the write. Otherwise `at` is when that was
    /// noticed.
    Invalidated {
        tag: String,
        at: Option<SystemTime>,
        by: Option<RequestId>,
    },
    /// Deleted explicitly, or the cache was cleared.
    Deleted,
    /// Not looked at: the request rebuilds everything.
    Bypassed,
}

#[derive(Debug, Clone, Serialize)]
pub struct ValueCall {
    /// `get`, `set`, `incr` …
    pub operation: &'static str,
    pub key: String,
    pub store: Store,
    pub outcome: String,
    pub at: Duration,
    pub took: Duration,
}

#[derive(Debug, Clone, Serialize)]
pub struct Sql {
    pub sql: String,
    pub binds: Vec<String>,
    pub kind: SqlKind,
    pub at: Duration,
    pub took: Duration,
    pub rows: Option<u64>,
    pub error: Option<String>,
    /// Reader or writer connection.
    pub connection: &'static str,
    /// The read or write that ran it: `src/posts/queries.rs:12`.
    pub caller: Option<String>,
    /// The entry that was being built, if there was one.
    pub for_key: Option<String>,
    /// The calls that led to it, where they are wanted.
    #[serde(skip)]
    pub trace: Option<Trace>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum SqlKind {
    Query,
    Write,
    Transaction,
    Stamps,
}

/// A wait for a connection of a pool.
#[derive(Debug, Clone, Serialize)]
pub struct Wait {
    /// `reader` or `writer`.
    pub pool: &'static str,
    pub at: Duration,
    pub took: Duration,
    /// The entry that was being built, if there was one.
    pub for_key: Option<String>,
}

/// An invalidated tag, and the number of its dependents.
#[derive(Debug, Clone, Serialize)]
pub struct Moved {
    pub tag: String,
    /// Entries in this process's memory that depend on it, by level: pages, fragments, queries.
    pub emptied: [u64; 3],
}

#[derive(Debug, Clone, Serialize)]
pub struct Template {
    pub name: String,
    pub took: Duration,
    pub bytes: u64,
    /// Its fragments: name, and whether it came from the cache.
    pub fragments: Vec<(String, bool)>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Times {
    /// From the first byte of the request's head to the response's head.
    pub wall: Duration,
    /// Processor time of the task and of its blocking work.
    pub cpu: Duration,
    pub sql: Duration,
    pub cache: Duration,
    /// Freshness checks: waiting for the current stamps.
    pub freshness: Duration,
    pub checks: u32,
    /// Waiting for a connection of a pool.
    pub connection: Duration,
    /// Waiting for the results of other requests.
    pub flight: Duration,
    pub rendering: Duration,
    /// Time spent waiting for Redis.
    pub store: Duration,
    pub round_trips: u32,
    /// Encoding and decoding of cached values.
    pub codec: Duration,
    /// The toolbar's own time.
    pub toolbar: Duration,
}

#[derive(Debug, Clone, Serialize)]
pub struct LogLine {
    pub at: Duration,
    pub level: String,
    pub target: String,
    pub message: String,
}

/// One row of the history: the summary of a request.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    pub id: RequestId,
    pub began: SystemTime,
    pub method: String,
    /// Path and query, decoded for reading.
    pub target: String,
    pub status: u16,
    pub kind: Kind,
    pub outcome: PageOutcome,
    pub took: Duration,
    /// Queries and writes; transactions and stamps are not counted.
    pub queries: usize,
    /// The target of a redirect.
    pub location: Option<String>,
}

impl Record {
    /// Returns its row of the history.
    pub fn summary(&self) -> Summary {
        Summary {
            id: self.id,
            began: self.began,
            method: self.request.method.clone(),
            target: self.request.target(),
            status: self.response.status,
            kind: self.response.kind,
            outcome: self.verdict.outcome,
            took: self.time.wall,
            queries: self.sql.iter().filter(|statement| statement.kind.is_asked_for()).count(),
            location: self.response.location.clone(),
        }
    }
}

impl Request {
    /// Returns path and query, decoded for reading; the text is not a valid URL.
    pub fn target(&self) -> String {
        let pairs: Vec<String> = self.query.iter().map(|(k, v)| format!("{k}={v}")).collect();
        if pairs.is_empty() {
            return self.path.clone();
        }
        format!("{}?{}", self.path, pairs.join("&"))
    }
}

impl SqlKind {
    /// Reports whether a handler asked for the statement; the others are overhead.
    pub fn is_asked_for(self) -> bool {
        matches!(self, Self::Query | Self::Write)
    }
}
