//! The triggers on Postgres: functions in the database create and remove them.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};

use crate::table::Table;

/// Creates the tables of stamps and the functions. It may be repeated.
///
/// The stamp of the tag *everything* starts at a random number, so that no other database has the same stamps.
const INSTALL: &str = concat!(
    "CREATE TABLE IF NOT EXISTS cache_versions (tag text NOT NULL PRIMARY KEY, n bigint NOT NULL, r bigint NOT NULL)\n\
     WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);\n\n",
    include_str!("../sql/postgres.sql"),
    "\n",
    include_str!("../sql/postgres_cover.sql"),
    "\nSELECT cache_bump('!');\n",
);

/// Removes what [`INSTALL`] and earlier versions have created.
const REMOVE: &str = "\
    DROP TABLE cache_changes, cache_versions; \
    DROP FUNCTION larder_v2_cover(text), larder_v2_uncover(text), larder_v2_fold(bigint), \
      larder_v2_trigger(), larder_v2_whole_trigger(), cache_bump(text[]); \
    DROP FUNCTION IF EXISTS cache_trigger(); DROP FUNCTION IF EXISTS cache_nonce()";

/// Selects whether the table, its partitions and those that inherit it have all triggers, enabled for every role.
///
/// In `tgtype`, 1 is a trigger for each row, and 60 the sum of insert, delete, update and truncate.
const IS_COVERED: &str = "\
    WITH RECURSIVE family AS (\
      SELECT to_regclass($1)::oid AS id UNION SELECT inhrelid FROM pg_inherits JOIN family ON inhparent = id\
    ), events AS (\
      SELECT id, bit_or(tgtype::int) FILTER (WHERE \
        tgenabled = 'A' AND tgtype & 1 = 0 AND tgqual IS NULL \
        AND tgargs = convert_to($1, getdatabaseencoding()) || '\\x00'::bytea \
        AND (proname = 'larder_v2_whole_trigger' OR proname = 'larder_v2_trigger' AND EXISTS (\
          SELECT FROM pg_attribute WHERE attrelid = id AND attname = 'id' AND atttypid IN (20, 21, 23)))) & 60 AS seen \
      FROM family LEFT JOIN pg_trigger t ON tgrelid = id LEFT JOIN pg_proc p ON p.oid = tgfoid GROUP BY id\
    ) SELECT bool_and(id IS NOT NULL AND seen IS NOT DISTINCT FROM 60) AS answer FROM events";

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    answer: bool,
}

#[derive(QueryableByName)]
struct Left {
    #[diesel(sql_type = BigInt)]
    triggers: i64,
}

#[derive(QueryableByName)]
struct Schema {
    #[diesel(sql_type = Text)]
    name: String,
}

pub(super) fn cover(conn: &mut PgConnection, table: Table) -> QueryResult<()> {
    install(conn)?;
    let cover = diesel::sql_query("SELECT larder_v2_cover($1)");
    cover.bind::<Text, _>(table.name()).execute(conn)?;
    Ok(())
}

pub(super) fn uncover(conn: &mut PgConnection, table: Table) -> QueryResult<()> {
    install(conn)?;
    let uncover = diesel::sql_query("SELECT larder_v2_uncover($1) AS triggers");
    match uncover.bind::<Text, _>(table.name()).get_result::<Left>(conn)?.triggers {
        0 => conn.batch_execute(REMOVE),
        _ => Ok(()),
    }
}

pub(super) fn migration(tables: &[Table]) -> String {
    let cover = |table: &Table| format!("SELECT larder_v2_cover('{}');\n", quoted(table.name()));
    INSTALL.to_owned() + &tables.iter().map(cover).collect::<String>()
}

pub(super) fn is_covered(conn: &mut PgConnection, table: Table) -> QueryResult<bool> {
    let question = diesel::sql_query(IS_COVERED).bind::<Text, _>(table.name());
    Ok(question.get_result::<Answer>(conn)?.answer)
}

/// Creates tables and functions in the current schema, unless they are there.
fn install(conn: &mut PgConnection) -> QueryResult<()> {
    let is_there = "SELECT to_regclass('cache_changes') IS NOT NULL \
                    AND to_regprocedure('larder_v2_cover(text)') IS NOT NULL AS answer";
    if diesel::sql_query(is_there).get_result::<Answer>(conn)?.answer {
        return Ok(());
    }
    let schema = diesel::sql_query("SELECT quote_ident(current_schema()) AS name");
    let schema = schema.get_result::<Schema>(conn)?.name;
    conn.batch_execute(&INSTALL.replace("public", &schema))
}

fn quoted(text: &str) -> String {
    text.replace('\'', "''")
}
