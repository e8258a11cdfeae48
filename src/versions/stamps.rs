//! Reads and changes stamps in the table `cache_versions`.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::cache::stamps::Stamps;
use crate::cache::{Stamp, Tag};
use crate::db::Conn;
use crate::db::schema::cache_versions::dsl::{cache_versions, n, r, tag};

type Row = (String, i64, i64);

fn stamp((name, count, nonce): Row) -> (Tag, Stamp) {
    (Tag::from(name), Stamp { count, nonce })
}

/// Returns the stamps of `tags` as `conn` sees them now, in their order.
pub fn of(conn: &mut Conn, tags: &[Tag]) -> QueryResult<Vec<(Tag, Stamp)>> {
    let names: Vec<&str> = tags.iter().map(Tag::as_str).collect();
    let rows: Vec<Row> = cache_versions.filter(tag.eq_any(names)).load(conn)?;
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

/// Returns the stamp of [`Tag::ANY`] in a Postgres database of this schema.
pub fn any(conn: &mut PgConnection, schema: Schema) -> QueryResult<Stamp> {
    let row: Option<(i64, i64)> =
        cache_versions.find(Tag::ANY.as_str()).select((n, r)).first(conn).optional()?;
    Ok(schema.with(row.map(|(count, nonce)| Stamp { count, nonce }).unwrap_or_default()))
}

/// Returns all stamps, by one statement, in a SQLite database of this schema.
pub fn all_sqlite(conn: &mut SqliteConnection, schema: Schema) -> QueryResult<Stamps> {
    Ok(schema.current(cache_versions.load(conn)?))
}

/// Returns all stamps, by one statement, in a Postgres database of this schema.
pub fn all_postgres(conn: &mut PgConnection, schema: Schema) -> QueryResult<Stamps> {
    Ok(schema.current(cache_versions.load(conn)?))
}

/// Returns all stamps, by one statement, as `conn` sees them now, without the schema.
pub fn all(conn: &mut Conn) -> QueryResult<Stamps> {
    Ok(Stamps::new(cache_versions.load::<Row>(conn)?.into_iter().map(stamp)))
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
