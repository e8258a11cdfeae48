//! The cache's core under systematically explored thread schedules.
//!
//! `cargo test -p larder-cache --features schedules --test schedules`: [shuttle] runs each scenario
//! through thousands of thread orders. Some are random; some have few switches at random places,
//! which finds rare ones. The code is that of `crates/larder-cache/src`: only
//! `crates/larder-cache/src/sync.rs` changes.
//!
//! [shuttle]: https://docs.rs/shuttle

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use larder_cache::presence::Client;
use larder_cache::stamps::{StampSource, Stamps};
use larder_cache::tracking::Dependencies;
use larder_cache::{Builder, Cache, Entry, InProcess, Key, Level, Policy, Tag, Validity};
use shuttle::future::{block_on, yield_now};
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::sync::atomic::{AtomicU64, Ordering::SeqCst};
use shuttle::{Config, Runner, thread};
use tokio::sync::watch;

const TEA: Tag = Tag::named("tea");
const HOUR: Policy = Policy::fresh_for(Duration::from_secs(3600));

/// Runs `scenario` in many thread orders.
fn in_many_orders(scenario: fn()) {
    let mut config = Config::new();
    // The default of 32 KiB is too small for nested loads without optimization.
    config.stack_size = 256 << 10;
    Runner::new(RandomScheduler::new(4_000), config.clone()).run(scenario);
    Runner::new(PctScheduler::new(3, 4_000), config).run(scenario);
}

/// An amount of tea, which is read through the cache, and counters of what happened.
struct Site {
    tea: AtomicU64,
    versions: Arc<InProcess>,
    cache: Cache,
    /// The amount after the acknowledged writes.
    answered: AtomicU64,
    loads: AtomicU64,
    loading: AtomicU64,
}

impl Site {
    fn open() -> Arc<Self> {
        let versions = Arc::new(InProcess::new());
        let cache = Builder::default().open(versions.clone());
        let zero = || AtomicU64::new(0);
        let (tea, answered, loads, loading) = (zero(), zero(), zero(), zero());
        Arc::new(Self { tea, versions, cache, answered, loads, loading })
    }

    /// Adds one and acknowledges the write.
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

    /// Reads as [`Site::read`] does, where another load may be running.
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

    /// Reads data without stamps.
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

    /// Reads and asserts that the amount includes all writes acknowledged before.
    fn read_and_check(&self) {
        let answered = self.answered.load(SeqCst);
        let tea = block_on(self.read());
        assert!(tea >= answered, "read {tea} after {answered} was answered");
    }
}

/// Runs each of `work` in its own thread and waits for them.
fn at_once(site: &Arc<Site>, work: &[fn(&Site)]) {
    let start = |work: &fn(&Site)| {
        let (site, work) = (site.clone(), *work);
        thread::spawn(move || work(&site))
    };
    let threads: Vec<_> = work.iter().map(start).collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn a_read_after_an_acknowledged_write_sees_it() {
    in_many_orders(|| {
        let site = Site::open();
        let reader: fn(&Site) = |site| (0..2).for_each(|_| site.read_and_check());
        let writer: fn(&Site) = |site| (0..2).for_each(|_| site.write());
        at_once(&site, &[reader, writer, reader, writer, reader]);
        // All writes are acknowledged now.
        assert_eq!(block_on(site.read()), 4);
    });
}

#[test]
fn readers_of_a_cold_key_cause_one_load() {
    in_many_orders(|| {
        let site = Site::open();
        let reader: fn(&Site) = |site| site.read_and_check();
        at_once(&site, &[reader; 4]);
        assert_eq!(site.loads.load(SeqCst), 1);
    });
}

#[test]
fn a_dropped_leader_leaves_no_reader_waiting() {
    in_many_orders(|| {
        let site = Site::open();
        let quitter: fn(&Site) = |site| {
            // Begins like any other read and is dropped at its first wait.
            let key = Key::named("tea").build();
            let load = async || {
                yield_now().await;
                Ok::<_, Infallible>(u64::MAX)
            };
            let mut asked = pin!(site.cache.get_or_set(&key, &HOUR, load));
            let is_ready = asked.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
            assert!(!is_ready || site.loads.load(SeqCst) > 0);
        };
        let reader: fn(&Site) = |site| assert_eq!(block_on(site.read()), 0);
        at_once(&site, &[quitter, reader, quitter, reader]);
    });
}

/// The leader hangs, its client leaves at some time, and a write makes its data old.
///
/// If a reader waited for it, the scenario would deadlock, which shuttle reports.
#[test]
fn a_leader_whose_client_has_left_is_replaced_and_its_late_value_unused() {
    in_many_orders(|| {
        let (site, client) = (Site::open(), Client::default());
        let (release, released) = watch::channel(false);
        let (here, left) = (site.clone(), client.clone());
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
        let reader: fn(&Site) = |site| {
            let answered = site.answered.load(SeqCst);
            let tea = block_on(site.read_beside_others());
            assert!(tea >= answered, "read {tea} after {answered} was answered");
        };
        at_once(&site, &[reader, Site::write, reader]);
        leaving.join().unwrap();
        release.send_replace(true);
        assert!(hanging.join().unwrap().is_ok_and(|tea| tea <= 1));
        assert_eq!(block_on(site.read_beside_others()), 1);
    });
}

/// Two loads on two threads that each request the other's key.
#[test]
fn loads_that_need_each_other_do_not_deadlock() {
    in_many_orders(|| {
        let site = Site::open();
        let ask: fn(&Site, [&'static str; 2]) -> u64 = |site, [own, other]| {
            let [own, other] = [own, other].map(|name| Key::named(name).build());
            let load = async || {
                yield_now().await;
                let load = async || Ok::<_, Infallible>(1);
                site.cache.get_or_set(&other, &HOUR, load).await.map(|value| *value)
            };
            let Ok(value) = block_on(site.cache.get_or_set(&own, &HOUR, load));
            *value
        };
        let (one, other) = (site.clone(), site.clone());
        let one = thread::spawn(move || ask(&one, ["tea", "milk"]));
        let other = thread::spawn(move || ask(&other, ["milk", "tea"]));
        assert_eq!((one.join().unwrap(), other.join().unwrap()), (1, 1));
    });
}

#[test]
fn a_read_after_an_acknowledged_deletion_reloads() {
    in_many_orders(|| {
        let site = Site::open();
        // The source has no stamps: the value is only as new as the load.
        let reader: fn(&Site) = |site| {
            for _ in 0..2 {
                let answered = site.answered.load(SeqCst);
                let tea = block_on(site.read_unstamped());
                assert!(tea >= answered, "read {tea} after {answered} was deleted before");
            }
        };
        let deleter: fn(&Site) = |site| {
            let tea = site.tea.fetch_add(1, SeqCst) + 1;
            block_on(site.cache.delete::<u64>(&Key::named("tea").build())).unwrap();
            site.answered.fetch_max(tea, SeqCst);
        };
        let clearer: fn(&Site) = |site| {
            let tea = site.tea.fetch_add(1, SeqCst) + 1;
            block_on(site.cache.clear()).unwrap();
            site.answered.fetch_max(tea, SeqCst);
        };
        at_once(&site, &[reader, deleter, reader, clearer, reader]);
        assert_eq!(block_on(site.read_unstamped()), 2);
    });
}

#[test]
fn an_entry_is_fresh_for_its_own_stamps_only() {
    /// An entry that was built before tea changed, and the stamps before and after the change.
    struct Known {
        entry: Entry,
        before: Arc<Stamps>,
        after: Arc<Stamps>,
    }
    in_many_orders(|| {
        let versions = InProcess::new();
        let current = || block_on(versions.current().get()).unwrap();
        let before = current();
        let mut dependencies = Dependencies::on_everything(&before);
        dependencies.add(TEA, before.stamp(&TEA));
        let entry = Entry::new(Level::Query, Arc::new(7), dependencies, &HOUR, 1);
        versions.bump(&[TEA]);
        let known = Arc::new(Known { entry, before, after: current() });
        let threads: Vec<_> = (0..4)
            .map(|reader| {
                let known = known.clone();
                thread::spawn(move || {
                    let is_behind = reader % 2 == 0;
                    let current = if is_behind { &known.before } else { &known.after };
                    for _ in 0..3 {
                        assert_eq!(known.entry.validate(current) == Validity::Fresh, is_behind);
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}
