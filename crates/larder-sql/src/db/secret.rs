//! The secret of this database, with which instances seal the values that they share.
//!
//! - It exists from the first migration on; the system's random number generator provides it.
//! - Nothing in this module prints it.

use diesel::prelude::*;

use super::conn::Conn;
use super::tables::cache_secret::dsl::{cache_secret, id, secret};

/// Length of a secret, in bytes.
pub const BYTES: usize = 32;

/// The id of the only row.
const ROW: i64 = 1;

/// Creates the secret if there is none, within the transaction that migrates.
///
/// # Errors
/// Those of the database.
pub fn ensure(conn: &mut Conn) -> QueryResult<()> {
    match read(conn)? {
        Some(_) => Ok(()),
        None => replace(conn),
    }
}

/// Reads the secret; `None` if its row was deleted.
///
/// # Errors
/// Those of the database.
pub fn read(conn: &mut Conn) -> QueryResult<Option<[u8; BYTES]>> {
    let found: Option<Vec<u8>> = cache_secret.find(ROW).select(secret).first(conn).optional()?;
    // The table refuses any other length.
    Ok(found.and_then(|bytes| bytes.try_into().ok()))
}

/// Replaces the secret with a new random one.
///
/// # Errors
/// Those of the database, or of the system if it provides no randomness.
pub fn replace(conn: &mut Conn) -> QueryResult<()> {
    let mut bytes = [0_u8; BYTES];
    getrandom::fill(&mut bytes)
        .map_err(|error| diesel::result::Error::QueryBuilderError(error.into()))?;
    let bytes = bytes.as_slice();
    let updated = diesel::update(cache_secret.find(ROW)).set(secret.eq(bytes)).execute(conn)?;
    if updated == 0 {
        let row = (id.eq(ROW), secret.eq(bytes));
        diesel::insert_into(cache_secret).values(row).execute(conn)?;
    }
    Ok(())
}
