//! Level two: parts of templates.
//!
//! ```jinja
//! {% filter cached(self.header()) %}<header>…</header>{% endfilter %}
//! ```
//!
//! - A fragment is declared once, by a method that says its name, what it prints and for how long;
//!   template, prefetch and deletion call the same method, so they cannot drift.
//! - Its body is rendered on a miss only: askama runs the body of a filter when it is displayed.
//! - Its key holds every value it prints and the digest of its template, so a new build never
//!   serves an old build's fragment.
//! - An empty fragment is kept like any other.
//! - Rendering never waits: fragments are fetched before and kept after, in memory; those that read data
//!   also in the shared store, from which all of a page come in one question.
//! - A fragment within a fragment hands its lifetime and its tags outwards.
//! - What is one visitor's own is not printed into a fragment for everybody ([`Personal`]).
//!
//! A fragment that prints no more than its key's values is looked up by [`Cache::render`]. One that reads
//! data has its data loaded before, and only if it is to be made:
//!
//! ```text
//! let mut parts = cache.prefetch([Index::newest()]).await;
//! let newest = parts.load(Index::newest(), async || service::newest(&db).await).await?;
//! cache.render_with(&Index { newest }, parts)
//! ```
//!
//! Source: Django's `{% cache %}`; another cache than the site's, Django's `using=`, is another
//! [`Cache`] to render with.

mod declaration;
mod personal;
mod prefetched;

use std::any::Any;
use std::fmt::Display;
use std::panic::Location;
use std::sync::Arc;

use askama::filters::Safe;

pub use declaration::{Digest, Fragment, Fragments};
pub use personal::Personal;
pub use prefetched::{Html, Prefetched};

use super::cache::Cache;
use super::error::Error;
use super::level::Level;

/// The name by which the filter finds this render's fragments.
const VALUES: &str = "cache.fragments";

impl Cache {
    /// The page as HTML: its fragments from the cache, the rest made now.
    ///
    /// # Errors
    /// Those of the template. A fragment whose body failed is not kept.
    #[track_caller]
    pub fn render(&self, page: &impl Fragments) -> impl Future<Output = askama::Result<String>> {
        let prefetching = self.prefetch(page.fragments());
        async move { self.render_with(page, prefetching.await) }
    }

    /// The declared fragments that are valid, for a page whose data are loaded only where they are not.
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

    /// [`Cache::render`] with fragments that were fetched before.
    ///
    /// # Errors
    /// Those of the template. A fragment whose body failed is not kept.
    pub fn render_with(
        &self,
        page: &impl askama::Template,
        prefetched: Prefetched,
    ) -> askama::Result<String> {
        page.render_with_values(&(VALUES, &prefetched as &dyn Any))
    }

    /// Forgets a fragment, here and in the shared store; whether there was one.
    ///
    /// # Errors
    /// When the shared store does not answer.
    pub async fn delete_fragment(&self, fragment: Fragment) -> Result<bool, Error> {
        self.delete::<Html>(&fragment.key()).await
    }
}

/// What templates call; bring it into scope where a template is derived.
pub mod filters {
    use super::*;

    /// Shows the fragment from the cache, or renders `body` and keeps it.
    ///
    /// Without a cache, as when the level is off, it shows `body`. Source: Django's `{% cache %}`.
    #[askama::filter_fn]
    pub fn cached(
        body: impl Display,
        values: &dyn askama::Values,
        fragment: Fragment,
    ) -> askama::Result<Safe<Arc<Html>>> {
        let shown = match askama::get_value::<Prefetched>(values, VALUES) {
            Ok(prefetched) => prefetched.show(fragment, body)?,
            Err(_) => Arc::new(Html::of(body)?),
        };
        Ok(Safe(shown))
    }
}

#[cfg(test)]
mod tests;
