//! Gives the cache the secret of the database, and replaces it when the database has another one.
//!
//! - The secret has a stamp as all data have. Stamps are returned only after the secret of the same
//!   moment was read: entries sealed under an older secret are misses from then on.
//! - Where its row is missing nothing is shared: this process then has a secret that no other has.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use diesel::QueryResult;
use larder_cache::stamps::{Current, Invalidation, Stamps, StampsResult, StampsUnavailable};
use larder_cache::{Secret, Stamp, StampSource, Tag};

use crate::db::{Conn, Db, Error, LOCK_TIMEOUT, Role, Url, secret, transaction};
use crate::driver::now;
use crate::stamps;
use crate::table::Table;

/// The table of the secret: its triggers report that it was replaced.
pub const SECRET: Table = Table::named("cache_secret");

/// The secret of one database, kept up to date.
#[derive(Clone)]
pub struct Keeper(Arc<Kept>);

struct Kept {
    url: Url,
    secret: Secret,
    /// The stamp of the secret. Locked while the secret is read, so that other callers wait for it.
    stamp: tokio::sync::Mutex<Stamp>,
    /// The id of the last stamps for which the secret was found up to date; 0 for none.
    seen: AtomicU64,
}

impl Keeper {
    /// Reads the secret of the migrated database at `url`.
    ///
    /// # Errors
    /// One sentence, if it cannot be read.
    pub fn open(url: &Url) -> Result<Self, String> {
        let (bytes, stamp) = read(url)?;
        let secret = Secret::random();
        take(&secret, bytes);
        let stamp = tokio::sync::Mutex::new(stamp);
        Ok(Self(Arc::new(Kept { url: url.clone(), secret, stamp, seen: AtomicU64::new(0) })))
    }

    /// Returns a handle to the secret, which is kept up to date.
    pub fn secret(&self) -> &Secret {
        &self.0.secret
    }

    /// Wraps `versions`: a replaced secret is read before stamps are returned.
    pub fn around(&self, versions: Arc<dyn StampSource>) -> Arc<dyn StampSource> {
        Arc::new(Watching { keeper: self.clone(), versions })
    }

    /// Makes sure that the secret is that of this stamp, or of a later one.
    async fn keep_up(&self, wanted: Stamp) -> Result<(), StampsUnavailable> {
        let mut stamp = self.0.stamp.lock().await;
        if *stamp == wanted {
            return Ok(());
        }
        let url = self.0.url.clone();
        let read = tokio::task::spawn_blocking(move || read(&url)).await;
        let (bytes, now) = read
            .map_err(|error| StampsUnavailable(error.to_string()))?
            .map_err(StampsUnavailable)?;
        take(&self.0.secret, bytes);
        *stamp = now;
        tracing::info!("the secret of the cache was replaced");
        Ok(())
    }
}

/// A source of stamps that checks whether the secret was replaced.
struct Watching {
    keeper: Keeper,
    versions: Arc<dyn StampSource>,
}

impl Watching {
    /// Returns the stamps, after the secret is up to date with them.
    async fn kept_up(keeper: Keeper, current: StampsResult) -> StampsResult {
        let current = current?;
        keeper.keep_up(current.stamp(&SECRET.tag())).await?;
        Ok(current)
    }
}

impl StampSource for Watching {
    fn current(&self) -> Current {
        let Keeper(kept) = &self.keeper;
        match self.versions.current() {
            // As for most requests: the stamps are those of the last one.
            Current::Ready(Ok(current)) if kept.seen.load(Ordering::Relaxed) == current.id() => {
                Current::Ready(Ok(current))
            }
            Current::Ready(Ok(current)) => {
                let wanted = current.stamp(&SECRET.tag());
                match kept.stamp.try_lock() {
                    Ok(stamp) if *stamp == wanted => {
                        kept.seen.store(current.id(), Ordering::Relaxed);
                        Current::Ready(Ok(current))
                    }
                    _ => {
                        Current::Pending(Box::pin(Self::kept_up(self.keeper.clone(), Ok(current))))
                    }
                }
            }
            Current::Ready(off) => Current::Ready(off),
            Current::Pending(soon) => {
                let keeper = self.keeper.clone();
                Current::Pending(Box::pin(async { Self::kept_up(keeper, soon.await).await }))
            }
        }
    }

    fn is_shared(&self) -> bool {
        self.versions.is_shared()
    }

    fn invalidate(&self, tags: Vec<Tag>) -> Invalidation<'_> {
        self.versions.invalidate(tags)
    }

    fn outdated(&self, stamps: &Stamps) {
        self.versions.outdated(stamps);
    }
}

/// Replaces the secret by a random one, and makes every entry stale.
///
/// That includes entries that processes took from the shared store and have in memory.
///
/// # Errors
/// Those of the database; nothing is changed then.
pub fn rotate(db: &Db) -> Result<(), Error> {
    db.write_now(|conn| {
        secret::replace(conn)?;
        now(stamps::bump(conn, &[Tag::EVERYTHING]))
    })
}

/// Returns the secret and its stamp, both from the same moment.
fn read(url: &Url) -> Result<(Option<[u8; secret::BYTES]>, Stamp), String> {
    let failed = |error: String| format!("cannot read the secret of the cache: {error}");
    let mut conn =
        Conn::open(url, Role::Reader, LOCK_TIMEOUT).map_err(|error| failed(error.to_string()))?;
    let found = transaction::read(&mut conn, |conn| -> QueryResult<_> {
        let stamp = now(stamps::of(conn, &[SECRET.tag()]))?.pop();
        Ok((secret::read(conn)?, stamp.map(|(_, stamp)| stamp).unwrap_or_default()))
    });
    found.map_err(|error| failed(error.to_string()))
}

fn take(secret: &Secret, bytes: Option<[u8; secret::BYTES]>) {
    match bytes {
        Some(bytes) => secret.replace(&bytes),
        None => {
            tracing::error!(
                "the database has no secret, so nothing is shared; `larder secret rotate` creates one"
            );
            secret.forget();
        }
    }
}
