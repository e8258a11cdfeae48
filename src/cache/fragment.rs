//! Level two: parts of templates.
//!
//! ```jinja
//! {% filter cached(self.header()) %}<header>…</header>{% endfilter %}
//! ```
//!
//! - A fragment is declared once, by a method that says its name, what it prints and for how long;
//!   template and prefetch call the same method, so they cannot drift.
//! - Its body is rendered on a miss only: askama runs the body of a filter when it is displayed.
//! - Its key holds every value it prints and the digest of its template, so a new build never
//!   serves an old build's fragment.
//! - An empty fragment is kept like any other.
//! - Rendering never waits: fragments are fetched before and kept after.

use std::any::Any;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::{Display, Write};
use std::sync::Arc;
use std::time::Instant;

use askama::filters::Safe;

use super::event::{Miss, Outcome};
use super::handle::{Cache, Made};
use super::key::{Key, KeyBuilder, Part};
use super::level::Level;
use super::policy::Policy;
use super::scope::{self, Dependencies};
use super::view::View;

/// The name by which the filter finds this render's fragments.
const VALUES: &str = "cache.fragments";

/// A digest of a template's source, computed when the program is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest(u64);

impl Digest {
    /// Of `source`, as `include_bytes!` gives it.
    pub const fn of(source: &[u8]) -> Self {
        Self(xxhash_rust::const_xxh3::xxh3_64(source))
    }
}

/// The declaration of a fragment.
#[derive(Debug)]
pub struct Fragment {
    key: KeyBuilder,
    policy: Policy,
}

impl Fragment {
    /// A fragment that prints nothing that varies.
    ///
    /// Names are dotted nouns: `site.header`. `template` is the digest of the file that holds it.
    pub fn new(name: &'static str, template: Digest, policy: Policy) -> Self {
        Self { key: Key::named(name).part("template", template.0), policy }
    }

    /// Also prints `value`. Every value that the body prints must be named here.
    pub fn vary_on(mut self, label: &'static str, value: impl Part) -> Self {
        self.key = self.key.part(label, value);
        self
    }

    /// The key under which it is kept.
    pub fn key(self) -> Key {
        self.key.build()
    }
}

/// A page whose template holds fragments.
pub trait Fragments: askama::Template {
    /// The fragments that the template will ask for, each by the method that declares it.
    fn fragments(&self) -> Vec<Fragment>;
}

impl Cache {
    /// The page as HTML: its fragments from the cache, the rest made now.
    ///
    /// # Errors
    /// Those of the template. A fragment whose body failed is not kept.
    pub async fn render(&self, page: &impl Fragments) -> askama::Result<String> {
        let Some(view) = self.view_for(Level::Fragment).await else {
            return page.render();
        };
        let rendering = self.fetch(&view, page.fragments());
        let html = page.render_with_values(&(VALUES, &rendering as &dyn Any))?;
        self.keep_rendered(&view, rendering);
        Ok(html)
    }

    /// The declared fragments that are valid under `view`.
    fn fetch(&self, view: &View, declared: Vec<Fragment>) -> Rendering {
        let mut rendering = Rendering::default();
        for fragment in declared {
            let policy = fragment.policy;
            let key = fragment.key();
            match self.look_up::<Html>(Level::Fragment, &key, view) {
                Ok((html, entry)) => {
                    scope::record(&entry.dependencies());
                    rendering.found.insert(key, html);
                }
                Err(missed) => {
                    rendering.missed.insert(key, (policy, missed.miss));
                }
            }
        }
        rendering
    }

    /// Keeps the fragments whose bodies were rendered.
    fn keep_rendered(&self, view: &View, mut rendering: Rendering) {
        for (key, html, started) in rendering.rendered.take() {
            // Only what was declared is kept: an undeclared one was never looked up.
            let Some((policy, miss)) = rendering.missed.remove(&key) else { continue };
            self.tell(Level::Fragment, &key, Outcome::Miss(miss), started);
            // All that a fragment prints is in its key.
            let dependencies = Dependencies::on_everything(view);
            let size = html.0.len();
            let made = Made { body: html, dependencies, size, started };
            self.keep_here(Level::Fragment, &key, &policy, made);
        }
    }
}

/// The HTML of a fragment, escaped where it must be.
#[derive(Debug)]
pub struct Html(String);

impl Display for Html {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The fragments of one render.
#[derive(Default)]
struct Rendering {
    found: HashMap<Key, Arc<Html>>,
    missed: HashMap<Key, (Policy, Miss)>,
    rendered: RefCell<Vec<(Key, Arc<Html>, Instant)>>,
}

/// What templates call; bring it into scope where a template is derived.
pub mod filters {
    use super::*;

    /// Shows the fragment from the cache, or renders `body` and remembers it.
    ///
    /// Without a cache, as when the level is off, it shows `body`. Source: Django's `{% cache %}`.
    #[askama::filter_fn]
    pub fn cached(
        body: impl Display,
        values: &dyn askama::Values,
        fragment: Fragment,
    ) -> askama::Result<Safe<Arc<Html>>> {
        let rendering = askama::get_value::<Rendering>(values, VALUES).ok();
        let key = fragment.key();
        if let Some(html) = rendering.and_then(|rendering| rendering.found.get(&key)) {
            return Ok(Safe(html.clone()));
        }
        let started = Instant::now();
        let mut html = String::with_capacity(512);
        // Not `to_string`, which panics when a body fails.
        write!(html, "{body}")?;
        let html = Arc::new(Html(html));
        if let Some(rendering) = rendering {
            rendering.rendered.borrow_mut().push((key, html.clone(), started));
        }
        Ok(Safe(html))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use askama::Template;

    use super::*;
    use crate::cache::open::Options;
    use crate::cache::tag::Tag;
    use crate::cache::view::InProcess;

    #[derive(Template)]
    #[template(
        source = "{% filter cached(self.header()) %}[{{ self.name() }}]{% endfilter %}{{ body }}",
        ext = "html"
    )]
    struct Page<'c> {
        name: &'static str,
        body: u32,
        renders: &'c Cell<u32>,
    }

    impl Page<'_> {
        fn header(&self) -> Fragment {
            let minute = Policy::fresh_for(Duration::from_secs(60));
            Fragment::new("test.header", Digest::of(b"v1"), minute).vary_on("name", self.name)
        }

        fn name(&self) -> &str {
            self.renders.set(self.renders.get() + 1);
            self.name
        }
    }

    impl Fragments for Page<'_> {
        fn fragments(&self) -> Vec<Fragment> {
            vec![self.header()]
        }
    }

    fn open() -> (Arc<InProcess>, Cache) {
        let versions = Arc::new(InProcess::new());
        (versions.clone(), Options::default().open(versions))
    }

    #[tokio::test]
    async fn a_cached_fragments_body_is_not_rendered() {
        let (versions, cache) = open();
        let renders = Cell::new(0);
        let page = |body| Page { name: "tea", body, renders: &renders };
        assert_eq!(cache.render(&page(1)).await.unwrap(), "[tea]1");
        assert_eq!(cache.render(&page(2)).await.unwrap(), "[tea]2");
        assert_eq!(renders.get(), 1);
        versions.bump(&[Tag::EVERYTHING]);
        cache.render(&page(3)).await.unwrap();
        assert_eq!(renders.get(), 2);
    }

    #[tokio::test]
    async fn a_fragment_varies_on_what_it_prints() {
        let (_, cache) = open();
        let renders = Cell::new(0);
        for (name, html) in [("tea", "[tea]0"), ("<b>", "[&#60;b&#62;]0"), ("tea", "[tea]0")] {
            let page = Page { name, body: 0, renders: &renders };
            assert_eq!(cache.render(&page).await.unwrap(), html);
        }
        assert_eq!(renders.get(), 2);
    }

    #[tokio::test]
    async fn without_the_cache_the_page_is_the_same() {
        let renders = Cell::new(0);
        let page = Page { name: "tea", body: 1, renders: &renders };
        let (_, cache) = open();
        assert_eq!(page.render().unwrap(), cache.render(&page).await.unwrap());
    }

    #[test]
    fn another_template_is_another_fragment() {
        let minute = Policy::fresh_for(Duration::from_secs(60));
        let one = Fragment::new("test.header", Digest::of(b"v1"), minute).key();
        let other = Fragment::new("test.header", Digest::of(b"v2"), minute).key();
        assert_ne!(one, other);
    }
}
