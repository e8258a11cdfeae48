//! Fragments in askama's templates: `{% filter cached(self.header()) %}`.

use std::any::Any;
use std::fmt::{Display, Write};
use std::sync::Arc;

use askama::filters::Safe;

use super::{Fragment, Html, Prefetched};
use crate::cache::Cache;

/// The name by which the filter finds the fragments of a render.
const VALUES: &str = "cache.fragments";

/// A page whose template contains fragments.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not declare the fragments of its template",
    label = "the fragments have to be known before the page is rendered",
    note = "implement `Fragments` for it, and return each fragment that the template prints by `cached(…)`",
    note = "a page without fragments is rendered by its own `render()`"
)]
pub trait Fragments: askama::Template {
    /// Returns the fragments that the template prints, each by the method that declares it.
    fn fragments(&self) -> Vec<Fragment>;
}

impl Cache {
    /// Renders the page: its valid fragments come from the cache, the others are built.
    ///
    /// # Errors
    /// Those of the template. A fragment whose body failed is not stored.
    #[track_caller]
    pub fn render(&self, page: &impl Fragments) -> impl Future<Output = askama::Result<String>> {
        let prefetching = self.prefetch(page.fragments());
        async move { self.render_with(page, prefetching.await) }
    }

    /// Renders the page like [`Cache::render`], with fragments that were fetched before.
    ///
    /// # Errors
    /// Those of the template. A fragment whose body failed is not stored.
    pub fn render_with(
        &self,
        page: &impl askama::Template,
        prefetched: Prefetched,
    ) -> askama::Result<String> {
        page.render_with_values(&(VALUES, &prefetched as &dyn Any))
    }
}

/// The filter that templates call; import it where a template is derived.
pub mod filters {
    // The attribute of askama makes items without documentation.
    #![allow(missing_docs)]

    use super::*;

    /// Prints the hole of this name where a page cache fills holes, and `body` elsewhere.
    ///
    /// ```jinja
    /// {% filter hole("greeting") %}Hello, {{ name }}!{% endfilter %}
    /// ```
    ///
    /// `body` is the block, whose texts are escaped already. A hole stands outside of fragments, which are
    /// stored without it. See `page::Rules::hole`.
    #[askama::filter_fn]
    pub fn hole(
        body: impl Display,
        _: &dyn askama::Values,
        name: &str,
    ) -> askama::Result<Safe<String>> {
        let mut html = String::new();
        if !crate::hole::print(name, &mut html)? {
            // Not `to_string`, which panics if a body fails.
            write!(html, "{body}")?;
        }
        Ok(Safe(html))
    }

    /// Prints the fragment from the cache, or renders `body` and stores it.
    ///
    /// Without a cache, as when the level is off, it renders `body`. Source: Django's
    /// `{% cache %}`.
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
