//! Tests of fragments.
//!
//! The identifiers F01 to F12 are those of `docs/DJANGO-PARITY.md`. F04, that an incomplete
//! declaration does not compile, is an example at [`Fragment::new`].

use std::cell::Cell;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use tokio::time::Instant;

use super::*;
use crate::builder::Builder;
use crate::hole::Render;
use crate::in_process::{Common, InProcess};
use crate::policy::Policy;
use crate::secret::Secret;
use crate::store::Store;
use crate::store::contract::fake::Fake;
use crate::tag::Tag;
use crate::tracking;

const SOURCE: Digest = Digest::of(b"v1");
const MINUTE: Policy = Policy::fresh_for(Duration::from_secs(60));
const TEA: Tag = Tag::named("tea");

fn open() -> (Arc<InProcess>, Cache) {
    let versions = Arc::new(InProcess::new());
    (versions.clone(), Builder::default().open(versions))
}

/// A page with one fragment that prints a name.
#[derive(Template)]
#[template(
    source = "{% filter cached(self.header()) %}{{ self.name() }}{% endfilter %}|{{ body }}",
    ext = "html"
)]
struct Page<'c> {
    name: &'static str,
    body: u32,
    source: Digest,
    policy: Policy,
    renders: &'c Cell<u32>,
}

impl<'c> Page<'c> {
    fn new(name: &'static str, body: u32, renders: &'c Cell<u32>) -> Self {
        Self { name, body, source: SOURCE, policy: MINUTE, renders }
    }

    fn header(&self) -> Fragment {
        Fragment::new("test.header", self.source, self.policy).vary_on("name", self.name)
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

#[tokio::test]
async fn f01_a_fragment_is_shown_while_its_data_is_unchanged() {
    let (versions, cache) = open();
    let renders = Cell::new(0);
    assert_eq!(cache.render(&Page::new("tea", 1, &renders)).await.unwrap(), "tea|1");
    assert_eq!(cache.render(&Page::new("tea", 2, &renders)).await.unwrap(), "tea|2");
    assert_eq!(renders.get(), 1, "its body is not rendered again");
    versions.bump(&[Tag::EVERYTHING]);
    cache.render(&Page::new("tea", 3, &renders)).await.unwrap();
    assert_eq!(renders.get(), 2);
}

#[tokio::test]
async fn f02_other_values_are_another_fragment_and_equal_ones_are_shared_by_templates() {
    #[derive(Template)]
    #[template(source = "<{% filter cached(self.0.header()) %}{% endfilter %}>", ext = "html")]
    struct Other<'c>(Page<'c>);
    let (_, cache) = open();
    let renders = Cell::new(0);
    for (name, html) in [("tea", "tea|0"), ("<b>", "&#60;b&#62;|0"), ("tea", "tea|0")] {
        assert_eq!(cache.render(&Page::new(name, 0, &renders)).await.unwrap(), html);
    }
    assert_eq!(renders.get(), 2);
    let other = Other(Page::new("tea", 0, &renders));
    let prefetched = cache.prefetch(other.0.fragments()).await;
    assert_eq!(cache.render_with(&other, prefetched).unwrap(), "<tea>");
}

#[tokio::test(start_paused = true)]
async fn f03_the_lifetime_may_be_a_variable() {
    let (_, cache) = open();
    let renders = Cell::new(0);
    for seconds in [10, 1_000] {
        let policy = Policy::fresh_for(Duration::from_secs(seconds));
        let page =
            || Page { policy, ..Page::new(if seconds == 10 { "a" } else { "b" }, 0, &renders) };
        cache.render(&page()).await.unwrap();
        tokio::time::advance(Duration::from_secs(11)).await;
        cache.render(&page()).await.unwrap();
    }
    assert_eq!(renders.get(), 3, "the one of ten seconds was made twice");
}

#[tokio::test]
async fn f05_long_and_odd_values_work() {
    let (_, cache) = open();
    let (renders, long) = (Cell::new(0), "ü 🍵\n\"".repeat(2_000));
    let long: &'static str = Box::leak(long.into_boxed_str());
    for _ in 0..2 {
        cache.render(&Page::new(long, 0, &renders)).await.unwrap();
    }
    assert_eq!(renders.get(), 1);
}

#[tokio::test]
async fn f06_fragments_are_stored_in_the_cache_they_are_rendered_with() {
    let ((_, site), (_, fragments)) = (open(), open());
    let renders = Cell::new(0);
    for cache in [&site, &fragments, &fragments] {
        cache.render(&Page::new("tea", 0, &renders)).await.unwrap();
    }
    assert_eq!(renders.get(), 2);
}

#[tokio::test]
async fn f07_the_declaration_of_a_fragment_deletes_it() {
    let store = Arc::new(Fake::default());
    let versions = Arc::new(InProcess::new());
    let options = Builder::default().shared(store.clone(), &Secret::random());
    let cache = options.open(Arc::new(Common(versions)));
    let renders = Cell::new(0);
    let page = Page::new("tea", 0, &renders);
    cache.render(&page).await.unwrap();
    assert!(cache.delete_fragment(page.header()).await.unwrap());
    assert!(!cache.delete_fragment(page.header()).await.unwrap());
    cache.render(&page).await.unwrap();
    assert_eq!(renders.get(), 2);
    assert_eq!(page.header().key().name(), "test.header");
}

#[test]
fn f08_split_points_and_types_are_told_apart() {
    let declared = || Fragment::new("test.header", SOURCE, MINUTE);
    let keys = [
        declared().vary_on("a", "x").vary_on("b", "y").key(),
        declared().vary_on("a", "xy").vary_on("b", "").key(),
        declared().vary_on("a", "1").key(),
        declared().vary_on("a", 1u64).key(),
        declared().vary_on("a", None::<u64>).key(),
        declared().key(),
    ];
    for (place, key) in keys.iter().enumerate() {
        assert!(!keys[..place].contains(key), "{key}");
    }
}

#[tokio::test]
async fn f09_an_empty_fragment_is_a_hit() {
    let (_, cache) = open();
    let renders = Cell::new(0);
    for _ in 0..2 {
        assert_eq!(cache.render(&Page::new("", 1, &renders)).await.unwrap(), "|1");
    }
    assert_eq!(renders.get(), 1);
}

#[tokio::test]
async fn f10_another_template_is_another_fragment() {
    let (_, cache) = open();
    let renders = Cell::new(0);
    for source in [SOURCE, Digest::of(b"v2"), SOURCE] {
        let page = Page { source, ..Page::new("tea", 0, &renders) };
        cache.render(&page).await.unwrap();
    }
    assert_eq!(renders.get(), 2);
}

/// A fragment within a fragment; the inner one reads tea.
#[derive(Template)]
#[template(
    source = "{% filter cached(self.outer()) %}[{% filter cached(self.inner()) %}\
              {% if let Some(tea) = tea %}{{ tea }}{% endif %}{% endfilter %}]{% endfilter %}",
    ext = "html"
)]
struct Nested {
    tea: Option<u32>,
    inner_for: Duration,
}

impl Nested {
    fn new(tea: Option<u32>, inner_seconds: u64) -> Self {
        Self { tea, inner_for: Duration::from_secs(inner_seconds) }
    }

    fn outer(&self) -> Fragment {
        Fragment::new("test.outer", SOURCE, MINUTE)
    }

    fn inner(&self) -> Fragment {
        Fragment::new("test.inner", SOURCE, Policy::fresh_for(self.inner_for)).reads_data()
    }

    /// Renders it as a handler does: the data is loaded only if the inner fragment has to be built.
    async fn render(cache: &Cache, versions: &InProcess, tea: u32, inner_seconds: u64) -> String {
        let page = Self::new(None, inner_seconds);
        let mut parts = cache.prefetch([page.outer(), page.inner()]).await;
        let load = async || {
            versions.reads(&[TEA]);
            Ok::<_, Infallible>(tea)
        };
        let tea = parts.load(page.inner(), load).await.unwrap();
        cache.render_with(&Self { tea, ..page }, parts).unwrap()
    }
}

#[tokio::test]
async fn f11_an_inner_fragments_tags_reach_the_outer_one_and_the_page() {
    let (versions, cache) = open();
    let current = cache.stamps_for(Level::Page).await.unwrap();
    let (html, made) = tracking::track(current, Nested::render(&cache, &versions, 1, 60)).await;
    assert_eq!(html, "[1]");
    let tags: Vec<_> = made.stamps().iter().map(|(tag, _)| tag.as_str()).collect();
    assert_eq!(tags, ["!", "tea"]);
    assert_eq!(Nested::render(&cache, &versions, 2, 60).await, "[1]");
    versions.bump(&[Tag::named("milk")]);
    assert_eq!(Nested::render(&cache, &versions, 3, 60).await, "[1]");
    versions.bump(&[TEA]);
    assert_eq!(Nested::render(&cache, &versions, 4, 60).await, "[4]");
}

#[tokio::test(start_paused = true)]
async fn f11_an_outer_fragment_ends_with_the_inner_one() {
    let (versions, cache) = open();
    let current = cache.stamps_for(Level::Page).await.unwrap();
    let (_, made) = tracking::track(current, Nested::render(&cache, &versions, 1, 10)).await;
    let left = made.expires().unwrap().duration_since(Instant::now());
    assert!(left <= Duration::from_secs(10), "{left:?}");
    tokio::time::advance(Duration::from_secs(11)).await;
    assert_eq!(Nested::render(&cache, &versions, 2, 10).await, "[2]");
}

#[tokio::test]
async fn f12_a_personal_value_is_not_printed_into_a_shared_fragment() {
    #[derive(Template)]
    #[template(
        source = "{% filter cached((self.fragment)()) %}{{ name }}{% endfilter %}",
        ext = "html"
    )]
    struct Greeting {
        name: Personal<&'static str>,
        fragment: fn() -> Fragment,
    }
    let (_, cache) = open();
    let shared = || Fragment::new("test.greeting", SOURCE, MINUTE);
    let own = || Fragment::new("test.greeting", SOURCE, MINUTE).vary_on("user", 7u64).personal();
    for (fragment, expected) in [(shared as fn() -> Fragment, None), (own, Some("Ann"))] {
        let page = Greeting { name: Personal("Ann"), fragment };
        let prefetched = cache.prefetch([fragment()]).await;
        let html = cache.render_with(&page, prefetched).ok();
        assert_eq!(html.as_deref(), expected);
    }
    assert_eq!(Personal("Ann").to_string(), "Ann", "outside of a fragment it prints itself");
}

#[tokio::test]
async fn the_data_of_a_stored_fragment_is_not_loaded() {
    let (versions, cache) = open();
    Nested::render(&cache, &versions, 1, 60).await;
    let page = Nested::new(None, 60);
    let mut parts = cache.prefetch([page.inner()]).await;
    let load = async || Err::<u32, _>("asked the database");
    assert_eq!(parts.load(page.inner(), load).await, Ok(None));
}

#[tokio::test]
async fn fragments_that_read_data_are_fetched_in_one_round_trip() {
    let store = Arc::new(Fake::default());
    let versions = Arc::new(InProcess::new());
    let shared: Arc<dyn Store> = store.clone();
    let secret = Secret::random();
    let common = Arc::new(Common(versions.clone()));
    let open = || Builder::default().shared(shared.clone(), &secret).open(common.clone());
    let many = || (0..20u64).map(|n| Nested::new(None, 60).inner().vary_on("n", n));
    let parts = open().prefetch(many()).await;
    assert_eq!(store.calls(), ["get_many"]);
    drop(parts);

    let one = open();
    Nested::render(&one, &versions, 1, 60).await;
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    store.calls();
    assert_eq!(Nested::render(&open(), &versions, 2, 60).await, "[1]", "made by another instance");
    assert_eq!(
        store.calls(),
        ["get_many"],
        "the outer one, which prints its key's values, is local"
    );
}

#[tokio::test]
async fn a_fragment_shown_twice_on_a_page_is_rendered_once() {
    #[derive(Template)]
    #[template(
        source = "{% for _ in 0..2 %}{% filter cached(self.0.header()) %}{{ self.0.name() }}{% endfilter %}{% endfor %}",
        ext = "html"
    )]
    struct Twice<'c>(Page<'c>);
    let (_, cache) = open();
    let renders = Cell::new(0);
    let page = Twice(Page::new("tea", 0, &renders));
    let prefetched = cache.prefetch(page.0.fragments()).await;
    assert_eq!(cache.render_with(&page, prefetched).unwrap(), "teatea");
    assert_eq!(renders.get(), 1);
}

#[tokio::test]
async fn without_the_cache_the_page_is_the_same() {
    let renders = Cell::new(0);
    let page = Page::new("tea", 1, &renders);
    let (_, cache) = open();
    assert_eq!(page.render().unwrap(), cache.render(&page).await.unwrap());
}

/// A page with a hole, and one in its fragment.
#[derive(Template)]
#[template(
    source = "{% filter hole(\"name\") %}<{{ name }}>{% endfilter %}\
              {% filter cached(self.header()) %}{% if is_within %}\
              {% filter hole(\"name\") %}{{ name }}{% endfilter %}{% endif %}{% endfilter %}",
    ext = "html"
)]
struct Holed {
    name: &'static str,
    is_within: bool,
}

impl Holed {
    fn header(&self) -> Fragment {
        Fragment::new("test.holed", SOURCE, MINUTE).vary_on("within", self.is_within)
    }
}

impl Fragments for Holed {
    fn fragments(&self) -> Vec<Fragment> {
        vec![self.header()]
    }
}

#[tokio::test]
async fn a_hole_shows_its_block_where_no_page_cache_fills_it() {
    let (_, cache) = open();
    let page = Holed { name: "<b>", is_within: false };
    assert_eq!(cache.render(&page).await.unwrap(), "<&#60;b&#62;>");
    let render = Render::new();
    let html = Render::run(Some(render), cache.render(&page)).await.unwrap();
    let (left, holes) = render.cut(html.as_bytes()).unwrap();
    assert_eq!((left.as_slice(), holes.len(), holes[0].name.as_str()), (&b""[..], 1, "name"));
}

/// The fragment is stored for other pages, which fill no hole.
#[tokio::test]
async fn a_hole_within_a_fragment_is_refused() {
    let (_, cache) = open();
    let page = Holed { name: "tea", is_within: true };
    assert!(cache.render(&page).await.is_err(), "its block would be stored for other visitors");
    assert!(Render::run(Some(Render::new()), cache.render(&page)).await.is_err());
}
