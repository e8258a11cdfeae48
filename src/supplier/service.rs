//! The supplier's prices, fresh or stale, independent of HTTP and HTML.

use std::sync::Arc;

use super::client::{self, Client};
use super::keys;
use super::model::Prices;
use crate::cache::{Cache, Failure};
use crate::error::AppError;
use crate::site::admin_section::{Found, Thing};
use crate::site::text::fold;

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
        tracing::debug!(%failure, "there are no prices");
        AppError::Upstream
    })?;
    Ok((prices, staleness.is_some()))
}

/// Returns the offers whose titles contain `search`, for the staff index.
pub async fn find(cache: &Cache, client: &Client, search: String) -> Result<Found, AppError> {
    let ((prices, _), search) = (prices(cache, client).await?, fold(&search));
    let offers = prices.offers.iter().filter(|offer| fold(&offer.title).contains(&search));
    let things: Vec<Thing> = offers
        .map(|offer| Thing {
            name: offer.title.clone(),
            note: offer.price.to_string(),
            at: "/supplier".to_owned(),
        })
        .collect();
    Ok(Found::of(things))
}
