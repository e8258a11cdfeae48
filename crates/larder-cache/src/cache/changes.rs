//! What loads read and what writes change, reported by the application itself.

use std::time::Duration;

use tokio::time::Instant;

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

    /// Limits how long what is being built is fresh, for a load that finds it out, as from an upstream's `max-age`.
    ///
    /// Call it in a load. The policy's lifetime stays the upper limit. What is built from the result is fresh for no
    /// longer.
    pub fn expires_in(&self, lifetime: Duration) {
        let mut dependencies = Dependencies::default();
        if let Some(end) = Instant::now().checked_add(lifetime) {
            dependencies.expires_by(end);
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
        Ok(self.shared.versions.invalidate(tags.to_vec()).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Key, Policy};

    #[tokio::test(start_paused = true)]
    async fn a_load_shortens_the_lifetime_of_its_result_and_of_all_that_is_built_from_it() {
        let seconds = Duration::from_secs;
        let (cache, hour) = (Cache::in_memory(), Policy::fresh_for(seconds(3600)));
        let rate = async |value: u32| {
            let load = async || {
                cache.expires_in(seconds(60));
                cache.expires_in(Duration::MAX);
                value
            };
            *cache.get_or_load(&Key::named("rate").build(), &hour, load).await
        };
        let price = async |value: u32| {
            let load = async || 10 * rate(value).await;
            *cache.get_or_load(&Key::named("price").build(), &hour, load).await
        };
        assert_eq!(price(1).await, 10);
        tokio::time::advance(seconds(59)).await;
        assert_eq!(price(2).await, 10);
        tokio::time::advance(seconds(2)).await;
        assert_eq!(price(3).await, 30);
    }
}
