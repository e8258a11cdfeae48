//! Inserting many rows.
//!
//! - Diesel inserts several rows at once only where the backend is known.
//! - Databases limit the number of bound values of a statement.
//! - On SQLite it puts them into a savepoint, which holds in memory what each page was before. SQLite goes through all of it
//!   after each row, so it may not become large.

/// Rows in one statement.
pub const AT_ONCE: usize = 100;

/// Inserts a slice of rows into a table, through a `Conn`. Where a statement fails, the ones before it have inserted their
/// rows: it runs within a transaction.
///
/// A macro, since the compiler does not find out by itself what diesel asks of the types of a function.
macro_rules! insert_all {
    ($conn:expr, $table:expr, $rows:expr) => {
        $rows.chunks($crate::db::insert::AT_ONCE).try_for_each(|rows| {
            let insert = diesel::insert_into($table).values(rows);
            match $conn {
                $crate::db::Conn::Sqlite(sqlite) => insert.execute(sqlite).map(|_| ()),
                $crate::db::Conn::Postgres(postgres) => insert.execute(postgres).map(|_| ()),
            }
        })
    };
}

pub(crate) use insert_all;
