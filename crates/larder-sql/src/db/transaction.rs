//! Transactions, begun as each database needs it.

use diesel::connection::{AnsiTransactionManager, Connection, TransactionManager};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::conn::Conn;
use super::log;

type Manager = <Conn as Connection>::TransactionManager;

/// What a transaction may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Sees one committed state, and writes nothing.
    Read,
    /// Reads and writes, and is committed.
    Write,
}

/// A transaction that failed.
#[derive(Debug)]
pub(super) struct Failed {
    /// The cause.
    pub error: diesel::result::Error,
    /// Whether the commit had been sent. If it was not answered, it may or may not have succeeded.
    pub is_at_commit: bool,
}

impl Failed {
    /// Returns a failure before the commit: nothing was committed.
    pub fn before_commit(error: diesel::result::Error) -> Self {
        Self { error, is_at_commit: false }
    }
}

impl Access {
    /// Begins the transaction. SQLite takes the write lock before the first read.
    ///
    /// A transaction that read first, while another one wrote, could not write any more, however long it
    /// waited.
    fn begin(self, conn: &mut Conn) -> QueryResult<()> {
        let (sqlite, postgres) = match self {
            Self::Read => ("BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
            Self::Write => ("BEGIN IMMEDIATE", "BEGIN"),
        };
        match conn {
            Conn::Sqlite(conn) => AnsiTransactionManager::begin_transaction_sql(conn, sqlite),
            Conn::Postgres(conn) => AnsiTransactionManager::begin_transaction_sql(conn, postgres),
        }
    }
}

/// Runs `work` on one snapshot of the data.
pub fn read<T>(conn: &mut Conn, work: impl FnOnce(&mut Conn) -> QueryResult<T>) -> QueryResult<T> {
    run(conn, Access::Read, work).map_err(|failed| failed.error)
}

/// Runs `work` and commits its writes, or none of them if it fails.
pub fn write<T>(conn: &mut Conn, work: impl FnOnce(&mut Conn) -> QueryResult<T>) -> QueryResult<T> {
    run(conn, Access::Write, work).map_err(|failed| failed.error)
}

/// Returns a number that grows with each row that the current transaction changes.
pub(super) fn changes(conn: &mut Conn) -> QueryResult<i64> {
    let changes = match conn {
        Conn::Sqlite(_) => "total_changes()",
        // A transaction has a number as soon as it locks a row, so that shows no change.
        Conn::Postgres(_) => {
            "(SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint FROM pg_stat_xact_user_tables)"
        }
    };
    log::without_logging(|| diesel::select(sql::<BigInt>(changes)).get_result(conn))
}

/// Runs `work` in a transaction.
pub(super) fn run<T>(
    conn: &mut Conn,
    access: Access,
    work: impl FnOnce(&mut Conn) -> QueryResult<T>,
) -> Result<T, Failed> {
    access.begin(conn).map_err(Failed::before_commit)?;
    match work(conn) {
        Ok(done) => match Manager::commit_transaction(conn) {
            Ok(()) => Ok(done),
            Err(error) => Err(Failed { error, is_at_commit: true }),
        },
        Err(error) => {
            // The first error is the one to report; a broken connection cannot roll back.
            let _ = Manager::rollback_transaction(conn);
            Err(Failed::before_commit(error))
        }
    }
}
