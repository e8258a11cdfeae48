//! The `Server-Timing` header, which browsers show beside a request.
//!
//! `request;desc="9e3779b97f4a7c15", total;dur=1.2, sql;desc="2 queries";dur=0.4, page;desc="miss"`
//!
//! - The first entry names the request, so that the page's script finds it.
//! - Durations are milliseconds. Source: W3C Server Timing.

use std::fmt::{self, Write};
use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use super::node::Node;
use crate::cache::Level;
use crate::cache::event::Outcome;
use crate::request_id::RequestId;
use crate::sql::Statement;

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// Writes the header.
pub fn write(
    headers: &mut HeaderMap,
    (id, took, checks): (RequestId, Duration, &[Duration]),
    sql: &[Statement],
    nodes: &[Node],
) {
    let mut text = format!("request;desc=\"{id}\", total;dur={}", Millis(took));
    write_sql(&mut text, sql);
    if !checks.is_empty() {
        let (count, took) = (checks.len(), Millis(checks.iter().sum()));
        let noun = if count == 1 { "check" } else { "checks" };
        // Writing to a `String` cannot fail.
        let _ = write!(text, ", freshness;desc=\"{count} {noun}\";dur={took}");
    }
    for level in [Level::Page, Level::Fragment, Level::Query] {
        write_level(&mut text, level, nodes);
    }
    if let Ok(value) = HeaderValue::from_str(&text) {
        headers.insert(SERVER_TIMING, value);
    }
}

/// Writes the number of queries, if there are any; transactions and stamps count only as time.
fn write_sql(text: &mut String, sql: &[Statement]) {
    let queries = sql.iter().filter(|statement| statement.kind.is_asked_for()).count();
    if queries == 0 {
        return;
    }
    // The time of a freshness check counts by itself.
    let statements = sql.iter().filter(|statement| !statement.is_check);
    let took = statements.map(|statement| statement.took).sum();
    let noun = if queries == 1 { "query" } else { "queries" };
    // Writing to a `String` cannot fail.
    let _ = write!(text, ", sql;desc=\"{queries} {noun}\";dur={}", Millis(took));
}

fn write_level(text: &mut String, level: Level, nodes: &[Node]) {
    let nodes = nodes.iter().filter(|node| node.level == level);
    let told: Vec<(String, Duration)> = nodes.filter_map(tell).collect();
    if told.is_empty() {
        return;
    }
    let took = told.iter().map(|(_, took)| *took).sum();
    let words: Vec<&str> = told.iter().map(|(words, _)| words.as_str()).collect();
    let words = words.join(" / ");
    let _ = write!(text, ", {};desc=\"{words}\";dur={}", level.name(), Millis(took));
}

/// Returns `miss` for a page or `posts.list miss` for its parts, and how long it took.
fn tell(node: &Node) -> Option<(String, Duration)> {
    let outcome = match node.outcome {
        Outcome::Hit | Outcome::SharedHit | Outcome::Collapsed => "hit",
        Outcome::Stale(_) => "stale",
        Outcome::Miss(_) => "miss",
        _ => return None,
    };
    let words = match node.level {
        Level::Page => outcome.to_owned(),
        Level::Fragment | Level::Query => format!("{} {outcome}", node.key.name()),
    };
    // The build of a fragment is not part of a page's lookup, so its time is added here.
    let making = node.making.filter(|_| node.level == Level::Fragment).unwrap_or_default();
    Some((words, node.took + making))
}

/// Prints milliseconds, to the microsecond: without floating point, which takes longer to print.
struct Millis(Duration);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let took = self.0.saturating_add(Duration::from_nanos(500));
        write!(f, "{}.{:03}", took.as_millis(), took.subsec_micros() % 1_000)
    }
}
