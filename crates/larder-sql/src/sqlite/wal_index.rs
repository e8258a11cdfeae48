//! The header of the WAL index: shows commits, read from shared memory.
//!
//! - Every commit by any process rewrites this header before it returns; a header that equals an
//!   earlier one means that there was no commit in between. SQLite itself decides so, by the same
//!   bytes.
//! - There are two copies. A writer writes the second copy first; a reader reads the first copy
//!   first. If they differ, a writer is active, and nothing is concluded.
//! - No call into SQLite, no lock, no system call: about ten nanoseconds.
//!
//! Source: SQLite, "WAL-mode File Format" §2.1 and `walIndexTryHdr`.

use std::ffi::{c_int, c_void};
use std::path::Path;
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicU32, Ordering, fence};
use std::time::Duration;

use libsqlite3_sys::{SQLITE_FCNTL_FILE_POINTER, SQLITE_OK, sqlite3_file, sqlite3_file_control};

use super::raw::Connection;

/// Words of 32 bits in the header: 48 bytes.
const WORDS: usize = 12;

/// Bytes of a region of the WAL index, as SQLite maps it.
const REGION: c_int = 32 * 1024;

/// A header as it was read.
pub type Header = [u32; WORDS];

/// A connection that does nothing but keep the WAL index mapped.
pub struct WalIndex {
    /// Keeps `header` mapped; closed when this is dropped, and used for nothing else.
    _connection: Connection,
    header: NonNull<AtomicU32>,
}

// SAFETY: the connection may be sent, and what `header` points to is atomic.
unsafe impl Send for WalIndex {}

impl WalIndex {
    /// Opens the WAL index of the database at `path`; `None` in another journal mode.
    pub fn open(path: &Path) -> Option<Self> {
        let connection = Connection::open(path, Duration::ZERO).ok()?;
        // A read opens the WAL, and with it its index.
        connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").ok()?;
        let header = mapped(&connection)?;
        let index = Self { _connection: connection, header };
        index.read().map(|_| index)
    }

    /// Returns the header; `None` while a writer is changing it.
    pub fn read(&self) -> Option<Header> {
        let first = self.copy(0);
        // Writers write the second copy before the first, so it must be read after the first.
        fence(Ordering::SeqCst);
        let second = self.copy(1);
        // The reads that follow, above all those of the data, must not be done before this one.
        fence(Ordering::SeqCst);
        let is_initialised = first[3].to_ne_bytes()[0] == 1;
        (first == second && is_initialised).then_some(first)
    }

    fn copy(&self, which: usize) -> Header {
        std::array::from_fn(|word| {
            // SAFETY: `header` points to the first region of the WAL index, which is 32 KiB long
            // and begins with two headers of 12 aligned words each; `which` is 0 or 1. It stays
            // mapped for as long as `_connection` is open, and that is a field of `self`. Other
            // processes write to it at any time, so it is read through atomics.
            let word = unsafe { self.header.add(which * WORDS + word).as_ref() };
            word.load(Ordering::Relaxed)
        })
    }
}

/// Returns the address at which SQLite itself has mapped the WAL index.
fn mapped(connection: &Connection) -> Option<NonNull<AtomicU32>> {
    let mut file: *mut sqlite3_file = null_mut();
    let answer: *mut c_void = (&raw mut file).cast();
    let main = c"main".as_ptr();
    // SAFETY: the connection is open; for this opcode SQLite writes the pointer to its file of the
    // database "main" to where `answer` points, which is a place for such a pointer.
    let code = unsafe {
        sqlite3_file_control(connection.as_ptr(), main, SQLITE_FCNTL_FILE_POINTER, answer)
    };
    let file = NonNull::new(file).filter(|_| code == SQLITE_OK)?;
    // SAFETY: SQLite has answered that this is its file; it is open as long as the connection.
    // An open file has a table of methods, which is constant.
    let methods = unsafe { file.as_ref().pMethods.as_ref() }?;
    let map = methods.xShmMap.filter(|_| methods.iVersion >= 2)?;
    let mut region: *mut c_void = null_mut();
    // SAFETY: this is SQLite's own call for the first region; 0 asks not to create one, so it
    // returns the region that the earlier read has mapped, or null. No other thread uses this
    // connection.
    let code = unsafe { map(file.as_ptr(), 0, REGION, 0, (&raw mut region).cast()) };
    NonNull::new(region.cast::<AtomicU32>()).filter(|_| code == SQLITE_OK)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn connect(path: &Path) -> Connection {
        Connection::open(path, Duration::ZERO).unwrap()
    }

    fn new_file(mode: &str) -> (tempfile::TempDir, std::path::PathBuf, Connection) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.sqlite3");
        std::fs::File::create(&path).unwrap();
        let writer = connect(&path);
        writer.execute(&format!("PRAGMA journal_mode={mode}; CREATE TABLE t (n)")).unwrap();
        (folder, path, writer)
    }

    /// What writers and maintenance do.
    const STEPS: [&str; 8] = [
        "INSERT INTO t VALUES (1)",
        "UPDATE t SET n = n + 1",
        "BEGIN; INSERT INTO t VALUES (2); ROLLBACK",
        "BEGIN; INSERT INTO t VALUES (3); DELETE FROM t; COMMIT",
        "PRAGMA wal_checkpoint(PASSIVE)",
        "PRAGMA wal_checkpoint(RESTART)",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "VACUUM",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn every_commit_that_sqlite_notices_moves_the_header(
            steps in proptest::collection::vec(0..STEPS.len(), 1..120),
        ) {
            let (_folder, path, writer) = new_file("WAL");
            let index = WalIndex::open(&path).unwrap();
            let asked = connect(&path);
            let version = || asked.number("PRAGMA data_version").unwrap();
            let mut seen = (version(), index.read());
            for step in steps {
                writer.execute(STEPS[step]).unwrap();
                let now = (version(), index.read());
                prop_assert!(now.1.is_some());
                prop_assert!(now.0 == seen.0 || now.1 != seen.1, "unnoticed: {}", STEPS[step]);
                seen = now;
            }
        }
    }

    #[test]
    fn without_a_wal_there_is_no_index() {
        let (_folder, path, _writer) = new_file("DELETE");
        assert!(WalIndex::open(&path).is_none());
        assert!(WalIndex::open(Path::new("/nowhere/shop.sqlite3")).is_none());
    }
}
