//! What can be done with the catalogue. Knows neither HTTP nor HTML.

use std::sync::Arc;

use super::model::{Listing, NewProduct, Price, Product, ProductId, ProductList};
use super::{keys, queries, sample};
use crate::db::{self, Db};
use crate::error::AppError;
use crate::site::shelf::{self, Found, Thing};
use crate::site::text::fold;
use crate::site::time::Timestamp;
use crate::state::State;
use crate::versions::Database;

/// Titles that are made searchable in one transaction: others want to write, too.
const FILL: u64 = 5_000;

/// A page of the catalogue, newest first.
pub async fn list(state: &State, listing: &Listing) -> Result<Arc<ProductList>, AppError> {
    let load = async || load_list(state, listing.clone()).await;
    state.cache.get_or_set(&keys::list(listing), &keys::LIST, load).await
}

async fn load_list(state: &State, listing: Listing) -> Result<ProductList, AppError> {
    if listing.search.is_empty() {
        return Ok(state.db.read(move |read| queries::list(read, &listing)).await?);
    }
    loop {
        let wanted = listing.clone();
        match state.db.read(move |read| queries::search(read, &wanted)).await {
            Err(error) if error.is_not_found() => make_searchable(state).await?,
            list => return Ok(list?),
        }
    }
}

/// Folds the titles that were written by others than this program.
async fn make_searchable(state: &State) -> Result<(), db::Error> {
    while state.db.write(|conn| queries::fill_search_text(conn, FILL)).await? > 0 {}
    Ok(())
}

/// What staff find of it: products whose title holds the search, newest first.
pub async fn find(state: &State, search: String) -> Result<Found, AppError> {
    let listing = Listing { page: 1, size: shelf::SHOWN as u64, search: fold(&search) };
    let list = list(state, &listing).await?;
    let things = list.products.iter().map(|product| Thing {
        name: product.title.clone(),
        note: product.price.to_string(),
        at: format!("/products/{}/edit", product.id),
    });
    Ok(Found { total: list.total, things: things.collect() })
}

/// One product, if there is one.
pub async fn show(state: &State, id: ProductId) -> Result<Arc<Option<Product>>, AppError> {
    let load = async || Ok(state.db.read(move |read| queries::find(read, id)).await?);
    state.cache.get_or_set(&keys::show(id), &keys::SHOW, load).await
}

/// Adds a product.
pub async fn create(state: &State, new: NewProduct) -> Result<ProductId, AppError> {
    Ok(state.db.write(move |conn| queries::insert(conn, &new, Timestamp::now())).await?)
}

/// What came of a change to a product that somebody had looked at.
#[derive(Debug, PartialEq, Eq)]
pub enum Change {
    /// It was done.
    Done,
    /// It was not: the product is another meanwhile, or gone.
    Conflict(Option<Product>),
}

/// Whether `product` is what somebody had looked at.
///
/// Browsers send line breaks in their own way; raw SQL may have put them in.
fn is_still(product: &Product, seen: &Seen) -> bool {
    product.title.lines().eq(seen.title.lines()) && product.price.plain() == seen.price
}

/// What somebody saw before they changed it: title and price, as the form had them.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The title.
    pub title: String,
    /// The price, as [`super::model::Price::plain`] prints it.
    pub price: String,
}

/// Makes the product into `changes`, if it is still as `seen`.
///
/// Where it already is what it is to become, as after a form that was sent twice, that is done.
pub async fn update(
    state: &State,
    id: ProductId,
    seen: Seen,
    changes: NewProduct,
) -> Result<Change, AppError> {
    let write = state.db.write(move |conn| {
        let Some(current) = queries::get(conn, id)? else { return Ok(Change::Conflict(None)) };
        if current.title == changes.title.as_str() && current.price == changes.price {
            return Ok(Change::Done);
        }
        if is_still(&current, &seen) && queries::update(conn, &current, &changes, Timestamp::now())?
        {
            return Ok(Change::Done);
        }
        Ok(Change::Conflict(queries::get(conn, id)?))
    });
    Ok(write.await?)
}

/// Deletes the product, if it is still as `seen`.
pub async fn delete(state: &State, id: ProductId, seen: Seen) -> Result<Change, AppError> {
    let write = state.db.write(move |conn| {
        let Some(current) = queries::get(conn, id)? else { return Ok(Change::Conflict(None)) };
        if is_still(&current, &seen) && queries::delete(conn, &current)? {
            return Ok(Change::Done);
        }
        Ok(Change::Conflict(queries::get(conn, id)?))
    });
    Ok(write.await?)
}

/// Products in an empty shop.
const SAMPLES: u64 = 1_000;

/// Products that are added in one transaction: others want to write, too.
const BATCH: u64 = 10_000;

/// Adds the sample products to an empty shop, or nothing; answers how many.
///
/// # Errors
/// Those of the database; the shop is then as empty as before.
pub async fn fill_if_empty(db: &Database) -> Result<u64, db::Error> {
    db.write(|conn| {
        queries::lock(conn)?;
        if !queries::is_empty(conn)? {
            return Ok(0);
        }
        queries::insert_many(conn, &samples(0, SAMPLES), Timestamp::now())?;
        Ok(SAMPLES)
    })
    .await
}

/// Adds `count` sample products; tells `progress` how many there are so far.
///
/// # Errors
/// Those of the database; what was told to `progress` is kept.
pub fn seed(db: &Db, count: u64, mut progress: impl FnMut(u64)) -> Result<(), db::Error> {
    let mut added = 0;
    while added < count {
        let batch = samples(added, BATCH.min(count - added));
        db.write_now(|conn| queries::insert_many(conn, &batch, Timestamp::now()))?;
        added += batch.len() as u64;
        progress(added);
    }
    Ok(())
}

fn samples(first: u64, count: u64) -> Vec<(String, Price)> {
    let samples = (first..first + count).map(sample::sample);
    samples.map(|sample| (sample.title, Price::from_cents(sample.price_cents))).collect()
}
