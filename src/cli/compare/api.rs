//! Measures what caching saves for the API's list of 1,000 events, and one query for all guests.

use std::time::Instant;

use time::OffsetDateTime;

use super::TURNS;
use super::contestant::{Contestant, Mode};
use super::result::{Api, Comparison, at, micros};
use crate::db::{Db, Migrate, Url};
use crate::events::model::{GuestId, Range};
use crate::events::{queries, service};

const EVENTS: &str = "/api/events?limit=1000";

/// How many events and how many guests there are.
const ROWS: u64 = 1_000;

/// The homepage gets this many times as many requests: the list takes longer.
const FEWER: u32 = 10;

/// How often the guests are read in each way.
const READS: usize = 5;

/// Measures the API on a temporary database.
pub async fn compare(requests: u32) -> Result<Api, String> {
    let folder = tempfile::Builder::new().prefix("larder-").tempdir();
    let folder = folder.map_err(|error| format!("cannot make a temporary folder: {error}"))?;
    let url = Url::Sqlite(folder.path().join("compare.sqlite3"));
    let db = Db::open(&url)?;
    fill(&db)?;
    let mut contestants = Vec::new();
    for mode in Mode::IN_MEMORY.into_iter().filter(|mode| mode.name != "fragments") {
        contestants.push(Contestant::open(mode, &url, EVENTS).await?);
    }
    let requests = (requests / FEWER).max(TURNS as u32);
    for _ in 0..TURNS {
        for contestant in &mut contestants {
            contestant.run(requests as usize / TURNS).await?;
        }
    }
    let described = "SQLite with 1,000 made-up events".to_owned();
    let events = Box::new(Comparison::of(described, requests, &contestants));
    for contestant in contestants {
        contestant.close().await;
    }
    let (guests_in_one_us, guests_one_by_one_us) = guests(&db)?;
    Ok(Api { events, guests_in_one_us, guests_one_by_one_us })
}

fn fill(db: &Db) -> Result<(), String> {
    db.migrate().map_err(|error| error.to_string())?;
    let today = OffsetDateTime::now_utc().date();
    let filled = service::fake_events(db, ROWS, today, |_| {})
        .and_then(|()| service::fake_guests(db, ROWS, |_| {}));
    filled.map(drop).map_err(|error| error.to_string())
}

/// Returns the median time to read all guests in one query, and in one query each, in µs.
fn guests(db: &Db) -> Result<(f64, f64), String> {
    let range = Range { limit: ROWS, offset: 0 };
    let (mut in_one, mut one_by_one) = (Vec::new(), Vec::new());
    for _ in 0..READS {
        let started = Instant::now();
        let part = db.read_now(|conn| queries::get_guests(conn, None, range));
        in_one.push(started.elapsed());
        let ids: Vec<GuestId> =
            part.map_err(|error| error.to_string())?.items.iter().map(|guest| guest.id).collect();
        let started = Instant::now();
        db.read_now(|conn| ids.iter().try_for_each(|id| queries::get_guest(conn, *id).map(drop)))
            .map_err(|error| error.to_string())?;
        one_by_one.push(started.elapsed());
    }
    in_one.sort_unstable();
    one_by_one.sort_unstable();
    Ok((micros(at(&in_one, 0.5)), micros(at(&one_by_one, 0.5))))
}
