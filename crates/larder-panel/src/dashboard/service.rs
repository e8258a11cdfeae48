//! Inspects and modifies the cache on behalf of people.

use super::audit::{Act, Door};
use crate::cache::Tag;
use crate::cache::inspect::{Body, Description, Listing, Statistics};
use crate::cache::values::Timeout;
use crate::error::PanelError;
use crate::secrets;
use crate::state::PanelState;

/// Characters of a body that people are shown.
const LETTERS: usize = 4_096;

const NO_SUCH_KEY: PanelError = PanelError::Absent("Nothing is stored under this key.");

/// Also reported if another instance held the key: a deletion removes it from every instance first.
const NOT_HERE: PanelError = PanelError::Absent(
    "Nothing is stored here under this key. If another instance had an entry, that is deleted.",
);

/// Returns the tags with this name: `everything`, or one that the application knows.
///
/// # Errors
/// [`PanelError::Unprocessable`] if there is no such tag.
pub fn tags(state: &PanelState, name: &str) -> Result<Vec<Tag>, PanelError> {
    (state.hooks.tags)(name).ok_or(PanelError::Unprocessable("There is no tag of this name."))
}

/// Invalidates the tag with this name, in every instance.
///
/// # Errors
/// [`PanelError::Unprocessable`] if there is no such tag; [`PanelError::NotRemoved`].
pub async fn invalidate(state: &PanelState, name: &str, door: Door) -> Result<(), PanelError> {
    let tags = tags(state, name)?;
    let hang = state.cache.inspect().would_invalidate(&tags).await.ok();
    state.cache.changed(&tags).await?;
    state.audit.count();
    state.audit.note(Act::Invalidated, name, door, hang.map(|levels| levels.iter().sum()));
    Ok(())
}

/// Lists the keys that match `like`, at most `limit`.
///
/// # Errors
/// [`PanelError::Store`].
pub async fn keys(state: &PanelState, like: &str, limit: usize) -> Result<Listing, PanelError> {
    Ok(state.cache.inspect().keys(like, limit).await?)
}

/// Describes what is stored under `key`, in this process and in the store.
///
/// # Errors
/// [`PanelError::Absent`] if nothing is; [`PanelError::Store`].
pub async fn describe(state: &PanelState, key: &str) -> Result<Vec<Description>, PanelError> {
    let found = state.cache.inspect().describe(key).await?;
    if found.is_empty() { Err(NO_SUCH_KEY) } else { Ok(without_secrets(found)) }
}

/// Describes what is stored under `key`, with the beginnings of bodies.
///
/// # Errors
/// As [`describe`].
pub async fn look_at(state: &PanelState, key: &str) -> Result<Vec<Description>, PanelError> {
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
/// [`PanelError::Store`].
pub async fn set(
    state: &PanelState,
    (key, text): (&str, &str),
    timeout: Timeout,
    door: Door,
) -> Result<(), PanelError> {
    state.cache.inspect().set(key, text, timeout).await?;
    state.audit.note(Act::Remembered, key, door, None);
    Ok(())
}

/// Deletes what is stored under `key`, an entry in every instance.
///
/// # Errors
/// [`PanelError::Absent`] if this process and its store held nothing; [`PanelError::NotRemoved`];
/// [`PanelError::Store`].
pub async fn delete(state: &PanelState, key: &str, door: Door) -> Result<(), PanelError> {
    match state.cache.inspect().delete(key).await? {
        0 => Err(NOT_HERE),
        places => {
            state.audit.note(Act::Deleted, key, door, Some(places));
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
pub async fn end(state: &PanelState, key: &str, door: Door) -> Result<(), PanelError> {
    match state.cache.inspect().end(key).await? {
        0 => Err(NOT_HERE),
        places => {
            state.audit.note(Act::Ended, key, door, Some(places));
            Ok(())
        }
    }
}

/// Deletes every entry, in every instance, and every value; returns how many there were.
///
/// # Errors
/// [`PanelError::NotRemoved`]; [`PanelError::Store`].
pub async fn clear(state: &PanelState, door: Door) -> Result<u64, PanelError> {
    let cleared = state.cache.inspect().clear().await?;
    state.audit.note(Act::Cleared, "everything", door, Some(cleared));
    Ok(cleared)
}

/// Returns the statistics of the cache.
///
/// # Errors
/// [`PanelError::Store`].
pub async fn statistics(state: &PanelState) -> Result<Statistics, PanelError> {
    let statistics = state.cache.inspect().statistics().await?;
    Ok(Statistics { look_ups: state.counts.stats.look_ups(), ..statistics })
}
