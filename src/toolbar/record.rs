//! What is known of one request once it has been answered. Plain data: collected by the recorders,
//! shown by the panels.

use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::site::request_id::RequestId;

/// One request and all that it caused.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    pub id: RequestId,
    pub began: SystemTime,
    pub request: Request,
    pub response: Response,
    pub verdict: Verdict,
    pub time: Times,
    /// What the cache did, as a tree: page ⊃ query or fragment ⊃ …; in order.
    pub cache: Vec<CacheNode>,
    /// Calls to stores and values that belong to no node: `values().get(…)` and the like.
    pub values: Vec<ValueCall>,
    pub sql: Vec<Sql>,
    /// Tags that this request's writes moved.
    pub moved: Vec<Moved>,
    pub templates: Vec<Template>,
    pub log: Vec<LogLine>,
    /// What was left out for lack of room, a sentence each.
    pub cut: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// Decoded pairs of the query string, in order.
    pub query: Vec<(String, String)>,
    /// The route that answered, as `/products/{id}`; none where no route did.
    pub route: Option<String>,
    pub version: String,
    /// The address of the client, as trusted proxies say.
    pub client: Option<String>,
    /// The other end of the connection: the client, or the last proxy.
    pub peer: Option<String>,
    /// As received; values of Cookie, Authorization and Proxy-Authorization are already "…".
    pub headers: Vec<(String, String)>,
    /// Names only: values are secrets.
    pub cookies: Vec<String>,
    /// Content type and length of the body, where there is one; its fields are not kept.
    pub body: Option<(String, u64)>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Response {
    pub status: u16,
    pub kind: Kind,
    /// As it would have been sent without the toolbar; Set-Cookie values are "…".
    pub headers: Vec<(String, String)>,
    pub bytes: Option<u64>,
    /// Where a redirect leads.
    pub location: Option<String>,
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
    /// Key in readable parts: ("path", "\"/\""), …; empty where there was none.
    pub key: Vec<(String, String)>,
    /// The whole key, for the buttons.
    pub raw_key: Option<String>,
    /// The headers by which the address varies, and the variant's part of the key.
    pub varies: Vec<String>,
    pub age: Option<Duration>,
    /// Fresh for so long yet; negative is shown as stale.
    pub fresh_left: Option<Duration>,
    /// Useful on error or while revalidating for so long yet.
    pub stale_left: Option<Duration>,
    pub stored_bytes: Option<u64>,
    /// What went out, where it was compressed.
    pub sent_bytes: Option<u64>,
    pub coding: Option<String>,
    pub level: Option<Store>,
    /// Of a hit: what the original build cost.
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

/// How something that is kept was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Build {
    pub queries: u32,
    pub took: Duration,
    pub at: SystemTime,
    /// The request that made it, where it was this process.
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
    /// `products.list`
    pub name: String,
    /// Readable parts of the key.
    pub key: Vec<(String, String)>,
    pub raw_key: String,
    pub outcome: Outcome,
    /// Where a hit was found.
    pub store: Option<Store>,
    /// From the request's begin.
    pub at: Duration,
    /// The look-up.
    pub took: Duration,
    /// The making, on a miss.
    pub making: Option<Duration>,
    /// Waited so long behind another request.
    pub waited: Option<Duration>,
    /// The request that it waited behind, where that is known.
    pub behind: Option<RequestId>,
    /// Kept: bytes; or why not.
    pub kept: Option<Result<u64, String>>,
    pub bytes: Option<u64>,
    pub age: Option<Duration>,
    pub left: Option<Duration>,
    /// Tags it depends on.
    pub tags: Vec<String>,
    pub saved: Option<Build>,
    pub children: Vec<CacheNode>,
    /// Who called: `src/products/service.rs:41`.
    pub caller: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Outcome {
    Hit,
    /// A hit whose value is that there is nothing.
    HitNothing,
    Collapsed,
    /// Why: `stale-if-error` …
    Stale(String),
    Miss(Miss),
    /// The shared store did not help; why (`breaker open`, `timeout` …). The look-up went on as a miss.
    Outage(String),
    /// What the store held was not taken; why (`wrong seal`, `another type` …).
    Unreadable(String),
    Refreshing,
    TimedOut,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Miss {
    /// Never stored here, as far as is remembered.
    Never,
    /// Was here, and was pushed out for room.
    Evicted,
    Expired,
    /// This tag moved; at that time, by that write where this process answered it.
    Invalidated {
        tag: String,
        at: Option<SystemTime>,
        by: Option<RequestId>,
    },
    /// Deleted by hand, or the cache was cleared.
    Deleted,
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
    /// The read or write that ran it: `src/products/queries.rs:12`.
    pub caller: Option<String>,
    /// The entry that was being made, where one was.
    pub for_key: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum SqlKind {
    Query,
    Write,
    Transaction,
    Stamps,
}

/// A tag that moved, and what it emptied.
#[derive(Debug, Clone, Serialize)]
pub struct Moved {
    pub tag: String,
    /// Entries in this process's memory that hang on it, by level: pages, fragments, queries.
    pub emptied: [u64; 3],
}

#[derive(Debug, Clone, Serialize)]
pub struct Template {
    pub name: String,
    pub took: Duration,
    pub bytes: u64,
    /// Its fragments: name, whether it came from the cache.
    pub fragments: Vec<(String, bool)>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Times {
    /// From the first byte of the request's head to the answer's head.
    pub wall: Duration,
    /// Processor time of the task and of its blocking work.
    pub cpu: Duration,
    pub sql: Duration,
    pub cache: Duration,
    pub rendering: Duration,
    /// Waiting for Redis; round trips.
    pub store: Duration,
    pub round_trips: u32,
    /// Encoding and decoding of what is kept.
    pub codec: Duration,
    /// What the toolbar itself took.
    pub toolbar: Duration,
}

#[derive(Debug, Clone, Serialize)]
pub struct LogLine {
    pub at: Duration,
    pub level: String,
    pub target: String,
    pub message: String,
}

/// One row of the history: what is told of a request without opening it.
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
    /// Where a redirect leads.
    pub location: Option<String>,
}

impl Record {
    /// Its row of the history.
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
    /// Path and query, decoded for reading; not an address.
    pub fn target(&self) -> String {
        let pairs: Vec<String> = self.query.iter().map(|(k, v)| format!("{k}={v}")).collect();
        if pairs.is_empty() {
            return self.path.clone();
        }
        format!("{}?{}", self.path, pairs.join("&"))
    }
}

impl SqlKind {
    /// Whether the site asked for it; the rest is the cost of asking.
    pub fn is_asked_for(self) -> bool {
        matches!(self, Self::Query | Self::Write)
    }
}
