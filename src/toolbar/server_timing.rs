//! `Server-Timing`: what browsers show beside a request.
//!
//! `total;dur=1.2, sql;desc="2 queries";dur=0.4, page;desc="miss", query;desc="products.list miss"`
//!
//! Durations are milliseconds. Source: W3C Server Timing.

use std::fmt::Write;
use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use super::recorder::Lookup;
use crate::cache::level::Level;
use crate::db::log::Statement;

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// Writes the header.
pub fn write(headers: &mut HeaderMap, took: Duration, sql: &[Statement], lookups: &[Lookup]) {
    let mut text = format!("total;dur={:.3}", millis(took));
    write_sql(&mut text, sql);
    for level in [Level::Page, Level::Fragment, Level::Query] {
        write_level(&mut text, level, lookups);
    }
    if let Ok(value) = HeaderValue::from_str(&text) {
        headers.insert(SERVER_TIMING, value);
    }
}

/// The queries, if there were any; their transactions and stamps only count as time.
fn write_sql(text: &mut String, sql: &[Statement]) {
    let queries = sql.iter().filter(|statement| statement.is_query()).count();
    if queries == 0 {
        return;
    }
    let took = sql.iter().map(|statement| statement.took).sum();
    let noun = if queries == 1 { "query" } else { "queries" };
    // Writing to a `String` cannot fail.
    let _ = write!(text, ", sql;desc=\"{queries} {noun}\";dur={:.3}", millis(took));
}

fn write_level(text: &mut String, level: Level, lookups: &[Lookup]) {
    let lookups: Vec<&Lookup> = lookups.iter().filter(|lookup| lookup.level == level).collect();
    if lookups.is_empty() {
        return;
    }
    let told: Vec<String> = lookups.iter().map(|lookup| tell(lookup)).collect();
    let took = lookups.iter().map(|lookup| lookup.took).sum();
    let _ =
        write!(text, ", {};desc=\"{}\";dur={:.3}", level.name(), told.join(" / "), millis(took));
}

/// `miss` for a page, `products.list miss` for what a page is made of.
fn tell(lookup: &Lookup) -> String {
    match lookup.level {
        Level::Page => lookup.outcome.to_owned(),
        Level::Fragment | Level::Query => format!("{} {}", lookup.name, lookup.outcome),
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
