//! Deletes entries, in every instance.

use futures_util::future::OptionFuture;

use super::Cache;
use crate::entry::Body;
use crate::error::Error;
use crate::key::Key;
use crate::removal::Removal;
use crate::tier::shared::SharedTier;

impl Cache {
    /// Deletes every entry and value, with the reach of [`Cache::delete`]; foreign keys stay.
    ///
    /// A handle of [`Cache::scoped`] deletes those of its scope. Its entries are no longer found; they leave memory at
    /// their next lookup, and the store when their lifetimes end. What was built from them is stale.
    ///
    /// # Errors
    /// Those of [`Cache::delete`]. If the store does not answer, values may remain.
    pub async fn clear(&self) -> Result<(), Error> {
        if let Some(scope) = &self.scope {
            let deleted = Removal::Deleted.of_key(scope.tag.as_str());
            self.shared.versions.invalidate(vec![deleted, scope.tag.clone()]).await?;
            return scope.values.clear().await.map(drop);
        }
        self.shared.versions.invalidate(vec![Removal::Deleted.of_all()]).await?;
        let values = self.shared.values.clear().await.map(drop);
        let cleared = OptionFuture::from(self.shared.shared.as_ref().map(SharedTier::clear)).await;
        self.shared.local.clear();
        let failed = |source| Error::Store { store: "shared", source };
        values.and(cleared.transpose().map(drop).map_err(failed))
    }

    /// Deletes the entry under `key`, whose body is a `T`; reports whether it was stored.
    ///
    /// The deletion reaches all caches that share this one's [`StampSource`](crate::StampSource): with that of a
    /// database, every instance. A load of the entry that began before is neither stored nor handed
    /// to later callers. Entries that were built from it stay: to make data stale, invalidate its
    /// tag.
    ///
    /// # Errors
    /// If the stamps cannot be changed, nothing is deleted. If the shared store does not answer,
    /// the entry is deleted but may still occupy space there.
    pub async fn delete<T: Body>(&self, key: &Key) -> Result<bool, Error> {
        let key = &*self.own(key);
        self.shared.versions.invalidate(vec![Removal::Deleted.of_key(key.as_str())]).await?;
        let shared = self.shared.shared.as_ref();
        let was_there = OptionFuture::from(shared.map(|shared| shared.delete::<T>(key))).await;
        let was_here = self.shared.local.remove(key);
        let failed = |source| Error::Store { store: "shared", source };
        Ok(was_there.transpose().map_err(failed)?.unwrap_or_default() || was_here)
    }
}
