//! The triggers on Postgres: functions in the database create and remove them.

use crate::driver::{Driver, literals, number};
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
    "\nSELECT cache_bump('!')::text;\n",
);

/// Two processes that create the functions exclude each other. Other programs must not use this number.
const LOCK: i64 = 1_818_325_607;

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
    ) SELECT '', bool_and(id IS NOT NULL AND seen IS NOT DISTINCT FROM 60)::int::bigint, 0::bigint FROM events";

pub(super) async fn cover<D: Driver>(driver: &mut D, table: Table) -> Result<(), D::Error> {
    // Creating triggers waits for the table's writers, and makes everything stale.
    if is_covered(driver, table).await? {
        return Ok(());
    }
    install(driver).await?;
    driver.run(&cover_sql(table)).await
}

pub(super) async fn uncover<D: Driver>(driver: &mut D, table: Table) -> Result<(), D::Error> {
    install(driver).await?;
    let uncover = "SELECT '', larder_v2_uncover($1), 0::bigint";
    match number(driver, uncover, &[table.name()]).await? {
        0 => driver.run(REMOVE).await,
        _ => Ok(()),
    }
}

pub(super) fn migration(tables: &[Table]) -> String {
    INSTALL.to_owned() + &tables.iter().map(|table| cover_sql(*table)).collect::<String>()
}

pub(super) async fn is_covered<D: Driver>(driver: &mut D, table: Table) -> Result<bool, D::Error> {
    Ok(number(driver, IS_COVERED, &[table.name()]).await? == 1)
}

fn cover_sql(table: Table) -> String {
    format!("SELECT larder_v2_cover({})::text;\n", literals([table.name()]))
}

/// Creates tables and functions in the current schema, unless they are there.
async fn install<D: Driver>(driver: &mut D) -> Result<(), D::Error> {
    let is_there = "SELECT '', (to_regclass('cache_changes') IS NOT NULL \
                    AND to_regprocedure('larder_v2_cover(text)') IS NOT NULL)::int::bigint, 0::bigint";
    if number(driver, is_there, &[]).await? == 1 {
        return Ok(());
    }
    // Another instance may start at the same time. It waits here, and then replaces the same by the same.
    driver.run(&format!("SELECT pg_advisory_xact_lock({LOCK})::text")).await?;
    let schema = "SELECT quote_ident(current_schema()), 0::bigint, 0::bigint";
    let schema = driver.rows(schema, &[]).await?.pop().map(|row| row.0);
    driver.run(&INSTALL.replace("public", &schema.unwrap_or_default())).await
}
