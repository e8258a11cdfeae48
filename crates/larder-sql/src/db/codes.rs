//! Maps errors of the database to their meaning, by SQLSTATE and by SQLite's result code.
//!
//! | meaning | what is done |
//! |---|---|
//! | [`Meaning::Retry`] | nothing was committed; the whole transaction is retried after a short pause |
//! | [`Meaning::Outdated`] | the connection's prepared statements are dropped; the transaction is retried |
//! | [`Meaning::Disconnected`] | the connection leaves its pool; the transaction is retried on others, at most seven times |
//! | [`Meaning::Unavailable`] | 503: the database refuses temporarily |
//! | [`Meaning::Conflict`] | 409: other data, written in the meantime, violates a constraint |
//! | [`Meaning::Bug`] | 500: a bug of this program, or a trigger of the owner |
//!
//! What still fails after the last attempt is 503, except [`Meaning::Outdated`], which is 500 then.
//!
//! A database that lacks tables, columns or functions is the wrong one: it was replaced, or restored from an older backup.
//! Every statement of this program is run by its tests, so that is no bug of it. A damaged database is no bug, either.
//!
//! Sources: PostgreSQL, "Appendix A. Error Codes"; SQLite, "Result and Error Codes".

use std::ffi::{CStr, c_int};

use diesel::result::{DatabaseErrorKind, Error};
use libsqlite3_sys as sqlite;

use super::sqlstate::{Author, Information, author};

/// The meaning of a database error; see the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Another transaction was in the way.
    Retry,
    /// The schema changed under prepared statements.
    Outdated,
    /// What a statement names is not there, or the connection has not read a change of the schema yet.
    ///
    /// SQLite forgets its old schema in the middle of a statement whose triggers write to a virtual table, such as a
    /// search index. It says that a table is missing then, and has read the new schema at the next attempt.
    Lacking,
    /// The connection is unusable, or leads to a server that is not the right one.
    Disconnected,
    /// The database refuses temporarily.
    Unavailable,
    /// Other data violates a constraint.
    Conflict,
    /// A retry would fail again.
    Bug,
}

use Meaning::{Bug, Conflict, Disconnected, Lacking, Outdated, Retry, Unavailable};

/// Meanings by SQLSTATE, or by a prefix of one; the first row that matches counts.
const POSTGRES: &[(&str, Meaning)] = &[
    // Connection exceptions; poolers such as PgBouncer refuse with 08P01.
    ("08", Disconnected),
    // "cached plan must not change result type"; any other unsupported feature fails again.
    ("0A000", Outdated),
    ("23502", Bug), // NOT NULL
    ("23514", Bug), // CHECK
    ("23", Conflict),
    // Read-only: a standby after a failover, or a server whose administrator has stopped writes.
    ("25006", Disconnected),
    // The server ended the session because a transaction was idle or lasted too long.
    ("25P03", Disconnected),
    ("25P04", Disconnected),
    // Prepared statements that a pooler or `DEALLOCATE ALL` removed, or that another client created.
    ("26000", Outdated),
    ("42P05", Outdated),
    // An administrator has taken a right away, and can give it back.
    ("42501", Unavailable),
    // No such schema, table, column or function.
    ("3F000", Unavailable),
    ("42P01", Unavailable),
    ("42703", Unavailable),
    ("42883", Unavailable),
    ("40002", Conflict),    // a constraint, checked at the end
    ("40003", Unavailable), // completion unknown
    // Serialization failures and deadlocks.
    ("40", Retry),
    // Disk full, out of memory, too many locks, too many connections.
    ("53", Unavailable),
    ("55006", Unavailable), // in use by others
    ("55P03", Unavailable), // lock not available
    // Terminated, crashed, starting up or shutting down, database dropped, idle for too long.
    ("57P", Disconnected),
    // Cancelled by an administrator or by a timeout.
    ("57", Unavailable),
    // System errors below the server, for example of its disk.
    ("58", Unavailable),
    ("72000", Retry), // snapshot too old
    // Damaged data, and a damaged index.
    ("XX001", Unavailable),
    ("XX002", Unavailable),
    // "cache lookup failed", "tuple concurrently updated": a statement ran during a change of the schema.
    ("XX000", Outdated),
];

/// Meanings by result code, without the extended part.
///
/// diesel exposes only the message; SQLite has a fixed message for each code.
const SQLITE: &[(c_int, Meaning)] = &[
    (sqlite::SQLITE_PERM, Unavailable),
    // Another process holds the lock, and the connection has waited for it already.
    (sqlite::SQLITE_BUSY, Unavailable),
    (sqlite::SQLITE_LOCKED, Retry),
    (sqlite::SQLITE_NOMEM, Unavailable),
    // The file or its folder was made read-only or moved away.
    (sqlite::SQLITE_READONLY, Disconnected),
    (sqlite::SQLITE_INTERRUPT, Unavailable),
    (sqlite::SQLITE_IOERR, Disconnected),
    (sqlite::SQLITE_FULL, Unavailable),
    (sqlite::SQLITE_CANTOPEN, Disconnected),
    (sqlite::SQLITE_PROTOCOL, Unavailable),
    (sqlite::SQLITE_SCHEMA, Outdated),
    // Damaged, or overwritten with something else.
    (sqlite::SQLITE_CORRUPT, Disconnected),
    (sqlite::SQLITE_NOTADB, Disconnected),
];

/// How SQLite says that its file is the wrong one. For this it has no code but that of any error.
const SQLITE_LACKS: &[&str] = &[
    "no such table",
    "no such column",
    "no such function",
    "no such module",
    "has no column named",
];

/// Returns the meaning of an error.
pub fn meaning(error: &Error) -> Meaning {
    match error {
        Error::DatabaseError(DatabaseErrorKind::ClosedConnection, _) => Disconnected,
        Error::DatabaseError(kind, information) => match author(&**information) {
            Author::Server(state) => of_sqlstate(&state),
            Author::Library => Disconnected,
            Author::Text => of_text(kind, &**information),
        },
        // diesel no longer knows whether the connection is inside a transaction.
        Error::BrokenTransactionManager => Disconnected,
        Error::RollbackErrorOnCommit { commit_error, .. } => meaning(commit_error),
        _ => Bug,
    }
}

fn of_sqlstate(state: &str) -> Meaning {
    let row = POSTGRES.iter().find(|(beginning, _)| state.starts_with(beginning));
    row.map_or(Bug, |(_, meaning)| *meaning)
}

fn of_text(kind: &DatabaseErrorKind, information: &Information) -> Meaning {
    match kind {
        DatabaseErrorKind::UniqueViolation | DatabaseErrorKind::ForeignKeyViolation => Conflict,
        DatabaseErrorKind::NotNullViolation | DatabaseErrorKind::CheckViolation => Bug,
        // A statement that is too large for the protocol is too large for every connection.
        DatabaseErrorKind::UnableToSendCommand => {
            let is_too_large = information.message().contains("number of parameters");
            if is_too_large { Bug } else { Disconnected }
        }
        _ => of_sqlite_message(information.message()),
    }
}

fn of_sqlite_message(message: &str) -> Meaning {
    if SQLITE_LACKS.iter().any(|lacks| message.contains(lacks)) {
        return Lacking;
    }
    let row = SQLITE.iter().find(|(code, _)| message.starts_with(sqlite_message(*code)));
    row.map_or(Bug, |(_, meaning)| *meaning)
}

/// Names an error for the log: by its SQLSTATE; without one, by the first line of its message.
pub fn name(error: &Error) -> String {
    if let Error::DatabaseError(_, information) = error
        && let Author::Server(state) = author(&**information)
    {
        return format!("SQLSTATE {state}");
    }
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

/// Returns SQLite's own message for a result code.
fn sqlite_message(code: c_int) -> &'static str {
    // SAFETY: SQLite returns a constant text that ends in a zero byte, whatever the code is.
    let message = unsafe { CStr::from_ptr(sqlite::sqlite3_errstr(code)) };
    message.to_str().unwrap_or("(no message)")
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection;
    use diesel::{Connection, SqliteConnection};

    use super::*;

    fn text(kind: DatabaseErrorKind, message: &str) -> Meaning {
        meaning(&Error::DatabaseError(kind, Box::new(message.to_owned())))
    }

    #[test]
    fn the_first_row_that_fits_a_sqlstate_counts() {
        let cases = [
            ("40P01", Retry),
            ("40001", Retry),
            ("40002", Conflict),
            ("23505", Conflict),
            ("23514", Bug),
            ("53100", Unavailable),
            ("42501", Unavailable),
            ("55P03", Unavailable),
            ("57014", Unavailable),
            ("57P01", Disconnected),
            ("08006", Disconnected),
            ("25006", Disconnected),
            ("0A000", Outdated),
            ("42P01", Unavailable),
            ("42703", Unavailable),
            ("3F000", Unavailable),
            ("XX001", Unavailable),
            ("XX000", Outdated),
            ("42601", Bug),
            ("P0001", Bug),
            ("", Bug),
        ];
        for (state, expected) in cases {
            assert_eq!(of_sqlstate(state), expected, "{state}");
        }
    }

    #[test]
    fn sqlites_messages_are_those_of_its_codes() {
        let cases = [
            ("database is locked", Unavailable),
            ("database table is locked: products", Retry),
            ("attempt to write a readonly database", Disconnected),
            ("disk I/O error", Disconnected),
            ("database or disk is full", Unavailable),
            ("unable to open database file", Disconnected),
            ("access permission denied", Unavailable),
            ("locking protocol", Unavailable),
            ("out of memory", Unavailable),
            ("interrupted", Unavailable),
            ("database schema has changed", Outdated),
            ("database disk image is malformed", Disconnected),
            ("file is not a database", Disconnected),
            ("no such table: products", Lacking),
            ("table products has no column named title", Lacking),
            ("near \"SELEC\": syntax error", Bug),
        ];
        for (message, expected) in cases {
            assert_eq!(of_sqlite_message(message), expected, "{message}");
        }
    }

    /// Real messages of SQLite, for errors that can be provoked without a broken disk.
    #[test]
    fn what_sqlite_refuses_has_its_meaning() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let open = |name: &str| SqliteConnection::establish(&at(name)).unwrap();
        let refused = |conn: &mut SqliteConnection, sql: &str| {
            meaning(&conn.batch_execute(sql).expect_err(sql))
        };
        let mut conn = open("shop");
        let schema = "PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON; \
                      CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER NOT NULL CHECK (n < 9)); \
                      CREATE TABLE u (t REFERENCES t (id)); INSERT INTO t VALUES (1, 1)";
        conn.batch_execute(schema).unwrap();
        assert_eq!(refused(&mut conn, "INSERT INTO t VALUES (1, 2)"), Conflict);
        assert_eq!(refused(&mut conn, "INSERT INTO u VALUES (7)"), Conflict);
        assert_eq!(refused(&mut conn, "INSERT INTO t VALUES (2, NULL)"), Bug);
        assert_eq!(refused(&mut conn, "INSERT INTO t VALUES (2, 10)"), Bug);
        assert_eq!(refused(&mut conn, "SELECT * FROM nowhere"), Lacking);

        let mut other = open("shop");
        other.batch_execute("BEGIN IMMEDIATE").unwrap();
        assert_eq!(refused(&mut conn, "BEGIN IMMEDIATE"), Unavailable);
        other.batch_execute("COMMIT; PRAGMA query_only = ON").unwrap();
        assert_eq!(refused(&mut other, "DELETE FROM t"), Disconnected);
        let fill = "PRAGMA max_page_count = 1; CREATE TABLE f AS WITH RECURSIVE r (n) AS \
                    (SELECT 1 UNION ALL SELECT n + 1 FROM r LIMIT 9999) SELECT n, hex(n) FROM r";
        assert_eq!(refused(&mut conn, fill), Unavailable);

        std::fs::write(at("letter"), "Dear Sir or Madam, ".repeat(99)).unwrap();
        assert_eq!(refused(&mut open("letter"), "SELECT * FROM t"), Disconnected);
        let gone = SqliteConnection::establish(&format!("file:{}?mode=rw", at("gone")));
        assert!(
            gone.err().unwrap().to_string().starts_with(sqlite_message(sqlite::SQLITE_CANTOPEN))
        );
    }

    #[test]
    fn an_unsent_statement_breaks_the_connection_unless_it_is_too_large() {
        let kind = || DatabaseErrorKind::UnableToSendCommand;
        assert_eq!(text(kind(), "no connection to the server\n"), Disconnected);
        let large = "number of parameters must be between 0 and 65535\n";
        assert_eq!(text(kind(), large), Bug);
        assert_eq!(text(DatabaseErrorKind::ClosedConnection, "in any language"), Disconnected);
        assert_eq!(meaning(&Error::NotFound), Bug);
    }
}
