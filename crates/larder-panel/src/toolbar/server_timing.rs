//! The `Server-Timing` header, which browsers show beside a request.
//!
//! `request;desc="9e3779b97f4a7c15", total;dur=1.2, sql;desc="2 queries";dur=0.4, page;desc="miss"`
//!
//! - The first entry names the request, so that the page's script finds it.
//! - Durations are milliseconds. Source: W3C Server Timing.

use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;

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
    let mut text = String::with_capacity(200);
    text.extend(["request;desc=\"", &id.to_string(), "\", total"]);
    write_duration(&mut text, took);
    write_sql(&mut text, sql);
    if !checks.is_empty() {
        write_count(&mut text, "freshness", (checks.len(), ["check", "checks"]));
        write_duration(&mut text, checks.iter().sum());
    }
    for level in [Level::Page, Level::Fragment, Level::Query] {
        write_level(&mut text, level, nodes);
    }
    if let Ok(value) = HeaderValue::from_maybe_shared(Bytes::from(text)) {
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
    write_count(text, "sql", (queries, ["query", "queries"]));
    write_duration(text, statements.map(|statement| statement.took).sum());
}

fn write_level(text: &mut String, level: Level, nodes: &[Node]) {
    let (mut is_first, mut took) = (true, Duration::ZERO);
    for node in nodes.iter().filter(|node| node.level == level) {
        let Some(outcome) = outcome(node) else { continue };
        match is_first {
            true => text.extend([", ", level.name(), ";desc=\""]),
            false => text.push_str(" / "),
        }
        is_first = false;
        if level != Level::Page {
            text.extend([node.key.name(), " "]);
        }
        text.push_str(outcome);
        // The build of a fragment is not part of a page's lookup, so its time is added here.
        let making = node.making.filter(|_| level == Level::Fragment).unwrap_or_default();
        took += node.took + making;
    }
    if !is_first {
        text.push('"');
        write_duration(text, took);
    }
}

/// Returns the word for what became of a lookup.
fn outcome(node: &Node) -> Option<&'static str> {
    Some(match node.outcome {
        Outcome::Hit | Outcome::SharedHit | Outcome::Collapsed => "hit",
        Outcome::Stale(_) => "stale",
        Outcome::Miss(_) => "miss",
        _ => return None,
    })
}

fn write_count(text: &mut String, name: &str, (count, [one, many]): (usize, [&str; 2])) {
    text.extend([", ", name, ";desc=\""]);
    write_number(text, count as u64, 1);
    text.extend([" ", if count == 1 { one } else { many }, "\""]);
}

/// Writes milliseconds, to the microsecond.
fn write_duration(text: &mut String, took: Duration) {
    let micros = took.saturating_add(Duration::from_nanos(500)).as_micros() as u64;
    text.push_str(";dur=");
    write_number(text, micros / 1_000, 1);
    text.push('.');
    write_number(text, micros % 1_000, 3);
}

/// Writes a number with at least so many digits. The formatter of the standard library takes longer.
fn write_number(text: &mut String, number: u64, digits: usize) {
    if number > 9 || digits > 1 {
        write_number(text, number / 10, digits.saturating_sub(1));
    }
    text.push(char::from(b'0' + (number % 10) as u8));
}
