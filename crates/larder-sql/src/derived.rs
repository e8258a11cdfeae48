//! Derived tables, such as counts, that triggers keep: until when they can be trusted.
//!
//! Triggers can be switched off, and rows be restored without them. So a derived table is trusted only after it was
//! compared with its rows, and only while the stamp of *everything* and the schema stay the same.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Integer;
use larder_cache::{Stamp, Tag};

use crate::db::Conn;
use crate::driver::now;
use crate::schema::Watch;
use crate::stamps::{self, Schema};
use crate::table::Table;

/// When the derived tables of each table were last found right.
#[derive(Debug, Default)]
pub(super) struct Derived(Mutex<HashMap<&'static str, (Stamp, Instant)>>);

impl Derived {
    /// Returns how long ago those of `table` were found right, if that was in this epoch.
    pub fn right_for(&self, table: Table, epoch: Stamp) -> Option<Duration> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (found, at) = known.get(table.name())?;
        (*found == epoch).then(|| at.elapsed())
    }

    /// Records that those of `table` are right in this epoch.
    pub fn found_right(&self, table: Table, epoch: Stamp) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(table.name(), (epoch, Instant::now()));
    }
}

/// Returns the stamp of *everything* with the schema, as `conn` sees both in its transaction.
pub(super) fn epoch(conn: &mut Conn, tables: &[Table]) -> QueryResult<Stamp> {
    let schema = match conn {
        Conn::Sqlite(sqlite) => {
            let version: i32 = sql::<Integer>("PRAGMA schema_version").get_result(sqlite)?;
            Schema(version.into())
        }
        Conn::Postgres(postgres) => now(Watch::of(tables).ask(postgres))?,
    };
    let everything = now(stamps::of(conn, &[Tag::EVERYTHING]))?.pop();
    Ok(schema.with(everything.map(|(_, stamp)| stamp).unwrap_or_default()))
}
