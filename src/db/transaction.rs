//! Transactions, as each database wants them begun.

use diesel::connection::{AnsiTransactionManager, Connection, TransactionManager};
use diesel::prelude::*;

use super::connect::Conn;

type Manager = <Conn as Connection>::TransactionManager;

/// How a transaction begins.
struct Begin {
    sqlite: &'static str,
    postgres: &'static str,
}

/// One committed state for all that is read.
const READ: Begin =
    Begin { sqlite: "BEGIN", postgres: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" };

/// SQLite takes its turn before it reads: a transaction that read first and was overtaken could
/// not write any more, however long it waited.
const WRITE: Begin = Begin { sqlite: "BEGIN IMMEDIATE", postgres: "BEGIN" };

/// Runs `work` on one snapshot of the data.
pub fn read<T>(conn: &mut Conn, work: impl FnOnce(&mut Conn) -> QueryResult<T>) -> QueryResult<T> {
    within(conn, READ, work)
}

/// Runs `work` and commits what it wrote, or nothing if it fails.
pub fn write<T>(conn: &mut Conn, work: impl FnOnce(&mut Conn) -> QueryResult<T>) -> QueryResult<T> {
    within(conn, WRITE, work)
}

fn within<T>(
    conn: &mut Conn,
    begin: Begin,
    work: impl FnOnce(&mut Conn) -> QueryResult<T>,
) -> QueryResult<T> {
    match conn {
        Conn::Sqlite(sqlite) => {
            AnsiTransactionManager::begin_transaction_sql(sqlite, begin.sqlite)?
        }
        Conn::Postgres(pg) => AnsiTransactionManager::begin_transaction_sql(pg, begin.postgres)?,
    }
    match work(conn) {
        Ok(done) => Manager::commit_transaction(conn).map(|()| done),
        Err(error) => {
            // The first error is the one to tell; a broken connection cannot roll back.
            let _ = Manager::rollback_transaction(conn);
            Err(error)
        }
    }
}
