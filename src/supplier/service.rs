//! The supplier's prices, fresh or stale, independent of HTTP and HTML.

use std::sync::Arc;

use super::client::{self, Client};
use super::keys;
use super::model::{LIST, Prices};
use crate::cache::{Cache, Failure};
use crate::error::AppError;
use crate::site::list::{Found, ListQuery, among};

/// Returns the prices and whether they are stale.
///
/// Stale prices are returned if new ones cannot be fetched in time.
///
/// # Errors
/// [`AppError::Upstream`] if there are no prices at all.
pub async fn prices(cache: &Cache, client: &Client) -> Result<(Arc<Prices>, bool), AppError> {
    let policy = keys::prices_policy(client.lifetime());
    let key = keys::prices(client.name());
    let client = client.clone();
    let fetched = cache.get_or_stale(&key, &policy, move || client.fetch());
    // The client has logged the reason as a warning already.
    let (prices, staleness) = fetched.await.map_err(|failure: Failure<client::Error>| {
        tracing::debug!(%failure, "no prices");
        AppError::Upstream
    })?;
    Ok((prices, staleness.is_some()))
}

/// Returns the rows of a page of the offers.
pub async fn find(
    cache: &Cache,
    client: &Client,
    query: ListQuery,
    size: u64,
) -> Result<Found, AppError> {
    let (prices, _) = prices(cache, client).await?;
    Ok(among(&LIST, &query, size, prices.rows()))
}
