//! The secret of this database, under which instances seal what they share.
//!
//! - There is one from the first migration on; it is drawn by the system's generator of random numbers.
//! - Nothing here prints it.

use diesel::prelude::*;

use super::connect::Conn;
use super::schema::cache_secret::dsl::{cache_secret, id, secret};

/// Bytes of a secret.
pub const BYTES: usize = 32;

/// The number of its only row.
const ROW: i64 = 1;

/// Makes the secret where there is none; within the transaction that migrates.
pub(super) fn ensure(conn: &mut Conn) -> QueryResult<()> {
    match read(conn)? {
        Some(_) => Ok(()),
        None => replace(conn),
    }
}

/// Reads the secret; none where its row was deleted.
pub fn read(conn: &mut Conn) -> QueryResult<Option<[u8; BYTES]>> {
    let found: Option<Vec<u8>> = cache_secret.find(ROW).select(secret).first(conn).optional()?;
    // Another length is refused by the table.
    Ok(found.and_then(|bytes| bytes.try_into().ok()))
}

/// Draws another secret.
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
