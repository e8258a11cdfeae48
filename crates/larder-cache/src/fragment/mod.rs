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
//! Source: Django's `{% cache %}`. Instead of Django's `using=`, a page is rendered with another
//! [`Cache`].

mod declaration;
mod personal;
mod prefetched;
#[cfg(feature = "askama")]
mod template;

use std::panic::Location;

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

    /// Deletes a fragment in both tiers; reports whether it was stored.
    ///
    /// # Errors
    /// Those of [`Cache::delete`].
    pub async fn delete_fragment(&self, fragment: Fragment) -> Result<bool, Error> {
        self.delete::<Html>(&fragment.key()).await
    }
}

#[cfg(test)]
mod tests;
