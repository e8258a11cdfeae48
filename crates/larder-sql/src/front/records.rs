//! The table of what was purged: for each front and tag the stamp, and when it is to be purged again.

use std::collections::BTreeMap;
use std::time::Duration;

use larder_cache::Tag;
use larder_cache::stamps::Stamps;

use crate::driver::{Dialect, Driver, number};

const CREATE: &str = "CREATE TABLE IF NOT EXISTS cache_purged (\
    front text NOT NULL, tag text NOT NULL, stamp bigint NOT NULL, again bigint NOT NULL, PRIMARY KEY (front, tag))";

/// The longest time that a request and its record take. After it another instance may claim the front.
const CLAIM: Duration = Duration::from_secs(30);

const READ: &str = "SELECT tag, stamp, again FROM cache_purged WHERE front = $1";

const WRITE: &str = "\
    INSERT INTO cache_purged VALUES ($1, $2, CAST($3 AS bigint), CAST($4 AS bigint)) \
    ON CONFLICT (front, tag) DO UPDATE SET stamp = excluded.stamp, again = excluded.again RETURNING tag, stamp, again";

/// The claim is the row without a tag. It is free once its time has passed, and counts how often it was taken.
///
/// It is free, too, if its time is further off than any claim's: then the clock was set back.
const TAKE: &str = "\
    INSERT INTO cache_purged VALUES ($1, '', 1, CAST($2 AS bigint)) \
    ON CONFLICT (front, tag) DO UPDATE SET stamp = cache_purged.stamp + 1, again = excluded.again \
    WHERE cache_purged.again <= CAST($3 AS bigint) OR cache_purged.again > excluded.again \
    RETURNING tag, stamp, again";

/// Another instance has the claim, and has counted it, if this one took longer than its time.
const FREE: &str = "\
    UPDATE cache_purged SET again = 0 WHERE front = $1 AND tag = '' AND stamp = CAST($2 AS bigint) \
    RETURNING tag, stamp, again";

/// What was purged of one tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    /// The id of the stamp that the tag had.
    stamp: i64,
    /// When it is to be purged again, in milliseconds by the clock of the database; 0 for never.
    again: i64,
}

/// Creates the table, unless it is there.
pub(super) async fn create<D: Driver>(conn: &mut D) -> Result<(), D::Error> {
    // Postgres asks for the right to create it even if it is there.
    if is_there(conn).await? {
        return Ok(());
    }
    match conn.run(CREATE).await {
        // Another instance may have created it at the same time.
        Err(error) if !is_there(conn).await? => Err(error),
        _ => Ok(()),
    }
}

async fn is_there<D: Driver>(conn: &mut D) -> Result<bool, D::Error> {
    let question = match conn.dialect() {
        Dialect::Sqlite => "SELECT '', count(*), 0 FROM sqlite_master WHERE name = 'cache_purged'",
        Dialect::Postgres => {
            "SELECT '', (to_regclass('cache_purged') IS NOT NULL)::int::bigint, 0::bigint"
        }
    };
    Ok(number(conn, question, &[]).await? == 1)
}

/// Returns the time by the clock of the database, in milliseconds, which all instances share.
async fn clock<D: Driver>(conn: &mut D) -> Result<i64, D::Error> {
    let question = match conn.dialect() {
        Dialect::Sqlite => {
            "SELECT '', CAST((julianday('now') - 2440587.5) * 86400000 AS integer), 0"
        }
        Dialect::Postgres => {
            "SELECT '', (extract(epoch FROM clock_timestamp()) * 1000)::bigint, 0::bigint"
        }
    };
    number(conn, question, &[]).await
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// What is to be purged.
#[derive(Debug)]
pub(super) struct Plan {
    /// The tags, with the stamps to remember.
    tags: BTreeMap<Tag, Record>,
    /// When the database was asked.
    now: i64,
    /// When something is to be purged again.
    again: Option<i64>,
    claims: i64,
    is_whole: bool,
}

impl Plan {
    /// Compares the stamps `current`, which were read before, with those that were purged.
    ///
    /// Everything is to be purged if there were fewer claims than `claims`, or if that is `None`.
    pub(super) async fn read<D: Driver>(
        conn: &mut D,
        front: &str,
        current: &Stamps,
        claims: Option<i64>,
    ) -> Result<Self, D::Error> {
        let now = clock(conn).await?;
        let rows = conn.rows(READ, &[front]).await?.into_iter();
        let known = rows.map(|(tag, stamp, again)| (Tag::from(tag), Record { stamp, again }));
        Ok(Self::of(current, known.collect(), now, claims))
    }

    fn of(current: &Stamps, mut known: BTreeMap<Tag, Record>, now: i64, last: Option<i64>) -> Self {
        let claims = known.remove(&CLAIMED).map_or(0, |claim| claim.stamp);
        let is_whole = last.is_none_or(|last| claims < last);
        let is_due = |record: &Record| record.again != 0 && record.again <= now;
        let changed = |tag: &Tag, record: Option<&Record>| {
            // Lossless: the bits are what counts.
            let stamp = Stamps::id_of(current.stamp(tag)) as i64;
            let is_known = record.is_some_and(|record| record.stamp == stamp);
            let is_purged = is_known && !(is_whole && *tag == Tag::EVERYTHING);
            (!is_purged).then_some((tag.clone(), Record { stamp, again: i64::MAX }))
        };
        let everything = Tag::EVERYTHING;
        let all = current.stamps().map(|(tag, _)| tag).chain(known.keys()).chain([&everything]);
        let all = all.filter(|tag| **tag != Tag::ANY);
        let mut tags: BTreeMap<Tag, Record> =
            all.filter_map(|tag| changed(tag, known.get(tag))).collect();
        for (tag, record) in &known {
            if is_due(record) {
                tags.entry(tag.clone()).or_insert(*record);
            }
        }
        let again = known.values().map(|record| record.again).filter(|again| *again > now).min();
        Self { tags, now, again, claims, is_whole }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tags.is_empty()
    }

    /// Reports whether everything is to be purged, whatever was purged before.
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Returns how often the front was claimed.
    pub(super) fn claims(&self) -> i64 {
        self.claims
    }

    pub(super) fn has(&self, tag: &Tag) -> bool {
        self.tags.contains_key(tag)
    }

    pub(super) fn tags(&self) -> impl Iterator<Item = &Tag> {
        self.tags.keys()
    }

    /// Returns how long after it was read something is to be purged again.
    pub(super) fn next(&self) -> Option<Duration> {
        let wait = self.again? - self.now;
        Some(Duration::from_millis(u64::try_from(wait).unwrap_or_default()))
    }

    /// Returns what to remember once `tags` were purged: what has changed is purged again after `settle`.
    pub(super) fn purged(&self, tags: &[&Tag], settle: Duration) -> Vec<(Tag, Record)> {
        let remembered = |tag: &&Tag| {
            let Record { stamp, again } = *self.tags.get(*tag)?;
            let again = if again == i64::MAX { self.now + millis(settle) } else { 0 };
            Some(((*tag).clone(), Record { stamp, again }))
        };
        tags.iter().filter_map(remembered).collect()
    }
}

/// The right of this instance to purge a front for a while.
pub(super) struct Claim<'f> {
    front: &'f str,
    number: i64,
}

/// The tag of the row that is the claim.
const CLAIMED: Tag = Tag::named("");

impl<'f> Claim<'f> {
    /// Claims the front; returns `None` while another instance purges it.
    pub(super) async fn take<D: Driver>(
        conn: &mut D,
        front: &'f str,
    ) -> Result<Option<Self>, D::Error> {
        let now = clock(conn).await?;
        let texts = [front, &(now + millis(CLAIM)).to_string(), &now.to_string()];
        let taken = conn.rows(TAKE, &texts).await?.pop();
        Ok(taken.map(|(_, number, _)| Self { front, number }))
    }

    /// Remembers what was purged and ends the claim, both or neither.
    pub(super) async fn end<D: Driver>(
        self,
        conn: &mut D,
        purged: &[(Tag, Record)],
    ) -> Result<(), D::Error> {
        conn.run(match conn.dialect() {
            Dialect::Sqlite => "BEGIN IMMEDIATE",
            Dialect::Postgres => "BEGIN",
        })
        .await?;
        for (tag, Record { stamp, again }) in purged {
            let texts = [self.front, tag.as_str(), &stamp.to_string(), &again.to_string()];
            conn.rows(WRITE, &texts).await?;
        }
        conn.rows(FREE, &[self.front, &self.number.to_string()]).await?;
        conn.run("COMMIT").await
    }
}
