//! Backups of a test's database, made and restored as docs/OPERATIONS.md says.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::database::{Database, TestDatabase};
use super::process::find_program;

impl TestDatabase {
    /// Makes a backup while the shop runs; returns its file.
    #[track_caller]
    pub fn backs_up(&self) -> PathBuf {
        let file = self.folder().join("backup");
        match self.kind {
            Database::Sqlite => drop(self.sql(&format!(".backup '{}'", file.display()))),
            Database::Postgres => {
                runs(&["pg_dump", "--format=custom", "--dbname", &self.url(), "--file"], &file)
            }
        }
        file
    }

    /// Restores a backup while the shop runs.
    #[track_caller]
    pub fn restores(&self, backup: &Path) {
        let restore = ["pg_restore", "--clean", "--if-exists", "--single-transaction", "--dbname"];
        match self.kind {
            Database::Sqlite => drop(self.sql(&format!(".restore '{}'", backup.display()))),
            Database::Postgres => runs(&[&restore[..], &[&self.url()]].concat(), backup),
        }
    }

    /// Restores a backup while no shop runs.
    #[track_caller]
    pub fn restores_at_rest(&self, backup: &Path) {
        if self.kind == Database::Postgres {
            return self.restores(backup);
        }
        for end in ["-wal", "-shm"] {
            let file = self.folder().join(format!("shop.sqlite3{end}"));
            // They are there only if a shop was killed.
            let _ = std::fs::remove_file(file);
        }
        std::fs::copy(backup, self.file()).unwrap();
    }
}

#[track_caller]
fn runs(words: &[&str], file: &Path) {
    let program = find_program(words[0]).expect("it is installed with psql");
    let output = Command::new(program).args(&words[1..]).arg(file).output().unwrap();
    assert!(output.status.success(), "{words:?}: {output:?}");
}
