//! Tests of several applications, builds and processes that share one store.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use super::Cache;
use super::builder::Builder;
use super::in_process::{Common, InProcess};
use super::key::Key;
use super::policy::Policy;
use super::secret::Secret;
use super::store::Store;
use super::store::contract::server::Server;
use super::store::memory::MemoryStore;
use super::tag::Tag;
use super::values::Timeout;

const TEAS: Tag = Tag::named("teas");
const HOUR: Policy = Policy::fresh_for(Duration::from_secs(3600));

/// A Redis server, and what all processes have that use it.
struct Town {
    _server: Server,
    store: Arc<dyn Store>,
    secret: Secret,
    versions: Arc<InProcess>,
}

impl Town {
    fn new() -> Option<Self> {
        let server = Server::start(&[])?;
        let store = Arc::new(server.store());
        let (secret, versions) = (Secret::random(), Arc::new(InProcess::new()));
        Some(Self { _server: server, store, secret, versions })
    }

    /// Opens a process with empty memory.
    fn open(&self, name: &str, build: &str) -> Cache {
        let builder = Builder::default().name(name).build_id(build);
        let common = Arc::new(Common(self.versions.clone()));
        builder.shared(self.store.clone(), &self.secret).open(common)
    }

    async fn names(&self) -> Vec<String> {
        let mut names = self.store.scan("", None).await.unwrap().keys;
        names.sort();
        names
    }

    /// Waits until the store has this many names: entries are written behind the answer.
    async fn settle(&self, count: usize) -> Vec<String> {
        for _ in 0..1_000 {
            let names = self.names().await;
            if names.len() == count && !names.iter().any(|name| name.ends_with(":lock")) {
                return names;
            }
            tokio::task::yield_now().await;
        }
        panic!("not {count} names: {:?}", self.names().await);
    }
}

/// Returns the entry under a key, and whether it had to be loaded.
async fn ask(cache: &Cache, load: impl AsyncFnOnce() -> String) -> (String, bool) {
    let loaded = Cell::new(false);
    let load = async || {
        loaded.set(true);
        Ok::<_, ()>(load().await)
    };
    let key = Key::named("teas.list").build();
    let value = cache.get_or_set(&key, &HOUR, load).await.unwrap();
    ((*value).clone(), loaded.get())
}

async fn keys(cache: &Cache) -> Vec<String> {
    let listing = cache.inspect().keys("*", 100).await.unwrap();
    let stored = listing.keys.into_iter().filter(|listed| listed.place == "redis");
    stored.map(|listed| listed.key).collect()
}

#[tokio::test]
async fn two_applications_on_one_redis_are_apart_in_entries_values_locks_and_clear() {
    let Some(town) = Town::new() else { return };
    let [blog, wiki] = ["blog", "blog-2"].map(|name| town.open(name, "1"));
    for (cache, name) in [(&blog, "blog"), (&wiki, "wiki")] {
        assert_eq!(ask(cache, async || name.to_owned()).await, (name.to_owned(), true));
        cache.values().set("motd", name, Timeout::Never).await.unwrap();
        let lock = cache.values().lock("night", Duration::from_secs(60)).await.unwrap();
        assert!(lock.is_some(), "each application has its own lock");
    }
    let names = town.settle(6).await;
    assert!(names.iter().all(|name| name.starts_with("blog:") || name.starts_with("blog-2:")));
    for (cache, name) in [(&blog, "blog"), (&wiki, "wiki")] {
        let motd = cache.values().get::<String>("motd").await.unwrap();
        assert_eq!(motd.as_deref(), Some(name));
        assert_eq!(keys(cache).await, ["teas.list", "motd", "night"]);
    }
    blog.clear().await.unwrap();
    let left = town.settle(3).await;
    assert!(left.iter().all(|name| name.starts_with("blog-2:")), "{left:?}");
    assert!(keys(&blog).await.is_empty());
    assert_eq!(wiki.values().get::<String>("motd").await.unwrap().as_deref(), Some("wiki"));
}

#[tokio::test]
async fn the_computation_of_a_value_is_leased_in_its_own_application() {
    let Some(town) = Town::new() else { return };
    let [blog, wiki] = ["blog", "wiki"].map(|name| town.open(name, "1"));
    let within = blog.values().get_or_set("visits", Timeout::Never, async || {
        let names = town.names().await;
        assert_eq!(names, ["load:blog:values:1:visits"]);
        // In the other application nothing is under way, and clearing it ends no lease of this one.
        wiki.clear().await.unwrap();
        wiki.values().get_or_set("visits", Timeout::Never, async || 2).await
    });
    assert_eq!(within.await, 2);
    assert_eq!(blog.values().get("visits").await.unwrap(), Some(2));
}

#[tokio::test]
async fn another_build_reads_the_values_and_no_entry() {
    let Some(town) = Town::new() else { return };
    let old = town.open("blog", "1");
    ask(&old, async || "old".to_owned()).await;
    old.values().set("motd", "hello", Timeout::Never).await.unwrap();
    town.settle(2).await;
    assert_eq!(
        ask(&town.open("blog", "1"), async || "no".to_owned()).await,
        ("old".to_owned(), false)
    );
    let new = town.open("blog", "2");
    assert_eq!(ask(&new, async || "new".to_owned()).await, ("new".to_owned(), true));
    assert_eq!(new.values().get::<String>("motd").await.unwrap().as_deref(), Some("hello"));
    town.settle(3).await;
    new.clear().await.unwrap();
    assert_eq!(town.settle(0).await, [""; 0], "it clears the entries of every build");
}

#[tokio::test]
async fn stamps_of_one_process_are_refused_beside_a_store_of_several() {
    let Some(town) = Town::new() else { return };
    let open = || Builder::default().shared(town.store.clone(), &town.secret);
    let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        open().open(town.versions.clone())
    }));
    let why = refused.err().and_then(|panic| panic.downcast::<&str>().ok());
    assert!(why.is_some_and(|why| why.contains("share_by_lifetime")));
    // A store in the memory of this process is shared with no other.
    let memory = Arc::new(MemoryStore::default());
    Builder::default().shared(memory, &town.secret).open(town.versions.clone());
}

#[tokio::test]
async fn by_lifetime_only_what_depends_on_no_tag_is_shared() {
    let Some(town) = Town::new() else { return };
    let open = |stamps: &Arc<InProcess>| {
        let builder = Builder::default().name("blog").share_by_lifetime();
        builder.shared(town.store.clone(), &town.secret).open(stamps.clone())
    };
    let (here, there) = (Arc::new(InProcess::new()), Arc::new(InProcess::new()));
    let reading = async |stamps: &Arc<InProcess>, cache: &Cache, text: &str| {
        ask(cache, async || {
            stamps.reads(&[TEAS]);
            text.to_owned()
        })
        .await
    };
    let (one, other) = (open(&here), open(&there));
    assert_eq!(reading(&here, &one, "one").await, ("one".to_owned(), true));
    assert_eq!(reading(&there, &other, "other").await, ("other".to_owned(), true));
    assert_eq!(town.settle(0).await, [""; 0], "it depends on a tag");
    here.bump(&[TEAS]);
    assert_eq!(ask(&one, async || "of nothing".to_owned()).await, ("of nothing".to_owned(), true));
    town.settle(1).await;
    let taken = ask(&open(&there), async || "no".to_owned()).await;
    assert_eq!(taken, ("of nothing".to_owned(), false), "another process takes it");
    // What a process has taken over it can still delete for itself.
    there.bump(&[Tag::EVERYTHING]);
    one.clear().await.unwrap();
    town.settle(0).await;
    assert_eq!(ask(&one, async || "anew".to_owned()).await, ("anew".to_owned(), true));
}

#[tokio::test]
async fn after_a_restart_nothing_is_fresh_that_was_stored_under_the_old_stamps() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let secret = Secret::random();
    let run = async |text: &str| {
        let stamps = Arc::new(InProcess::new());
        let builder = Builder::default().shared(store.clone(), &secret);
        let cache = builder.open(stamps.clone());
        let answer = ask(&cache, async || {
            stamps.reads(&[TEAS]);
            text.to_owned()
        })
        .await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        // A write after the last load, which the next process does not know of.
        stamps.bump(&[TEAS]);
        answer
    };
    assert_eq!(run("before").await, ("before".to_owned(), true));
    assert_eq!(run("after").await, ("after".to_owned(), true));
}
