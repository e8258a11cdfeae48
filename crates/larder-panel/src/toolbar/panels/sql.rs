//! The SQL panel: the statements that the request ran, in order.
//!
//! - Queries and writes are counted; transactions and stamps are shown, and counted apart.
//! - Similar and duplicate statements are marked by letter and shape, not by colour alone.
//! - A long run of similar statements shows two, and folds the others.
//! - A slow or failed statement calls attention.

use std::time::Duration;

use askama::Template;

use super::super::record::{self, Record, SqlKind};
use super::Panel;
use super::similar::{self, Group};
use super::statement::{self, Piece};
use super::timeline::Span;
use crate::figures::{count, took};

/// Statements slower than this are marked.
const SLOW: Duration = Duration::from_millis(100);

/// Longer runs are folded.
const LONGEST_RUN: usize = 4;

/// Longer values are cut, in characters.
const LONGEST_VALUE: usize = 120;

#[derive(Template)]
#[template(path = "toolbar/sql.html")]
pub struct Sql<'a> {
    total: u64,
    time: Duration,
    rest: u64,
    rest_took: String,
    groups: Vec<GroupRow<'a>>,
    duplicates: usize,
    runs: Vec<Run<'a>>,
    is_troubled: bool,
    /// How many freshness checks there were, and how long they took.
    checks: Option<String>,
    /// How often the request waited for a connection, and for how long.
    waits: Option<String>,
}

struct GroupRow<'a> {
    group: Group,
    pieces: Vec<Piece>,
    took: String,
    callers: Vec<&'a str>,
}

/// Consecutive statements of one text.
struct Run<'a> {
    shown: Vec<Row<'a>>,
    folded: Vec<Row<'a>>,
}

struct Row<'a> {
    n: usize,
    kind: &'static str,
    /// Letter and look of its group.
    group: Option<(String, usize)>,
    is_duplicate: bool,
    short: Vec<Piece>,
    whole: Option<Vec<Piece>>,
    binds: Vec<String>,
    took: String,
    span: Span,
    is_slow: bool,
    can_explain: bool,
    sql: &'a record::Sql,
}

impl<'a> Sql<'a> {
    pub fn new(record: &'a Record, can_explain: bool) -> Self {
        let (asked, rest): (Vec<_>, Vec<_>) =
            record.sql.iter().partition(|statement| statement.kind.is_asked_for());
        let groups = similar::groups(&record.sql);
        let duplicates = groups.iter().map(|group| group.duplicates).sum();
        let is_troubled = record.sql.iter().any(|s| s.error.is_some() || s.took >= SLOW);
        Self {
            total: asked.len() as u64,
            time: asked.iter().map(|statement| statement.took).sum(),
            rest: rest.len() as u64,
            rest_took: took(rest.iter().map(|statement| statement.took).sum()),
            runs: runs(record, &groups, can_explain),
            groups: groups.into_iter().map(|group| GroupRow::new(group, record)).collect(),
            duplicates,
            is_troubled,
            checks: checks(&record.time),
            waits: waits(record),
        }
    }

    /// Returns `3 statements`.
    fn of_rest(&self) -> String {
        count(self.rest, "internal statement", "internal statements")
    }

    /// Reports whether the number of rows is unknown for a query or write.
    fn lacks_rows(&self) -> bool {
        let mut shown = self.runs.iter().flat_map(|run| run.shown.iter().chain(&run.folded));
        shown.any(|row| !row.is_aside() && row.sql.rows.is_none())
    }

    fn similar(&self) -> usize {
        self.groups.iter().map(|row| row.group.members.len()).sum()
    }
}

impl Panel for Sql<'_> {
    const TITLE: &'static str = "SQL";

    fn subtitle(&self) -> String {
        if self.total == 0 {
            return "no queries".to_owned();
        }
        let mut text = format!("{}, {}", count(self.total, "query", "queries"), took(self.time));
        if self.similar() > 0 {
            text.push_str(&format!("; {} similar", self.similar()));
        }
        text
    }

    fn calls_attention(&self) -> bool {
        self.is_troubled || self.duplicates > 0
    }
}

/// Returns `1 freshness check: 0.31 ms`.
fn checks(time: &record::Times) -> Option<String> {
    let checks = count(time.checks.into(), "freshness check", "freshness checks");
    (time.checks > 0).then(|| format!("{checks}: {}", took(time.freshness)))
}

/// Returns `2 waits for a connection: 14 ms (writer)`.
fn waits(record: &Record) -> Option<String> {
    let mut pools: Vec<&str> = record.waits.iter().map(|wait| wait.pool).collect();
    let number = count(pools.len() as u64, "wait", "waits");
    pools.sort_unstable();
    pools.dedup();
    let waits = format!("{number} for a connection: {}", took(record.time.connection));
    (!pools.is_empty()).then(|| format!("{waits} ({})", pools.join(", ")))
}

impl<'a> GroupRow<'a> {
    fn new(group: Group, record: &'a Record) -> Self {
        let (pieces, _) = statement::short(&record.sql[group.members[0]].sql);
        let callers = group.callers(&record.sql);
        Self { pieces, took: took(group.took), callers, group }
    }
}

fn runs<'a>(record: &'a Record, groups: &[Group], can_explain: bool) -> Vec<Run<'a>> {
    let mut runs: Vec<Run<'a>> = Vec::new();
    for n in 0..record.sql.len() {
        let row = Row::new(n, record, groups, can_explain);
        match runs.last_mut() {
            Some(run) if run.shown[0].sql.sql == row.sql.sql => run.shown.push(row),
            _ => runs.push(Run { shown: vec![row], folded: Vec::new() }),
        }
    }
    for run in &mut runs {
        if run.shown.len() > LONGEST_RUN {
            run.folded = run.shown.split_off(2);
        }
    }
    runs
}

impl<'a> Row<'a> {
    fn new(n: usize, record: &'a Record, groups: &[Group], can_explain: bool) -> Self {
        let sql = &record.sql[n];
        let (short, is_cut) = statement::short(&sql.sql);
        let group = groups.iter().find(|group| group.members.binary_search(&n).is_ok());
        Self {
            n,
            kind: kind(sql.kind),
            group: group.map(|group| (group.name.clone(), group.look)),
            is_duplicate: group.is_some_and(|g| g.duplicates > 0)
                && similar::is_duplicate(n, &record.sql),
            short,
            whole: is_cut.then(|| statement::whole(&sql.sql)),
            binds: sql.binds.iter().map(|value| cut(value)).collect(),
            took: took(sql.took),
            span: Span::new(sql.at, sql.took, record.time.wall),
            is_slow: sql.took >= SLOW,
            can_explain: can_explain && sql.kind == SqlKind::Query && sql.error.is_none(),
            sql,
        }
    }

    /// Returns `20 rows`.
    fn rows(&self) -> Option<String> {
        self.sql.rows.map(|rows| count(rows, "row", "rows"))
    }

    fn is_aside(&self) -> bool {
        !self.sql.kind.is_asked_for()
    }
}

const fn kind(kind: SqlKind) -> &'static str {
    match kind {
        SqlKind::Query => "query",
        SqlKind::Write => "write",
        SqlKind::Transaction => "transaction",
        SqlKind::Stamps => "cache versions",
    }
}

fn cut(value: &str) -> String {
    match value.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toolbar::stories;

    #[test]
    fn queries_and_writes_are_counted_transactions_and_stamps_apart() {
        let record = stories::miss();
        let panel = Sql::new(&record, true);
        assert_eq!(panel.subtitle(), "2 queries, 3.1 ms");
        assert!(panel.rest > 0);
        assert_eq!(Sql::new(&stories::hit(), true).subtitle(), "no queries");
    }

    #[test]
    fn similar_and_duplicate_statements_are_marked_by_letter_and_shape() {
        let html = Sql::new(&stories::similar(), true).render().unwrap();
        assert!(html.contains("class=\"letter g0 twice\""), "{html}");
        assert!(html.contains("class=\"letter g0\""));
    }

    #[test]
    fn of_a_long_run_two_are_shown() {
        let record = stories::similar();
        let panel = Sql::new(&record, true);
        let run = panel.runs.iter().find(|run| !run.folded.is_empty()).unwrap();
        assert_eq!((run.shown.len(), run.folded.len()), (2, 58));
        assert!(panel.subtitle().ends_with("; 60 similar"), "{}", panel.subtitle());
    }

    #[test]
    fn a_slow_or_failed_statement_calls_attention() {
        let mut record = stories::miss();
        assert!(!Sql::new(&record, true).calls_attention());
        record.sql[0].took = SLOW;
        assert!(Sql::new(&record, true).calls_attention());
        assert!(Sql::new(&stories::failure(), true).calls_attention());
    }

    #[test]
    fn a_long_value_is_cut_between_letters() {
        assert_eq!(cut(&"é".repeat(121)), "é".repeat(120) + "…");
        assert_eq!(cut("é"), "é");
    }
}
