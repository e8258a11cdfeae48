//! The triggers on SQLite. Their texts are compared word for word.

use std::collections::BTreeSet;

use crate::driver::{Driver, number};
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
    SELECT '', count(*), 0 FROM sqlite_schema \
    WHERE type = 'table' AND name = $1 COLLATE NOCASE AND sql NOT LIKE 'CREATE VIRTUAL%'";

/// Selects whether `id` is the primary key and integer, and no other column is unique.
///
/// `REPLACE` removes the row that has the same value in a unique column. It runs no trigger for that row in programs
/// that leave `recursive_triggers` off, and that row has another id.
const HAS_ROWS: &str = "\
    SELECT '', (SELECT count(*) FROM pragma_table_info($1) WHERE pk > 0) = 1 \
      AND (SELECT count(*) FROM pragma_table_info($1) WHERE pk > 0 AND name = 'id' AND type LIKE '%INT%') = 1 \
      AND (SELECT count(*) FROM pragma_index_list($1) WHERE \"unique\" AND origin <> 'pk') = 0, 0";

/// Selects the triggers of a table that change stamps, of any version. `%` is what is selected of them.
const TRIGGERS: &str = "\
    SELECT %, 0, 0 FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = $1 COLLATE NOCASE \
    AND (name GLOB 'larder_v*' OR substr(name, 1, length($1) + 7) = $1 || '_cache_')";

/// The texts of triggers.
type Triggers = BTreeSet<String>;

pub(super) async fn cover<D: Driver>(driver: &mut D, table: Table) -> Result<(), D::Error> {
    let name = bare(table).map_err(D::refusal)?;
    if number(driver, TABLES, &[&name]).await? == 0 {
        return Err(D::refusal(format!(
            "{} is no table of this file whose changes triggers can see; a view is covered by the tables that it reads",
            table.name()
        )));
    }
    driver.run(INSTALL).await?;
    let triggers = second_version(table, &name, has_rows(driver, &name).await?);
    // Creating triggers makes everything stale.
    if triggers_of(driver, &name).await? == triggers {
        return Ok(());
    }
    drop_triggers(driver, &name).await?;
    for trigger in &triggers {
        driver.run(trigger).await?;
    }
    try_out(driver, &name).await
}

pub(super) async fn uncover<D: Driver>(driver: &mut D, table: Table) -> Result<(), D::Error> {
    drop_triggers(driver, &bare(table).map_err(D::refusal)?).await?;
    let left = "SELECT '', count(*), 0 FROM sqlite_schema WHERE type = 'trigger' AND sql LIKE '%cache_versions%'";
    match number(driver, left, &[]).await? {
        0 => driver.run("DROP TABLE IF EXISTS cache_versions").await,
        _ => Ok(()),
    }
}

pub(super) fn migration(tables: &[Table]) -> String {
    let triggers = tables.iter().flat_map(|table| {
        let name = bare(*table).unwrap_or_else(|_| table.name().to_owned());
        second_version(*table, &name, !table.has_shared_rows())
    });
    INSTALL.to_owned() + &triggers.map(|sql| format!("\n{sql};\n")).collect::<String>()
}

pub(super) async fn is_covered<D: Driver>(driver: &mut D, table: Table) -> Result<bool, D::Error> {
    // A table of another file has no triggers here.
    let Ok(name) = bare(table) else { return Ok(false) };
    let found = triggers_of(driver, &name).await?;
    let is_current = found == second_version(table, &name, false)
        || (found == second_version(table, &name, true) && has_rows(driver, &name).await?);
    Ok(is_current || found == first_version(&name))
}

/// Compiles a write of each kind, and with it the triggers, without running it.
async fn try_out<D: Driver>(driver: &mut D, name: &str) -> Result<(), D::Error> {
    let table = identifier(name);
    driver.run(&format!("EXPLAIN INSERT INTO {table} DEFAULT VALUES")).await?;
    driver.run(&format!("EXPLAIN DELETE FROM {table}")).await?;
    let columns = "SELECT name, 0, 0 FROM pragma_table_xinfo($1) WHERE hidden = 0 LIMIT 1";
    for (column, ..) in driver.rows(columns, &[name]).await? {
        let column = identifier(&column);
        driver.run(&format!("EXPLAIN UPDATE {table} SET {column} = {column}")).await?;
    }
    Ok(())
}

async fn drop_triggers<D: Driver>(driver: &mut D, name: &str) -> Result<(), D::Error> {
    for (trigger, ..) in driver.rows(&TRIGGERS.replace('%', "name"), &[name]).await? {
        driver.run(&format!("DROP TRIGGER {}", identifier(&trigger))).await?;
    }
    Ok(())
}

async fn triggers_of<D: Driver>(driver: &mut D, name: &str) -> Result<Triggers, D::Error> {
    let triggers = driver.rows(&TRIGGERS.replace('%', "sql"), &[name]).await?;
    Ok(triggers.into_iter().map(|(sql, ..)| sql).collect())
}

async fn has_rows<D: Driver>(driver: &mut D, name: &str) -> Result<bool, D::Error> {
    Ok(number(driver, HAS_ROWS, &[name]).await? == 1)
}

/// Returns the triggers that this version creates.
fn second_version(table: Table, name: &str, has_rows: bool) -> Triggers {
    texts(table.name(), has_rows, |event| {
        let trigger = format!("larder_v2_{}_{name}", event.to_ascii_lowercase());
        format!("{} AFTER {event} ON {}", identifier(&trigger), identifier(name))
    })
}

/// Returns the triggers that the first version has created. They change the same stamps, so they may stay.
fn first_version(name: &str) -> Triggers {
    texts(name, true, |event| {
        let trigger = format!("{name}_cache_{}", event.to_ascii_lowercase());
        format!("{trigger} AFTER {event} ON {name}")
    })
}

/// Returns the texts of the triggers, which `head` names and gives their table.
fn texts(tag: &str, has_rows: bool, head: impl Fn(&str) -> String) -> Triggers {
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
    let trigger =
        |event: &str, body: String| format!("CREATE TRIGGER {}\nBEGIN\n{body}END", head(event));
    BTreeSet::from([
        trigger("INSERT", moved("NEW")),
        trigger("UPDATE", moved("NEW") + &moved_away),
        trigger("DELETE", moved("OLD")),
    ])
}

/// Returns the table's name in this file, without quotes.
fn bare(table: Table) -> Result<String, String> {
    match table.parts().as_slice() {
        [name] => Ok(name.clone()),
        [schema, name] if schema.eq_ignore_ascii_case("main") => Ok(name.clone()),
        _ => Err(format!("{} is in another file, whose changes triggers cannot see", table.name())),
    }
}

fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(all(test, feature = "diesel"))]
mod tests {
    use diesel::connection::SimpleConnection;
    use diesel::{Connection, QueryResult, SqliteConnection};

    use super::*;
    use crate::driver::now;

    const GUESTS: Table = Table::named("guests");

    fn is_covered(conn: &mut SqliteConnection) -> bool {
        now(super::is_covered(conn, GUESTS)).unwrap()
    }

    fn cover(conn: &mut SqliteConnection, table: Table) -> QueryResult<()> {
        now(super::cover(conn, table))
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
        first_version("guests").iter().for_each(|sql| conn.batch_execute(sql).unwrap());
        assert!(is_covered(&mut conn));
        cover(&mut conn, GUESTS).unwrap();
        assert_eq!(
            now(triggers_of(&mut conn, "guests")).unwrap(),
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
