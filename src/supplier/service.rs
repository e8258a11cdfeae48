//! The supplier's prices, new or old. Knows neither HTTP nor HTML.

use std::sync::Arc;

use super::model::Prices;
use super::{client, keys};
use crate::cache::refresh::Failure;
use crate::error::AppError;
use crate::site::shelf::{Found, Thing};
use crate::site::text::fold;
use crate::state::State;

/// The prices: new ones, or where they cannot be had in time those that there are; and whether they are old.
///
/// # Errors
/// [`AppError::Upstream`] where there are none at all.
pub async fn prices(state: &State) -> Result<(Arc<Prices>, bool), AppError> {
    let client = state.supplier.clone();
    let policy = keys::prices_policy(client.lifetime());
    let key = keys::prices(client.name());
    let fetched = state.cache.get_or_stale(&key, &policy, move || client.fetch());
    // Why is in the log already, written by whoever asked.
    let (prices, staleness) = fetched.await.map_err(|failure: Failure<client::Error>| {
        tracing::debug!(%failure, "there are no prices");
        AppError::Upstream
    })?;
    Ok((prices, staleness.is_some()))
}

/// What staff find of them: prices whose title holds the search.
pub async fn find(state: &State, search: String) -> Result<Found, AppError> {
    let ((prices, _), search) = (prices(state).await?, fold(&search));
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
