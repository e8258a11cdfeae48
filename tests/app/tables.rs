//! Every table is watched by triggers or is never read through the cache.

use std::collections::BTreeSet;

use larder::app::TABLES;

use crate::support::{Database, TestSite, on_both_databases};

on_both_databases! {
    ; by_hand:
    every_table_of_the_database_is_watched_or_is_never_read_through_the_cache,
}

/// Tables that no page is built from, with the reason.
///
/// A new table belongs in `app::TABLES`, is named there as derived, or is listed here.
const NEVER_READ: [(&str, &str); 9] = [
    ("cache_versions", "it holds the stamps themselves"),
    ("cache_changes", "it holds what is not added to the stamps yet"),
    ("__diesel_schema_migrations", "it says how far the database was migrated"),
    ("sent_forms", "writes look into it, so that a form which is sent twice adds once"),
    ("product_replacements", "SQLite's triggers keep in it for a moment what REPLACE takes away"),
    ("product_search_config", "FTS5 keeps it for product_search"),
    ("product_search_content", "FTS5 keeps it for product_search"),
    ("product_search_data", "FTS5 keeps it for product_search"),
    ("product_search_idx", "FTS5 keeps it for product_search"),
];

/// Derived tables that Postgres has no need of.
const ONLY_ON_SQLITE: [&str; 1] = ["product_search"];

fn every_table_of_the_database_is_watched_or_is_never_read_through_the_cache(on: Database) {
    let site = TestSite::start(on);
    let names = site.database.sql_of_each(
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT GLOB 'sqlite_*'",
        "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()",
    );
    let there: BTreeSet<&str> = names.lines().map(str::trim).collect();
    let watched = TABLES.iter().flat_map(|table| [&[table.name()], table.derived()].concat());
    let watched: BTreeSet<&str> = watched.collect();
    let known = &watched | &NEVER_READ.map(|(name, _)| name).into();
    let forgotten: Vec<_> = there.difference(&known).collect();
    assert_eq!(forgotten, [""; 0].each_ref(), "neither in app::TABLES nor in NEVER_READ");
    let gone: Vec<_> =
        watched.difference(&there).filter(|name| !ONLY_ON_SQLITE.contains(name)).collect();
    assert_eq!(gone, [""; 0].each_ref(), "in app::TABLES, and not in the database");
}
