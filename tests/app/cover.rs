//! Tables of other applications: every kind is covered, each write changes stamps, and none fails because of it.
//!
//! - Writes are those of another program, `sqlite3` or `psql`.

use std::time::Duration;

use larder::db::{Conn, QueryResult, Role};
use larder::sql::Table;
use larder::sql::triggers::{self, Dialect};

use crate::support::{Database, TestDatabase, on_both_databases};

on_both_databases! {
    ; by_hand:
    every_kind_of_table_changes_its_stamps_with_each_write,
    a_cascade_changes_the_stamps_of_both_tables,
    what_triggers_cannot_see_is_refused_with_the_reason,
    uncovering_removes_all_traces,
    the_printed_migration_covers_what_it_names,
}

fn connect(database: &TestDatabase) -> Conn {
    let url = database.url().parse().unwrap();
    Conn::create(&url, Role::Writer, Duration::from_secs(20)).unwrap()
}

fn covers(database: &TestDatabase, table: Table) -> QueryResult<()> {
    triggers::cover(&mut connect(database), table)
}

fn is_covered(database: &TestDatabase, table: Table) -> bool {
    triggers::check(&mut connect(database), &[table]).unwrap().is_ok()
}

/// Returns how often the stamp of a tag has changed.
fn count(database: &TestDatabase, tag: &str) -> u64 {
    let tag = tag.replace('\'', "''");
    let sum = database.sql_of_each(
        &format!("SELECT coalesce(sum(n), 0) FROM cache_versions WHERE tag = '{tag}'"),
        &format!(
            "SELECT coalesce(sum(n), 0) FROM (SELECT tag, n FROM cache_versions UNION ALL \
             SELECT unnest(tags || '{{*}}'::text[]), 1 FROM cache_changes) AS rows WHERE tag = '{tag}'"
        ),
    );
    sum.parse().unwrap()
}

/// A table, what creates it, and writes of which each changes the given tag besides that of the table.
struct Case {
    table: Table,
    create: &'static str,
    writes: &'static [&'static str],
    rows: &'static str,
}

const CASES: [Case; 6] = [
    Case {
        table: Table::named("notes"),
        create: "CREATE TABLE notes (id INTEGER PRIMARY KEY, name TEXT, moved TEXT, tags TEXT)",
        writes: &[
            "INSERT INTO notes VALUES (1, 'a', '', '')",
            "INSERT INTO notes VALUES (1, 'b', '', '') ON CONFLICT (id) DO UPDATE SET name = 'c'",
            "UPDATE notes SET id = 257",
            "DELETE FROM notes",
        ],
        rows: "notes#1",
    },
    Case {
        table: Table::named("\"Users of \"\"it's\"\"\""),
        create: "CREATE TABLE \"Users of \"\"it's\"\"\" (\"Name\" TEXT PRIMARY KEY, \"order\" INTEGER)",
        writes: &[
            "INSERT INTO \"Users of \"\"it's\"\"\" VALUES ('Ann', 1)",
            "UPDATE \"Users of \"\"it's\"\"\" SET \"order\" = 2",
            "DELETE FROM \"Users of \"\"it's\"\"\"",
        ],
        rows: "\"Users of \"\"it's\"\"\"!",
    },
    Case {
        table: Table::named("keyless"),
        create: "CREATE TABLE keyless (a INTEGER)",
        writes: &[
            "INSERT INTO keyless VALUES (1)",
            "UPDATE keyless SET a = NULL",
            "DELETE FROM keyless",
        ],
        rows: "keyless!",
    },
    Case {
        table: Table::named("pairs"),
        create: "CREATE TABLE pairs (a INTEGER, b TEXT, c INTEGER, PRIMARY KEY (a, b))",
        writes: &[
            "INSERT INTO pairs VALUES (1, 'x', 1)",
            "INSERT INTO pairs VALUES (1, 'x', 2) ON CONFLICT (a, b) DO UPDATE SET c = 3",
            "DELETE FROM pairs",
        ],
        rows: "pairs!",
    },
    Case {
        table: Table::named("texts"),
        create: "CREATE TABLE texts (id TEXT PRIMARY KEY, length INTEGER GENERATED ALWAYS AS (length(id)) STORED)",
        writes: &[
            "INSERT INTO texts (id) VALUES ('a')",
            "UPDATE texts SET id = 'b'",
            "DELETE FROM texts",
        ],
        rows: "texts!",
    },
    Case {
        table: Table::named("defaults"),
        create: "CREATE TABLE defaults (id INTEGER PRIMARY KEY DEFAULT 7, n INTEGER NOT NULL)",
        writes: &[
            "INSERT INTO defaults (id, n) VALUES (7, 1)",
            "UPDATE defaults SET n = 2",
            "DELETE FROM defaults",
        ],
        rows: "defaults#7",
    },
];

const ON_SQLITE: [Case; 2] = [
    Case {
        table: Table::named("rowless"),
        create: "CREATE TABLE rowless (id TEXT PRIMARY KEY, n INTEGER) WITHOUT ROWID",
        writes: &["INSERT INTO rowless VALUES ('a', 1)", "REPLACE INTO rowless VALUES ('a', 2)"],
        rows: "rowless!",
    },
    Case {
        // `REPLACE` removes row 1 without running a trigger for it.
        table: Table::named("main.emails"),
        create: "CREATE TABLE emails (id INTEGER PRIMARY KEY, email TEXT UNIQUE)",
        writes: &["INSERT INTO emails VALUES (1, 'a')", "REPLACE INTO emails VALUES (2, 'a')"],
        rows: "main.emails!",
    },
];

const ON_POSTGRES: [Case; 4] = [
    Case {
        table: Table::named("blog.notes"),
        create: "CREATE SCHEMA blog; CREATE TABLE blog.notes (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), t text)",
        writes: &[
            "INSERT INTO blog.notes (t) SELECT 'a' FROM generate_series(1, 1000)",
            "UPDATE blog.notes SET t = 'b'",
            "TRUNCATE blog.notes",
        ],
        rows: "blog.notes!",
    },
    Case {
        table: Table::named("days"),
        create: "CREATE TABLE days (id bigint, y int) PARTITION BY RANGE (y); \
                 CREATE TABLE early PARTITION OF days FOR VALUES FROM (1) TO (10); \
                 CREATE TABLE late PARTITION OF days FOR VALUES FROM (10) TO (20)",
        writes: &[
            "INSERT INTO days VALUES (5, 1), (6, 11)",
            "UPDATE days SET y = 12 WHERE id = 5",
            "UPDATE late SET y = 13 WHERE id = 5",
            "DELETE FROM days",
        ],
        rows: "days#5",
    },
    Case {
        table: Table::named("identities"),
        create: "CREATE TABLE identities (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n int, \
                 d int GENERATED ALWAYS AS (n * 2) STORED)",
        writes: &[
            "INSERT INTO identities (n) VALUES (1)",
            "UPDATE identities SET n = 2",
            "DELETE FROM identities",
        ],
        rows: "identities#1",
    },
    Case {
        table: Table::named("columnless"),
        create: "CREATE TABLE columnless ()",
        writes: &["INSERT INTO columnless DEFAULT VALUES", "DELETE FROM columnless"],
        rows: "columnless!",
    },
];

fn every_kind_of_table_changes_its_stamps_with_each_write(on: Database) {
    let database = TestDatabase::create(on);
    let of_its_own: &[Case] = if on == Database::Sqlite { &ON_SQLITE } else { &ON_POSTGRES };
    connect(&database);
    for case in CASES.iter().chain(of_its_own) {
        let name = case.table.name();
        database.sql(case.create);
        assert!(!is_covered(&database, case.table), "{name}");
        for _ in 0..2 {
            covers(&database, case.table).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(is_covered(&database, case.table), "{name}");
        }
        for write in case.writes {
            let tags = [name, case.rows, "*"];
            let before = tags.map(|tag| count(&database, tag));
            database.sql(write);
            for (tag, before) in tags.into_iter().zip(before) {
                assert!(count(&database, tag) > before, "{write} leaves the stamp of {tag}");
            }
        }
    }
}

fn a_cascade_changes_the_stamps_of_both_tables(on: Database) {
    let (authors, books) = (Table::named("authors"), Table::named("books"));
    let database = TestDatabase::create(on);
    connect(&database);
    database.sql(
        "CREATE TABLE authors (id INTEGER PRIMARY KEY); \
         CREATE TABLE books (id INTEGER PRIMARY KEY, author INTEGER REFERENCES authors ON DELETE CASCADE)",
    );
    for table in [authors, books] {
        covers(&database, table).unwrap();
    }
    database.sql("INSERT INTO authors VALUES (1); INSERT INTO books VALUES (7, 1)");
    let before = count(&database, "books#7");
    database.sql_of_each("PRAGMA foreign_keys = ON; DELETE FROM authors", "DELETE FROM authors");
    assert_eq!(count(&database, "books#7"), before + 1);
}

fn what_triggers_cannot_see_is_refused_with_the_reason(on: Database) {
    let database = TestDatabase::create(on);
    connect(&database);
    database.sql("CREATE VIEW sums AS SELECT 1 AS one");
    database.sql_of_each(
        "CREATE VIRTUAL TABLE words USING fts5 (word)",
        "CREATE UNLOGGED TABLE words (id int)",
    );
    for (name, reason) in
        [("sums", "view"), ("words", "table"), ("nowhere", "table"), ("elsewhere.notes", "")]
    {
        let error = covers(&database, Table::named(name)).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains(reason), "{error}");
        assert!(!is_covered(&database, Table::named(name)));
    }
    let traces = database.sql_of_each(
        "SELECT count(*) FROM sqlite_master WHERE name LIKE 'cache%'",
        "SELECT count(*) FROM pg_class WHERE relname LIKE 'cache%'",
    );
    assert_eq!(traces, "0", "what is refused leaves nothing behind");
}

/// Selects what is in the database and not the application's.
const TRACES_ON_SQLITE: &str =
    "SELECT count(*) FROM sqlite_master WHERE name NOT IN ('notes', 'guests')";
const TRACES_ON_POSTGRES: &str = "\
    SELECT (SELECT count(*) FROM pg_proc WHERE proname ~ '^(larder|cache)_') \
         + (SELECT count(*) FROM pg_class WHERE relname LIKE 'cache_%') \
         + (SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal)";

fn uncovering_removes_all_traces(on: Database) {
    let tables = [Table::named("notes"), Table::named("guests")];
    let database = TestDatabase::create(on);
    connect(&database);
    database.sql(
        "CREATE TABLE notes (id INTEGER PRIMARY KEY); CREATE TABLE guests (id INTEGER PRIMARY KEY)",
    );
    for table in tables {
        covers(&database, table).unwrap();
    }
    triggers::uncover(&mut connect(&database), tables[0]).unwrap();
    assert!(!is_covered(&database, tables[0]) && is_covered(&database, tables[1]));
    database.sql("INSERT INTO notes VALUES (1); INSERT INTO guests VALUES (1)");
    triggers::uncover(&mut connect(&database), tables[1]).unwrap();
    assert_eq!(database.sql_of_each(TRACES_ON_SQLITE, TRACES_ON_POSTGRES), "0");
    database.sql("INSERT INTO notes VALUES (2); INSERT INTO guests VALUES (2)");
}

fn the_printed_migration_covers_what_it_names(on: Database) {
    let database = TestDatabase::create(on);
    connect(&database);
    let notes = Table::named("notes");
    let emails = Table::named("emails").with_shared_rows();
    let dialect = if on == Database::Sqlite { Dialect::Sqlite } else { Dialect::Postgres };
    database.sql(
        "CREATE TABLE notes (id INTEGER PRIMARY KEY); CREATE TABLE emails (email TEXT PRIMARY KEY)",
    );
    // A later migration adds a table; the first one is repeated, as after its table was created again.
    for tables in [&[notes][..], &[emails], &[emails]] {
        if is_covered(&database, emails) {
            triggers::uncover(&mut connect(&database), emails).unwrap();
        }
        database.sql(&triggers::migration(dialect, tables));
    }
    assert!(is_covered(&database, notes) && is_covered(&database, emails));
    database.sql("INSERT INTO notes VALUES (1); INSERT INTO emails VALUES ('a')");
    assert_eq!((count(&database, "notes#1"), count(&database, "emails!")), (1, 1));
}

#[test]
fn triggers_of_the_first_version_are_replaced() {
    if !Database::Postgres.is_here(true) {
        return;
    }
    let database = TestDatabase::create(Database::Postgres);
    let migration = |name: &str| {
        database
            .sql(&std::fs::read_to_string(format!("migrations/postgres/{name}/up.sql")).unwrap());
    };
    migration("2026-11-21-090000-0000_create_cache_versions");
    database.sql(
        "CREATE TABLE guests (id bigint PRIMARY KEY); \
         CREATE TRIGGER guests_cache_insert AFTER INSERT ON guests REFERENCING NEW TABLE AS new_rows \
         FOR EACH STATEMENT EXECUTE FUNCTION cache_trigger('guests'); INSERT INTO guests VALUES (1)",
    );
    let before = count_of_first_version(&database);
    covers(&database, Table::named("guests")).unwrap();
    assert!(is_covered(&database, Table::named("guests")));
    assert_eq!(count(&database, "guests"), before, "older stamps go on");
    database.sql("INSERT INTO guests VALUES (2)");
    assert_eq!(count(&database, "guests"), before + 1);
    database.sql("CREATE TABLE heirs () INHERITS (guests)");
    assert!(!is_covered(&database, Table::named("guests")), "an heir has no triggers yet");
}

fn count_of_first_version(database: &TestDatabase) -> u64 {
    database.sql("SELECT n FROM cache_versions WHERE tag = 'guests'").parse().unwrap()
}
