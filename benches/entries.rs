//! The cost of a hit in memory, compared with a bare lookup in the same kind of map.
//!
//! - Every lookup is a hit in memory, with the tags' stamps pinned as within a request.
//! - The bare map is a moka cache with the same keys. Its values are shared, like those of the entries.

#[allow(dead_code, reason = "each benchmark uses a part of it")]
mod harness;

use std::convert::Infallible;
use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use anyhow::Result;
use askama::Template;
use harness::{Goal, Table, duel};
use larder::cache::fragment::{Fragment, Fragments, filters};
use larder::cache::stamps::StampSource;
use larder::cache::{Builder, Cache, InProcess, Key, Levels, Policy, tracking};
use larder::site::render::Layout;
use larder::site::visitor::Visitor;
use larder::state::Access;
use tokio::runtime::Runtime;

/// The goal for a hit, in bare lookups.
const HIT: Goal = Goal::Ratio(2.0);

const HOUR: Policy = Policy::fresh_for(Duration::from_secs(60 * 60));

/// The number of stored keys, which the lookups go through.
const KEYS: u64 = 1_000;

/// Lookups of one request, which share pinned stamps and one scope of dependency tracking.
const LOOKUPS: usize = 10;

/// Lookups in each round.
const CALLS: u32 = 200_000;

/// The number of concurrent threads.
const THREADS: usize = 4;

const ROUNDS: usize = 31;

/// The stored value: a list that is shared, never copied.
type Value = Vec<u64>;

fn main() -> Result<()> {
    // `cargo test --all-targets` runs this program, too, but without `--bench`.
    if std::env::args().any(|argument| argument == "--bench") {
        let shelf = Shelf::filled();
        let mut table = Table::titled("Entries in memory", "Time for each look-up or render.");
        look_ups(&mut table, &shelf)?;
        contention(&mut table, &shelf)?;
        renders(&mut table)?;
        table.print();
    }
    Ok(())
}

/// The same values in a cache and in a bare map.
struct Shelf {
    cache: Cache,
    versions: Arc<InProcess>,
    map: moka::sync::Cache<Key, Arc<Value>>,
    keys: Vec<Key>,
}

impl Shelf {
    fn filled() -> Self {
        let versions = Arc::new(InProcess::new());
        let cache = Builder::default().open(versions.clone());
        let map = moka::sync::Cache::new(100 * KEYS);
        let key = |number| Key::named("bench.list").part("page", number).part("search", "").build();
        let keys: Vec<Key> = (0..KEYS).map(key).collect();
        let shelf = Self { cache, versions, map, keys };
        runtime().block_on(async {
            for key in &shelf.keys {
                shelf.map.insert(key.clone(), Arc::new(value()));
                shelf.get(key).await;
            }
        });
        shelf
    }

    /// Looks up a value in the cache.
    async fn get(&self, key: &Key) -> Arc<Value> {
        let load = async || Ok::<_, Infallible>(value());
        match self.cache.get_or_set(key, &HOUR, load).await {
            Ok(value) => value,
        }
    }

    /// Does `calls` lookups in the cache. Each [`LOOKUPS`] of them share pinned stamps like a request.
    async fn in_cache(&self, calls: u32) {
        let mut keys = self.keys.iter().cycle();
        for _ in 0..calls as usize / LOOKUPS {
            let current = self
                .versions
                .current()
                .get()
                .await
                .expect("stamps in the process are always available");
            let request = async {
                for key in keys.by_ref().take(LOOKUPS) {
                    black_box(self.get(black_box(key)).await);
                }
            };
            tracking::track(current, request).await;
        }
    }

    /// Does `calls` lookups in the bare map.
    fn in_map(&self, calls: u32) {
        for key in self.keys.iter().cycle().take(calls as usize) {
            black_box(self.map.get(black_box(key)));
        }
    }
}

fn value() -> Value {
    (0..25).collect()
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime starts")
}

fn look_ups(table: &mut Table, shelf: &Shelf) -> Result<()> {
    let runtime = runtime();
    let [cache, map] = duel(
        ROUNDS,
        || Ok(timed(CALLS, || runtime.block_on(shelf.in_cache(CALLS)))),
        || Ok(timed(CALLS, || shelf.in_map(CALLS))),
    )?;
    table.compare(HIT, ("get_or_set, hit", &cache), ("bare map", &map));
    Ok(())
}

fn contention(table: &mut Table, shelf: &Shelf) -> Result<()> {
    let calls = CALLS / THREADS as u32;
    let [cache, map] = duel(
        ROUNDS,
        || Ok(at_once(calls, || runtime().block_on(shelf.in_cache(calls)))),
        || Ok(at_once(calls, || shelf.in_map(calls))),
    )?;
    let name = format!("get_or_set, hit, {THREADS} threads at once");
    table.compare(HIT, (&name, &cache), (&format!("bare map, {THREADS} threads"), &map));
    Ok(())
}

/// Returns the mean duration of one of `calls`.
fn timed(calls: u32, work: impl FnOnce()) -> Duration {
    let started = Instant::now();
    work();
    started.elapsed() / calls
}

/// Returns the elapsed time per call while [`THREADS`] threads do `calls` each.
///
/// It depends on the number of cores.
fn at_once(calls: u32, work: impl Fn() + Sync) -> Duration {
    let start = Barrier::new(THREADS + 1);
    let started = std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                start.wait();
                work();
            });
        }
        start.wait();
        Instant::now()
    });
    started.elapsed() / (calls * THREADS as u32)
}

/// A small page in the shop's layout, whose header and footer are fragments.
#[derive(Template)]
#[template(
    source = "{% extends \"_layout.html\" %}{% block content %}<h1>Tea</h1>{% endblock %}",
    ext = "html"
)]
struct Page {
    layout: Layout,
}

impl Fragments for Page {
    fn fragments(&self) -> Vec<Fragment> {
        vec![self.layout.header(), self.layout.footer()]
    }
}

fn renders(table: &mut Table) -> Result<()> {
    let page = Page { layout: Layout::new(&Visitor::anonymous(Access::Open), "products", "Tea") };
    let runtime = runtime();
    let render = |cache: &Cache| {
        let renders = async {
            for _ in 0..CALLS / 10 {
                black_box(cache.render(black_box(&page)).await.expect("the template is whole"));
            }
        };
        timed(CALLS / 10, || runtime.block_on(renders))
    };
    let versions = Arc::new(InProcess::new());
    let with = Builder::default().open(versions.clone());
    let without = Builder::default().levels(Levels::OFF).open(versions);
    let [with, without] = duel(ROUNDS, || Ok(render(&with)), || Ok(render(&without)))?;
    table.compare(Goal::None, ("render, two fragments cached", &with), ("rendered anew", &without));
    Ok(())
}
