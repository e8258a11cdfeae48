//! Titles without search text: another program wrote them. They are searched in memory until a job has filled it in.
//!
//! A reader neither fills it in nor waits for the job: so no lock of a writer stops a search.

use diesel::prelude::*;

use super::{COLUMNS, Row, as_i64, product};
use crate::db::Conn;
use crate::db::schema::products;
use crate::products::model::Product;
use crate::site::list::{ListQuery, Sort};
use crate::site::time::Timestamp;
use crate::site::words::{has_words, words};
use crate::site::zone;

/// The most titles that are searched in memory. Of a larger import the newest ones are, and the others are found as
/// soon as the job has come to them.
pub(super) const MOST: u64 = 5_000;

/// Returns the products whose titles have no search text, the newest first.
pub(super) fn all(conn: &mut Conn) -> QueryResult<Vec<Product>> {
    let rows: Vec<Row> = products::table
        .select(COLUMNS)
        .filter(products::search_text.is_null())
        .order(products::id.desc())
        .limit(as_i64(MOST))
        .load(conn)?;
    Ok(rows.into_iter().map(product).collect())
}

/// Whether the query asks for the product; `wanted` are its words.
pub(super) fn is_asked_for(product: &Product, query: &ListQuery, wanted: &str) -> bool {
    query.min.is_none_or(|min| product.price >= min)
        && query.max.is_none_or(|max| product.price <= max)
        && query
            .since
            .is_none_or(|day| product.updated_at.to_primitive() >= zone::shop().start_of(day))
        && (wanted.is_empty() || has_words(&words(&product.title), wanted))
}

/// Where a product stands in a list, apart from its number.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Any,
    Title(String),
    Price(i64),
    Time(Timestamp),
}

/// Returns all of these products in the order that the databases list them in.
pub(super) fn merged(sort: Sort, mut products: Vec<Product>, more: Vec<Product>) -> Vec<Product> {
    products.extend(more);
    products.sort_by_cached_key(|product| {
        let place = match sort.by {
            "title" => Place::Title(words(&product.title)),
            "price" => Place::Price(product.price.cents()),
            "created" => Place::Time(product.created_at),
            "updated" => Place::Time(product.updated_at),
            _ => Place::Any,
        };
        (place, product.id.get())
    });
    if sort.is_descending {
        products.reverse();
    }
    products
}
