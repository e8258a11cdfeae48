//! Reads and changes stamps.
//!
//! - The table `cache_versions` holds the total of each tag. On SQLite that is its stamp.
//! - On Postgres the table `cache_changes` holds the changes that are not added to the totals yet: a stamp is the
//!   total and all visible changes. Folding adds changes to the totals, and changes no stamp.

mod postgres;

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::Text;
use larder_cache::stamps::Stamps;
use larder_cache::{Stamp, Tag};

use crate::db::Conn;
use crate::db::tables::cache_versions::dsl::{cache_versions, tag};

type Row = (String, i64, i64);

fn stamp((name, count, nonce): Row) -> (Tag, Stamp) {
    (Tag::from(name), Stamp { count, nonce })
}

/// Returns the stamps of `tags` as `conn` sees them now, in their order.
pub fn of(conn: &mut Conn, tags: &[Tag]) -> QueryResult<Vec<(Tag, Stamp)>> {
    let names: Vec<String> = tags.iter().map(|wanted| wanted.as_str().to_owned()).collect();
    let rows: Vec<Row> = match conn {
        Conn::Sqlite(sqlite) => cache_versions.filter(tag.eq_any(names)).load(sqlite)?,
        Conn::Postgres(conn) => postgres::Named(names).load(conn)?,
    };
    let known = Stamps::new(rows.into_iter().map(stamp));
    Ok(tags.iter().map(|wanted| (wanted.clone(), known.stamp(wanted))).collect())
}

/// A number that changes with the schema.
///
/// A change of the schema may change rows without running a trigger. So it makes everything stale:
/// the number is a part of the stamps of [`Tag::EVERYTHING`], on which every entry depends, and of
/// [`Tag::ANY`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Schema(pub i64);

impl Schema {
    pub(super) fn with(self, stamp: Stamp) -> Stamp {
        Stamp { nonce: stamp.nonce ^ self.0, ..stamp }
    }

    /// Returns all stamps. The schema must be read before them, so that it is never newer.
    fn current(self, rows: Vec<Row>) -> Stamps {
        let mut stamps: HashMap<Tag, Stamp> = rows.into_iter().map(stamp).collect();
        for moved in [Tag::ANY, Tag::EVERYTHING] {
            let stamp = stamps.entry(moved).or_default();
            *stamp = self.with(*stamp);
        }
        Stamps::new(stamps)
    }
}

/// The stamp of [`Tag::ANY`], and the number of changes that are not folded.
#[derive(Debug, Clone, Copy)]
pub struct Any {
    /// The stamp.
    pub stamp: Stamp,
    /// The number of changes, each of which every question reads.
    pub changes: i64,
}

/// Returns the stamp of [`Tag::ANY`] in a Postgres database of this schema.
pub fn any(conn: &mut PgConnection, schema: Schema) -> QueryResult<Any> {
    let (count, nonce, changes) = postgres::Any.get_result::<(i64, i64, i64)>(conn)?;
    Ok(Any { stamp: schema.with(Stamp { count, nonce }), changes })
}

/// Adds at most so many changes to the totals and returns their number; no stamp changes.
///
/// It is 0 while another process folds.
pub fn fold(conn: &mut PgConnection, most: i64) -> QueryResult<i64> {
    postgres::Fold(most).get_result(conn)
}

/// Returns all stamps, by one statement, in a SQLite database of this schema.
pub fn all_sqlite(conn: &mut SqliteConnection, schema: Schema) -> QueryResult<Stamps> {
    Ok(schema.current(cache_versions.load(conn)?))
}

/// Returns all stamps, by one statement, in a Postgres database of this schema.
pub fn all_postgres(conn: &mut PgConnection, schema: Schema) -> QueryResult<Stamps> {
    Ok(schema.current(postgres::All.load(conn)?))
}

/// Returns all stamps, by one statement, as `conn` sees them now, without the schema.
pub fn all(conn: &mut Conn) -> QueryResult<Stamps> {
    let rows: Vec<Row> = match conn {
        Conn::Sqlite(sqlite) => cache_versions.load(sqlite)?,
        Conn::Postgres(conn) => postgres::All.load(conn)?,
    };
    Ok(Stamps::new(rows.into_iter().map(stamp)))
}

/// Changes the stamps of `moved` and of [`Tag::ANY`].
pub fn bump(conn: &mut Conn, moved: &Tag) -> QueryResult<()> {
    match conn {
        Conn::Sqlite(sqlite) => {
            for name in [&Tag::ANY, moved] {
                diesel::sql_query(
                    "INSERT INTO cache_versions VALUES (?, 1, random()) \
                     ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r",
                )
                .bind::<Text, _>(name.as_str())
                .execute(sqlite)?;
            }
        }
        Conn::Postgres(postgres) => {
            diesel::sql_query("SELECT cache_bump($1)")
                .bind::<Text, _>(moved.as_str())
                .execute(postgres)?;
        }
    }
    Ok(())
}
