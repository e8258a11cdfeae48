//! The operations on the catalogue, independent of HTTP and HTML.

use std::collections::HashMap;
use std::sync::Arc;

use super::model::{Action, LIST, NewProduct, Price, Product, ProductId, ProductList};
use super::queries::{Counts, Repair};
use super::{keys, queries, sample};
use crate::db::once::Once;
use crate::db::{self, Conn, Db};
use crate::error::AppError;
use crate::site::list::{Found, ListQuery};
use crate::site::sheet::{Change, Edit};
use crate::site::time::Timestamp;
use crate::sql::{self, Database};
use crate::state::State;

/// How many titles one transaction makes searchable: other writers must not wait long.
const FILL: u64 = 5_000;

/// Returns a page of the catalogue with so many products on it.
pub async fn list(
    state: &State,
    query: &ListQuery,
    size: u64,
) -> Result<Arc<ProductList>, AppError> {
    let load = async || load_list(state, query.clone(), size).await;
    state.cache.get_or_set(&keys::list(query, size), &keys::LIST, load).await
}

async fn load_list(state: &State, query: ListQuery, size: u64) -> Result<ProductList, AppError> {
    let read = state.db.read(move |read| match query.is_plain(&LIST) {
        true => queries::list(read, query.page, size),
        false => queries::search(read, &query, size),
    });
    let (list, repair) = read.await?;
    if let Some(repair) = repair {
        begin(state, repair);
    }
    Ok(list)
}

/// Begins to repair what a read has found. The read does not wait, and the lists become stale when it is done.
fn begin(state: &State, repair: Repair) {
    let db = state.db.clone();
    match repair {
        Repair::SearchTexts => state.jobs.start("fill in search texts", move || {
            let db = db.clone();
            async move { make_searchable(&db).await }
        }),
        Repair::Counts => state.jobs.start("count products", move || {
            let db = db.clone();
            async move { count(&db).await }
        }),
    }
}

/// Compares the counts with the rows, and counts again if they differ.
async fn count(db: &Database) -> Result<(), String> {
    let failed = |error: db::Error| error.to_string();
    match db.read(queries::check_counts).await.map_err(failed)? {
        Counts::Right => return Ok(()),
        Counts::Unkept => return Err("product_counts lacks triggers on products".to_owned()),
        Counts::Wrong => {}
    }
    tracing::warn!("the table product_counts is wrong: it is counted again");
    db.write(queries::recount).await.map_err(failed)?;
    // Wrong totals may have been cached: without its triggers a table tells of no change.
    db.invalidate(vec![keys::PRODUCTS.tag()]).await.map_err(failed)?;
    db.read(queries::check_counts).await.map(|_| ()).map_err(failed)
}

/// Sets the search text of titles that other programs wrote.
async fn make_searchable(db: &Database) -> Result<(), db::Error> {
    while db.write(|conn| queries::fill_search_text(conn, FILL)).await? > 0 {}
    Ok(())
}

/// Sets missing search texts before the shop opens: after an upgrade it may be those of all titles.
///
/// # Errors
/// Returns database errors; the next search starts it again.
pub async fn prepare_search(db: &Database) -> Result<(), db::Error> {
    match db.read(|read| queries::has_unsearchable(read.table(keys::PRODUCTS)?)).await? {
        true => make_searchable(db).await,
        false => Ok(()),
    }
}

/// Returns the rows of a page of the catalogue.
pub async fn find(state: &State, query: ListQuery, size: u64) -> Result<Found, AppError> {
    Ok(list(state, &query, size).await?.found())
}

/// Returns one product, if it exists.
pub async fn show(state: &State, id: ProductId) -> Result<Arc<Option<Product>>, AppError> {
    let load = async || Ok(state.db.read(move |read| queries::find(read, id)).await?);
    state.cache.get_or_set(&keys::show(id), &keys::SHOW, load).await
}

/// Adds a product once and returns its id.
pub async fn create(state: &State, new: NewProduct, once: Once) -> Result<ProductId, AppError> {
    let insert = move |conn: &mut Conn| {
        let insert = |conn: &mut Conn| queries::insert(conn, &new, Timestamp::now());
        once.run(conn, |conn| insert(conn).map(ProductId::get))
    };
    Ok(ProductId::new(state.db.write(insert).await?))
}

/// Makes an edit of the product, merged with what changed since the client saw it.
///
/// A product that already is as typed, as after a form that was sent twice, counts as changed.
pub async fn update(
    state: &State,
    id: ProductId,
    edit: Edit,
    changes: NewProduct,
) -> Result<Change<Product>, AppError> {
    let write = state.db.write(move |conn| {
        while let Some(current) = queries::get(conn, id)? {
            let keeps = edit.merge(&current.values());
            let Some(merged) = keeps.and_then(|keeps| changes.merged(&current, &keeps)) else {
                return Ok(Change::Conflict(current));
            };
            let is_same = merged.values() == current.values();
            // Otherwise another program has changed the row since it was read.
            if is_same || queries::update(conn, &current, &merged, Timestamp::now())? {
                return Ok(Change::Done);
            }
        }
        Ok(Change::Gone)
    });
    Ok(write.await?)
}

/// Deletes the product if it is still as the client had seen it.
pub async fn delete(state: &State, id: ProductId, seen: Edit) -> Result<Change<Product>, AppError> {
    let write = state.db.write(move |conn| {
        while let Some(current) = queries::get(conn, id)? {
            if !seen.is_still(&current.values()) {
                return Ok(Change::Conflict(current));
            }
            if queries::delete(conn, &current)? {
                return Ok(Change::Done);
            }
        }
        Ok(Change::Gone)
    });
    Ok(write.await?)
}

/// The outcome of changing many products that a client had seen.
#[derive(Debug, PartialEq, Eq)]
pub enum Many {
    /// So many products were changed or deleted.
    Done(u64),
    /// Nothing was done, since these have changed or are gone.
    Conflict(Vec<ProductId>),
}

/// Does the same to many products, if each still has its digest; otherwise nothing is done.
pub async fn change_many(
    state: &State,
    seen: Vec<(ProductId, String)>,
    action: Action,
) -> Result<Many, AppError> {
    let write = state.db.write(move |conn| {
        let ids: Vec<ProductId> = seen.iter().map(|(id, _)| *id).collect();
        let there = queries::lock_rows(conn, &ids)?;
        let digests: HashMap<i64, String> =
            there.iter().map(|product| (product.id.get(), product.digest())).collect();
        let is_other = |(id, seen): &&(ProductId, String)| digests.get(&id.get()) != Some(seen);
        let others: Vec<ProductId> = seen.iter().filter(is_other).map(|(id, _)| *id).collect();
        if !others.is_empty() {
            return Ok(Many::Conflict(others));
        }
        for product in &there {
            match action.price(product.price) {
                Some(price) => queries::set_price(conn, product.id, price, Timestamp::now())?,
                None => queries::delete(conn, product).map(|_| ())?,
            }
        }
        Ok(Many::Done(there.len() as u64))
    });
    Ok(write.await?)
}

/// How many products an empty shop gets.
const SAMPLES: u64 = 1_000;

/// How many products one transaction adds: other writers must not wait long.
const BATCH: u64 = 10_000;

/// Adds the sample products to an empty shop and returns how many.
///
/// # Errors
/// Returns database errors; the shop is then still empty.
pub async fn fill_if_empty(db: &Database) -> Result<u64, db::Error> {
    db.write(|conn| {
        // A shop with products opens without waiting for the writers of others.
        if !queries::is_empty(conn)? {
            return Ok(0);
        }
        queries::lock(conn)?;
        if !queries::is_empty(conn)? {
            return Ok(0);
        }
        queries::insert_many(conn, &samples(0, SAMPLES), Timestamp::now())?;
        Ok(SAMPLES)
    })
    .await
}

/// Adds `count` sample products and reports to `progress` how many there are so far.
///
/// # Errors
/// Returns database errors; the products reported to `progress` stay.
pub fn seed(db: &Db, count: u64, mut progress: impl FnMut(u64)) -> Result<(), db::Error> {
    let mut added = 0;
    while added < count {
        let batch = samples(added, BATCH.min(count - added));
        db.write_now(|conn| queries::insert_many(conn, &batch, Timestamp::now()))?;
        added += batch.len() as u64;
        if let Err(error) = sql::fold(db) {
            tracing::debug!(%error, "the changes of stamps stay, until an instance folds them");
        }
        progress(added);
    }
    Ok(())
}

fn samples(first: u64, count: u64) -> Vec<(String, Price)> {
    let samples = (first..first + count).map(sample::sample);
    samples.map(|sample| (sample.title, Price::from_cents(sample.price_cents))).collect()
}
