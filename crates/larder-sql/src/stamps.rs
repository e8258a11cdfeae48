//! Reads and changes stamps.
//!
//! - The table `cache_versions` holds the total of each tag. On SQLite that is its stamp.
//! - On Postgres the table `cache_changes` holds the changes that are not added to the totals yet: a stamp is the
//!   total and all visible changes. Folding adds changes to the totals, and changes no stamp.
//! - Each question is one statement, so it reads totals and changes from one snapshot.
//! - Equal totals of `*` mean equal totals of all tags, since folding adds to both: so where they are known, only the
//!   changes are read ([`Totals`]).

use std::collections::HashMap;
use std::sync::Arc;

use larder_cache::stamps::Stamps;
use larder_cache::{Stamp, Tag};

use crate::driver::{Dialect, Driver, Row, number};

const SQLITE: &str = "SELECT tag, n, r FROM cache_versions";

// A tag's type is converted: a column that got another type would invalidate what was prepared.
const POSTGRES: &str =
    "SELECT tag::text, sum(n)::bigint, bit_xor(r) FROM (SELECT tag, n, r FROM cache_versions";

/// Selects what is not folded. Each change counts for `*`, too.
const CHANGES: &str =
    " UNION ALL SELECT tag, 1, r FROM cache_changes, unnest(tags || '{*}'::text[]) AS tag";

const END: &str = ") AS rows GROUP BY tag";

/// Selects the totals, whose counts are not negative.
pub(super) const TOTALS: &str = "SELECT tag::text, n, r FROM cache_versions";

/// Selects of the totals what distinguishes them from all others.
pub(super) const TOTAL_OF_ANY: &str = "SELECT tag::text, n, r FROM cache_versions WHERE tag = '*'";

/// Selects what is to be added to the totals, as negative counts.
const UNFOLDED: &str = "\
    SELECT tag, -count(*), bit_xor(r) FROM cache_changes, unnest(tags || '{*}'::text[]) AS tag GROUP BY tag";

/// Selects the stamp of `*`, and the number of changes that are not folded.
pub(super) const ANY: &str = "\
    SELECT sum(changes)::text, sum(n)::bigint, bit_xor(r) FROM (\
    SELECT n, r, 0 AS changes FROM cache_versions WHERE tag = '*' UNION ALL \
    SELECT count(*), coalesce(bit_xor(r), 0), count(*) FROM cache_changes) AS rows";

fn stamp((name, count, nonce): Row) -> (Tag, Stamp) {
    (Tag::from(name), Stamp { count, nonce })
}

/// Returns the stamps of `tags` as `driver` sees them now, in their order.
pub async fn of<D: Driver>(driver: &mut D, tags: &[Tag]) -> Result<Vec<(Tag, Stamp)>, D::Error> {
    let names: Vec<&str> = tags.iter().map(Tag::as_str).collect();
    let among = format!(" WHERE tag IN ({})", parameters(names.len()));
    let question = match driver.dialect() {
        Dialect::Sqlite => format!("{SQLITE}{among}"),
        Dialect::Postgres => format!("{POSTGRES}{among}{CHANGES}{among}{END}"),
    };
    let rows = driver.rows(&question, &names).await?;
    let known = Stamps::new(rows.into_iter().map(stamp));
    Ok(tags.iter().map(|wanted| (wanted.clone(), known.stamp(wanted))).collect())
}

/// Returns the first `count` parameters of a statement.
fn parameters(count: usize) -> String {
    let parameters = (1..=count).map(|number| format!("${number}"));
    parameters.collect::<Vec<_>>().join(", ")
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

    /// Returns `stamps` with `changed` in a database of this schema.
    fn of(self, stamps: &Stamps, mut changed: HashMap<Tag, Stamp>) -> Stamps {
        for moved in [Tag::ANY, Tag::EVERYTHING] {
            let unchanged = stamps.stamp(&moved);
            let stamp = changed.entry(moved).or_insert(unchanged);
            *stamp = self.with(*stamp);
        }
        stamps.with(changed)
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
pub async fn any<D: Driver>(driver: &mut D, schema: Schema) -> Result<Any, D::Error> {
    let row = driver.rows(ANY, &[]).await?.pop();
    // There is always one row, and its text is a number.
    let (changes, count, nonce) = row.unwrap_or_default();
    let changes = changes.parse().unwrap_or_default();
    Ok(Any { stamp: schema.with(Stamp { count, nonce }), changes })
}

/// Adds at most so many changes to the totals and returns their number; no stamp changes.
///
/// It is 0 while another process folds.
pub async fn fold<D: Driver>(driver: &mut D, most: i64) -> Result<i64, D::Error> {
    number(driver, &format!("SELECT '', larder_v2_fold({most}), 0::bigint"), &[]).await
}

/// Returns all stamps, by one statement. The schema must be read before them, so that it is never newer.
pub async fn all<D: Driver>(driver: &mut D, schema: Schema) -> Result<Stamps, D::Error> {
    match driver.dialect() {
        Dialect::Sqlite => {
            let stamps = Stamps::new(driver.rows(SQLITE, &[]).await?.into_iter().map(stamp));
            Ok(schema.of(&stamps, HashMap::new()))
        }
        Dialect::Postgres => Ok(since(driver, schema, None).await?.0),
    }
}

/// The totals of a Postgres database at one moment.
#[derive(Debug, Clone)]
pub struct Totals(Arc<Stamps>);

impl Totals {
    /// Returns the stamps at the moment of these totals and of the `changes` that are not folded.
    fn and(&self, changes: impl IntoIterator<Item = Row>, schema: Schema) -> Stamps {
        let sum = |row| {
            let (tag, change) = stamp(row);
            let total = self.0.stamp(&tag);
            let count = total.count - change.count;
            (tag, Stamp { count, nonce: total.nonce ^ change.nonce })
        };
        schema.of(&self.0, changes.into_iter().map(sum).collect())
    }

    fn are_of(&self, any: &[Row]) -> bool {
        let any = any.first().cloned().map(stamp);
        any.is_some_and(|(tag, stamp)| self.0.stamp(&tag) == stamp)
    }
}

/// Returns all stamps of a Postgres database by one statement, and its totals.
///
/// Where the totals are still those `known`, only the changes are read.
pub async fn since<D: Driver>(
    driver: &mut D,
    schema: Schema,
    known: Option<Totals>,
) -> Result<(Stamps, Totals), D::Error> {
    if let Some(known) = known {
        let (any, changes) = totals_and_changes(driver, TOTAL_OF_ANY).await?;
        if known.are_of(&any) {
            return Ok((known.and(changes, schema), known));
        }
    }
    let (totals, changes) = totals_and_changes(driver, TOTALS).await?;
    let totals = Totals(Arc::new(Stamps::new(totals.into_iter().map(stamp))));
    Ok((totals.and(changes, schema), totals))
}

async fn totals_and_changes<D: Driver>(
    driver: &mut D,
    totals: &str,
) -> Result<(Vec<Row>, Vec<Row>), D::Error> {
    let rows = driver.rows(&format!("{totals} UNION ALL {UNFOLDED}"), &[]).await?;
    Ok(rows.into_iter().partition(|(_, count, _)| *count >= 0))
}

/// Changes the stamps of `tags` and of [`Tag::ANY`], by one statement.
pub async fn bump<D: Driver>(driver: &mut D, tags: &[Tag]) -> Result<(), D::Error> {
    if tags.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = tags.iter().map(Tag::as_str).collect();
    let sql = match driver.dialect() {
        Dialect::Sqlite => {
            let rows = (1..=names.len()).map(|number| format!(", (${number}, 1, random())"));
            format!(
                "INSERT INTO cache_versions VALUES ('*', 1, random()){} \
                 ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r RETURNING tag, n, r",
                rows.collect::<String>()
            )
        }
        Dialect::Postgres => {
            let parameters = parameters(names.len());
            // Its result is void, and so null as a text.
            format!("SELECT coalesce(cache_bump({parameters})::text, ''), 0::bigint, 0::bigint")
        }
    };
    driver.rows(&sql, &names).await.map(drop)
}
