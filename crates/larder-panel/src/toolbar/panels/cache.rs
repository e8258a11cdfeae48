//! The cache panel: lookups, their cost, and the dependents of the tags that the request invalidated.
//!
//! - Every lookup is counted once, whatever it needed itself.
//! - The cache reports hits and misses; they are never guessed from values.
//! - A column without events is not shown.

use std::time::Duration;

use askama::Template;

use super::super::record::{CacheNode, Outcome, Record};
use super::Panel;
use super::tree::{self, Step};
use super::words;
use crate::figures::{count, percent, took};

#[derive(Template)]
#[template(path = "toolbar/cache.html")]
pub struct Cache<'a> {
    /// The path of the panel.
    at: &'a str,
    record: &'a Record,
    steps: Vec<Step<'a>>,
    columns: Vec<&'static str>,
    rows: Vec<Row>,
    total: Row,
    cost: Vec<(&'static str, String)>,
}

/// The calls of one operation, by their outcome.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    operation: String,
    calls: u64,
    cells: Vec<u64>,
    time: Duration,
}

const COLUMNS: [&str; 6] = ["Hits", "Negative hits", "Joined", "Misses", "Stale", "Errors"];

impl<'a> Cache<'a> {
    pub fn new(record: &'a Record, at: &'a str) -> Self {
        let mut rows: Vec<Row> = Vec::new();
        record.cache.iter().for_each(|node| add_node(&mut rows, node));
        for call in &record.values {
            let column = value_column(&call.outcome);
            add(&mut rows, format!("value {}", call.operation), column, call.took);
        }
        let mut total = Row::new("All".to_owned());
        for row in &rows {
            total.calls += row.calls;
            total.time += row.time;
            total.cells.iter_mut().zip(&row.cells).for_each(|(sum, cell)| *sum += cell);
        }
        let shown: Vec<usize> = (0..COLUMNS.len()).filter(|n| total.cells[*n] > 0).collect();
        for row in rows.iter_mut().chain([&mut total]) {
            row.cells = shown.iter().map(|n| row.cells[*n]).collect();
        }
        let columns = shown.iter().map(|n| COLUMNS[*n]).collect();
        Self { at, record, steps: tree::walk(record), columns, rows, total, cost: cost(record) }
    }

    /// Returns `2 tags`. Their dependents are not summed, since an entry may depend on both.
    fn tags_moved(&self) -> String {
        count(self.record.moved.len() as u64, "tag", "tags")
    }
}

impl Panel for Cache<'_> {
    const TITLE: &'static str = "Cache";

    fn subtitle(&self) -> String {
        if self.total.calls == 0 {
            return match self.record.moved.len() {
                0 => "no lookups".to_owned(),
                _ => format!("{} invalidated", self.tags_moved()),
            };
        }
        let calls = count(self.total.calls, "call", "calls");
        let hits = self.count_of(&COLUMNS[..3]);
        let misses = self.count_of(&COLUMNS[3..4]);
        format!("{calls}: {}, {}", count(hits, "hit", "hits"), count(misses, "miss", "misses"))
    }

    fn calls_attention(&self) -> bool {
        self.count_of(&COLUMNS[5..]) > 0
    }
}

impl Cache<'_> {
    fn count_of(&self, names: &[&str]) -> u64 {
        let cells = self.columns.iter().zip(&self.total.cells);
        cells.filter(|(column, _)| names.contains(column)).map(|(_, cell)| cell).sum()
    }
}

impl Row {
    fn new(operation: String) -> Self {
        Self { operation, calls: 0, cells: vec![0; COLUMNS.len()], time: Duration::ZERO }
    }

    fn took(&self) -> String {
        took(self.time)
    }
}

fn add_node(rows: &mut Vec<Row>, node: &CacheNode) {
    let column = match node.outcome {
        Outcome::Hit | Outcome::Refreshing => 0,
        Outcome::HitNothing => 1,
        Outcome::Collapsed => 2,
        Outcome::Miss(_) => 3,
        Outcome::Stale(_) => 4,
        Outcome::Outage(_) | Outcome::Unreadable(_) | Outcome::TimedOut => 5,
    };
    add(rows, format!("{} lookup", words::level(node.level)), Some(column), node.took);
    node.children.iter().for_each(|child| add_node(rows, child));
}

/// Writes to values, and partial results, are neither hit nor miss.
fn value_column(outcome: &str) -> Option<usize> {
    match outcome {
        "hit" => Some(0),
        "miss" => Some(3),
        "refused" => Some(5),
        outage if outage.starts_with("outage") => Some(5),
        _ => None,
    }
}

fn add(rows: &mut Vec<Row>, operation: String, column: Option<usize>, time: Duration) {
    let place = rows.iter().position(|row| row.operation == operation).unwrap_or_else(|| {
        rows.push(Row::new(operation));
        rows.len() - 1
    });
    let row = &mut rows[place];
    row.calls += 1;
    row.time += time;
    if let Some(column) = column {
        row.cells[column] += 1;
    }
}

fn cost(record: &Record) -> Vec<(&'static str, String)> {
    let time = &record.time;
    let share = percent(time.cache, time.wall);
    let mut cost = vec![
        ("Total", format!("{}, {share} % of the request", took(time.cache))),
        ("Encoding and decoding", took(time.codec)),
    ];
    if time.round_trips > 0 || !time.store.is_zero() {
        let trips = count(time.round_trips.into(), "round trip", "round trips");
        cost.push(("Waiting for Redis", format!("{} in {trips}", took(time.store))));
    }
    cost
}

#[cfg(test)]
mod tests {
    use super::super::super::record::SqlKind;
    use super::*;
    use crate::toolbar::stories;

    #[test]
    fn every_lookup_is_counted_once() {
        let record = stories::miss();
        let panel = Cache::new(&record, "");
        let by_name: Vec<_> = panel.rows.iter().map(|r| (r.operation.as_str(), r.calls)).collect();
        assert_eq!(by_name, [("page lookup", 1), ("query lookup", 1), ("fragment lookup", 2)]);
        assert_eq!(panel.total.calls, 4);
        assert!(record.sql.iter().any(|statement| statement.kind == SqlKind::Query));
    }

    #[test]
    fn a_column_in_which_nothing_happened_is_not_shown() {
        let record = stories::hit();
        let panel = Cache::new(&record, "");
        assert_eq!(panel.columns, ["Hits"]);
        assert_eq!(panel.subtitle(), "1 call: 1 hit, 0 misses");
    }

    #[test]
    fn an_outage_calls_attention() {
        assert!(Cache::new(&stories::outage(), "").calls_attention());
        assert!(!Cache::new(&stories::miss(), "").calls_attention());
    }
}
