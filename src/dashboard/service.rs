//! What can be asked of the cache, and done to it, from outside.

use crate::cache::inspect::{Description, Listing, Statistics};
use crate::cache::values::Timeout;
use crate::error::AppError;
use crate::state::State;

const NO_SUCH_KEY: AppError = AppError::Absent("The cache keeps nothing under this key.");

/// The keys that match `like`, at most `limit`.
///
/// # Errors
/// [`AppError::Store`].
pub async fn keys(state: &State, like: &str, limit: usize) -> Result<Listing, AppError> {
    Ok(state.cache.inspect().keys(like, limit).await?)
}

/// All that is kept under `key`: in this process, in the store.
///
/// # Errors
/// [`AppError::Absent`] if nothing is; [`AppError::Store`].
pub async fn describe(state: &State, key: &str) -> Result<Vec<Description>, AppError> {
    let found = state.cache.inspect().describe(key).await?;
    if found.is_empty() { Err(NO_SUCH_KEY) } else { Ok(found) }
}

/// Remembers a value.
///
/// # Errors
/// [`AppError::Store`].
pub async fn set(state: &State, key: &str, text: &str, timeout: Timeout) -> Result<(), AppError> {
    Ok(state.cache.inspect().set(key, text, timeout).await?)
}

/// Forgets what is kept under `key`, wherever it is.
///
/// # Errors
/// [`AppError::Absent`] if nothing was; [`AppError::Store`].
pub async fn delete(state: &State, key: &str) -> Result<(), AppError> {
    match state.cache.inspect().delete(key).await? {
        0 => Err(NO_SUCH_KEY),
        _ => Ok(()),
    }
}

/// Forgets every entry and every value; how many there were.
///
/// # Errors
/// [`AppError::Store`].
pub async fn clear(state: &State) -> Result<u64, AppError> {
    Ok(state.cache.inspect().clear().await?)
}

/// The cache in figures.
///
/// # Errors
/// [`AppError::Store`].
pub async fn statistics(state: &State) -> Result<Statistics, AppError> {
    let statistics = state.cache.inspect().statistics().await?;
    Ok(Statistics { look_ups: state.stats.look_ups(), ..statistics })
}
