//! Values that never leave this process, whose types serde does not need to know.

use std::any::Any;
use std::iter::repeat_n;
use std::panic::Location;
use std::sync::Arc;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Cache, Key, Policy};

/// The body of such an entry.
struct Unshared<T>(Arc<T>);

impl<T> Serialize for Unshared<T> {
    /// Serializes as many bytes as the value takes itself. They are counted, and never stored.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(repeat_n(0_u8, size_of::<T>()))
    }
}

impl<'de, T> Deserialize<'de> for Unshared<T> {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(D::Error::custom("it never leaves its process"))
    }
}

impl Cache {
    /// Does the same as [`Cache::get_or_set`] for a value that stays in this process, such as a compiled template.
    ///
    /// Its type needs no serde. It counts with its own size, without what it points to.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use larder_cache::{Cache, Key, Policy};
    /// # const HOUR: Policy = Policy::fresh_for(Duration::from_secs(3600));
    /// struct Compiled(Box<dyn Fn(u32) -> u32 + Send + Sync>);
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// # let cache = Cache::in_memory();
    /// let load = async || Ok::<_, std::io::Error>(Compiled(Box::new(|price| 2 * price)));
    /// let rule = cache.get_or_keep(&Key::named("rule").build(), &HOUR, load).await?;
    /// assert_eq!((rule.0)(21), 42);
    /// # Ok::<(), std::io::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// Those of `load`, unchanged.
    ///
    /// # Panics
    /// As [`Cache::get_or_set`].
    #[track_caller]
    pub fn get_or_keep<T: Any + Send + Sync, E>(
        &self,
        key: &Key,
        policy: &Policy,
        load: impl AsyncFnOnce() -> Result<T, E>,
    ) -> impl Future<Output = Result<Arc<T>, E>> {
        let (policy, caller) = (policy.local_only(), Location::caller());
        async move {
            let load = async || Ok(Unshared(Arc::new(load().await?)));
            let kept = self.get_or_set_at(key, &policy, load, caller).await?;
            Ok(kept.0.clone())
        }
    }
}
