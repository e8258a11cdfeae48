//! Deletions while loads are under way.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::*;
use crate::Cache;
use crate::builder::Builder;
use crate::in_process::InProcess;
use crate::inspect::Inspection;
use crate::policy::Policy;
use crate::secret::Secret;
use crate::stamps::{Current, StampSource, Stamps, StampsUnavailable};
use crate::store::Store;
use crate::store::memory::MemoryStore;

const MINUTE: Policy = Policy::fresh_for(Duration::from_secs(60));

fn key(name: &'static str) -> Key {
    Key::named(name).build()
}

fn current(moved: &[Tag]) -> Stamps {
    Stamps::new(moved.iter().map(|tag| (tag.clone(), Stamp { count: 1, nonce: 7 })))
}

#[test]
fn a_deletion_is_of_its_key_or_of_all() {
    let (tea, milk) = (key("tea"), key("milk"));
    let before = current(&[]);
    for (removal, is_deletion) in [(Removal::Deleted, true), (Removal::Ended, false)] {
        let after = current(&[removal.of_key("tea")]);
        let epoch = Epoch::of(&tea, None, before.epochs());
        assert_eq!(epoch.is_deleted_in(epoch.now(after.epochs())), is_deletion);
        assert!(
            !epoch.is_at_least(epoch.now(after.epochs()))
                && epoch.now(after.epochs()).is_at_least(epoch)
        );
        assert!(
            Epoch::of(&milk, None, before.epochs()) == Epoch::of(&milk, None, after.epochs()),
            "milk is not tea"
        );
        let cleared = current(&[removal.of_all()]);
        for key in [&tea, &milk] {
            let epoch = Epoch::of(key, None, before.epochs());
            assert_eq!(epoch.is_deleted_in(epoch.now(cleared.epochs())), is_deletion);
        }
    }
}

#[test]
fn a_variant_goes_with_its_address_and_with_itself() {
    let variant = key("variant").variant(&key("tea"));
    let epoch = Epoch::of(&variant, None, current(&[]).epochs());
    for name in ["tea", "variant"] {
        let after = current(&[Removal::Deleted.of_key(name)]);
        assert!(epoch.is_deleted_in(epoch.now(after.epochs())), "{name}");
    }
    let tea = Epoch::of(&key("tea"), None, current(&[]).epochs());
    let after = current(&[Removal::Deleted.of_key("variant")]);
    assert!(!tea.is_deleted_in(tea.now(after.epochs())), "the address stays without its variant");
    let inner = key("inner").variant(&variant);
    let epoch = Epoch::of(&inner, None, current(&[]).epochs());
    for name in ["tea", "variant", "inner"] {
        let after = current(&[Removal::Deleted.of_key(name)]);
        assert!(epoch.is_deleted_in(epoch.now(after.epochs())), "{name}");
    }
}

#[test]
fn tags_that_only_look_like_removals_are_none() {
    let odd = ["!deleted#65536", "!deleted#", "!deletedx", "!", "!ended#-1", "deleted#1"];
    let odd = odd.map(|name| Tag::from(name.to_owned()));
    let epoch = Epoch::of(&key("tea"), None, current(&odd).epochs());
    assert_eq!(epoch, Epoch::of(&key("tea"), None, current(&[]).epochs()));
}

/// Two instances and the store that they share.
struct Pair {
    here: Cache,
    there: Cache,
    store: Arc<dyn Store>,
}

impl Pair {
    fn open() -> Self {
        let versions = Arc::new(InProcess::new());
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let secret = Secret::random();
        let options = || Builder::default().shared(store.clone(), &secret);
        let open = || options().open(versions.clone());
        Self { here: open(), there: open(), store }
    }

    /// Returns the keys that any tier still stores.
    async fn keys(&self) -> Vec<String> {
        settle().await;
        let mut keys = self.store.scan("", None).await.unwrap().keys;
        for cache in [&self.here, &self.there] {
            let listing = cache.inspect().keys("*", 100).await.unwrap();
            keys.extend(listing.keys.into_iter().map(|listed| listed.key));
        }
        keys
    }
}

/// A load that waits until the test releases it.
#[derive(Clone, Default)]
struct Held {
    began: Arc<Notify>,
    go: Arc<Notify>,
}

impl Held {
    async fn load(self, value: u64) -> Result<u64, &'static str> {
        self.began.notify_one();
        self.go.notified().await;
        Ok(value)
    }

    /// Begins the load under the key `tea`, and returns when it is under way.
    async fn begin(&self, cache: &Cache, how: How) -> JoinHandle<u64> {
        let (cache, held) = (cache.clone(), self.clone());
        let under_way = tokio::spawn(async move { get(&cache, how, held).await });
        self.began.notified().await;
        under_way
    }
}

/// The call by which a value is loaded.
#[derive(Debug, Clone, Copy, PartialEq)]
enum How {
    Set,
    Refresh,
    Many,
}

const ALL: [How; 3] = [How::Set, How::Refresh, How::Many];

async fn get(cache: &Cache, how: How, held: Held) -> u64 {
    let tea = key("tea");
    match how {
        How::Set => *cache.get_or_set(&tea, &MINUTE, async || held.load(1).await).await.unwrap(),
        How::Refresh => *cache.get_or_refresh(&tea, &MINUTE, || held.load(1)).await.unwrap(),
        How::Many => {
            let load = async |_: Vec<&()>| held.load(1).await.map(|value| vec![value]);
            let values = cache.get_or_set_many(&[()], |()| tea.clone(), &MINUTE, load).await;
            *values.unwrap()[0]
        }
    }
}

/// Returns the stored tea, or else `otherwise`.
async fn look(cache: &Cache, otherwise: u64) -> u64 {
    let Ok(value) =
        cache.get_or_set(&key("tea"), &MINUTE, async || Ok::<_, Infallible>(otherwise)).await;
    *value
}

/// Lets spawned tasks run.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

/// All ways to remove tea.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Delete,
    Clear,
    ByHand,
    ClearByHand,
    End,
}

impl Way {
    const ALL: [Self; 5] = [Self::Delete, Self::Clear, Self::ByHand, Self::ClearByHand, Self::End];

    async fn go(self, cache: &Cache) {
        let by_hand: Inspection = cache.inspect();
        match self {
            Self::Delete => drop(cache.delete::<u64>(&key("tea")).await.unwrap()),
            Self::Clear => cache.clear().await.unwrap(),
            Self::ByHand => drop(by_hand.delete("tea").await.unwrap()),
            Self::ClearByHand => drop(by_hand.clear().await.unwrap()),
            Self::End => drop(by_hand.end("tea").await.unwrap()),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_load_that_began_before_a_deletion_is_not_kept() {
    for (way, how) in Way::ALL.into_iter().flat_map(|way| ALL.map(|how| (way, how))) {
        for is_here in [true, false] {
            let (pair, held) = (Pair::open(), Held::default());
            let load = held.begin(&pair.here, how).await;
            way.go(if is_here { &pair.here } else { &pair.there }).await;
            held.go.notify_one();
            assert_eq!(load.await.unwrap(), 1, "the caller who was there gets it");
            let case = format!("{way:?} {how:?} {is_here}");
            if way != Way::End {
                assert_eq!(pair.keys().await, [""; 0], "{case}");
            }
            settle().await;
            for cache in [&pair.there, &pair.here] {
                assert_eq!(look(cache, 2).await, 2, "{case}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_after_a_deletion_does_not_wait_for_an_earlier_load() {
    for (way, how) in Way::ALL.into_iter().flat_map(|way| ALL.map(|how| (way, how))) {
        for is_here in [true, false] {
            let (pair, held) = (Pair::open(), Held::default());
            let load = held.begin(&pair.here, how).await;
            way.go(if is_here { &pair.here } else { &pair.there }).await;
            // The load is still held: a caller that waited for it would never return.
            let case = format!("{way:?} {how:?} {is_here}");
            assert_eq!(look(&pair.here, 2).await, 2, "{case}");
            held.go.notify_one();
            load.await.unwrap();
            settle().await;
            for cache in [&pair.here, &pair.there] {
                assert_eq!(look(cache, 3).await, 2, "what came later was not replaced: {case}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_before_a_deletion_shares_the_load() {
    let (pair, held) = (Pair::open(), Held::default());
    let load = held.begin(&pair.here, How::Set).await;
    let waits = tokio::spawn({
        let cache = pair.here.clone();
        async move { look(&cache, 2).await }
    });
    settle().await;
    pair.here.delete::<u64>(&key("tea")).await.unwrap();
    held.go.notify_one();
    assert_eq!((load.await.unwrap(), waits.await.unwrap()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn every_instance_forgets_and_nothing_stands_in_for_an_error() {
    let policy = MINUTE.stale_if_error(Duration::from_secs(60));
    for way in Way::ALL {
        let pair = Pair::open();
        for cache in [&pair.here, &pair.there] {
            look(cache, 1).await;
            settle().await;
        }
        way.go(&pair.here).await;
        let failing = async |cache: &Cache| {
            let load = async || Err::<u64, _>("down");
            cache.get_or_set(&key("tea"), &policy, load).await.map(|value| *value)
        };
        // An entry whose lifetime was ended may still be served on errors.
        let expected = if way == Way::End { Ok(1) } else { Err("down") };
        for cache in [&pair.there, &pair.here] {
            assert_eq!(failing(cache).await, expected, "{way:?}");
        }
        assert_eq!(look(&pair.there, 2).await, 2, "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn clearing_a_scope_deletes_its_entries() {
    let policy = MINUTE.stale_if_error(Duration::from_secs(60));
    for how in ALL {
        let (pair, held) = (Pair::open(), Held::default());
        let scopes = [&pair.here, &pair.there].map(|cache| cache.scoped("ann"));
        let [here, there] = &scopes;
        for cache in [here, there, &pair.here] {
            look(cache, 1).await;
            settle().await;
        }
        here.clear().await.unwrap();
        for cache in [there, here] {
            let load = async || Err::<u64, _>("down");
            let tea = cache.get_or_set(&key("tea"), &policy, load).await;
            assert_eq!(tea, Err("down"), "nothing stands in for an error");
        }
        let load = held.begin(here, how).await;
        there.clear().await.unwrap();
        assert_eq!(look(here, 2).await, 2, "{how:?}: the earlier load is not waited for");
        held.go.notify_one();
        assert_eq!(load.await.unwrap(), 1, "the caller who was there gets it");
        settle().await;
        for cache in [here, there] {
            assert_eq!(look(cache, 3).await, 2, "{how:?}: what came later was not replaced");
        }
        assert_eq!(look(&pair.here, 4).await, 1, "the whole stays");
    }
}

#[tokio::test(start_paused = true)]
async fn an_entry_written_to_the_store_after_a_deletion_is_removed_again() {
    let pair = Pair::open();
    // The write is spawned, and does not run before this task awaits.
    look(&pair.here, 1).await;
    assert!(pair.here.delete::<u64>(&key("tea")).await.unwrap());
    assert_eq!(pair.keys().await, [""; 0]);
    assert!(!pair.there.delete::<u64>(&key("tea")).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_refresh_under_way_brings_nothing_back() {
    let policy = MINUTE.refresh_before(Duration::from_secs(60));
    for way in Way::ALL {
        let (pair, held) = (Pair::open(), Held::default());
        look(&pair.here, 1).await;
        let load = held.clone();
        // Within the refresh window: the stored value is served, and rebuilt in the background.
        let tea = key("tea");
        let value = pair.here.get_or_refresh(&tea, &policy, || load.load(2)).await;
        assert_eq!(value.map(|value| *value), Ok(1));
        held.began.notified().await;
        way.go(&pair.there).await;
        held.go.notify_one();
        settle().await;
        for cache in [&pair.here, &pair.there] {
            assert_eq!(look(cache, 3).await, 3, "{way:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn where_stamps_cannot_be_changed_deleting_is_an_error() {
    struct Fixed;
    impl StampSource for Fixed {
        fn current(&self) -> Current {
            Current::Ready(Ok(Arc::new(Stamps::new([]))))
        }

        fn is_shared(&self) -> bool {
            true
        }
    }
    let cache = Builder::default().open(Arc::new(Fixed));
    look(&cache, 1).await;
    let refused = cache.delete::<u64>(&key("tea")).await.unwrap_err().to_string();
    assert!(refused.contains("StampSource::invalidate"), "{refused}");
    cache.clear().await.unwrap_err();
    cache.inspect().delete("tea").await.unwrap_err();
    assert_eq!(look(&cache, 2).await, 1);
    let Err(StampsUnavailable(why)) = Fixed.invalidate(Vec::new()).await else {
        panic!("it is moved")
    };
    assert!(refused.contains(&why));
}
