//! The triggers on SQLite. Their texts are compared word for word.

use std::collections::BTreeMap;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::table::Table;

/// Creates the table of stamps. That of the tag *everything* starts at a random number, so that no other database
/// has the same stamps.
const INSTALL: &str = "\
CREATE TABLE IF NOT EXISTS cache_versions (
  tag TEXT NOT NULL PRIMARY KEY,
  n INTEGER NOT NULL,
  r INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO cache_versions VALUES ('!', 1, random()), ('*', 1, random()) ON CONFLICT DO NOTHING;
";

/// Selects the number of tables of this name on which triggers can be created.
const TABLES: &str = "\
    SELECT count(*) AS count FROM sqlite_schema \
    WHERE type = 'table' AND name = ? COLLATE NOCASE AND sql NOT LIKE 'CREATE VIRTUAL%'";

/// Selects whether `id` is the primary key and integer, and no other column is unique.
///
/// `REPLACE` removes the row that has the same value in a unique column. It runs no trigger for that row in programs
/// that leave `recursive_triggers` off, and that row has another id.
const HAS_ROWS: &str = "\
    SELECT (SELECT count(*) FROM pragma_table_info(?1) WHERE pk > 0) = 1 \
      AND (SELECT count(*) FROM pragma_table_info(?1) WHERE pk > 0 AND name = 'id' AND type LIKE '%INT%') = 1 \
      AND (SELECT count(*) FROM pragma_index_list(?1) WHERE \"unique\" AND origin <> 'pk') = 0 AS count";

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName)]
struct Trigger {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    sql: String,
}

/// The texts of triggers, by name.
type Triggers = BTreeMap<String, String>;

pub(super) fn cover(conn: &mut SqliteConnection, table: Table) -> QueryResult<()> {
    let name = bare(table)?;
    if count(conn, TABLES, &name)? == 0 {
        return Err(refused(format!(
            "{} is no table of this file whose changes triggers can see; a view is covered by the tables that it reads",
            table.name()
        )));
    }
    conn.batch_execute(INSTALL)?;
    drop_triggers(conn, &name)?;
    let triggers = second_version(table, &name, has_rows(conn, &name)?);
    triggers.values().try_for_each(|sql| conn.batch_execute(sql))?;
    try_out(conn, &name)
}

pub(super) fn uncover(conn: &mut SqliteConnection, table: Table) -> QueryResult<()> {
    drop_triggers(conn, &bare(table)?)?;
    let left = "SELECT count(*) AS count FROM sqlite_schema WHERE type = ? AND sql LIKE '%cache_versions%'";
    match count(conn, left, "trigger")? {
        0 => conn.batch_execute("DROP TABLE IF EXISTS cache_versions"),
        _ => Ok(()),
    }
}

pub(super) fn migration(tables: &[Table]) -> String {
    let triggers = tables.iter().flat_map(|table| {
        let name = bare(*table).unwrap_or_else(|_| table.name().to_owned());
        second_version(*table, &name, !table.has_shared_rows()).into_values()
    });
    INSTALL.to_owned() + &triggers.map(|sql| format!("\n{sql};\n")).collect::<String>()
}

pub(super) fn is_covered(conn: &mut SqliteConnection, table: Table) -> QueryResult<bool> {
    // A table of another file has no triggers here.
    let Ok(name) = bare(table) else { return Ok(false) };
    let found = triggers_of(conn, &name)?;
    let is_current = found == second_version(table, &name, false)
        || (found == second_version(table, &name, true) && has_rows(conn, &name)?);
    Ok(is_current || found == first_version(&name))
}

/// Compiles a write of each kind, and with it the triggers, without running it.
fn try_out(conn: &mut SqliteConnection, name: &str) -> QueryResult<()> {
    let table = identifier(name);
    conn.batch_execute(&format!(
        "EXPLAIN INSERT INTO {table} DEFAULT VALUES; EXPLAIN DELETE FROM {table}"
    ))?;
    let columns = "SELECT name, '' AS sql FROM pragma_table_xinfo(?) WHERE hidden = 0 LIMIT 1";
    let columns: Vec<Trigger> = diesel::sql_query(columns).bind::<Text, _>(name).load(conn)?;
    columns.iter().try_for_each(|column| {
        let column = identifier(&column.name);
        conn.batch_execute(&format!("EXPLAIN UPDATE {table} SET {column} = {column}"))
    })
}

fn drop_triggers(conn: &mut SqliteConnection, name: &str) -> QueryResult<()> {
    let triggers = triggers_of(conn, name)?;
    triggers
        .keys()
        .try_for_each(|name| conn.batch_execute(&format!("DROP TRIGGER {}", identifier(name))))
}

/// Returns the triggers of the table that change stamps, of any version.
fn triggers_of(conn: &mut SqliteConnection, name: &str) -> QueryResult<Triggers> {
    let triggers = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE";
    let triggers: Vec<Trigger> = diesel::sql_query(triggers).bind::<Text, _>(name).load(conn)?;
    let of_first_version = format!("{name}_cache_");
    let is_ours = |name: &str| name.starts_with("larder_v") || name.starts_with(&of_first_version);
    let triggers = triggers.into_iter().map(|trigger| (trigger.name, trigger.sql));
    Ok(triggers.filter(|(name, _)| is_ours(name)).collect())
}

fn has_rows(conn: &mut SqliteConnection, name: &str) -> QueryResult<bool> {
    Ok(count(conn, HAS_ROWS, name)? == 1)
}

fn count(conn: &mut SqliteConnection, sql: &str, name: &str) -> QueryResult<i64> {
    Ok(diesel::sql_query(sql).bind::<Text, _>(name).get_result::<Counted>(conn)?.count)
}

/// Returns the triggers that this version creates.
fn second_version(table: Table, name: &str, has_rows: bool) -> Triggers {
    texts(table.name(), has_rows, |event| {
        let trigger = format!("larder_v2_{}_{name}", event.to_ascii_lowercase());
        let head = format!("{} AFTER {event} ON {}", identifier(&trigger), identifier(name));
        (trigger, head)
    })
}

/// Returns the triggers that the first version has created. They change the same stamps, so they may stay.
fn first_version(name: &str) -> Triggers {
    texts(name, true, |event| {
        let trigger = format!("{name}_cache_{}", event.to_ascii_lowercase());
        let head = format!("{trigger} AFTER {event} ON {name}");
        (trigger, head)
    })
}

/// Returns the texts of the triggers, which `head` names and gives their table.
fn texts(tag: &str, has_rows: bool, head: impl Fn(&str) -> (String, String)) -> Triggers {
    let tag = tag.replace('\'', "''");
    let moved = |row: &str| {
        let rows = match has_rows {
            true => format!("'{tag}#' || ({row}.id & 255)"),
            false => format!("'{tag}!'"),
        };
        format!(
            "  INSERT INTO cache_versions\n  VALUES ('*', 1, random()), ('{tag}', 1, random()), \
             ({rows}, 1, random())\n  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;\n"
        )
    };
    // An update of the id moves a row to another bucket: the old one must be invalidated, too.
    let moved_away = match has_rows {
        true => format!(
            "  INSERT INTO cache_versions\n  SELECT '{tag}#' || (OLD.id & 255), 1, random() \
             WHERE OLD.id <> NEW.id\n  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;\n"
        ),
        false => String::new(),
    };
    let trigger = |event: &str, body: String| {
        let (name, head) = head(event);
        (name, format!("CREATE TRIGGER {head}\nBEGIN\n{body}END"))
    };
    BTreeMap::from([
        trigger("INSERT", moved("NEW")),
        trigger("UPDATE", moved("NEW") + &moved_away),
        trigger("DELETE", moved("OLD")),
    ])
}

/// Returns the table's name in this file, without quotes.
fn bare(table: Table) -> QueryResult<String> {
    match table.parts().as_slice() {
        [name] => Ok(name.clone()),
        [schema, name] if schema.eq_ignore_ascii_case("main") => Ok(name.clone()),
        _ => Err(refused(format!(
            "{} is in another file, whose changes triggers cannot see",
            table.name()
        ))),
    }
}

fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn refused(sentence: String) -> diesel::result::Error {
    diesel::result::Error::QueryBuilderError(sentence.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUESTS: Table = Table::named("guests");

    fn is_covered(conn: &mut SqliteConnection) -> bool {
        super::is_covered(conn, GUESTS).unwrap()
    }

    #[test]
    fn a_table_that_was_covered_is_covered_and_another_is_not() {
        let mut conn = SqliteConnection::establish(":memory:").unwrap();
        conn.batch_execute("CREATE TABLE guests (id INTEGER PRIMARY KEY, name TEXT)").unwrap();
        assert!(!is_covered(&mut conn));
        for _ in 0..2 {
            cover(&mut conn, GUESTS).unwrap();
            assert!(is_covered(&mut conn));
        }
        conn.batch_execute("DROP TRIGGER larder_v2_update_guests").unwrap();
        assert!(!is_covered(&mut conn));
        cover(&mut conn, Table::named("nowhere")).unwrap_err();
    }

    #[test]
    fn triggers_of_the_first_version_are_good_until_they_are_replaced() {
        let mut conn = SqliteConnection::establish(":memory:").unwrap();
        conn.batch_execute("CREATE TABLE guests (id INTEGER PRIMARY KEY, name TEXT)").unwrap();
        conn.batch_execute(INSTALL).unwrap();
        first_version("guests").values().for_each(|sql| conn.batch_execute(sql).unwrap());
        assert!(is_covered(&mut conn));
        cover(&mut conn, GUESTS).unwrap();
        assert_eq!(
            triggers_of(&mut conn, "guests").unwrap(),
            second_version(GUESTS, "guests", true)
        );
    }

    #[test]
    fn a_unique_column_that_is_added_later_calls_for_other_triggers() {
        let mut conn = SqliteConnection::establish(":memory:").unwrap();
        conn.batch_execute("CREATE TABLE guests (id INTEGER PRIMARY KEY, name TEXT)").unwrap();
        cover(&mut conn, GUESTS).unwrap();
        conn.batch_execute("CREATE UNIQUE INDEX guests_by_name ON guests (name)").unwrap();
        assert!(!is_covered(&mut conn));
        cover(&mut conn, GUESTS).unwrap();
        assert!(is_covered(&mut conn));
    }
}
