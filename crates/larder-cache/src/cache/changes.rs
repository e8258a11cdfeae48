//! What loads read and what writes change, reported by the application itself.

use super::Cache;
use crate::dependencies::Dependencies;
use crate::error::Error;
use crate::tag::Tag;
use crate::tracking;

impl Cache {
    /// Records that the current load reads the data of `tags`.
    ///
    /// Call it in a load, before the data is read. The stamps are those at the beginning of the build, so a
    /// change in between makes the result stale. Adapters of databases do this by themselves
    /// ([`tracking::record`](crate::tracking::record)).
    pub fn reads(&self, tags: &[Tag]) {
        let Some(pinned) = tracking::pinned() else { return };
        let mut dependencies = Dependencies::default();
        for tag in tags {
            dependencies.add(tag.clone(), pinned.stamp(tag));
        }
        tracking::record(&dependencies);
    }

    /// Invalidates `tags`: afterwards every entry that depends on one of them is stale.
    ///
    /// It reaches all caches that share this one's [`StampSource`](crate::StampSource). Where triggers report writes, nothing
    /// needs to be called.
    ///
    /// # Errors
    /// If the stamps cannot be changed.
    pub async fn changed(&self, tags: &[Tag]) -> Result<(), Error> {
        Ok(self.0.versions.invalidate(tags.to_vec()).await?)
    }
}
