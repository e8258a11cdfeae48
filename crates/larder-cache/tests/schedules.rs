//! The cache's core under schedules that are chosen, not left to luck.
//!
//! `cargo test -p larder-cache --features schedules --test schedules`: [shuttle] runs each scenario through thousands of
//! orders of its threads, some at random, some with few switches at random places, which finds rare ones.
//! It is the very source of `crates/larder-cache/src` that runs: only `crates/larder-cache/src/sync.rs` changes.
//!
//! [shuttle]: https://docs.rs/shuttle

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use larder_cache::Cache;
use larder_cache::entry::{Entry, Verdict};
use larder_cache::key::Key;
use larder_cache::open::Options;
use larder_cache::policy::Policy;
use larder_cache::presence::Client;
use larder_cache::scope::Dependencies;
use larder_cache::tag::Tag;
use larder_cache::view::{InProcess, Versions, View};
use shuttle::future::{block_on, yield_now};
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::sync::atomic::{AtomicU64, Ordering::SeqCst};
use shuttle::{Config, Runner, thread};
use tokio::sync::watch;

const TEA: Tag = Tag::named("tea");
const HOUR: Policy = Policy::fresh_for(Duration::from_secs(3600));

/// Runs `scenario` in many orders.
fn in_many_orders(scenario: fn()) {
    let mut config = Config::new();
    // The default of 32 KiB is too small for loads within loads without optimization.
    config.stack_size = 256 << 10;
    Runner::new(RandomScheduler::new(4_000), config.clone()).run(scenario);
    Runner::new(PctScheduler::new(3, 4_000), config).run(scenario);
}

/// A shop with one shelf: how much tea there is, who reads it through the cache, who writes.
struct Shop {
    tea: AtomicU64,
    versions: Arc<InProcess>,
    cache: Cache,
    /// What the writes that were answered have made of it.
    answered: AtomicU64,
    loads: AtomicU64,
    loading: AtomicU64,
}

impl Shop {
    fn open() -> Arc<Self> {
        let versions = Arc::new(InProcess::new());
        let cache = Options::default().open(versions.clone());
        let zero = || AtomicU64::new(0);
        let (tea, answered, loads, loading) = (zero(), zero(), zero(), zero());
        Arc::new(Self { tea, versions, cache, answered, loads, loading })
    }

    /// One more, and an answer to who asked for it.
    fn write(&self) {
        let tea = self.tea.fetch_add(1, SeqCst) + 1;
        self.versions.bump(&[TEA]);
        self.answered.fetch_max(tea, SeqCst);
    }

    /// Reads as a database does: the stamp first, then the data.
    async fn load(&self) -> Result<u64, Infallible> {
        assert_eq!(self.loading.fetch_add(1, SeqCst), 0, "two loads at once");
        self.loads.fetch_add(1, SeqCst);
        self.versions.reads(&[TEA]);
        yield_now().await;
        let tea = self.tea.load(SeqCst);
        yield_now().await;
        self.loading.fetch_sub(1, SeqCst);
        Ok(tea)
    }

    /// As [`Shop::read`], where another load may be under way.
    async fn read_beside_others(&self) -> u64 {
        let load = async || {
            self.versions.reads(&[TEA]);
            yield_now().await;
            Ok::<_, Infallible>(self.tea.load(SeqCst))
        };
        let key = Key::named("tea").build();
        let Ok(tea) = self.cache.get_or_set(&key, &HOUR, load).await;
        *tea
    }

    async fn read(&self) -> u64 {
        let key = Key::named("tea").build();
        let Ok(tea) = self.cache.get_or_set(&key, &HOUR, async || self.load().await).await;
        *tea
    }

    /// Reads what has no stamps.
    async fn read_unstamped(&self) -> u64 {
        let load = async || {
            yield_now().await;
            let tea = self.tea.load(SeqCst);
            yield_now().await;
            Ok::<_, Infallible>(tea)
        };
        let Ok(tea) = self.cache.get_or_set(&Key::named("tea").build(), &HOUR, load).await;
        *tea
    }

    /// Reads, and insists on what was answered before.
    fn read_and_check(&self) {
        let answered = self.answered.load(SeqCst);
        let tea = block_on(self.read());
        assert!(tea >= answered, "read {tea} after {answered} was answered");
    }
}

/// Runs `work` in threads of their own and waits for them.
fn at_once(shop: &Arc<Shop>, work: &[fn(&Shop)]) {
    let start = |work: &fn(&Shop)| {
        let (shop, work) = (shop.clone(), *work);
        thread::spawn(move || work(&shop))
    };
    let threads: Vec<_> = work.iter().map(start).collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn a_read_that_began_after_an_answered_write_sees_it() {
    in_many_orders(|| {
        let shop = Shop::open();
        let reader: fn(&Shop) = |shop| (0..2).for_each(|_| shop.read_and_check());
        let writer: fn(&Shop) = |shop| (0..2).for_each(|_| shop.write());
        at_once(&shop, &[reader, writer, reader, writer, reader]);
        // Whatever happened before: now everything was answered.
        assert_eq!(block_on(shop.read()), 4);
    });
}

#[test]
fn readers_of_a_cold_key_make_one_load() {
    in_many_orders(|| {
        let shop = Shop::open();
        let reader: fn(&Shop) = |shop| shop.read_and_check();
        at_once(&shop, &[reader; 4]);
        assert_eq!(shop.loads.load(SeqCst), 1);
    });
}

#[test]
fn a_leader_that_is_dropped_leaves_nobody_waiting() {
    in_many_orders(|| {
        let shop = Shop::open();
        let quitter: fn(&Shop) = |shop| {
            // Begins like any other and goes away at the first wait.
            let key = Key::named("tea").build();
            let load = async || {
                yield_now().await;
                Ok::<_, Infallible>(u64::MAX)
            };
            let mut asked = pin!(shop.cache.get_or_set(&key, &HOUR, load));
            let is_ready = asked.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
            assert!(!is_ready || shop.loads.load(SeqCst) > 0);
        };
        let reader: fn(&Shop) = |shop| assert_eq!(block_on(shop.read()), 0);
        at_once(&shop, &[quitter, reader, quitter, reader]);
    });
}

/// A leader that hangs until all others are done, whose client leaves at some time; and a write that makes
/// what it has read old. Were it waited for, nothing would go on, which shuttle finds.
#[test]
fn a_leader_whose_client_has_left_is_replaced_and_comes_too_late() {
    in_many_orders(|| {
        let (shop, client) = (Shop::open(), Client::default());
        let (release, released) = watch::channel(false);
        let (here, left) = (shop.clone(), client.clone());
        let hanging = thread::spawn(move || {
            let load = async || {
                here.versions.reads(&[TEA]);
                let tea = here.tea.load(SeqCst);
                let _ = released.clone().wait_for(|is_released| *is_released).await;
                Ok::<_, Infallible>(tea)
            };
            let key = Key::named("tea").build();
            let asked = left.scope(here.cache.get_or_set(&key, &HOUR, load));
            block_on(asked).map(|tea| *tea)
        });
        let leaving = thread::spawn(move || client.leave());
        let reader: fn(&Shop) = |shop| {
            let answered = shop.answered.load(SeqCst);
            let tea = block_on(shop.read_beside_others());
            assert!(tea >= answered, "read {tea} after {answered} was answered");
        };
        at_once(&shop, &[reader, Shop::write, reader]);
        leaving.join().unwrap();
        release.send_replace(true);
        assert!(hanging.join().unwrap().is_ok_and(|tea| tea <= 1));
        assert_eq!(block_on(shop.read_beside_others()), 1);
    });
}

/// Two loads that ask for each other's key, in threads of their own.
#[test]
fn loads_that_need_each_other_do_not_wait_for_each_other() {
    in_many_orders(|| {
        let shop = Shop::open();
        let ask: fn(&Shop, [&'static str; 2]) -> u64 = |shop, [own, other]| {
            let [own, other] = [own, other].map(|name| Key::named(name).build());
            let load = async || {
                yield_now().await;
                let load = async || Ok::<_, Infallible>(1);
                shop.cache.get_or_set(&other, &HOUR, load).await.map(|value| *value)
            };
            let Ok(value) = block_on(shop.cache.get_or_set(&own, &HOUR, load));
            *value
        };
        let (one, other) = (shop.clone(), shop.clone());
        let one = thread::spawn(move || ask(&one, ["tea", "milk"]));
        let other = thread::spawn(move || ask(&other, ["milk", "tea"]));
        assert_eq!((one.join().unwrap(), other.join().unwrap()), (1, 1));
    });
}

#[test]
fn a_read_that_began_after_an_answered_deletion_loads_anew() {
    in_many_orders(|| {
        let shop = Shop::open();
        // Of a source without stamps: what is loaded is only ever as new as the load.
        let reader: fn(&Shop) = |shop| {
            for _ in 0..2 {
                let answered = shop.answered.load(SeqCst);
                let tea = block_on(shop.read_unstamped());
                assert!(tea >= answered, "read {tea} after {answered} was deleted before");
            }
        };
        let deleter: fn(&Shop) = |shop| {
            let tea = shop.tea.fetch_add(1, SeqCst) + 1;
            block_on(shop.cache.delete::<u64>(&Key::named("tea").build())).unwrap();
            shop.answered.fetch_max(tea, SeqCst);
        };
        let clearer: fn(&Shop) = |shop| {
            let tea = shop.tea.fetch_add(1, SeqCst) + 1;
            block_on(shop.cache.clear()).unwrap();
            shop.answered.fetch_max(tea, SeqCst);
        };
        at_once(&shop, &[reader, deleter, reader, clearer, reader]);
        assert_eq!(block_on(shop.read_unstamped()), 2);
    });
}

#[test]
fn an_entry_is_fresh_in_its_own_view_only() {
    /// An entry made in the first view, and the views before and after tea has changed.
    struct Known {
        entry: Entry,
        before: Arc<View>,
        after: Arc<View>,
    }
    in_many_orders(|| {
        let versions = InProcess::new();
        let view = || block_on(versions.fresh().get()).unwrap();
        let before = view();
        let mut dependencies = Dependencies::on_everything(&before);
        dependencies.add(TEA, before.stamp(&TEA));
        let entry = Entry::new(Arc::new(7), dependencies, &HOUR, 1);
        versions.bump(&[TEA]);
        let known = Arc::new(Known { entry, before, after: view() });
        let threads: Vec<_> = (0..4)
            .map(|reader| {
                let known = known.clone();
                thread::spawn(move || {
                    let is_behind = reader % 2 == 0;
                    let view = if is_behind { &known.before } else { &known.after };
                    for _ in 0..3 {
                        assert_eq!(known.entry.judge(view) == Verdict::Fresh, is_behind);
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}
