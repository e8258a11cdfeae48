//! Explains how the database would execute a query.
//!
//! - Only a `SELECT` is explained, with its own binds; it is run only if that is wanted, for at most ten seconds.
//! - The transaction is read-only, and is rolled back.

use std::time::Instant;

use diesel::prelude::*;
use diesel::query_builder::BoxedSqlQuery;
use diesel::result::Error::RollbackTransaction;
use diesel::sql_types::{BigInt, Bool, Double, Nullable, Text};

use super::binds::Bind;
use super::conn::Conn;
use super::log;

#[derive(QueryableByName)]
struct SqliteStep {
    #[diesel(sql_type = Text)]
    detail: String,
    #[diesel(sql_type = diesel::sql_types::Integer)]
    id: i32,
    #[diesel(sql_type = diesel::sql_types::Integer)]
    parent: i32,
}

#[derive(QueryableByName)]
struct Rows {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

#[derive(QueryableByName)]
struct PostgresStep {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    line: String,
}

/// How long Postgres may run it.
const LIMIT: &str = "SET LOCAL statement_timeout = '10s'";

/// Reports whether `sql` is a single `SELECT` statement, which may begin with `WITH`.
pub fn can_be_explained(sql: &str) -> bool {
    let first = sql.trim_start().split_once(char::is_whitespace).map_or("", |(word, _)| word);
    // Where a part of `WITH` is a write, `EXPLAIN` runs nothing, and the connection refuses to run it.
    ["SELECT", "WITH"].iter().any(|word| first.eq_ignore_ascii_case(word)) && !sql.contains(';')
}

/// Writes the query plan to `plan`: one line per step, nested steps indented.
///
/// Expects a connection inside a read transaction, which it asks to roll back: on success the plan is
/// stored, and the result is `RollbackTransaction`.
///
/// # Errors
/// Those of the database; otherwise always `RollbackTransaction`.
pub(super) fn explain(
    conn: &mut Conn,
    (sql, binds): (&str, &[Bind]),
    runs: bool,
    plan: &mut Vec<String>,
) -> QueryResult<()> {
    *plan = log::without_logging(|| match conn {
        Conn::Sqlite(sqlite) => {
            let query = diesel::sql_query(format!("EXPLAIN QUERY PLAN {sql}")).into_boxed();
            let steps: Vec<SqliteStep> = bind_sqlite(query, binds).load(sqlite)?;
            let mut plan = indented(&steps);
            if runs {
                plan.push(counted(sqlite, sql, binds)?);
            }
            Ok(plan)
        }
        Conn::Postgres(postgres) => {
            if runs {
                diesel::sql_query(LIMIT).execute(postgres)?;
            }
            let how = if runs { "EXPLAIN (ANALYZE, BUFFERS)" } else { "EXPLAIN" };
            let query = diesel::sql_query(format!("{how} {sql}")).into_boxed();
            let query = bind_postgres(query, binds);
            let steps: QueryResult<Vec<PostgresStep>> = query.load(postgres);
            steps.map(|steps| steps.into_iter().map(|step| step.line).collect())
        }
    })?;
    Err(RollbackTransaction)
}

/// Runs a query on SQLite, which has no `EXPLAIN ANALYZE`, and returns its number of rows and its time.
fn counted(conn: &mut SqliteConnection, sql: &str, binds: &[Bind]) -> QueryResult<String> {
    let query = diesel::sql_query(format!("SELECT count(*) AS n FROM ({sql})")).into_boxed();
    let began = Instant::now();
    let rows: Rows = bind_sqlite(query, binds).get_result(conn)?;
    let took = began.elapsed().as_secs_f64() * 1e3;
    Ok(format!("{} rows, counted in {took:.3} ms", rows.n))
}

type Boxed<'q, D> = BoxedSqlQuery<'q, D, diesel::query_builder::SqlQuery>;

fn bind_sqlite<'q>(
    query: Boxed<'q, diesel::sqlite::Sqlite>,
    binds: &'q [Bind],
) -> Boxed<'q, diesel::sqlite::Sqlite> {
    binds.iter().fold(query, |query, bind| match bind {
        Bind::Nothing => query.bind::<Nullable<Text>, _>(None::<&str>),
        Bind::Number(number) => query.bind::<BigInt, _>(number),
        Bind::Fraction(number) => query.bind::<Double, _>(number),
        Bind::Truth(truth) => query.bind::<Bool, _>(truth),
        Bind::Text(text) | Bind::Opaque(text) => query.bind::<Text, _>(text.as_str()),
    })
}

fn bind_postgres<'q>(
    query: Boxed<'q, diesel::pg::Pg>,
    binds: &'q [Bind],
) -> Boxed<'q, diesel::pg::Pg> {
    binds.iter().fold(query, |query, bind| match bind {
        Bind::Nothing => query.bind::<Nullable<Text>, _>(None::<&str>),
        Bind::Number(number) => query.bind::<BigInt, _>(number),
        Bind::Fraction(number) => query.bind::<Double, _>(number),
        Bind::Truth(truth) => query.bind::<Bool, _>(truth),
        Bind::Text(text) | Bind::Opaque(text) => query.bind::<Text, _>(text.as_str()),
    })
}

/// Indents each step by its depth; SQLite reports the parent of each step.
fn indented(steps: &[SqliteStep]) -> Vec<String> {
    let depth_of = |step: &SqliteStep| {
        let above = |id: i32| steps.iter().find(|other| other.id == id).map(|other| other.parent);
        std::iter::successors(Some(step.parent), |id| above(*id)).take(20).count()
    };
    let line = |step: &SqliteStep| {
        format!("{}{}", "  ".repeat(depth_of(step).saturating_sub(1)), step.detail)
    };
    steps.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_select_is_explained() {
        for sql in ["SELECT 1", "select\n1", " SELECT a FROM b", "WITH a AS (SELECT 1) SELECT"] {
            assert!(can_be_explained(sql), "{sql}");
        }
        let others =
            ["", "SELECT", "SELECTED", "DELETE FROM a", "SELECT 1; DROP TABLE a", "BEGIN", "é"];
        for sql in others {
            assert!(!can_be_explained(sql), "{sql}");
        }
    }

    #[test]
    fn steps_within_others_are_moved_in() {
        let step = |id, parent, detail: &str| SqliteStep { id, parent, detail: detail.into() };
        let steps = [step(2, 0, "SCAN a"), step(5, 2, "SEARCH b"), step(9, 0, "USE TEMP B-TREE")];
        assert_eq!(indented(&steps), ["SCAN a", "  SEARCH b", "USE TEMP B-TREE"]);
    }
}
