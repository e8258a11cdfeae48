//! Creates the triggers that change the stamps of a table, and checks that a table has them.
//!
//! - A table is covered when each insert, update and delete changes the stamps of its tags; on
//!   Postgres a truncate, too, and for every role.
//! - SQLite: the triggers must equal those created here word for word; so do those of the
//!   migrations.
//! - The table has a column `id` of whole numbers: a row's tag is the bucket that its id falls in.

use std::collections::BTreeMap;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use larder_cache::stamps::StampsUnavailable;

use crate::db::Conn;
use crate::table::Table;

/// Insert, update, delete and truncate.
const POSTGRES_TRIGGERS: i64 = 4;

/// Creates the table of stamps. That of the tag *everything* starts at a random number, so that no other database
/// has the same stamps.
const SQLITE_STAMPS: &str = "\
    CREATE TABLE cache_versions (\
      tag TEXT NOT NULL PRIMARY KEY, n INTEGER NOT NULL, r INTEGER NOT NULL\
    ) STRICT, WITHOUT ROWID; \
    INSERT INTO cache_versions VALUES ('!', 1, random()), ('*', 1, random())";
const POSTGRES_STAMPS: &str = concat!(
    "CREATE TABLE IF NOT EXISTS cache_versions (\
       tag text NOT NULL PRIMARY KEY, n bigint NOT NULL, r bigint NOT NULL\
     ) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);\n",
    include_str!("sql/postgres.sql"),
    "SELECT cache_bump('!')",
);

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

#[derive(QueryableByName)]
struct Known {
    #[diesel(sql_type = diesel::sql_types::Bool)]
    known: bool,
}

/// Creates the triggers of `table`, and the table of stamps where there is none.
///
/// For tables that no migration of the shop has created. It may be repeated; call it in a
/// transaction.
///
/// # Errors
/// Those of the database, such as that there is no table of that name.
pub fn cover(conn: &mut Conn, table: Table) -> QueryResult<()> {
    let (stamps, has_stamps, triggers) = match conn {
        Conn::Sqlite(_) => (
            SQLITE_STAMPS,
            "SELECT count(*) > 0 AS known FROM sqlite_master WHERE name = 'cache_versions'",
            of_sqlite(table),
        ),
        Conn::Postgres(_) => (
            POSTGRES_STAMPS,
            "SELECT to_regclass('cache_changes') IS NOT NULL AS known",
            of_postgres(table),
        ),
    };
    if !diesel::sql_query(has_stamps).get_result::<Known>(conn)?.known {
        conn.batch_execute(stamps)?;
    }
    triggers.iter().try_for_each(|(name, sql)| {
        let on = if matches!(conn, Conn::Sqlite(_)) {
            String::new()
        } else {
            format!("ON {}", table.name())
        };
        conn.batch_execute(&format!("DROP TRIGGER IF EXISTS {name} {on}; {sql}"))
    })
}

/// Returns the triggers of `table` on SQLite, by name.
fn of_sqlite(table: Table) -> BTreeMap<String, String> {
    let table = table.name();
    let moved = |row: &str| {
        format!(
            "  INSERT INTO cache_versions\n  VALUES ('*', 1, random()), ('{table}', 1, random()), \
             ('{table}#' || ({row}.id & 255), 1, random())\n  \
             ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;\n"
        )
    };
    // An update of the id moves a row to another bucket: the old one must be invalidated, too.
    let moved_away = format!(
        "  INSERT INTO cache_versions\n  SELECT '{table}#' || (OLD.id & 255), 1, random() \
         WHERE OLD.id <> NEW.id\n  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;\n"
    );
    let trigger = |event: &str, body: String| {
        let name = format!("{table}_cache_{}", event.to_ascii_lowercase());
        let sql = format!("CREATE TRIGGER {name} AFTER {event} ON {table}\nBEGIN\n{body}END");
        (name, sql)
    };
    BTreeMap::from([
        trigger("INSERT", moved("NEW")),
        trigger("UPDATE", moved("NEW") + &moved_away),
        trigger("DELETE", moved("OLD")),
    ])
}

/// Returns the triggers of `table` on Postgres, by name.
fn of_postgres(table: Table) -> BTreeMap<String, String> {
    let table = table.name();
    let (old, new) = ("OLD TABLE AS old_rows", "NEW TABLE AS new_rows");
    let events = [
        ("INSERT", format!("REFERENCING {new}")),
        ("UPDATE", format!("REFERENCING {old} {new}")),
        ("DELETE", format!("REFERENCING {old}")),
        ("TRUNCATE", String::new()),
    ];
    let trigger = |(event, rows): (&str, String)| {
        let name = format!("{table}_cache_{}", event.to_ascii_lowercase());
        let sql = format!(
            "CREATE TRIGGER {name} AFTER {event} ON {table} {rows} FOR EACH STATEMENT \
             EXECUTE FUNCTION larder_v2_trigger('{table}'); \
             ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}"
        );
        (name, sql)
    };
    events.into_iter().map(trigger).collect()
}

/// Checks the triggers of `tables`.
///
/// [`StampsUnavailable`] names the first table that is not covered.
///
/// # Errors
/// Those of the database.
pub fn check(conn: &mut Conn, tables: &[Table]) -> QueryResult<Result<(), StampsUnavailable>> {
    match conn {
        Conn::Sqlite(sqlite) => check_sqlite(sqlite, tables),
        Conn::Postgres(postgres) => check_postgres(postgres, tables),
    }
}

/// Checks the triggers of `tables` on SQLite.
///
/// [`StampsUnavailable`] names the first table that is not covered.
///
/// # Errors
/// Those of the database.
pub(crate) fn check_sqlite(
    conn: &mut SqliteConnection,
    tables: &[Table],
) -> QueryResult<Result<(), StampsUnavailable>> {
    for table in tables {
        if cache_triggers(conn, *table)? != of_sqlite(*table) {
            return Ok(Err(missing(*table)));
        }
    }
    Ok(Ok(()))
}

/// Checks the triggers of `tables` on Postgres.
///
/// [`StampsUnavailable`] names the first table that is not covered.
///
/// # Errors
/// Those of the database.
pub(crate) fn check_postgres(
    conn: &mut PgConnection,
    tables: &[Table],
) -> QueryResult<Result<(), StampsUnavailable>> {
    for table in tables {
        let found: Count = diesel::sql_query(
            "SELECT count(*) AS count FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid \
             WHERE t.tgrelid = to_regclass($1) AND t.tgenabled = 'A' AND p.proname = 'larder_v2_trigger' \
             AND t.tgname IN ($1 || '_cache_insert', $1 || '_cache_update', \
                              $1 || '_cache_delete', $1 || '_cache_truncate')",
        )
        .bind::<Text, _>(table.name())
        .get_result(conn)?;
        if found.count != POSTGRES_TRIGGERS {
            return Ok(Err(missing(*table)));
        }
    }
    Ok(Ok(()))
}

fn belongs_to(trigger: &str, table: Table) -> bool {
    trigger.strip_prefix(table.name()).is_some_and(|rest| rest.starts_with("_cache_"))
}

/// Returns the triggers of `table` that change stamps, by name.
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

fn missing(table: Table) -> StampsUnavailable {
    StampsUnavailable(format!(
        "the table {} does not have the triggers that move its stamps, so its changes would go unseen; \
         create them as the migration does, and the cache goes on by itself",
        table.name()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUESTS: Table = Table::named("guests");

    fn in_memory() -> Conn {
        Conn::Sqlite(SqliteConnection::establish(":memory:").unwrap())
    }

    #[test]
    fn a_table_that_was_covered_is_covered_and_another_is_not() {
        let mut conn = in_memory();
        conn.batch_execute("CREATE TABLE guests (id INTEGER PRIMARY KEY, name TEXT)").unwrap();
        check(&mut conn, &[GUESTS]).unwrap().unwrap_err();
        for _ in 0..2 {
            cover(&mut conn, GUESTS).unwrap();
            check(&mut conn, &[GUESTS]).unwrap().unwrap();
        }
        conn.batch_execute("DROP TRIGGER guests_cache_update").unwrap();
        check(&mut conn, &[GUESTS]).unwrap().unwrap_err();
        cover(&mut conn, Table::named("nowhere")).unwrap_err();
    }
}
