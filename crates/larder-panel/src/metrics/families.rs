//! All metrics, by name.
//!
//! | Name | Labels | Meaning |
//! |---|---|---|
//! | `larder_http_requests_total` | `method`, `status` | requests answered, by status class |
//! | `larder_http_request_duration_seconds` | `cache` | histogram: until the head of the answer; `hit`, `miss`, `none` |
//! | `larder_page_outcomes_total` | `outcome`, `reason` | what the page cache did, in the words of `Cache-Status` |
//! | `larder_cache_operations_total` | `level`, `outcome`, `reason` | events of the cache |
//! | `larder_cache_load_duration_seconds` | `level` | histogram: building or loading after a miss |
//! | `larder_cache_stored_bytes_total` | `level` | bytes of the entries stored |
//! | `larder_value_calls_total` | `operation`, `outcome` | calls to values |
//! | `larder_value_seconds_total` | `operation` | how long those took |
//! | `larder_cache_memory_entries` | `level` | entries in this process |
//! | `larder_cache_memory_bytes` | | their bytes, about |
//! | `larder_cache_memory_limit_bytes` | | the limit of these bytes |
//! | `larder_cache_memory_evictions_total` | | entries evicted from this process |
//! | `larder_freshness_checks_total` | `result` | freshness checks: `ok`, or `unavailable` where the stamps were unavailable |
//! | `larder_freshness_age_seconds` | | since stamps were last read or found unchanged; absent before the first |
//! | `larder_invalidations_total` | | invalidations by a person or a program; writes are not among them |
//! | `larder_store_calls_total` | `operation`, `result` | calls to the shared store; none without one |
//! | `larder_store_call_duration_seconds` | `operation` | histogram: calls that reached it |
//! | `larder_store_breaker_open` | | 1 while the circuit breaker refuses calls; absent without a shared store |
//! | `larder_sql_statements_total` | `kind`, `result` | statements, by `query`, `write`, `transaction`, `stamps` |
//! | `larder_sql_seconds_total` | `kind`, `result` | how long the database took for them |
//! | `larder_build_info` | `version`, `build`, `database` | 1 |
//! | `process_start_time_seconds` | | seconds from 1970 |
//!
//! - A series with a reason appears when the reason first occurs, except the most common ones,
//!   which are there from the beginning.
//! - SQL is counted for the whole process, whichever server in it ran the statement.

use std::time::UNIX_EPOCH;

use crate::cache::inspect::Memory;
use crate::cache::page::Outcome;
use crate::cache::store::metered::Operation;

use super::Metrics;
use super::exposition::{Exposition, Kind};
use super::operations::{LEVELS, OUTCOMES};
use super::requests::{CLASSES, METHODS, PARTS};
use super::store::RESULTS;
use super::words::WORDS;

use Kind::{Counter, Gauge, Histogram};

/// Numbers that other modules count.
#[derive(Debug, Clone, Default)]
pub struct Elsewhere {
    /// What the cache stores in this process.
    pub memory: Memory,
    /// The number of invalidations by a person or a program.
    pub invalidations: u64,
    /// Whether the circuit breaker of the shared store is open; `None` without one.
    pub is_paused: Option<bool>,
    /// The labels that tell which program runs.
    pub build: Vec<(&'static str, String)>,
}

impl Metrics {
    /// Returns all metrics as they are now, in Prometheus' text format.
    pub fn text(&self, elsewhere: &Elsewhere) -> String {
        let mut text = Exposition::default();
        self.requests(&mut text);
        self.pages(&mut text);
        self.operations(&mut text);
        self.loads(&mut text);
        self.operations.values.write(&mut text);
        memory(&mut text, &elsewhere.memory);
        self.checks(&mut text);
        text.family("larder_invalidations_total", Counter, "Manual invalidations.")
            .series(&[], elsewhere.invalidations);
        self.store(&mut text, elsewhere.is_paused);
        #[cfg(feature = "sql")]
        sql(&mut text);
        self.process(&mut text, &elsewhere.build);
        text.finish()
    }

    fn requests(&self, text: &mut Exposition) {
        let help = "Requests, by method and class of status.";
        text.family("larder_http_requests_total", Counter, help);
        for (m, method) in METHODS.into_iter().enumerate() {
            for (c, class) in CLASSES.into_iter().enumerate() {
                let labels = [("method", method), ("status", class)];
                text.series(&labels, self.requests.answered(m, c));
            }
        }
        let help = "Time to the head of the response, by page-cache outcome.";
        text.family("larder_http_request_duration_seconds", Histogram, help);
        for (p, part) in PARTS.into_iter().enumerate() {
            text.histogram(&[("cache", part)], &self.requests.took(p));
        }
    }

    fn pages(&self, text: &mut Exposition) {
        let help = "Page-cache outcomes, as in Cache-Status.";
        text.family("larder_page_outcomes_total", Counter, help);
        for (o, (_, outcome)) in Outcome::ALL.into_iter().enumerate() {
            for (w, reason) in WORDS.into_iter().enumerate() {
                let count = self.requests.pages(o, w);
                if count > 0 || (outcome == "hit" && reason.is_empty()) {
                    text.series(&[("outcome", outcome), ("reason", reason)], count);
                }
            }
        }
    }

    fn operations(&self, text: &mut Exposition) {
        let help = "Cache operations, by level, outcome and reason.";
        text.family("larder_cache_operations_total", Counter, help);
        for (l, level) in LEVELS.into_iter().enumerate() {
            for (o, outcome) in OUTCOMES.into_iter().enumerate() {
                for (w, reason) in WORDS.into_iter().enumerate() {
                    let count = self.operations.counted(l, o, w);
                    if count > 0 || is_always_told(outcome, reason) {
                        let labels =
                            [("level", level.name()), ("outcome", outcome), ("reason", reason)];
                        text.series(&labels, count);
                    }
                }
            }
        }
    }

    fn loads(&self, text: &mut Exposition) {
        let help = "Build time after a miss, stored or not.";
        text.family("larder_cache_load_duration_seconds", Histogram, help);
        for (l, level) in LEVELS.into_iter().enumerate() {
            text.histogram(&[("level", level.name())], &self.operations.loads(l));
        }
        let help = "Total bytes of entries stored.";
        text.family("larder_cache_stored_bytes_total", Counter, help);
        for (l, level) in LEVELS.into_iter().enumerate() {
            text.series(&[("level", level.name())], self.operations.stored_bytes(l));
        }
    }

    fn checks(&self, text: &mut Exposition) {
        let (answered, unavailable) = self.checks.counted();
        text.family(
            "larder_freshness_checks_total",
            Counter,
            "Freshness checks against the database.",
        )
        .series(&[("result", "ok")], answered)
        .series(&[("result", "unavailable")], unavailable);
        let help = "Time since last successful freshness check.";
        text.family("larder_freshness_age_seconds", Gauge, help);
        if let Some(age) = self.checks.age() {
            text.series(&[], age.as_secs_f64());
        }
    }

    fn store(&self, text: &mut Exposition, is_paused: Option<bool>) {
        let Some(is_paused) = is_paused else { return };
        text.family("larder_store_calls_total", Counter, "Calls to the shared store.");
        for (o, (_, operation)) in Operation::ALL.iter().enumerate() {
            for (r, result) in RESULTS.into_iter().enumerate() {
                let count = self.calls.counted(o, r);
                if count > 0 || result == "ok" {
                    text.series(&[("operation", operation), ("result", result)], count);
                }
            }
        }
        let help = "Time for calls that reached the shared store.";
        text.family("larder_store_call_duration_seconds", Histogram, help);
        for (o, (_, operation)) in Operation::ALL.iter().enumerate() {
            let took = self.calls.took(o);
            if took.count() > 0 {
                text.histogram(&[("operation", operation)], &took);
            }
        }
        let help = "Whether the circuit breaker of the shared store is open.";
        text.family("larder_store_breaker_open", Gauge, help).series(&[], u8::from(is_paused));
    }

    fn process(&self, text: &mut Exposition, build: &[(&'static str, String)]) {
        let version = ("version", env!("CARGO_PKG_VERSION"));
        let labels = build.iter().map(|(name, value)| (*name, value.as_str()));
        let labels: Vec<_> = std::iter::once(version).chain(labels).collect();
        text.family("larder_build_info", Gauge, "Build information.").series(&labels, 1);
        let began = self.began.duration_since(UNIX_EPOCH).unwrap_or_default();
        let help = "Start time of the process, in Unix seconds.";
        text.family("process_start_time_seconds", Gauge, help).series(&[], began.as_secs_f64());
    }
}

/// Reports whether a series exists from the beginning, so that its first count is seen as one.
fn is_always_told(outcome: &str, reason: &str) -> bool {
    match outcome {
        "miss" => ["absent", "expired", "invalidated"].contains(&reason),
        "stale" | "not_stored" | "outage" => false,
        _ => reason.is_empty(),
    }
}

fn memory(text: &mut Exposition, memory: &Memory) {
    let help = "Entries in this process, stale ones included.";
    text.family("larder_cache_memory_entries", Gauge, help)
        .series(&[("level", "page")], memory.pages)
        .series(&[("level", "fragment")], memory.fragments)
        .series(&[("level", "query")], memory.queries);
    let help = "Approximate bytes of the entries in this process.";
    text.family("larder_cache_memory_bytes", Gauge, help).series(&[], memory.bytes);
    if let Some(limit) = memory.limit_bytes {
        let help = "Memory limit for entries in this process, in bytes.";
        text.family("larder_cache_memory_limit_bytes", Gauge, help).series(&[], limit);
    }
    let help = "Evictions of entries in this process.";
    text.family("larder_cache_memory_evictions_total", Counter, help).series(&[], memory.evicted);
}

#[cfg(feature = "sql")]
fn sql(text: &mut Exposition) {
    use larder_sql::db::meter;

    let figures: Vec<_> = meter::figures().collect();
    let result = |succeeded: bool| if succeeded { "ok" } else { "error" };
    text.family("larder_sql_statements_total", Counter, "SQL statements, by purpose.");
    for figure in &figures {
        let labels = [("kind", figure.kind.name()), ("result", result(figure.succeeded))];
        text.series(&labels, figure.statements);
    }
    text.family("larder_sql_seconds_total", Counter, "Database time of SQL statements.");
    for figure in &figures {
        let labels = [("kind", figure.kind.name()), ("result", result(figure.succeeded))];
        text.series(&labels, figure.took.as_secs_f64());
    }
}
