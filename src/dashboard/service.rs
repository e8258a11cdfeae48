//! Inspects and modifies the cache on behalf of people.

use super::Dashboard;
use super::audit::{Act, Door};
use crate::cache::Tag;
use crate::cache::inspect::{Body, Description, Listing, Statistics};
use crate::cache::values::Timeout;
use crate::error::AppError;
use crate::site::secrets;
use crate::state::State;

/// Characters of a body that people are shown.
const LETTERS: usize = 4_096;

const NO_SUCH_KEY: AppError = AppError::Absent("Nothing is stored under this key.");

/// Also reported if another instance held the key: a deletion removes it from every instance first.
const NOT_HERE: AppError = AppError::Absent(
    "Nothing is stored here under this key. If another instance had an entry, that is deleted.",
);

/// Returns the tags with this name: `everything`, a table, or a bucket of its rows.
///
/// # Errors
/// [`AppError::Unprocessable`] if there is no such tag.
pub fn tags(state: &State, name: &str) -> Result<Vec<Tag>, AppError> {
    let tags = state.db.tags_named(name);
    tags.ok_or(AppError::Unprocessable("There is no tag of this name."))
}

/// Invalidates the tag with this name, in every instance.
///
/// # Errors
/// [`AppError::Unprocessable`] if there is no such tag; those of the database.
pub async fn invalidate(
    state: &State,
    board: &Dashboard,
    name: &str,
    door: Door,
) -> Result<(), AppError> {
    let tags = tags(state, name)?;
    let hang = state.cache.inspect().would_invalidate(&tags).await.ok();
    state.db.invalidate(tags).await?;
    board.audit.note(Act::Invalidated, name, door, hang.map(|levels| levels.iter().sum()));
    Ok(())
}

/// Lists the keys that match `like`, at most `limit`.
///
/// # Errors
/// [`AppError::Store`].
pub async fn keys(state: &State, like: &str, limit: usize) -> Result<Listing, AppError> {
    Ok(state.cache.inspect().keys(like, limit).await?)
}

/// Describes what is stored under `key`, in this process and in the store.
///
/// # Errors
/// [`AppError::Absent`] if nothing is; [`AppError::Store`].
pub async fn describe(state: &State, key: &str) -> Result<Vec<Description>, AppError> {
    let found = state.cache.inspect().describe(key).await?;
    if found.is_empty() { Err(NO_SUCH_KEY) } else { Ok(without_secrets(found)) }
}

/// Describes what is stored under `key`, with the beginnings of bodies.
///
/// # Errors
/// As [`describe`].
pub async fn look_at(state: &State, key: &str) -> Result<Vec<Description>, AppError> {
    let found = state.cache.inspect().showing(LETTERS).describe(key).await?;
    if found.is_empty() { Err(NO_SUCH_KEY) } else { Ok(without_secrets(found)) }
}

/// Hides secrets, recognized by their names: headers of pages, and values.
fn without_secrets(mut found: Vec<Description>) -> Vec<Description> {
    for description in &mut found {
        match &mut description.body {
            Body::Page { headers, .. } => {
                let secret = headers.iter_mut().filter(|(name, _)| secrets::is_named(name));
                secret.for_each(|(_, value)| *value = secrets::HIDDEN.to_owned());
            }
            Body::Text(text) if secrets::is_named(&description.listed.key) => {
                *text = secrets::HIDDEN.to_owned();
            }
            _ => {}
        }
    }
    found
}

/// Sets a value.
///
/// # Errors
/// [`AppError::Store`].
pub async fn set(
    state: &State,
    board: &Dashboard,
    (key, text): (&str, &str),
    timeout: Timeout,
    door: Door,
) -> Result<(), AppError> {
    state.cache.inspect().set(key, text, timeout).await?;
    board.audit.note(Act::Remembered, key, door, None);
    Ok(())
}

/// Deletes what is stored under `key`, an entry in every instance.
///
/// # Errors
/// [`AppError::Absent`] if this process and its store held nothing; [`AppError::NotRemoved`];
/// [`AppError::Store`].
pub async fn delete(
    state: &State,
    board: &Dashboard,
    key: &str,
    door: Door,
) -> Result<(), AppError> {
    match state.cache.inspect().delete(key).await? {
        0 => Err(NOT_HERE),
        places => {
            board.audit.note(Act::Deleted, key, door, Some(places));
            Ok(())
        }
    }
}

/// Ends the lifetime of what is stored under `key`, in every instance.
///
/// It may still be served when a rebuild fails.
///
/// # Errors
/// As [`delete`].
pub async fn end(state: &State, board: &Dashboard, key: &str, door: Door) -> Result<(), AppError> {
    match state.cache.inspect().end(key).await? {
        0 => Err(NOT_HERE),
        places => {
            board.audit.note(Act::Ended, key, door, Some(places));
            Ok(())
        }
    }
}

/// Deletes every entry, in every instance, and every value; returns how many there were.
///
/// # Errors
/// [`AppError::NotRemoved`]; [`AppError::Store`].
pub async fn clear(state: &State, board: &Dashboard, door: Door) -> Result<u64, AppError> {
    let cleared = state.cache.inspect().clear().await?;
    board.audit.note(Act::Cleared, "everything", door, Some(cleared));
    Ok(cleared)
}

/// Returns the statistics of the cache.
///
/// # Errors
/// [`AppError::Store`].
pub async fn statistics(state: &State) -> Result<Statistics, AppError> {
    let statistics = state.cache.inspect().statistics().await?;
    Ok(Statistics { look_ups: state.stats.look_ups(), ..statistics })
}
