//! The operations on tastings and guests, independent of HTTP and HTML.
//!
//! - A change may say which version it expects. That is compared with the current one in the same
//!   transaction.

use std::sync::Arc;

use time::Date;

use super::model::{self, Coming, Event, EventId, Guest, GuestId, NewEvent, NewGuest, Part, Range};
use super::{keys, queries, sample};
use crate::db::once::Once;
use crate::db::{self, Db};
use crate::error::AppError;
use crate::site::form::FormErrors;
use crate::site::list::{Found, List, ListQuery};
use crate::site::sheet::{Change, Edit};
use crate::site::time::Timestamp;
use crate::site::zone;
use crate::sql::Database;
use crate::state::State;

/// Returns a part of all events.
pub async fn events(state: &State, range: Range) -> Result<Arc<Part<Event>>, AppError> {
    let load = async || Ok(state.db.read(move |read| queries::events(read, range)).await?);
    state.cache.get_or_set(&keys::events(range), &keys::LIST, load).await
}

/// Returns one event, if it exists.
pub async fn event(state: &State, id: EventId) -> Result<Arc<Option<Event>>, AppError> {
    let load = async || Ok(state.db.read(move |read| queries::find_event(read, id)).await?);
    state.cache.get_or_set(&keys::event(id), &keys::SHOW, load).await
}

/// Returns a part of the guests of all events or of one.
pub async fn guests(
    state: &State,
    of: Option<EventId>,
    range: Range,
) -> Result<Arc<Part<Guest>>, AppError> {
    let load = async || Ok(state.db.read(move |read| queries::guests(read, of, range)).await?);
    state.cache.get_or_set(&keys::guests(of, range), &keys::LIST, load).await
}

/// Returns one guest, if it exists.
pub async fn guest(state: &State, id: GuestId) -> Result<Arc<Option<Guest>>, AppError> {
    let load = async || Ok(state.db.read(move |read| queries::find_guest(read, id)).await?);
    state.cache.get_or_set(&keys::guest(id), &keys::SHOW, load).await
}

/// Returns a part of the events today or later, by the shop's clocks, the next one first.
pub async fn coming(state: &State, range: Range) -> Result<Arc<Part<Coming>>, AppError> {
    let day = Timestamp::now().local().date();
    let (midnight, from) = (day.midnight(), zone::shop().start_of(day));
    let load = async || {
        Ok(state.db.read(move |read| queries::coming(read, midnight, from, range)).await?)
    };
    let key = keys::coming(&day.to_string(), range);
    state.cache.get_or_set(&key, &keys::LIST, load).await
}

/// Returns the rows of a page of all events.
pub async fn find(state: &State, query: ListQuery, size: u64) -> Result<Found, AppError> {
    let range = range(&model::EVENTS, &query, size);
    let load = async || {
        Ok::<_, AppError>(state.db.read(move |read| queries::latest_events(read, range)).await?)
    };
    let part = state.cache.get_or_set(&keys::latest_events(range), &keys::LIST, load).await?;
    Ok(part.found(&model::EVENTS, &query, size, Event::row))
}

/// Returns the rows of a page of all guests.
pub async fn find_guests(state: &State, query: ListQuery, size: u64) -> Result<Found, AppError> {
    let range = range(&model::GUESTS, &query, size);
    let load = async || {
        Ok::<_, AppError>(state.db.read(move |read| queries::latest_guests(read, range)).await?)
    };
    let part = state.cache.get_or_set(&keys::latest_guests(range), &keys::LIST, load).await?;
    Ok(part.found(&model::GUESTS, &query, size, Guest::row))
}

/// Returns the part of a table that answers the query: the page, if it is in the order of the table, or else all.
pub fn range(list: &List, query: &ListQuery, size: u64) -> Range {
    match query.is_plain(list) {
        true => Range { limit: size, offset: query.offset(size) },
        false => Range { limit: i64::MAX.unsigned_abs(), offset: 0 },
    }
}

/// Decides whether the current version is the one that the client expects.
pub trait Expected<T>: Fn(&T) -> bool + Send + 'static {}

impl<T, F: Fn(&T) -> bool + Send + 'static> Expected<T> for F {}

/// Adds an event once and returns it.
pub async fn create_event(state: &State, new: NewEvent, once: Once) -> Result<Event, AppError> {
    let write = state.db.write(move |conn| {
        let id = once.run(conn, |conn| queries::insert_event(conn, &new).map(EventId::get))?;
        Ok(there(queries::get_event(conn, EventId::new(id))?))
    });
    write.await?
}

/// Changes an event to `changes` if it is the expected version, and returns it.
pub async fn replace_event(
    state: &State,
    id: EventId,
    changes: NewEvent,
    is_expected: impl Expected<Event>,
) -> Result<Event, AppError> {
    let write = state.db.write(move |conn| {
        queries::lock_event(conn, id)?;
        if let Err(refusal) = check(queries::get_event(conn, id)?, &is_expected) {
            return Ok(Err(refusal));
        }
        queries::update_event(conn, id, &changes)?;
        Ok(there(queries::get_event(conn, id)?))
    });
    write.await?
}

/// Makes an edit of an event, merged with what changed since the client saw it.
pub async fn edit_event(
    state: &State,
    id: EventId,
    edit: Edit,
    changes: NewEvent,
) -> Result<Change<Event>, AppError> {
    let write = state.db.write(move |conn| {
        queries::lock_event(conn, id)?;
        let Some(current) = queries::get_event(conn, id)? else { return Ok(Ok(Change::Gone)) };
        let Some(keeps) = edit.merge(&current.values()) else {
            return Ok(Ok(Change::Conflict(current)));
        };
        match changes.merged(&current, &keeps) {
            Ok(merged) => queries::update_event(conn, id, &merged).map(|()| Ok(Change::Done)),
            Err((field, sentence)) => Ok(Err(invalid(field, sentence))),
        }
    });
    write.await?
}

/// Deletes an event with its guests if it is the expected version.
pub async fn delete_event(
    state: &State,
    id: EventId,
    is_expected: impl Expected<Event>,
) -> Result<(), AppError> {
    let write = state.db.write(move |conn| {
        queries::lock_event(conn, id)?;
        if let Err(refusal) = check(queries::get_event(conn, id)?, &is_expected) {
            return Ok(Err(refusal));
        }
        queries::delete_event(conn, id).map(Ok)
    });
    write.await?
}

/// Adds a guest once and returns it.
pub async fn create_guest(state: &State, new: NewGuest, once: Once) -> Result<Guest, AppError> {
    let write = state.db.write(move |conn| {
        queries::lock_event(conn, new.event)?;
        if queries::get_event(conn, new.event)?.is_none() {
            return Ok(Err(no_event(new.event)));
        }
        let id = once.run(conn, |conn| queries::insert_guest(conn, &new).map(GuestId::get))?;
        Ok(there(queries::get_guest(conn, GuestId::new(id))?))
    });
    write.await?
}

/// Changes a guest to `changes` if it is the expected version, and returns it.
pub async fn replace_guest(
    state: &State,
    id: GuestId,
    changes: NewGuest,
    is_expected: impl Expected<Guest>,
) -> Result<Guest, AppError> {
    let write = state.db.write(move |conn| {
        queries::lock_guest(conn, id, Some(changes.event))?;
        if let Err(refusal) = check(queries::get_guest(conn, id)?, &is_expected) {
            return Ok(Err(refusal));
        }
        if queries::get_event(conn, changes.event)?.is_none() {
            return Ok(Err(no_event(changes.event)));
        }
        queries::update_guest(conn, id, &changes)?;
        Ok(there(queries::get_guest(conn, id)?))
    });
    write.await?
}

/// Makes an edit of a guest, merged with what changed since the client saw it.
pub async fn edit_guest(
    state: &State,
    id: GuestId,
    edit: Edit,
    changes: NewGuest,
) -> Result<Change<Guest>, AppError> {
    let write = state.db.write(move |conn| {
        queries::lock_guest(conn, id, Some(changes.event))?;
        let Some(current) = queries::get_guest(conn, id)? else { return Ok(Ok(Change::Gone)) };
        let Some(keeps) = edit.merge(&current.values()) else {
            return Ok(Ok(Change::Conflict(current)));
        };
        let merged = changes.merged(&current, &keeps);
        if queries::get_event(conn, merged.event)?.is_none() {
            return Ok(Err(no_event(merged.event)));
        }
        queries::update_guest(conn, id, &merged)?;
        Ok(Ok(Change::Done))
    });
    write.await?
}

/// Deletes a guest if it is the expected version.
pub async fn delete_guest(
    state: &State,
    id: GuestId,
    is_expected: impl Expected<Guest>,
) -> Result<(), AppError> {
    let write = state.db.write(move |conn| {
        queries::lock_guest(conn, id, None)?;
        if let Err(refusal) = check(queries::get_guest(conn, id)?, &is_expected) {
            return Ok(Err(refusal));
        }
        queries::delete_guest(conn, id).map(Ok)
    });
    write.await?
}

/// Checks the expected version only if the resource exists (RFC 9110 §13.2.1).
fn check<T>(current: Option<T>, is_expected: &impl Expected<T>) -> Result<(), AppError> {
    match current {
        None => Err(AppError::NotFound),
        Some(current) if is_expected(&current) => Ok(()),
        Some(_) => Err(AppError::Overtaken),
    }
}

fn there<T>(row: Option<T>) -> Result<T, AppError> {
    row.ok_or(AppError::NotFound)
}

fn no_event(id: EventId) -> AppError {
    invalid("event", format!("There is no event {id}."))
}

fn invalid(field: &'static str, sentence: String) -> AppError {
    let mut errors = FormErrors::default();
    errors.note(field, sentence);
    AppError::Invalid(errors)
}

/// How many rows one transaction adds: other writers must not wait long.
const BATCH: u64 = 1_000;

/// How many events made-up guests are spread over.
const SPREAD: u64 = 1_000;

/// How many tastings the sample has.
const SAMPLE: u64 = 12;

/// How many guests the sample has.
const SAMPLE_GUESTS: u64 = 60;

/// Adds sample tastings within the year after `today` if there are none, and returns how many.
///
/// # Errors
/// Returns database errors; nothing is added then.
pub async fn fill_if_empty(db: &Database, today: Date) -> Result<u64, db::Error> {
    db.write(move |conn| {
        if !queries::latest(conn, 1)?.is_empty() {
            return Ok(0);
        }
        let events: Vec<_> = (0..SAMPLE).map(|number| sample::event(number, today)).collect();
        queries::insert_events(conn, &events)?;
        let events = queries::latest(conn, SAMPLE)?;
        let guests: Vec<_> =
            (0..SAMPLE_GUESTS).map(|number| sample::guest(number, &events)).collect();
        queries::insert_guests(conn, &guests)?;
        Ok(SAMPLE)
    })
    .await
}

/// Adds `count` made-up events and reports to `progress` how many there are so far.
///
/// # Errors
/// Returns database errors; the events reported to `progress` stay.
pub fn fake_events(
    db: &Db,
    count: u64,
    today: Date,
    mut progress: impl FnMut(u64),
) -> Result<(), db::Error> {
    let mut added = 0;
    while added < count {
        let end = count.min(added + BATCH);
        let batch: Vec<_> = (added..end).map(|number| sample::event(number, today)).collect();
        db.write_now(|conn| queries::insert_events(conn, &batch))?;
        added = end;
        progress(added);
    }
    Ok(())
}

/// Adds `count` made-up guests to the events that were added last.
///
/// Reports to `progress` how many there are so far, and returns how many were added: none without an event.
///
/// # Errors
/// Returns database errors; the guests reported to `progress` stay.
pub fn fake_guests(db: &Db, count: u64, mut progress: impl FnMut(u64)) -> Result<u64, db::Error> {
    let mut added = 0;
    while added < count {
        let end = count.min(added + BATCH);
        let has_added = db.write_now(|conn| {
            let events = queries::latest(conn, SPREAD)?;
            if events.is_empty() {
                return Ok(false);
            }
            let batch: Vec<_> = (added..end).map(|number| sample::guest(number, &events)).collect();
            queries::insert_guests(conn, &batch).map(|_| true)
        })?;
        if !has_added {
            break;
        }
        added = end;
        progress(added);
    }
    Ok(added)
}
