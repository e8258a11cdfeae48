//! The self-check: does every table that is read through the cache move its stamps?
//!
//! - SQLite: the triggers must read as a database migrated just now has them.
//! - Postgres: the four triggers must be there and fire for every role.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::Table;
use crate::cache::view::Unvouched;
use crate::db::{Conn, migrations};

/// Insert, update, delete and truncate.
const POSTGRES_TRIGGERS: i64 = 4;

#[derive(QueryableByName)]
struct Trigger {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    sql: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Whether SQLite moves the stamps of `tables`.
///
/// # Errors
/// [`Unvouched`] naming the first table that is not covered.
pub fn check_sqlite(conn: &mut SqliteConnection, tables: &[Table]) -> Result<(), Unvouched> {
    let expected = expected_sqlite()?;
    for table in tables {
        let found = cache_triggers(conn, *table).map_err(unanswered)?;
        let wanted = expected.iter().filter(|(name, _)| belongs_to(name, *table));
        if wanted.clone().count() == 0 || !wanted.eq(found.iter()) {
            return Err(missing(*table));
        }
    }
    Ok(())
}

/// Whether Postgres moves the stamps of `tables`.
///
/// # Errors
/// [`Unvouched`] naming the first table that is not covered.
pub fn check_postgres(conn: &mut PgConnection, tables: &[Table]) -> Result<(), Unvouched> {
    for table in tables {
        let found: Count = diesel::sql_query(
            "SELECT count(*) AS count FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid \
             WHERE t.tgrelid = to_regclass($1) AND t.tgenabled = 'A' AND p.proname = 'cache_trigger' \
             AND t.tgname IN ($1 || '_cache_insert', $1 || '_cache_update', \
                              $1 || '_cache_delete', $1 || '_cache_truncate')",
        )
        .bind::<Text, _>(table.name())
        .get_result(conn)
        .map_err(unanswered)?;
        if found.count != POSTGRES_TRIGGERS {
            return Err(missing(*table));
        }
    }
    Ok(())
}

fn belongs_to(trigger: &str, table: Table) -> bool {
    trigger.strip_prefix(table.name()).is_some_and(|rest| rest.starts_with("_cache_"))
}

/// The triggers of `table` that move stamps, by name.
fn cache_triggers(
    conn: &mut SqliteConnection,
    table: Table,
) -> QueryResult<BTreeMap<String, String>> {
    let triggers: Vec<Trigger> = diesel::sql_query(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?",
    )
    .bind::<Text, _>(table.name())
    .load(conn)?;
    let triggers = triggers.into_iter().map(|trigger| (trigger.name, trigger.sql));
    Ok(triggers.filter(|(name, _)| belongs_to(name, table)).collect())
}

/// All triggers of a database that was migrated just now, in memory.
fn expected_sqlite() -> Result<&'static BTreeMap<String, String>, Unvouched> {
    static EXPECTED: OnceLock<Result<BTreeMap<String, String>, Unvouched>> = OnceLock::new();
    EXPECTED.get_or_init(migrated_just_now).as_ref().map_err(Unvouched::clone)
}

fn migrated_just_now() -> Result<BTreeMap<String, String>, Unvouched> {
    let sqlite = SqliteConnection::establish(":memory:").map_err(|e| Unvouched(e.to_string()))?;
    let mut conn = Conn::Sqlite(sqlite);
    migrations::run(&mut conn).map_err(|error| Unvouched(error.to_string()))?;
    let all = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'";
    let Conn::Sqlite(sqlite) = &mut conn else { return Ok(BTreeMap::new()) };
    let triggers: Vec<Trigger> = diesel::sql_query(all).load(sqlite).map_err(unanswered)?;
    Ok(triggers.into_iter().map(|trigger| (trigger.name, trigger.sql)).collect())
}

fn missing(table: Table) -> Unvouched {
    Unvouched(format!(
        "the table {} does not have the triggers of its migration, so its changes would go unseen; \
         create them as the migration does, and the cache goes on by itself",
        table.name()
    ))
}

fn unanswered(error: diesel::result::Error) -> Unvouched {
    Unvouched(format!("the database does not say which triggers it has: {error}"))
}
