//! Refuses a pooler that lends each transaction another session of Postgres.
//!
//! - The shop's connections have settings and prepared statements, and some hold locks for longer than a transaction.
//!   Behind PgBouncer with `pool_mode = transaction` all of these reach other clients, and are missing here.
//! - One connection leaves a mark in its session. If another connection finds it, the two share a session. A pooler
//!   lends the session that it got back last, so the mark is found, unless others use the pooler: so it is tried again.
//!
//! Source: <https://www.pgbouncer.org/features.html>.

use diesel::connection::SimpleConnection;

use super::Conn;

/// How often the mark is looked for.
const ATTEMPTS: u32 = 3;

/// Why such a pooler is refused, and what to do instead.
const REFUSAL: &str = "a pooler lends each transaction another session, as PgBouncer does with pool_mode = transaction; \
     use pool_mode = session, or the address of Postgres itself";

/// Checks that two connections to Postgres have a session each.
///
/// # Errors
/// One sentence.
pub fn check(conn: &mut Conn, another: &mut Conn) -> Result<(), String> {
    let mark = getrandom::u64().map_err(|error| error.to_string())?.to_string();
    // Simple queries: a pooler could separate the two halves of a prepared one.
    let leave = format!("SET larder.session = '{mark}'");
    let find = format!(
        "DO $$ BEGIN IF current_setting('larder.session', true) = '{mark}' \
         THEN RAISE EXCEPTION 'shared {mark}'; END IF; END $$"
    );
    for _ in 0..ATTEMPTS {
        conn.batch_execute(&leave).map_err(|error| error.to_string())?;
        match another.batch_execute(&find) {
            Err(error) if error.to_string().contains(&mark) => return Err(REFUSAL.to_owned()),
            found => found.map_err(|error| error.to_string())?,
        }
    }
    conn.batch_execute("RESET larder.session").map_err(|error| error.to_string())
}
