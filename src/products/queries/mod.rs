//! One function for each query on products.

mod search;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use time::PrimitiveDateTime;

pub use self::search::{has_unsearchable, search};
use super::keys::PRODUCTS;
use super::model::{NewProduct, Price, Product, ProductId, ProductList};
use crate::db::Conn;
use crate::db::schema::{product_counts, products};
use crate::site::time::Timestamp;
use crate::sql::Snapshot;
use crate::site::words::words;

/// How many ids are counted together, as a power of 2. The triggers in `migrations` use it, too.
const COUNT_BITS: u32 = 12;

type Row = (i64, String, i64, PrimitiveDateTime, PrimitiveDateTime);

const COLUMNS: (
    products::id,
    products::title,
    products::price_cents,
    products::created_at,
    products::updated_at,
) = (
    products::id,
    products::title,
    products::price_cents,
    products::created_at,
    products::updated_at,
);

fn product((id, title, price_cents, created_at, updated_at): Row) -> Product {
    Product {
        id: ProductId::new(id),
        title,
        price: Price::from_cents(price_cents),
        created_at: created_at.into(),
        updated_at: updated_at.into(),
    }
}

/// Returns a page of all products, newest first.
///
/// Finds the page by the row counts per bucket of ids: the middle of a million is as fast as the start.
pub fn list(read: &mut Snapshot<'_>, page: u64, size: u64) -> QueryResult<ProductList> {
    let conn = read.table(PRODUCTS)?;
    let offset = (page - 1).saturating_mul(size);
    let counts: Vec<(i64, i64)> =
        product_counts::table.order(product_counts::bucket.desc()).load(conn)?;
    let total = counts.iter().map(|(_, count)| count.unsigned_abs()).sum();
    let Some(place) = locate(&counts, offset, size) else {
        return walk(conn, offset, size);
    };
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
    if rows.first().is_none_or(|(_, counted)| counted.unsigned_abs() != place.rows) {
        tracing::warn!("the table product_counts is wrong: it was changed without its triggers");
        return walk(conn, offset, size);
    }
    let products = rows.into_iter().map(|(row, _)| product(row)).collect();
    Ok(ProductList { products, total, ..ProductList::default() })
}

/// Returns the same as [`list`] by counting the rows: slow among a million, but always right.
fn walk(conn: &mut Conn, offset: u64, size: u64) -> QueryResult<ProductList> {
    let total: i64 = products::table.count().get_result(conn)?;
    let rows: Vec<Row> = products::table
        .select(COLUMNS)
        .order(products::id.desc())
        .offset(as_i64(offset))
        .limit(as_i64(size))
        .load(conn)?;
    let products = rows.into_iter().map(product).collect();
    Ok(ProductList { products, total: total.unsigned_abs(), ..ProductList::default() })
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

/// Returns one product, if it exists.
pub fn find(read: &mut Snapshot<'_>, id: ProductId) -> QueryResult<Option<Product>> {
    get(read.row(PRODUCTS, id.get())?, id)
}

/// Returns the same as [`find`], within a write transaction.
pub fn get(conn: &mut Conn, id: ProductId) -> QueryResult<Option<Product>> {
    let row = products::table.select(COLUMNS).find(id.get()).first::<Row>(conn).optional()?;
    Ok(row.map(product))
}

/// Keeps other writers out until the transaction ends.
pub fn lock(conn: &mut Conn) -> QueryResult<()> {
    match conn {
        // SQLite runs one write transaction at a time.
        Conn::Sqlite(_) => Ok(()),
        Conn::Postgres(postgres) => {
            let lock = "LOCK TABLE products IN SHARE ROW EXCLUSIVE MODE";
            diesel::sql_query(lock).execute(postgres).map(|_| ())
        }
    }
}

/// Reports whether there are no products.
pub fn is_empty(conn: &mut Conn) -> QueryResult<bool> {
    let any: bool = diesel::select(diesel::dsl::exists(products::table.select(products::id)))
        .get_result(conn)?;
    Ok(!any)
}

/// Adds a product and returns its id.
pub fn insert(conn: &mut Conn, new: &NewProduct, now: Timestamp) -> QueryResult<ProductId> {
    let id = diesel::insert_into(products::table)
        .values(InsertRow::of(new.title.as_str(), new.price, now))
        .returning(products::id)
        .get_result(conn)?;
    Ok(ProductId::new(id))
}

/// Adds many products in the given order and returns how many.
pub fn insert_many(conn: &mut Conn, new: &[(String, Price)], now: Timestamp) -> QueryResult<usize> {
    let rows = new.iter().map(|(title, price)| InsertRow::of(title, *price, now));
    let rows: Vec<InsertRow<'_>> = rows.collect();
    let insert = diesel::insert_into(products::table).values(&rows);
    // diesel cannot insert several rows through a connection that is either database.
    match conn {
        Conn::Sqlite(sqlite) => insert.execute(sqlite),
        Conn::Postgres(postgres) => insert.execute(postgres),
    }
}

#[derive(Insertable)]
#[diesel(table_name = products)]
struct InsertRow<'t> {
    title: &'t str,
    search_text: String,
    price_cents: i64,
    created_at: PrimitiveDateTime,
    updated_at: PrimitiveDateTime,
}

impl<'t> InsertRow<'t> {
    fn of(title: &'t str, price: Price, now: Timestamp) -> Self {
        let now = now.to_primitive();
        let search_text = words(title);
        Self { title, search_text, price_cents: price.cents(), created_at: now, updated_at: now }
    }
}

/// Changes `current` to `changes`. Returns `false` if the row no longer equals `current`.
pub fn update(
    conn: &mut Conn,
    current: &Product,
    changes: &NewProduct,
    now: Timestamp,
) -> QueryResult<bool> {
    let unchanged = products::table
        .find(current.id.get())
        .filter(products::title.eq(&current.title))
        .filter(products::price_cents.eq(current.price.cents()));
    let updated = diesel::update(unchanged)
        .set((
            products::title.eq(changes.title.as_str()),
            products::search_text.eq(words(changes.title.as_str())),
            products::price_cents.eq(changes.price.cents()),
            products::updated_at.eq(now.to_primitive()),
        ))
        .execute(conn)?;
    Ok(updated == 1)
}

/// Sets the price of a product.
pub fn set_price(conn: &mut Conn, id: ProductId, price: Price, now: Timestamp) -> QueryResult<()> {
    let set =
        (products::price_cents.eq(price.cents()), products::updated_at.eq(now.to_primitive()));
    diesel::update(products::table.find(id.get())).set(set).execute(conn).map(|_| ())
}

/// Deletes `current`. Returns `false` if the row no longer equals `current`.
pub fn delete(conn: &mut Conn, current: &Product) -> QueryResult<bool> {
    let unchanged = products::table
        .find(current.id.get())
        .filter(products::title.eq(&current.title))
        .filter(products::price_cents.eq(current.price.cents()));
    Ok(diesel::delete(unchanged).execute(conn)? == 1)
}

/// Sets the search text of at most `limit` titles that other programs wrote; returns how many.
pub fn fill_search_text(conn: &mut Conn, limit: u64) -> QueryResult<usize> {
    let titles: Vec<(i64, String)> = products::table
        .select((products::id, products::title))
        .filter(products::search_text.is_null())
        .limit(as_i64(limit))
        .load(conn)?;
    for (id, title) in &titles {
        // Only if the title is still the one that was read: another program may have changed it.
        let same = products::table.find(id).filter(products::title.eq(title));
        diesel::update(same).set(products::search_text.eq(words(title))).execute(conn)?;
    }
    Ok(titles.len())
}

/// Converts to the signed numbers of the databases. A larger number exceeds every row count anyway.
fn as_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
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
