//! What all peers show: notes from SQLite, in a page of 17 kB.
//!
//! Each peer is one file of `src/bin`, and as short as its cache allows. What they share is not counted.

use std::env;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

/// How long pages are stored.
pub const MINUTE: Duration = Duration::from_secs(60);

/// How long the slow page takes.
pub const SLOW: Duration = Duration::from_millis(300);

/// How often a page was built.
static BUILDS: AtomicU32 = AtomicU32::new(0);

/// A note.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Note {
    pub id: i64,
    pub text: String,
}

/// A note as a later version of a program has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NoteWithLength {
    pub id: i64,
    pub length: u64,
    pub text: String,
}

impl From<(i64, String)> for Note {
    fn from((id, text): (i64, String)) -> Self {
        Self { id, text }
    }
}

impl From<(i64, String)> for NoteWithLength {
    fn from((id, text): (i64, String)) -> Self {
        Self { id, length: text.chars().count() as u64, text }
    }
}

impl From<&NoteWithLength> for Note {
    fn from(note: &NoteWithLength) -> Self {
        Self { id: note.id, text: format!("{} ({} letters)", note.text, note.length) }
    }
}

/// The setting of this name.
pub fn setting(name: &str) -> Option<String> {
    env::var(name).ok()
}

/// The address at which the peer listens.
pub fn address() -> (&'static str, u16) {
    ("127.0.0.1", setting("PORT").expect("PORT is set").parse().expect("PORT is a number"))
}

/// Opens the notes.
pub fn open() -> Connection {
    let db =
        Connection::open(setting("NOTES").expect("NOTES is set")).expect("the notes are there");
    db.busy_timeout(Duration::from_secs(10)).expect("SQLite waits");
    db
}

/// Loads all notes.
pub fn notes<N: From<(i64, String)>>(db: &Connection) -> rusqlite::Result<Vec<N>> {
    let mut all = db.prepare("SELECT id, text FROM notes ORDER BY id")?;
    all.query_map((), |row| Ok((row.get(0)?, row.get(1)?).into()))?.collect()
}

/// Adds a note.
pub fn add(db: &Connection, text: &str) -> rusqlite::Result<()> {
    db.execute("INSERT INTO notes (text) VALUES (?)", [text]).map(drop)
}

/// Renders the notes, and counts that.
pub fn html<'n>(notes: impl IntoIterator<Item = &'n Note>) -> String {
    BUILDS.fetch_add(1, Relaxed);
    let mut page = String::from("<!doctype html><title>Notes</title><ul>");
    for note in notes {
        let text = note.text.replace('&', "&amp;").replace('<', "&lt;");
        let _ = writeln!(page, "<li><a href=\"/notes/{}\">{text}</a>", note.id);
    }
    page + "</ul>"
}

/// Returns how often a page was built.
pub fn builds() -> String {
    BUILDS.load(Relaxed).to_string()
}

/// Greets in the language that the header asks for.
pub fn hello(language: &str) -> &'static str {
    if language.starts_with("de") { "Guten Tag" } else { "Good day" }
}

/// Greets by name.
pub fn greeting(name: Option<&str>) -> String {
    format!("Hello, {}.", name.unwrap_or("guest"))
}
