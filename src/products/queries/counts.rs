//! The list of all products, and the counts by which a page in the middle of a million is found.
//!
//! - The counts are compared with all rows after the start, after *everything* was invalidated or the schema changed,
//!   and once a minute. Until then, and in a small catalogue always, the rows themselves are counted.
//! - The rows of a page are counted with them: where that count differs, all rows are counted.
//! - Counts that are found wrong are counted again, in the background.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::{COLUMNS, Repair, Row, as_i64, product};
use crate::db::Conn;
use crate::db::schema::{product_counts, products};
use crate::products::keys::PRODUCTS;
use crate::products::model::{Product, ProductList};
use crate::sql::Snapshot;

/// How many ids are counted together, as a power of 2. The triggers in `migrations` use it, too.
const COUNT_BITS: u32 = 12;

/// So many products are counted in a millisecond, so there the counts are not needed.
const FEW: u64 = 10_000;

/// How long counts that were right are trusted before they are compared again.
const TRUSTED: Duration = Duration::from_secs(60);

/// Returns a page of all products, newest first, and what is to be repaired.
pub fn list(
    read: &mut Snapshot<'_>,
    page: u64,
    size: u64,
) -> QueryResult<(ProductList, Option<Repair>)> {
    let offset = (page - 1).saturating_mul(size);
    let counts: Vec<(i64, i64)> =
        product_counts::table.order(product_counts::bucket.desc()).load(read.table(PRODUCTS)?)?;
    let total = counts.iter().map(|(_, count)| count.unsigned_abs()).sum();
    let place = locate(&counts, offset, size);
    if let Some(place) = place.filter(|_| total > FEW)
        && let Some(age) = read.right_for(PRODUCTS)?
        && let Some(products) = at(read.table(PRODUCTS)?, &place, size)?
    {
        let list = ProductList { products, total, ..ProductList::default() };
        return Ok((list, (age > TRUSTED).then_some(Repair::Counts)));
    }
    let list = walk(read.table(PRODUCTS)?, offset, size)?;
    let is_right = total == list.total && total <= FEW;
    Ok((list, (!is_right).then_some(Repair::Counts)))
}

/// Returns the products at a place, or `None` if the counts of its buckets are wrong.
fn at(conn: &mut Conn, place: &Place, size: u64) -> QueryResult<Option<Vec<Product>>> {
    // One statement returns the rows and their count, so that a wrong count is noticed.
    let counted = sql::<BigInt>("(SELECT count(*) FROM products AS counted WHERE counted.id >= ")
        .bind::<BigInt, _>(place.lowest)
        .sql(" AND counted.id <= ")
        .bind::<BigInt, _>(place.highest)
        .sql(")");
    let rows: Vec<(Row, i64)> = products::table
        .select((COLUMNS, counted))
        .filter(products::id.le(place.highest))
        .order(products::id.desc())
        .offset(as_i64(place.skip))
        .limit(as_i64(size))
        .load(conn)?;
    let is_right = rows.first().is_some_and(|(_, counted)| counted.unsigned_abs() == place.rows);
    Ok(is_right.then(|| rows.into_iter().map(|(row, _)| product(row)).collect()))
}

/// Returns a page by counting all rows, with the statement that returns them: slow among a million, but always right.
fn walk(conn: &mut Conn, offset: u64, size: u64) -> QueryResult<ProductList> {
    let counted = sql::<BigInt>("(SELECT count(*) FROM products AS counted)");
    let rows: Vec<(Row, i64)> = products::table
        .select((COLUMNS, counted))
        .order(products::id.desc())
        .offset(as_i64(offset))
        .limit(as_i64(size))
        .load(conn)?;
    let total = match rows.first() {
        Some((_, total)) => *total,
        None if offset == 0 => 0,
        None => products::table.count().get_result(conn)?,
    };
    let products = rows.into_iter().map(|(row, _)| product(row)).collect();
    Ok(ProductList { products, total: total.unsigned_abs(), ..ProductList::default() })
}

/// What comparing the counts with the rows has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// They are right, and trusted from now on.
    Right,
    /// They are wrong.
    Wrong,
    /// A trigger that keeps them is missing or switched off.
    Unkept,
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    bucket: i64,
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// Compares the counts with the rows. It reads only.
pub fn check_counts(read: &mut Snapshot<'_>) -> QueryResult<Counts> {
    let conn = read.table(PRODUCTS)?;
    if !has_triggers(conn)? {
        return Ok(Counts::Unkept);
    }
    let counts: Vec<(i64, i64)> = product_counts::table
        .filter(product_counts::n.ne(0))
        .order(product_counts::bucket)
        .load(conn)?;
    let rows = "SELECT id >> 12 AS bucket, count(*) AS n FROM products GROUP BY 1 ORDER BY 1";
    let rows: Vec<Counted> = diesel::sql_query(rows).load(conn)?;
    if !rows.into_iter().map(|row| (row.bucket, row.n)).eq(counts) {
        return Ok(Counts::Wrong);
    }
    read.found_right(PRODUCTS)?;
    Ok(Counts::Right)
}

/// Whether all triggers that keep the counts are there and switched on.
fn has_triggers(conn: &mut Conn) -> QueryResult<bool> {
    let (sql, all) = match conn {
        Conn::Sqlite(_) => (
            "SELECT 0 AS bucket, count(*) AS n FROM sqlite_master \
             WHERE type = 'trigger' AND tbl_name = 'products' AND name GLOB 'products_count_*'",
            5,
        ),
        Conn::Postgres(_) => (
            "SELECT 0::bigint AS bucket, count(*) AS n FROM pg_trigger \
             WHERE tgrelid = to_regclass('products') AND tgenabled = 'A' \
             AND tgname LIKE 'products\\_count\\_%'",
            4,
        ),
    };
    Ok(diesel::sql_query(sql).get_result::<Counted>(conn)?.n == all)
}

/// Counts the rows again.
pub fn recount(conn: &mut Conn) -> QueryResult<()> {
    if let Conn::Postgres(postgres) = conn {
        // Keeps out the triggers of other writers. Those that come meanwhile wait behind this lock: not for long.
        postgres.batch_execute(
            "SET LOCAL lock_timeout = '200ms'; LOCK TABLE product_counts IN SHARE ROW EXCLUSIVE MODE",
        )?;
    }
    diesel::delete(product_counts::table).execute(conn)?;
    let count = "INSERT INTO product_counts SELECT id >> 12, count(*) FROM products GROUP BY 1";
    diesel::sql_query(count).execute(conn).map(|_| ())
}

/// The place of a page among the buckets of ids.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    /// The highest id of the bucket in which the page begins.
    highest: i64,
    /// The lowest id of the bucket in which the page ends.
    lowest: i64,
    /// Rows with an id from `lowest` to `highest`, according to the counts.
    rows: u64,
    /// How many of these rows come before the page.
    skip: u64,
}

/// Finds the page of `size` rows after the first `offset` rows, if it is not empty.
fn locate(counts: &[(i64, i64)], offset: u64, size: u64) -> Option<Place> {
    let mut skip = offset;
    let mut counts = counts.iter().map(|(bucket, count)| (*bucket, count.unsigned_abs()));
    let (bucket, mut rows) = counts.find(|(_, count)| {
        let is_before = skip >= *count;
        skip -= if is_before { *count } else { 0 };
        !is_before
    })?;
    let mut last = bucket;
    for (bucket, count) in counts {
        if rows >= skip.saturating_add(size) {
            break;
        }
        (last, rows) = (bucket, rows + count);
    }
    let highest = (bucket << COUNT_BITS) | ((1 << COUNT_BITS) - 1);
    Some(Place { highest, lowest: last << COUNT_BITS, rows, skip })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_found_by_counting_buckets() {
        let counts = [(2, 10), (1, 4096), (0, 4095)];
        let place = |highest: i64, lowest: i64, rows, skip| {
            Some(Place { highest: highest * 4096 - 1, lowest: lowest * 4096, rows, skip })
        };
        let cases = [
            (0, place(3, 2, 10, 0)),
            (1, place(3, 1, 10 + 4096, 1)),
            (9, place(3, 1, 10 + 4096, 9)),
            (10, place(2, 1, 4096, 0)),
            (10 + 4096, place(1, 0, 4095, 0)),
            (10 + 4096 + 4094, place(1, 0, 4095, 4094)),
            (10 + 4096 + 4095, None),
            (u64::MAX, None),
        ];
        for (offset, expected) in cases {
            assert_eq!(locate(&counts, offset, 10), expected, "{offset}");
        }
    }
}
