//! The files of an SQLite database: checks that they are still the ones that this process has open.
//!
//! - An open connection does not notice that its file was removed, or replaced by renaming another over it.
//! - Beside the database lie its log (`-wal`) and the shared memory in which processes see each other's
//!   locks (`-shm`). If one of these is removed while connections have it open, another process creates a
//!   new one, and the two processes overwrite each other's data. Only a restart helps, since all
//!   connections of a process share the files that they opened.
//! - The files are recorded when the first connection is open. That connection stays open, because SQLite
//!   removes both companions when the last connection to a database is closed.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use diesel::connection::SimpleConnection;

use super::conn::Conn;
use super::file_id::FileId;
use super::role::{LOCK_TIMEOUT, Role};
use super::url::Url;

/// What happened to a file that is open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// The database file is gone.
    #[error("the database file {} is gone; put it back, or restart with another", .0.display())]
    Database(PathBuf),
    /// The database file was emptied.
    #[error("the database file {} is empty; put it back, or restart with another", .0.display())]
    Empty(PathBuf),
    /// The log or the shared memory was removed.
    #[error(
        "{} was removed while the database is open: what this program writes is not safe from other programs \
         until it is restarted",
        .0.display()
    )]
    Companion(PathBuf),
    /// The file was replaced, and the new one cannot be opened.
    #[error("the database file was replaced, and the new one cannot be opened: {0}")]
    Unusable(String),
}

/// The files of one database, as this process has them open.
pub struct Files {
    url: Url,
    path: PathBuf,
    opened: Mutex<Option<Opened>>,
}

/// The identity of the files, recorded just after a connection was opened.
struct Opened {
    database: FileId,
    companions: Vec<(PathBuf, FileId)>,
    /// Prevents SQLite itself from removing the companions.
    anchor: Conn,
    /// Whether the content of a removed log was saved.
    is_rescued: bool,
}

impl Opened {
    /// Makes SQLite copy the log into the database.
    ///
    /// A log that was removed is still open here. It holds the last acknowledged writes, which would be
    /// lost when this process ends.
    fn rescue(&mut self) {
        if !std::mem::replace(&mut self.is_rescued, true)
            && let Err(error) = self.anchor.batch_execute("PRAGMA wal_checkpoint(PASSIVE)")
        {
            tracing::error!(%error, "the last writes cannot be recovered from the removed log");
        }
    }
}

static ALL: Mutex<Option<HashMap<PathBuf, Weak<Files>>>> = Mutex::new(None);

impl Files {
    /// Returns the files of the database at `url`, shared by the whole process; `None` for a server.
    pub fn of(url: &Url) -> Option<Arc<Self>> {
        let Url::Sqlite(path) = url else { return None };
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        let all = all.get_or_insert_default();
        all.retain(|_, files| files.strong_count() > 0);
        // One database has one set of files, whichever link leads to it.
        let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
        if let Some(files) = all.get(&real).and_then(Weak::upgrade) {
            return Some(files);
        }
        let (url, path) = (url.clone(), path.clone());
        let files = Arc::new(Self { url, path, opened: Mutex::new(None) });
        all.insert(real, Arc::downgrade(&files));
        Some(files)
    }

    /// Checks that the files are still the ones that are open; opens a database that was replaced.
    ///
    /// # Errors
    /// [`Lost`].
    pub fn check(&self) -> Result<(), Lost> {
        let gone = || Lost::Database(self.path.clone());
        let present = FileId::at(&self.path).ok_or_else(gone)?;
        if FileId::is_of_nothing(&self.path) {
            return Err(Lost::Empty(self.path.clone()));
        }
        let mut opened = self.lock();
        let opened = match &mut *opened {
            Some(known) if known.database == present => known,
            other => other.insert(self.open(present)?),
        };
        let is_lost = |(path, id): &&(PathBuf, FileId)| FileId::at(path) != Some(*id);
        let Some((path, _)) = opened.companions.iter().find(is_lost) else { return Ok(()) };
        let lost = Lost::Companion(path.clone());
        opened.rescue();
        Err(lost)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Opened>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, database: FileId) -> Result<Opened, Lost> {
        let unusable = |error: &dyn std::error::Error| Lost::Unusable(error.to_string());
        let mut anchor =
            Conn::open(&self.url, Role::Reader, LOCK_TIMEOUT).map_err(|error| unusable(&error))?;
        // A read opens the log, and with it the shared memory.
        let read = anchor.batch_execute("SELECT 1 FROM sqlite_schema LIMIT 1");
        read.map_err(|error| unusable(&error))?;
        // SQLite follows symbolic links: the companions lie beside the file itself.
        let real = std::fs::canonicalize(&self.path).map_err(|error| unusable(&error))?;
        let companions = ["-wal", "-shm"].map(|ending| {
            let mut path = real.clone().into_os_string();
            path.push(ending);
            let path = PathBuf::from(path);
            // It is missing only if this process had it open already, and it was removed.
            FileId::at(&path).map(|id| (path.clone(), id)).ok_or(Lost::Companion(path))
        });
        let companions = companions.into_iter().collect::<Result<_, _>>()?;
        Ok(Opened { database, companions, anchor, is_rescued: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Db;

    fn opened() -> (tempfile::TempDir, PathBuf, Db, Arc<Files>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a %41?#.sqlite3");
        let url = Url::Sqlite(path.clone());
        let db = Db::open(&url).unwrap();
        assert!(path.is_file(), "the file has the name that was asked for");
        (folder, path, db, Files::of(&url).unwrap())
    }

    #[test]
    fn companions_are_found_behind_a_link() {
        let (folder, path, _db, _) = opened();
        let link = folder.path().join("link.sqlite3");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let url = Url::Sqlite(link);
        let (_db, files) = (Db::open(&url).unwrap(), Files::of(&url).unwrap());
        assert_eq!(files.check(), Ok(()));
        let companion = PathBuf::from(format!("{}-shm", path.canonicalize().unwrap().display()));
        std::fs::remove_file(&companion).unwrap();
        assert_eq!(files.check(), Err(Lost::Companion(companion)));
    }

    #[test]
    fn a_file_that_is_gone_is_not_made_anew() {
        let (_folder, path, db, files) = opened();
        assert_eq!(files.check(), Ok(()));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(files.check(), Err(Lost::Database(path.clone())));
        db.write_now(|conn| conn.batch_execute("CREATE TABLE t (n)")).unwrap_err();
        Conn::open(db.url(), Role::Writer, LOCK_TIMEOUT).err().expect("it is not made");
        assert!(!path.exists());
    }

    #[test]
    fn a_companion_that_was_removed_before_a_link_led_to_its_database_is_reported() {
        let (folder, path, _db, _) = opened();
        let (_other_folder, other, _other_db, _) = opened();
        let link = folder.path().join("link.sqlite3");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let files = Files::of(&Url::Sqlite(link.clone())).unwrap();
        let companion = PathBuf::from(format!("{}-shm", other.canonicalize().unwrap().display()));
        std::fs::remove_file(&companion).unwrap();
        std::fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(&other, &link).unwrap();
        let files = Files {
            url: Url::Sqlite(link.clone()),
            path: link,
            opened: Mutex::new(files.lock().take()),
        };
        assert_eq!(files.check(), Err(Lost::Companion(companion)));
    }

    #[test]
    fn a_removed_companion_is_reported() {
        for ending in ["-wal", "-shm"] {
            let (_folder, path, db, files) = opened();
            db.write_now(|conn| conn.batch_execute("CREATE TABLE t (n)")).unwrap();
            assert_eq!(files.check(), Ok(()));
            let real = path.canonicalize().unwrap();
            let companion = PathBuf::from(format!("{}{ending}", real.display()));
            std::fs::remove_file(&companion).unwrap();
            assert_eq!(files.check(), Err(Lost::Companion(companion.clone())));
            let error = db.write_now(|conn| conn.batch_execute("INSERT INTO t VALUES (1)"));
            assert!(error.unwrap_err().to_string().contains(ending));
            std::fs::write(&companion, "").unwrap();
            assert_eq!(files.check(), Err(Lost::Companion(companion)), "another one");
        }
    }
}
