//! One function for each query on tastings and guests.

use diesel::dsl::count;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use time::PrimitiveDateTime;

use super::keys::{EVENTS, GUESTS};
use super::model::{Coming, Event, EventId, Guest, GuestId, NewEvent, NewGuest, Part, Range};
use super::moment::Moment;
use crate::db::Conn;
use crate::db::insert::insert_all;
use crate::db::schema::{events, guests};
use crate::sql::Snapshot;

type EventRow = (i64, String, PrimitiveDateTime, bool, String, String);
type GuestRow = ((i64, String, String), EventRow);

const GUEST_COLUMNS: (guests::id, guests::name, guests::email) =
    (guests::id, guests::name, guests::email);

fn event((id, name, starts_at, is_date, location, description): EventRow) -> Event {
    let date = Moment { at: starts_at.into(), is_date };
    Event { id: EventId::new(id), name, date, location, description }
}

fn guest(((id, name, email), row): GuestRow) -> Guest {
    Guest { id: GuestId::new(id), event: event(row), name, email }
}

/// Returns a part of all events, in the order in which they were added.
pub fn events(read: &mut Snapshot<'_>, range: Range) -> QueryResult<Part<Event>> {
    let conn = read.table(EVENTS)?;
    let total: i64 = events::table.count().get_result(conn)?;
    let rows: Vec<EventRow> = events::table
        .order(events::id)
        .offset(as_i64(range.offset))
        .limit(as_i64(range.limit))
        .load(conn)?;
    Ok(Part { count: total.unsigned_abs(), items: rows.into_iter().map(event).collect() })
}

/// Returns one event, if it exists.
pub fn find_event(read: &mut Snapshot<'_>, id: EventId) -> QueryResult<Option<Event>> {
    get_event(read.row(EVENTS, id.get())?, id)
}

/// Returns the same as [`find_event`], within a write transaction.
pub fn get_event(conn: &mut Conn, id: EventId) -> QueryResult<Option<Event>> {
    Ok(events::table.find(id.get()).first::<EventRow>(conn).optional()?.map(event))
}

/// Returns a part of the guests of all events or of one, in the order in which they were added.
///
/// One query loads the guests with their events.
pub fn guests(
    read: &mut Snapshot<'_>,
    of: Option<EventId>,
    range: Range,
) -> QueryResult<Part<Guest>> {
    read.table(EVENTS)?;
    get_guests(read.table(GUESTS)?, of, range)
}

/// Returns the same as [`guests()`], through a connection.
pub fn get_guests(conn: &mut Conn, of: Option<EventId>, range: Range) -> QueryResult<Part<Guest>> {
    // Counts the joined rows: another program may have left a guest without an event.
    let all = guests::table.inner_join(events::table);
    let rows = all
        .select((GUEST_COLUMNS, events::all_columns))
        .order(guests::id)
        .offset(as_i64(range.offset))
        .limit(as_i64(range.limit));
    let (total, rows): (i64, Vec<GuestRow>) = match of {
        None => (all.count().get_result(conn)?, rows.load(conn)?),
        Some(id) => {
            let is_meant = guests::event_id.eq(id.get());
            (all.filter(is_meant).count().get_result(conn)?, rows.filter(is_meant).load(conn)?)
        }
    };
    Ok(Part { count: total.unsigned_abs(), items: rows.into_iter().map(guest).collect() })
}

/// Returns one guest, if it exists.
pub fn find_guest(read: &mut Snapshot<'_>, id: GuestId) -> QueryResult<Option<Guest>> {
    read.table(EVENTS)?;
    get_guest(read.row(GUESTS, id.get())?, id)
}

/// Returns the same as [`find_guest`], within a write transaction.
pub fn get_guest(conn: &mut Conn, id: GuestId) -> QueryResult<Option<Guest>> {
    let row = guests::table
        .inner_join(events::table)
        .filter(guests::id.eq(id.get()))
        .select((GUEST_COLUMNS, events::all_columns))
        .first::<GuestRow>(conn)
        .optional()?;
    Ok(row.map(guest))
}

/// Returns a part of the events on `day` or later, the next one first, with their numbers of guests.
///
/// `from` is the first moment of that day in the shop's time zone, for events that have a time.
pub fn coming(
    read: &mut Snapshot<'_>,
    day: PrimitiveDateTime,
    from: PrimitiveDateTime,
    range: Range,
) -> QueryResult<Part<Coming>> {
    read.table(GUESTS)?;
    let conn = read.table(EVENTS)?;
    // The first condition is the one that the index answers.
    let is_coming = events::starts_at
        .ge(day.min(from))
        .and(events::is_date.eq(false).or(events::starts_at.ge(day)))
        .and(events::is_date.eq(true).or(events::starts_at.ge(from)));
    let total: i64 = events::table.filter(is_coming).count().get_result(conn)?;
    let rows: Vec<(EventRow, i64)> = events::table
        .left_join(guests::table)
        .filter(is_coming)
        .group_by(events::id)
        .select((events::all_columns, count(guests::id.nullable())))
        .order((events::starts_at, events::id))
        .offset(as_i64(range.offset))
        .limit(as_i64(range.limit))
        .load(conn)?;
    let coming = |(row, guests): (EventRow, i64)| Coming {
        event: event(row),
        guests: guests.unsigned_abs(),
    };
    Ok(Part { count: total.unsigned_abs(), items: rows.into_iter().map(coming).collect() })
}

/// Returns a part of all events, the last added first.
pub fn latest_events(read: &mut Snapshot<'_>, range: Range) -> QueryResult<Part<Event>> {
    let conn = read.table(EVENTS)?;
    let total: i64 = events::table.count().get_result(conn)?;
    let rows: Vec<EventRow> = events::table
        .order(events::id.desc())
        .offset(as_i64(range.offset))
        .limit(as_i64(range.limit))
        .load(conn)?;
    Ok(Part { count: total.unsigned_abs(), items: rows.into_iter().map(event).collect() })
}

/// Returns a part of the guests of all events, the last added first.
pub fn latest_guests(read: &mut Snapshot<'_>, range: Range) -> QueryResult<Part<Guest>> {
    read.table(EVENTS)?;
    let conn = read.table(GUESTS)?;
    let all = guests::table.inner_join(events::table);
    let total: i64 = all.count().get_result(conn)?;
    let rows: Vec<GuestRow> = all
        .select((GUEST_COLUMNS, events::all_columns))
        .order(guests::id.desc())
        .offset(as_i64(range.offset))
        .limit(as_i64(range.limit))
        .load(conn)?;
    Ok(Part { count: total.unsigned_abs(), items: rows.into_iter().map(guest).collect() })
}

/// Locks an event until the transaction ends.
pub fn lock_event(conn: &mut Conn, id: EventId) -> QueryResult<()> {
    // SQLite runs one write transaction at a time.
    let Conn::Postgres(postgres) = conn else { return Ok(()) };
    let lock = "SELECT id FROM events WHERE id = $1 FOR UPDATE";
    diesel::sql_query(lock).bind::<BigInt, _>(id.get()).execute(postgres).map(|_| ())
}

/// Locks a guest, its event and its new event until the transaction ends.
///
/// Locks events before guests and in the order of their numbers, as deletions of events do, so that these
/// transactions cannot deadlock.
pub fn lock_guest(conn: &mut Conn, id: GuestId, event: Option<EventId>) -> QueryResult<()> {
    let Conn::Postgres(postgres) = conn else { return Ok(()) };
    let lock = "SELECT id FROM events \
                WHERE id = $2 OR id = (SELECT event_id FROM guests WHERE id = $1) \
                ORDER BY id FOR SHARE";
    diesel::sql_query(lock)
        .bind::<BigInt, _>(id.get())
        .bind::<BigInt, _>(event.map_or(0, EventId::get))
        .execute(postgres)?;
    let lock = "SELECT id FROM guests WHERE id = $1 FOR UPDATE";
    diesel::sql_query(lock).bind::<BigInt, _>(id.get()).execute(postgres).map(|_| ())
}

/// Adds an event and returns its id.
pub fn insert_event(conn: &mut Conn, new: &NewEvent) -> QueryResult<EventId> {
    let insert = diesel::insert_into(events::table).values(EventValues::of(new));
    insert.returning(events::id).get_result(conn).map(EventId::new)
}

/// Replaces the fields of an event.
pub fn update_event(conn: &mut Conn, id: EventId, changes: &NewEvent) -> QueryResult<()> {
    let update = diesel::update(events::table.find(id.get())).set(EventValues::of(changes));
    update.execute(conn).map(|_| ())
}

/// Deletes an event with its guests.
pub fn delete_event(conn: &mut Conn, id: EventId) -> QueryResult<()> {
    diesel::delete(events::table.find(id.get())).execute(conn).map(|_| ())
}

/// Adds a guest and returns its id.
pub fn insert_guest(conn: &mut Conn, new: &NewGuest) -> QueryResult<GuestId> {
    let insert = diesel::insert_into(guests::table).values(GuestValues::of(new));
    insert.returning(guests::id).get_result(conn).map(GuestId::new)
}

/// Replaces the fields of a guest.
pub fn update_guest(conn: &mut Conn, id: GuestId, changes: &NewGuest) -> QueryResult<()> {
    let update = diesel::update(guests::table.find(id.get())).set(GuestValues::of(changes));
    update.execute(conn).map(|_| ())
}

/// Deletes a guest.
pub fn delete_guest(conn: &mut Conn, id: GuestId) -> QueryResult<()> {
    diesel::delete(guests::table.find(id.get())).execute(conn).map(|_| ())
}

/// Adds many events.
pub fn insert_events(conn: &mut Conn, new: &[NewEvent]) -> QueryResult<()> {
    let rows: Vec<EventValues<'_>> = new.iter().map(EventValues::of).collect();
    insert_all!(conn, events::table, rows)
}

/// Adds many guests.
pub fn insert_guests(conn: &mut Conn, new: &[NewGuest]) -> QueryResult<()> {
    let rows: Vec<GuestValues<'_>> = new.iter().map(GuestValues::of).collect();
    insert_all!(conn, guests::table, rows)
}

/// Returns the ids of at most `limit` events that were added last.
pub fn latest(conn: &mut Conn, limit: u64) -> QueryResult<Vec<EventId>> {
    let ids = events::table.select(events::id).order(events::id.desc()).limit(as_i64(limit));
    Ok(ids.load(conn)?.into_iter().map(EventId::new).collect())
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = events)]
struct EventValues<'e> {
    name: &'e str,
    starts_at: PrimitiveDateTime,
    is_date: bool,
    location: &'e str,
    description: &'e str,
}

impl<'e> EventValues<'e> {
    fn of(new: &'e NewEvent) -> Self {
        Self {
            name: &new.name,
            starts_at: new.date.at.to_primitive(),
            is_date: new.date.is_date,
            location: &new.location,
            description: &new.description,
        }
    }
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = guests)]
struct GuestValues<'g> {
    event_id: i64,
    name: &'g str,
    email: &'g str,
}

impl<'g> GuestValues<'g> {
    fn of(new: &'g NewGuest) -> Self {
        Self { event_id: new.event.get(), name: &new.name, email: &new.email }
    }
}

/// Converts to the signed numbers of the databases. A larger number exceeds every row count anyway.
fn as_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
