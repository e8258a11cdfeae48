//! Reads the SQLSTATE of an error that Postgres has sent.
//!
//! diesel 2.3 keeps it to itself: an error has a kind for a dozen of the 260 codes, and a text that the
//! server writes in the language of its administrator. This is the one place that looks deeper, and it
//! goes when diesel hands the code on (diesel-rs/diesel#5232).

use std::ffi::{CStr, c_int};
use std::ptr::NonNull;

use diesel::result::DatabaseErrorInformation;
use pq_sys::{PGresult, PQresultErrorField};

/// What diesel keeps of an error beside its kind.
pub(super) type Information = dyn DatabaseErrorInformation + Send + Sync;

/// `PG_DIAG_SQLSTATE` of `postgres_ext.h`.
const SQLSTATE: c_int = b'C' as c_int;

/// Which party has written an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Author {
    /// The server, with this SQLSTATE.
    Server(String),
    /// The client library of Postgres, which has no codes: it writes that a connection is of no use.
    Library,
    /// diesel, as a text: what SQLite says, or what could not even be sent to Postgres.
    Text,
}

/// Returns the party that has written this error.
pub(super) fn author(information: &Information) -> Author {
    let Some(result) = result_of(information) else { return Author::Text };
    // SAFETY: the result is alive, since `information` owns it and is borrowed here; libpq only reads it.
    let state = unsafe { PQresultErrorField(result.as_ptr(), SQLSTATE) };
    if state.is_null() {
        return Author::Library;
    }
    // SAFETY: libpq answers a text that ends in a zero byte and lives as long as the result.
    let state = unsafe { CStr::from_ptr(state) };
    Author::Server(state.to_string_lossy().into_owned())
}

/// Returns libpq's result inside of an error of Postgres; `None` for an error of any other origin.
fn result_of(information: &Information) -> Option<NonNull<PGresult>> {
    const WORD: usize = size_of::<NonNull<PGresult>>();
    if size_of_val(information) != WORD {
        return None;
    }
    let place = std::ptr::from_ref(information).cast::<NonNull<PGresult>>();
    // SAFETY: diesel 2.3.14, which Cargo.toml pins for this, has two types of such information (an
    // implementation elsewhere would have to be in this program, which has none): `String`, of three words,
    // which has been sorted out, and `PgErrorInformation { result: RawResult(NonNull<PGresult>) }`. A type of
    // one word whose only field is one word has that field at its beginning, whatever the layout rules.
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
