//! Handles to a scope of the cache.

use std::borrow::Cow;
use std::sync::Arc;

use super::Cache;
use crate::dependencies::Dependencies;
use crate::key::Key;
use crate::removal::Epoch;
use crate::scope::Scope;
use crate::stamps::Stamps;
use crate::tag::Tag;

impl Cache {
    /// Returns a handle to a part of the cache: with its own keys, values, tag and [`Cache::clear`].
    ///
    /// A scope within a scope has both names.
    ///
    /// ```
    /// # use std::time::Duration;
    /// use larder_cache::{Cache, Key, Policy};
    ///
    /// # const HOUR: Policy = Policy::fresh_for(Duration::from_secs(3600));
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let cache = Cache::in_memory();
    /// let key = Key::named("plan").build();
    /// let (ann, ben) = (cache.scoped("ann"), cache.scoped("ben"));
    /// assert_eq!(*ann.get_or_load(&key, &HOUR, async || 1).await, 1);
    /// assert_eq!(*ben.get_or_load(&key, &HOUR, async || 2).await, 2);
    /// ann.clear().await?;
    /// assert_eq!(*ann.get_or_load(&key, &HOUR, async || 3).await, 3);
    /// assert_eq!(*ben.get_or_load(&key, &HOUR, async || 4).await, 2);
    /// # Ok::<(), larder_cache::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn scoped(&self, name: &str) -> Self {
        let name = match &self.scope {
            Some(outer) => format!("{}/{name}", outer.name),
            None => name.to_owned(),
        };
        let (tag, values) = (Tag::from(format!("!scope:{name}")), self.shared.values.scoped(&name));
        Self { shared: self.shared.clone(), scope: Some(Arc::new(Scope { name, tag, values })) }
    }

    /// Returns the key in the scope of this handle.
    pub(crate) fn own<'k>(&self, key: &'k Key) -> Cow<'k, Key> {
        match &self.scope {
            Some(scope) => Cow::Owned(key.within(&scope.name)),
            None => Cow::Borrowed(key),
        }
    }

    /// Returns the epoch of a key in the scope of this handle.
    pub(super) fn epoch(&self, key: &Key, current: &Stamps) -> Epoch {
        Epoch::of(key, self.scope.as_ref().map(|scope| &scope.tag), current.epochs())
    }

    /// Makes what was built from `current` depend on the scope of this handle.
    pub(super) fn add_scope(&self, dependencies: &mut Dependencies, current: &Stamps) {
        if let Some(scope) = &self.scope {
            dependencies.add(scope.tag.clone(), current.stamp(&scope.tag));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Policy;
    use crate::fragment::{Digest, Fragment, Html};

    const HOUR: Policy = Policy::fresh_for(Duration::from_secs(3600));

    async fn loaded(cache: &Cache, name: &'static str, value: u32) -> u32 {
        *cache.get_or_load(&Key::named(name).part("page", 1).build(), &HOUR, async || value).await
    }

    #[tokio::test]
    async fn a_scope_shares_no_entry_and_no_value_with_another_or_with_the_whole() {
        let cache = Cache::in_memory();
        let scopes =
            [&cache, &cache.scoped("a"), &cache.scoped("b"), &cache.scoped("a").scoped("b")];
        for (scope, value) in scopes.into_iter().zip(0..) {
            assert_eq!(loaded(scope, "plan", value).await, value);
            assert!(scope.values().add("visits", &value, HOUR.lifetime()).await.unwrap());
            let fragment = Fragment::new("test.plan", Digest::of(b"1"), HOUR);
            let render = || Html::from_escaped(value.to_string());
            let html = scope.fragment(fragment, render).await.unwrap();
            assert_eq!(html.as_str(), value.to_string());
        }
        let key = Key::named("plan").part("page", 1).build();
        assert!(cache.scoped("b").delete::<u32>(&key).await.unwrap());
        let again = async |scope: &Cache| loaded(scope, "plan", 9).await;
        assert_eq!(
            [again(scopes[1]).await, again(scopes[2]).await, again(scopes[3]).await],
            [1, 9, 3]
        );
    }

    #[tokio::test]
    async fn clearing_a_scope_leaves_the_others_and_reaches_what_was_built_from_it() {
        let cache = Cache::in_memory();
        let (ann, ben) = (cache.scoped("ann"), cache.scoped("ben"));
        let sum = async |value: u32| {
            let load =
                async || loaded(&ann, "plan", value).await + loaded(&ben, "plan", value).await;
            *cache.get_or_load(&Key::named("sum").build(), &HOUR, load).await
        };
        for scope in [&ann, &ben] {
            scope.values().set("visits", &1, HOUR.lifetime()).await.unwrap();
        }
        assert_eq!([sum(1).await, sum(2).await], [2, 2]);
        ann.clear().await.unwrap();
        assert_eq!([sum(3).await, loaded(&ben, "plan", 3).await], [4, 1]);
        assert_eq!(ann.values().get::<u32>("visits").await.unwrap(), None);
        assert_eq!(ben.values().get::<u32>("visits").await.unwrap(), Some(1));
        cache.clear().await.unwrap();
        assert_eq!([sum(5).await, loaded(&ben, "plan", 6).await], [10, 5]);
        assert_eq!(ben.values().get::<u32>("visits").await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_handle_of_a_moment_waits_for_a_load_of_another() {
        let cache = Cache::in_memory();
        let slow = async || {
            tokio::task::yield_now().await;
            1
        };
        let key = Key::named("plan").build();
        let (one, other) = (cache.scoped("ann"), cache.scoped("ann"));
        let load = async || panic!("it is being loaded");
        let both =
            tokio::join!(one.get_or_load(&key, &HOUR, slow), other.get_or_load(&key, &HOUR, load));
        assert_eq!((*both.0, *both.1), (1, 1));
    }
}
