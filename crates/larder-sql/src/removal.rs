//! Deletes from the cache by changing stamps in the database.
//!
//! So a deletion reaches every instance ([`larder_cache::event::Removal`]).

use std::panic::Location;
use std::sync::Arc;

use larder_cache::Tag;
use larder_cache::stamps::{Current, Invalidation, StampSource, StampsUnavailable};
use tokio::sync::OnceCell;

use crate::db::{Db, Origin, Url};
use crate::stamps;

/// A source of stamps that can also change them.
pub(super) struct Movable {
    versions: Arc<dyn StampSource>,
    url: Url,
    /// Opened when stamps are first changed: a process that only reads needs no writer.
    db: OnceCell<Db>,
}

impl Movable {
    /// Wraps the source of the database at `url`; `db` is that database if it is open already.
    pub fn new(versions: Arc<dyn StampSource>, url: Url, db: Option<Db>) -> Self {
        Self { versions, url, db: OnceCell::new_with(db) }
    }

    async fn db(&self) -> Result<&Db, StampsUnavailable> {
        let open = async || {
            let url = self.url.clone();
            let opened = tokio::task::spawn_blocking(move || Db::open(&url)).await;
            opened.map_err(|error| error.to_string()).flatten()
        };
        self.db.get_or_try_init(open).await.map_err(StampsUnavailable)
    }
}

impl StampSource for Movable {
    fn current(&self) -> Current {
        self.versions.current()
    }

    fn is_shared(&self) -> bool {
        self.versions.is_shared()
    }

    fn invalidate(&self, tags: Vec<Tag>) -> Invalidation<'_> {
        Box::pin(async move {
            let origin = Origin { caller: Location::caller(), purpose: None };
            let db = self.db().await?;
            let moved = db
                .write(origin, move |conn| tags.iter().try_for_each(|tag| stamps::bump(conn, tag)));
            let unmoved =
                |error| StampsUnavailable(format!("the database refused the write: {error}"));
            moved.await.map_err(unmoved)
        })
    }
}
