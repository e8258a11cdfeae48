//! Reads the SQLSTATE of an error that Postgres has sent.
//!
//! diesel 2.3 does not expose it: an error has a kind for a dozen of the 260 codes, and a text in the
//! language that the server's administrator chose. Only this module reads diesel's private result. It can
//! be removed when diesel exposes the code (diesel-rs/diesel#5232).

use std::ffi::{CStr, c_int};
use std::ptr::NonNull;

use diesel::result::DatabaseErrorInformation;
use pq_sys::{PGresult, PQresultErrorField};

/// The details of an error that diesel stores beside its kind.
pub(super) type Information = dyn DatabaseErrorInformation + Send + Sync;

/// `PG_DIAG_SQLSTATE` of `postgres_ext.h`.
const SQLSTATE: c_int = b'C' as c_int;

/// The author of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Author {
    /// The server, with this SQLSTATE.
    Server(String),
    /// The client library of Postgres, which has no codes: it reports that a connection is unusable.
    Library,
    /// diesel, as a text: a message of SQLite, or a statement that could not even be sent to Postgres.
    Text,
}

/// Returns the author of this error.
pub(super) fn author(information: &Information) -> Author {
    let Some(result) = result_of(information) else { return Author::Text };
    // SAFETY: the result is alive, since `information` owns it and is borrowed here; libpq only reads it.
    let state = unsafe { PQresultErrorField(result.as_ptr(), SQLSTATE) };
    if state.is_null() {
        return Author::Library;
    }
    // SAFETY: libpq returns a text that ends in a zero byte and lives as long as the result.
    let state = unsafe { CStr::from_ptr(state) };
    Author::Server(state.to_string_lossy().into_owned())
}

/// Returns libpq's result inside an error of Postgres; `None` for an error of any other origin.
fn result_of(information: &Information) -> Option<NonNull<PGresult>> {
    const WORD: usize = size_of::<NonNull<PGresult>>();
    if size_of_val(information) != WORD {
        return None;
    }
    let place = std::ptr::from_ref(information).cast::<NonNull<PGresult>>();
    // SAFETY: diesel 2.3.14, which Cargo.toml pins for this, has two types of such information (another
    // implementation would have to be in this program, which has none): `String`, which has three words and
    // was excluded above, and `PgErrorInformation { result: RawResult(NonNull<PGresult>) }`. A type of one
    // word whose only field is one word has that field at its beginning, whatever the layout rules are.
    Some(unsafe { place.read() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_no_sqlstate() {
        let text: Box<Information> = Box::new("database is locked".to_owned());
        assert_eq!(author(&*text), Author::Text);
    }
}
