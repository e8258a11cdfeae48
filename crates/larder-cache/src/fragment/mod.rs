//! Level two: parts of templates.
//!
//! ```jinja
//! {% filter cached(self.header()) %}<header>…</header>{% endfilter %}
//! ```
//!
//! - A fragment is declared once, by a method that returns its name, its values and its policy. The
//!   template, the prefetch and the deletion call the same method, so they cannot differ.
//! - Its body is rendered on a miss only: askama runs the body of a filter when it is displayed.
//! - Its key contains every value that it prints and the digest of its template, so a new build
//!   never serves an old build's fragment.
//! - An empty fragment is stored like any other.
//! - Rendering never waits: fragments are fetched before it and stored after it, in memory. Those
//!   that read data are also stored in the shared tier, from which a page fetches them in one round
//!   trip.
//! - A fragment within a fragment hands its lifetime and its tags outwards.
//! - A visitor's personal value cannot be printed into a shared fragment ([`Personal`]).
//!
//! [`Cache::render`] is enough for fragments that print only the values in their keys. The data of
//! a fragment that reads data is loaded before, and only if the fragment has to be built:
//!
//! ```text
//! let mut parts = cache.prefetch([Index::newest()]).await;
//! let newest = parts.load(Index::newest(), async || service::newest(&db).await).await?;
//! cache.render_with(&Index { newest }, parts)
//! ```
//!
//! Other template engines than askama call [`Cache::fragment`], or [`Cache::prefetch`] and [`Prefetched::show`] where a
//! fragment reads data.
//!
//! Source: Django's `{% cache %}`. Instead of Django's `using=`, a page is rendered with another
//! [`Cache`].

mod declaration;
mod personal;
mod prefetched;
#[cfg(feature = "askama")]
mod template;

use std::cell::Cell;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

pub use declaration::{Digest, Fragment};
pub use personal::Personal;
pub use prefetched::{Html, Prefetched};
#[cfg(feature = "askama")]
pub use template::{Fragments, filters};

use super::cache::Cache;
use super::error::Error;
use super::level::Level;

impl Cache {
    /// Fetches the valid fragments of a page, so that only the data of the others is loaded.
    #[track_caller]
    pub fn prefetch(
        &self,
        declared: impl IntoIterator<Item = Fragment>,
    ) -> impl Future<Output = Prefetched> {
        let caller = Location::caller();
        async move {
            match self.stamps_for(Level::Fragment).await {
                None => Prefetched::default(),
                Some(current) => Prefetched::fetch(self, current, declared, caller).await,
            }
        }
    }

    /// Returns the fragment from the cache, or else from `render`: for engines such as maud, minijinja and tera.
    ///
    /// Pass the engine its values within `render`: only there a [`Personal`] one is refused.
    ///
    /// ```
    /// # use std::time::Duration;
    /// use larder_cache::fragment::{Digest, Fragment, Html};
    /// use larder_cache::{Cache, Policy};
    ///
    /// const DAY: Policy = Policy::fresh_for(Duration::from_secs(86_400));
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// # let cache = Cache::in_memory();
    /// let header = Fragment::new("site.header", Digest::of(b"<h1>Teas</h1>"), DAY);
    /// let header = cache.fragment(header, || Html::from_escaped("<h1>Teas</h1>")).await?;
    /// assert_eq!(header.as_str(), "<h1>Teas</h1>");
    /// # Ok::<(), std::fmt::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// If a [`Personal`] value was rendered into a shared fragment.
    #[track_caller]
    pub fn fragment(
        &self,
        fragment: Fragment,
        render: impl FnOnce() -> Html,
    ) -> impl Future<Output = Result<Arc<Html>, fmt::Error>> {
        let prefetching = self.prefetch([fragment.clone()]);
        async move {
            let render = Cell::new(Some(render));
            let body = fmt::from_fn(|f| match render.take() {
                Some(render) => f.write_str(render().as_str()),
                None => Err(fmt::Error),
            });
            prefetching.await.show(fragment, body)
        }
    }

    /// Deletes a fragment in both tiers; reports whether it was stored.
    ///
    /// # Errors
    /// Those of [`Cache::delete`].
    pub async fn delete_fragment(&self, fragment: Fragment) -> Result<bool, Error> {
        self.delete::<Html>(&fragment.key()).await
    }
}

#[cfg(test)]
mod engine_tests;
#[cfg(test)]
mod tests;
