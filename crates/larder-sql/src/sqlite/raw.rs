//! A connection of this crate's own to a SQLite file, through SQLite itself.
//!
//! - So the freshness check is the same beside every driver, and none of them has to be built for it.
//! - It creates no file and changes no setting that the file keeps.

use std::ffi::{CStr, CString, c_char, c_int};
use std::path::Path;
use std::ptr::{NonNull, null, null_mut};
use std::slice;
use std::time::Duration;

use libsqlite3_sys as ffi;

use crate::driver::{Dialect, Driver, Row};

/// An open connection. One thread at a time may use it.
pub struct Connection(NonNull<ffi::sqlite3>);

// SAFETY: it is opened without a mutex, so one thread at a time may use it, whichever that is; nothing else has the
// pointer, and this type is not `Sync`.
unsafe impl Send for Connection {}

impl Connection {
    /// Opens the file at `path`; it waits for locks of other connections for at most `patience`.
    pub fn open(path: &Path, patience: Duration) -> Result<Self, String> {
        let path = path.to_str().and_then(|path| CString::new(path).ok());
        let path = path.ok_or("its path is no text")?;
        let flags = ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_NOMUTEX;
        let mut opened = null_mut();
        // SAFETY: `path` ends in a zero byte and outlives the call; `opened` is a valid place to write to; no VFS is
        // named.
        let code = unsafe { ffi::sqlite3_open_v2(path.as_ptr(), &mut opened, flags, null()) };
        // A connection that failed to open has to be closed, too, which dropping does.
        let connection = Self(NonNull::new(opened).ok_or("out of memory")?);
        connection.succeeded(code)?;
        let patience = c_int::try_from(patience.as_millis()).unwrap_or(c_int::MAX);
        // SAFETY: the connection is open.
        unsafe { ffi::sqlite3_busy_timeout(connection.as_ptr(), patience) };
        Ok(connection)
    }

    /// Returns SQLite's own pointer to the connection, which is valid while `self` is borrowed.
    pub fn as_ptr(&self) -> *mut ffi::sqlite3 {
        self.0.as_ptr()
    }

    /// Runs statements that return nothing.
    pub fn execute(&self, sql: &str) -> Result<(), String> {
        let sql = CString::new(sql).map_err(|error| error.to_string())?;
        let none = null_mut();
        // SAFETY: the connection is open, `sql` ends in a zero byte; no callback, no message asked for.
        self.succeeded(unsafe {
            ffi::sqlite3_exec(self.as_ptr(), sql.as_ptr(), None, none, null_mut())
        })
    }

    /// Returns the rows of one statement: its first column as text, the next two as numbers.
    pub fn query(&self, sql: &str, texts: &[&str]) -> Result<Vec<Row>, String> {
        let statement = self.prepare(sql)?;
        for (text, number) in texts.iter().zip(1..) {
            let length = c_int::try_from(text.len()).map_err(|error| error.to_string())?;
            // SAFETY: the statement is prepared, and `text` has `length` bytes, which SQLite copies.
            self.succeeded(unsafe {
                let copied = ffi::SQLITE_TRANSIENT();
                ffi::sqlite3_bind_text(
                    statement.0.as_ptr(),
                    number,
                    text.as_ptr().cast(),
                    length,
                    copied,
                )
            })?;
        }
        let mut rows = Vec::new();
        loop {
            // SAFETY: the statement is prepared, and its connection open.
            match unsafe { ffi::sqlite3_step(statement.0.as_ptr()) } {
                ffi::SQLITE_ROW => rows.push(statement.row()),
                ffi::SQLITE_DONE => return Ok(rows),
                code => self.succeeded(code)?,
            }
        }
    }

    /// Returns the number that a statement selects alone, such as a `PRAGMA`.
    pub fn number(&self, sql: &str) -> Result<i64, String> {
        let row = self.query(sql, &[])?.pop().ok_or("no answer")?;
        row.0.parse().map_err(|_| format!("{sql} is no number: {}", row.0))
    }

    fn prepare(&self, sql: &str) -> Result<Statement, String> {
        let length = c_int::try_from(sql.len()).map_err(|error| error.to_string())?;
        let mut prepared = null_mut();
        // SAFETY: the connection is open, `sql` has `length` bytes, `prepared` is a valid place to write to; the end of
        // the statement is not asked for.
        self.succeeded(unsafe {
            let sql = sql.as_ptr().cast::<c_char>();
            ffi::sqlite3_prepare_v2(self.as_ptr(), sql, length, &mut prepared, null_mut())
        })?;
        NonNull::new(prepared).map(Statement).ok_or_else(|| "an empty statement".to_owned())
    }

    fn succeeded(&self, code: c_int) -> Result<(), String> {
        if code == ffi::SQLITE_OK {
            return Ok(());
        }
        // SAFETY: the connection is open, or failed to open, for which SQLite has a message, too; the message is a
        // text of SQLite's own that ends in a zero byte, and is copied before the next call.
        let message = unsafe { CStr::from_ptr(ffi::sqlite3_errmsg(self.as_ptr())) };
        Err(message.to_string_lossy().into_owned())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: it was opened by `open`, is closed here only, and has no statement left: `query` drops what it
        // prepares.
        unsafe { ffi::sqlite3_close(self.as_ptr()) };
    }
}

/// A prepared statement, which lives for less long than its connection.
struct Statement(NonNull<ffi::sqlite3_stmt>);

impl Statement {
    /// Returns the row that was stepped to. A column that the statement does not have is empty, or 0.
    fn row(&self) -> Row {
        let statement = self.0.as_ptr();
        // SAFETY: the statement has stepped to a row.
        let columns = unsafe { ffi::sqlite3_column_count(statement) };
        let number = |column: c_int| match column < columns {
            // SAFETY: it has stepped to a row with this column.
            true => unsafe { ffi::sqlite3_column_int64(statement, column) },
            false => 0,
        };
        // SAFETY: it has stepped to a row, which has a first column. The text is valid until the next step, and has
        // as many bytes as are asked for after it; it is null for NULL.
        let text = unsafe {
            let text = ffi::sqlite3_column_text(statement, 0);
            let length = usize::try_from(ffi::sqlite3_column_bytes(statement, 0)).unwrap_or(0);
            if text.is_null() { &[] } else { slice::from_raw_parts(text, length) }
        };
        (String::from_utf8_lossy(text).into_owned(), number(1), number(2))
    }
}

impl Drop for Statement {
    fn drop(&mut self) {
        // SAFETY: it was prepared, and is finalized here only.
        unsafe { ffi::sqlite3_finalize(self.0.as_ptr()) };
    }
}

impl Driver for Connection {
    type Error = String;

    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    async fn run(&mut self, sql: &str) -> Result<(), String> {
        self.execute(sql)
    }

    async fn rows(&mut self, sql: &str, texts: &[&str]) -> Result<Vec<Row>, String> {
        self.query(sql, texts)
    }

    fn refusal(sentence: String) -> String {
        sentence
    }
}
