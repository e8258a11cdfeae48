//! One function for each query on products.

mod counts;
mod found;
mod matched;
mod order;
mod reach;
mod search;
mod unfolded;

use diesel::prelude::*;
use time::PrimitiveDateTime;

pub use self::counts::{Counts, check_counts, list, recount};
pub use self::search::{has_unsearchable, search};
use super::keys::PRODUCTS;
use super::model::{NewProduct, Price, Product, ProductId};
use crate::db::Conn;
use crate::db::insert::insert_all;
use crate::db::schema::products;
use crate::site::time::Timestamp;
use crate::site::words::words;
use crate::sql::Snapshot;

/// What a read has found that another program left behind, and a job can repair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repair {
    /// Titles have no search text.
    SearchTexts,
    /// The counts are wrong, or have not been compared with the rows for a while.
    Counts,
}

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

/// Returns one product, if it exists.
pub fn find(read: &mut Snapshot<'_>, id: ProductId) -> QueryResult<Option<Product>> {
    get(read.row(PRODUCTS, id.get())?, id)
}

/// Returns the same as [`find`], within a write transaction.
pub fn get(conn: &mut Conn, id: ProductId) -> QueryResult<Option<Product>> {
    let row = products::table.select(COLUMNS).find(id.get()).first::<Row>(conn).optional()?;
    Ok(row.map(product))
}

/// Returns those of the products that exist, locked until the transaction ends.
///
/// They are locked in the order of their ids, so that two writers cannot block each other.
pub fn lock_rows(conn: &mut Conn, ids: &[ProductId]) -> QueryResult<Vec<Product>> {
    let ids: Vec<i64> = ids.iter().map(|id| id.get()).collect();
    let rows = products::table.select(COLUMNS).filter(products::id.eq_any(ids)).order(products::id);
    let rows: Vec<Row> = match conn {
        // SQLite runs one write transaction at a time.
        Conn::Sqlite(sqlite) => rows.load(sqlite)?,
        Conn::Postgres(postgres) => rows.for_update().load(postgres)?,
    };
    Ok(rows.into_iter().map(product).collect())
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

/// Adds many products in the given order.
pub fn insert_many(conn: &mut Conn, new: &[(String, Price)], now: Timestamp) -> QueryResult<()> {
    let rows = new.iter().map(|(title, price)| InsertRow::of(title, *price, now));
    let rows: Vec<InsertRow<'_>> = rows.collect();
    insert_all!(conn, products::table, rows)
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
    let unfolded = products::table
        .select((products::id, products::title))
        .filter(products::search_text.is_null())
        .limit(as_i64(limit));
    let titles: Vec<(i64, String)> = match conn {
        Conn::Sqlite(sqlite) => unfolded.load(sqlite)?,
        // A row that another program has locked delays none of the others.
        Conn::Postgres(postgres) => unfolded.for_update().skip_locked().load(postgres)?,
    };
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
