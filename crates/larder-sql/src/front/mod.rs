//! Purges caches in front of the site when stamps change, whatever process wrote.
//!
//! - A thread for each front compares the current stamps with those that were purged there, which the table `cache_purged`
//!   remembers. So nothing is lost when the front does not answer, or the process dies.
//! - A stamp is remembered after the front has answered 2xx, and was read before the request was sent. So a remembered
//!   stamp always means that a purge came after the change, in whatever order instances write.
//! - What was purged is purged once more, later: an answer that was built before the change may have been on its way
//!   ([`LONGEST_ANSWER`]). The table remembers that, too.
//! - One instance purges at a time: the row without a tag is its claim, for as long as a request may take. It saves
//!   requests, and what is right does not depend on it.
//! - Where the tag of everything has changed, as after a change of the schema, its key alone is purged, which all pages
//!   have. So it is when a process starts, since another build's pages may look different; and when a backup of the
//!   database was restored, which the count of claims shows.

mod address;
mod meter;
#[cfg(all(test, feature = "sqlite"))]
mod recorder;
mod records;
#[cfg(all(test, feature = "sqlite"))]
mod tests;

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use larder_cache::front::{LONGEST_ANSWER, Purges, keys};
use larder_cache::{StampSource, Tag};
use tokio::runtime::{self, Runtime};

pub use self::address::Address;
use self::meter::Meter;
use self::records::{Claim, Plan, Record};
#[cfg(feature = "diesel")]
use crate::db::Url;
use crate::driver::Connect;
use crate::freshness::{Freshness, strictly};

/// How often stamps are compared, and so the pause between two purges.
const PAUSE: Duration = Duration::from_millis(100);

/// The longest pause after failures. What changes meanwhile is noticed later.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The most keys of one request. Cloudflare takes 100 on every plan, Fastly 256, Varnish a header of 8 KiB.
const MOST_KEYS: usize = 100;

/// Purges while it lives.
#[derive(Debug)]
#[must_use = "nothing is purged after it is dropped"]
pub struct Purging {
    /// For each front, what ends its thread when it is dropped.
    fronts: Vec<(Sender<()>, Arc<Meter>)>,
}

impl Purging {
    /// Returns what became of the purges of each front, by this process.
    pub fn purges(&self) -> Vec<Purges> {
        self.fronts.iter().map(|(_, meter)| meter.read()).collect()
    }
}

/// Purges these fronts when stamps of the database at `url` change, until the result is dropped.
///
/// `stamps` are those that the cache was opened with, and `freshness` what they were opened with: a page may be so much
/// older when it leaves. Where the table `cache_purged` is missing, it is created.
///
/// # Errors
/// If a thread cannot be started.
#[cfg(feature = "diesel")]
pub fn purge(
    url: &Url,
    stamps: &Arc<dyn StampSource>,
    freshness: Freshness,
    fronts: &[Address],
) -> Result<Purging, String> {
    match url {
        Url::Sqlite(path) => start(crate::sqlite::File(path.clone()), stamps, freshness, fronts),
        Url::Postgres(_) => start(url.clone(), stamps, freshness, fronts),
    }
}

/// Starts a thread for each of `fronts`.
pub(crate) fn start<C: Connect>(
    database: C,
    stamps: &Arc<dyn StampSource>,
    freshness: Freshness,
    fronts: &[Address],
) -> Result<Purging, String> {
    let settle = 2 * LONGEST_ANSWER + freshness.bound().unwrap_or_default();
    let database = Arc::new(database);
    let start = |front: &Address| {
        let (database, source, front) = (database.clone(), stamps.clone(), front.clone());
        let meter = Arc::new(Meter::new(front.to_string()));
        let counted = meter.clone();
        let agent = front.agent().map_err(io::Error::other)?;
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let (end, ended) = channel();
        let thread = std::thread::Builder::new().name("larder-purge".into());
        thread.spawn(move || {
            let purger = Purger::new(database, source, (front, agent), settle, counted);
            purger.serve(&ended, &runtime);
        })?;
        Ok((end, meter))
    };
    let started: io::Result<Vec<_>> = fronts.iter().map(start).collect();
    let failed = |error| format!("cannot purge the caches in front: {error}");
    Ok(Purging { fronts: started.map_err(failed)? })
}

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// The front has all purges that are due.
    Wait,
    /// Something was purged, and there may be more.
    GoOn,
    /// Another instance purges.
    Busy,
}

/// The thread of one front.
struct Purger<C: Connect> {
    database: Arc<C>,
    source: Arc<dyn StampSource>,
    front: Address,
    agent: ureq::Agent,
    /// How long after a purge the same is purged again.
    settle: Duration,
    meter: Arc<Meter>,
    /// The connection, while there is more to purge.
    conn: Option<C::Conn>,
    /// The id of the stamps at which nothing was left to purge.
    seen: u64,
    /// When something is to be purged again.
    again: Option<Instant>,
    /// The number of claims when it looked last; `None` while everything is to be purged.
    claims: Option<i64>,
}

impl<C: Connect> Purger<C> {
    fn new(
        database: Arc<C>,
        source: Arc<dyn StampSource>,
        (front, agent): (Address, ureq::Agent),
        settle: Duration,
        meter: Arc<Meter>,
    ) -> Self {
        let (conn, seen, again, claims) = (None, 0, None, None);
        Self { database, source, front, agent, settle, meter, conn, seen, again, claims }
    }

    /// Purges until the other end of `ended` is dropped.
    fn serve(mut self, ended: &Receiver<()>, runtime: &Runtime) {
        let (mut pause, mut is_failing) = (PAUSE, false);
        while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(pause) {
            let next = runtime.block_on(strictly(self.look()));
            pause = match &next {
                Ok(Next::Wait | Next::Busy) => PAUSE,
                Ok(Next::GoOn) => Duration::ZERO,
                Err(_) => (2 * pause).clamp(PAUSE, LONGEST_PAUSE),
            };
            let front = &self.front;
            match next {
                Ok(Next::Busy) => {}
                Ok(_) if is_failing => {
                    is_failing = false;
                    tracing::info!(%front, "the cache in front is purged again");
                }
                Err(error) if !is_failing => {
                    is_failing = true;
                    tracing::error!(%front, error, "the cache in front is not purged");
                }
                _ => {}
            }
        }
    }

    /// Purges what has changed, as much as one request can.
    async fn look(&mut self) -> Result<Next, String> {
        let began = Instant::now();
        let next = self.compare().await;
        if next == Ok(Next::Wait) {
            self.meter.kept_up(began);
        }
        next
    }

    /// Compares the stamps with those that were purged, and has purged what differs.
    async fn compare(&mut self) -> Result<Next, String> {
        let current = self.source.current().get().await.map_err(text)?;
        let is_due = self.again.is_some_and(|at| at <= Instant::now());
        if self.conn.is_none() && !is_due && current.id() == self.seen {
            return Ok(Next::Wait);
        }
        // Closed on an early return, and where nothing is left to purge.
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => {
                let mut conn = self.database.connect().await?;
                records::create(&mut conn).await.map_err(text)?;
                conn
            }
        };
        let name = self.front.to_string();
        let plan = Plan::read(&mut conn, &name, &current, self.claims).await.map_err(text)?;
        if plan.is_empty() {
            self.claims = Some(plan.claims());
            self.seen = current.id();
            self.again = plan.next().map(|wait| Instant::now() + wait);
            return Ok(Next::Wait);
        }
        if plan.is_whole() {
            // Each try is counted: after some, the count is no lower than it was, and nothing has been purged.
            self.claims = None;
        }
        let Some(claim) = Claim::take(&mut conn, &name).await.map_err(text)? else {
            self.conn = Some(conn);
            return Ok(Next::Busy);
        };
        let sent = self.send(&mut conn, &name).await;
        let purged = sent.as_ref().map_or(&[][..], |(purged, _)| purged);
        claim.end(&mut conn, purged).await.map_err(text)?;
        self.claims = Some(sent?.1);
        self.conn = Some(conn);
        Ok(Next::GoOn)
    }

    /// Purges what one request can; returns what to remember, and the number of claims.
    async fn send(
        &self,
        conn: &mut C::Conn,
        name: &str,
    ) -> Result<(Vec<(Tag, Record)>, i64), String> {
        // Both are read again: another instance may have purged newer stamps before the claim.
        let current = self.source.current().get().await.map_err(text)?;
        let plan = Plan::read(conn, name, &current, self.claims).await.map_err(text)?;
        let (tags, keys) = batch(&plan);
        if !tags.is_empty() {
            let sent = self.front.purge(&self.agent, &keys);
            self.meter.count(&sent);
            sent?;
        }
        Ok((plan.purged(&tags, self.settle), plan.claims()))
    }
}

/// Returns what one request purges: tags, and their keys.
fn batch(plan: &Plan) -> (Vec<&Tag>, BTreeSet<String>) {
    if plan.has(&Tag::EVERYTHING) {
        return (plan.tags().collect(), keys(&Tag::EVERYTHING));
    }
    let (mut tags, mut all) = (Vec::new(), BTreeSet::new());
    for tag in plan.tags() {
        let more: BTreeSet<String> = all.union(&keys(tag)).cloned().collect();
        if more.len() > MOST_KEYS {
            break;
        }
        tags.push(tag);
        all = more;
    }
    (tags, all)
}

fn text(error: impl Display) -> String {
    error.to_string()
}
