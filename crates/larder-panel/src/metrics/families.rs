//! All metrics, by name.
//!
//! | Name | Labels | Meaning |
//! |---|---|---|
//! | `larder_http_requests_total` | `method`, `status` | requests answered, by status class |
//! | `larder_http_request_duration_seconds` | `cache` | histogram: until the head of the answer; `hit`, `miss`, `none` |
//! | `larder_page_outcomes_total` | `outcome`, `reason` | what the page cache did, in the words of `Cache-Status` |
//! | `larder_http_requests_in_flight` | | requests whose head of the answer is not ready |
//! | `larder_cache_requests_total` | `level`, `outcome`, `reason` | lookups: `hit`, `shared_hit`, `collapsed`, `stale`, `miss` |
//! | `larder_cache_builds_total` | `level`, `outcome`, `reason` | builds and loads: `stored`, `not_stored`, `refreshing`, `timed_out` |
//! | `larder_cache_errors_total` | `level`, `outcome`, `reason` | entries of the shared store that were `unreadable`, or not to be had (`outage`) |
//! | `larder_build_seconds` | `level` | histogram: building or loading after a miss |
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
//! | `larder_front_purges_total` | `front`, `result` | purges of a cache in front: `ok`, or `error` where it has not confirmed one, which is repeated |
//! | `larder_front_behind_seconds` | `front` | whole seconds since it was last known to have all purges that were due: 0 while it keeps up |
//! | `larder_sql_statements_total` | `kind`, `result` | statements, by `query`, `write`, `transaction`, `stamps` |
//! | `larder_sql_seconds_total` | `kind`, `result` | how long the database took for them |
//! | `larder_sql_pool_waits_total` | `pool` | statements that waited for a connection: `reader`, `writer` |
//! | `larder_sql_pool_wait_seconds_total` | `pool` | how long they waited |
//! | `larder_build_info` | `version`, `build`, `database` | 1 |
//! | `process_start_time_seconds` | | seconds from 1970 |
//! | `process_cpu_seconds_total` | | processor time of the process |
//! | `process_resident_memory_bytes` | | RSS; this and what follows only where there is `/proc` |
//! | `process_virtual_memory_bytes` | | size of the address space |
//! | `process_threads` | | threads |
//! | `process_open_fds` | | open files and connections |
//! | `process_max_fds` | | the limit of these |
//!
//! - A series with a reason appears when the reason first occurs, except the most common ones,
//!   which are there from the beginning.
//! - SQL is counted for the whole process, whichever server in it ran the statement.

use crate::cache::front::Purges;
use crate::cache::inspect::Memory;
use crate::cache::page::Outcome;

use prometheus_client::metrics::MetricType::{Counter, Gauge, Histogram};
use prometheus_client::registry::Registry;

use super::exposition::Exposition;
use super::operations::{BUILDS, ERRORS, LEVELS, LOOKUPS, OUTCOMES};
use super::requests::{CLASSES, METHODS, PARTS};
use super::words::WORDS;
use super::{Metrics, process};

/// Numbers that other modules count.
#[derive(Debug, Clone, Default)]
pub struct Elsewhere {
    /// What the cache stores in this process.
    pub memory: Memory,
    /// The number of invalidations by a person or a program.
    pub invalidations: u64,
    /// Whether the circuit breaker of the shared store is open; `None` without one.
    pub is_paused: Option<bool>,
    /// What became of the purges of each cache in front.
    pub fronts: Vec<Purges>,
    /// The labels that tell which program runs.
    pub build: Vec<(&'static str, String)>,
}

impl Metrics {
    /// Returns all metrics as they are now, in Prometheus' text format.
    pub fn text(&self, elsewhere: &Elsewhere) -> String {
        let (mut text, mut registry) = (Exposition::default(), Registry::default());
        self.requests(&mut text);
        self.pages(&mut text);
        self.operations(&mut text);
        self.builds(&mut text);
        self.operations.values.write(&mut text);
        memory(&mut text, &elsewhere.memory);
        self.checks(&mut text);
        text.family("larder_invalidations_total", Counter, "Manual invalidations.")
            .series(&[], elsewhere.invalidations);
        if let Some(is_paused) = elsewhere.is_paused {
            self.calls.register(&mut registry);
            let help = "Whether the circuit breaker of the shared store is open.";
            text.family("larder_store_breaker_open", Gauge, help).series(&[], u64::from(is_paused));
        }
        fronts(&mut text, &elsewhere.fronts);
        #[cfg(feature = "sql")]
        sql(&mut text);
        let version = ("version", env!("CARGO_PKG_VERSION"));
        let labels = elsewhere.build.iter().map(|(name, value)| (*name, value.as_str()));
        let labels: Vec<_> = std::iter::once(version).chain(labels).collect();
        text.family("larder_build_info", Gauge, "Build information.").series(&labels, 1_u64);
        process::write(&mut text, self.began);
        text.finish(registry)
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
            text.histogram(&[("cache", part)], self.requests.took(p));
        }
        let help = "Requests whose answer has not begun.";
        text.family("larder_http_requests_in_flight", Gauge, help)
            .series(&[], self.requests.in_flight());
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
        for (family, outcomes, help) in [
            ("larder_cache_requests_total", LOOKUPS, "Lookups, by level, outcome and reason."),
            ("larder_cache_builds_total", BUILDS, "Builds and loads, by what became of them."),
            ("larder_cache_errors_total", ERRORS, "Failures of the shared store, by level."),
        ] {
            text.family(family, Counter, help);
            for (l, level) in LEVELS.into_iter().enumerate() {
                for o in outcomes.clone() {
                    self.reasons(text, (l, level.name()), (o, OUTCOMES[o]));
                }
            }
        }
    }

    fn reasons(
        &self,
        text: &mut Exposition,
        (l, level): (usize, &str),
        (o, outcome): (usize, &str),
    ) {
        for (w, reason) in WORDS.into_iter().enumerate() {
            let count = self.operations.counted(l, o, w);
            if count > 0 || is_always_reported(outcome, reason) {
                let labels = [("level", level), ("outcome", outcome), ("reason", reason)];
                text.series(&labels, count);
            }
        }
    }

    fn builds(&self, text: &mut Exposition) {
        let help = "Build time after a miss, stored or not.";
        text.family("larder_build_seconds", Histogram, help);
        for (l, level) in LEVELS.into_iter().enumerate() {
            text.histogram(&[("level", level.name())], self.operations.loads(l));
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
}

/// Reports whether a series exists from the beginning, so that its first count is seen as one.
fn is_always_reported(outcome: &str, reason: &str) -> bool {
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

fn fronts(text: &mut Exposition, fronts: &[Purges]) {
    text.family("larder_front_purges_total", Counter, "Purges of caches in front.");
    for purges in fronts {
        for (result, count) in [("ok", purges.delivered), ("error", purges.failed)] {
            text.series(&[("front", &purges.front), ("result", result)], count);
        }
    }
    let help = "Whole seconds since a cache in front was known to have all purges.";
    text.family("larder_front_behind_seconds", Gauge, help);
    for purges in fronts {
        text.series(&[("front", &purges.front)], purges.behind.as_secs());
    }
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
    text.family("larder_sql_pool_waits_total", Counter, "Waits for a connection of a pool.");
    for (role, waits, _) in meter::waits() {
        text.series(&[("pool", role.name())], waits);
    }
    text.family("larder_sql_pool_wait_seconds_total", Counter, "Time waited for a connection.");
    for (role, _, took) in meter::waits() {
        text.series(&[("pool", role.name())], took.as_secs_f64());
    }
}
