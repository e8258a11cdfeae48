//! Tests that an attacker who writes to the shared store can only cause misses, and is reported.

use std::cell::Cell;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::Cache;
use super::builder::Builder;
use super::event::{Event, Listener, Outcome};
use super::fragment::Html;
use super::in_process::{Common, InProcess};
use super::key::Key;
use super::level::Level;
use super::policy::Policy;
use super::secret::Secret;
use super::stamps::StampSource;
use super::store::contract::fake::Fake;
use super::store::{Item, Lifetime, Store};
use super::tag::Tag;
use super::values::Timeout;
use super::values::call::Call;

const TEAS: Tag = Tag::named("teas");
const MINUTE: Policy = Policy::fresh_for(Duration::from_secs(60));

/// The reasons for which bytes were rejected, in order, and the outcomes of calls to values.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Heard {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Listener for Heard {
    fn on(&self, event: &Event<'_>) {
        if let Outcome::Unreadable(why) = event.outcome {
            self.0.lock().unwrap().push(format!("{}: {why}", event.key));
        }
    }

    fn on_value(&self, call: &Call<'_>) {
        self.0.lock().unwrap().push(call.outcome.name().to_owned());
    }
}

/// A store, with the stamps and the secret of the instances that share it.
struct Site {
    store: Arc<Fake>,
    versions: Arc<InProcess>,
    secret: Secret,
    heard: Arc<Heard>,
}

impl Site {
    fn new() -> Self {
        let (store, versions) = (Arc::default(), Arc::new(InProcess::new()));
        Self { store, versions, secret: Secret::random(), heard: Arc::default() }
    }

    /// Opens an instance with empty memory.
    fn instance(&self) -> Cache {
        self.instance_of("site", &self.secret)
    }

    fn instance_of(&self, namespace: &str, secret: &Secret) -> Cache {
        let options = Builder::default().name("blog").build_id(namespace);
        let options = options.shared(self.store.clone(), secret).listener(self.heard.clone());
        options.open(Arc::new(Common(self.versions.clone())))
    }

    /// Returns the instance's value under this key, and whether it had to load it.
    async fn ask(&self, cache: &Cache, name: &'static str, policy: &Policy) -> (String, bool) {
        let loaded = Cell::new(false);
        let load = async || {
            self.versions.reads(&[TEAS]);
            loaded.set(true);
            Ok::<_, ()>(name.to_owned())
        };
        let value = cache.get_or_set(&key(name), policy, load).await.unwrap();
        ((*value).clone(), loaded.get())
    }

    /// Returns the name in the store with this end.
    async fn name(&self, end: &str) -> String {
        let mut names = self.names().await;
        names.retain(|name| name.ends_with(end));
        names.pop().unwrap_or_else(|| panic!("nothing ends in {end}"))
    }

    async fn names(&self) -> Vec<String> {
        // Entries are written behind the answer.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        self.store.scan("blog", None).await.unwrap().keys
    }

    async fn bytes(&self, end: &str) -> Bytes {
        self.store.get(&self.name(end).await).await.unwrap().unwrap()
    }

    async fn put(&self, name: &str, bytes: impl Into<Bytes>) {
        self.store.set(Item::new(name, &bytes.into(), Lifetime::FOREVER)).await.unwrap();
    }
}

fn key(name: &'static str) -> Key {
    Key::named(name).build()
}

/// Returns the bytes that an attacker might put under the name `ours`.
async fn forgeries(site: &Site, ours: &str, theirs: &[&str]) -> Vec<Bytes> {
    let good = site.bytes(ours).await;
    let mut forged: Vec<Bytes> = Vec::new();
    for end in theirs {
        forged.push(site.bytes(end).await);
    }
    for place in 0..good.len() {
        let mut bytes = good.to_vec();
        bytes[place] ^= 1;
        forged.push(bytes.into());
        forged.push(good.slice(..place));
    }
    forged.push([&good[..], b"x"].concat().into());
    // In the previous format, whose checksum everyone can compute.
    forged.push(Bytes::from_static(b"LDR\x01\0\0\0\0 and more of it, as much as an envelope has"));
    forged
}

#[tokio::test]
async fn moved_cut_changed_and_forged_bytes_are_a_miss_and_an_event() {
    let site = Site::new();
    let writer = site.instance();
    for name in ["tea", "milk"] {
        site.ask(&writer, name, &MINUTE).await;
    }
    site.ask(&site.instance_of("elsewhere", &site.secret), "tea", &MINUTE).await;
    site.ask(&site.instance_of("stranger", &Secret::random()), "tea", &MINUTE).await;
    writer.values().set("tea", "tea", Timeout::Never).await.unwrap();
    site.heard.take();
    let ours = site.names().await.into_iter().find(|name| name.contains(":site:")).unwrap();
    let fingerprint = ours.split(':').nth(3).unwrap().to_owned();
    let elsewhere = format!("elsewhere:{fingerprint}:tea");
    let stranger = format!("stranger:{fingerprint}:tea");
    let ours = format!("blog:entry:site:{fingerprint}:tea");
    let theirs = [":milk", &elsewhere, &stranger, "blog:values:1:tea"];
    for forged in forgeries(&site, &ours, &theirs).await {
        site.put(&ours, forged.clone()).await;
        let (said, loaded) = site.ask(&site.instance(), "tea", &MINUTE).await;
        assert_eq!((said.as_str(), loaded), ("tea", true), "{forged:?}");
        let heard = site.heard.take();
        assert_eq!(heard.len(), 1, "{heard:?} of {forged:?}");
        assert!(heard[0].starts_with("tea: "), "{heard:?}");
        // In one round trip with others, too.
        site.names().await;
        site.put(&ours, forged.clone()).await;
        let keys = [key("tea")];
        let current = site.versions.current().get().await.unwrap();
        let keys: Vec<&Key> = keys.iter().collect();
        let caller = std::panic::Location::caller();
        let recalled =
            site.instance().recall_many::<String>(Level::Query, &keys, &current, caller).await;
        assert!(recalled[0].is_none(), "{forged:?}");
        assert_eq!(site.heard.take().len(), 1, "{forged:?}");
    }
}

/// Puts a fragment where a value of another type is looked up, and under a page's name.
#[tokio::test]
async fn no_entry_is_read_as_another_type() {
    let site = Site::new();
    let current = site.versions.current().get().await.unwrap();
    let cache = site.instance();
    cache.mark(Level::Fragment, &key("tea"), &MINUTE, Html("tea".to_owned()), 3, &current);
    let html = site.bytes(":tea").await;
    site.ask(&site.instance(), "tea", &MINUTE).await;
    let both = site.names().await;
    assert_eq!(both.len(), 2, "{both:?}");
    for name in both {
        site.put(&name, html.clone()).await;
    }
    let (said, loaded) = site.ask(&site.instance(), "tea", &MINUTE).await;
    assert_eq!((said.as_str(), loaded), ("tea", true));
    assert_eq!(site.heard.take(), ["tea: wrong seal"]);
}

#[tokio::test]
async fn a_replayed_entry_is_validated_by_its_stamps_and_its_lifetime() {
    let site = Site::new();
    let short = Policy::fresh_for(Duration::from_millis(20));
    site.ask(&site.instance(), "tea", &MINUTE).await;
    site.ask(&site.instance(), "milk", &short).await;
    let (tea, milk) = (site.name(":tea").await, site.name(":milk").await);
    let (old, over) = (site.bytes(":tea").await, site.bytes(":milk").await);
    assert!(
        !site.ask(&site.instance(), "tea", &MINUTE).await.1,
        "it is good as long as it is true"
    );
    site.versions.bump(&[TEAS]);
    site.put(&tea, old).await;
    assert!(site.ask(&site.instance(), "tea", &MINUTE).await.1);
    // It never expires in the store, but its header says that it is over.
    let end = SystemTime::now() + Duration::from_millis(20);
    while SystemTime::now() < end {
        tokio::task::yield_now().await;
    }
    site.put(&milk, over).await;
    assert!(site.ask(&site.instance(), "milk", &MINUTE).await.1);
}

#[tokio::test]
async fn a_local_entry_is_neither_written_to_the_store_nor_read_from_it() {
    let site = Site::new();
    let local = MINUTE.local_only();
    site.ask(&site.instance(), "tea", &local).await;
    assert_eq!(site.names().await, [""; 0]);
    // It is authentic, but must not be read.
    site.ask(&site.instance(), "tea", &MINUTE).await;
    assert_eq!(site.names().await.len(), 1);
    site.store.calls();
    assert!(site.ask(&site.instance(), "tea", &local).await.1);
    assert_eq!(site.store.calls(), [""; 0], "not even a lock is taken");
}

#[tokio::test]
async fn values_are_read_under_their_own_name_only() {
    let site = Site::new();
    let cache = site.instance();
    let values = cache.values();
    for name in ["tea", "milk"] {
        values.set(name, name, Timeout::Never).await.unwrap();
    }
    values.version(2).set("tea", "old", Timeout::Never).await.unwrap();
    site.ask(&cache, "tea", &MINUTE).await;
    site.names().await;
    let (ours, others) = ("blog:values:1:tea", ["values:1:milk", "values:2:tea"]);
    for forged in forgeries(&site, ours, &others).await {
        site.put(ours, forged.clone()).await;
        site.heard.take();
        assert_eq!(values.get::<String>("tea").await.unwrap(), None, "{forged:?}");
        let many = values.get_many::<String, _>(["tea", "milk"]).await.unwrap();
        assert_eq!(many.keys().collect::<Vec<_>>(), ["milk"], "{forged:?}");
        assert_eq!(site.heard.take(), ["unreadable", "unreadable"], "{forged:?}");
        let load = async || "tea".to_owned();
        assert_eq!(values.get_or_set("tea", Timeout::Never, load).await, "tea");
        assert_eq!(site.heard.take(), ["unreadable"]);
        assert_eq!(values.get_or("tea", String::new()).await.unwrap(), "tea", "it is replaced");
    }
    values.set("moved", "tea", Timeout::Never).await.unwrap();
    assert_eq!(values.incr_version("moved", 1).await.unwrap(), 2);
    assert_eq!(values.version(2).get::<String>("moved").await.unwrap().as_deref(), Some("tea"));
    assert_eq!(values.get::<String>("moved").await.unwrap(), None);
    site.put(ours, &b"x"[..]).await;
    values.incr_version("tea", 1).await.unwrap_err();
}

#[tokio::test]
async fn after_a_rotation_old_seals_are_a_miss_and_new_ones_are_not() {
    let site = Site::new();
    let running = site.instance();
    site.ask(&running, "tea", &MINUTE).await;
    running.values().set("tea", "tea", Timeout::Never).await.unwrap();
    site.names().await;
    site.secret.replace(&[7; Secret::BYTES]);
    assert_eq!(running.values().get::<String>("tea").await.unwrap(), None);
    assert!(site.ask(&site.instance(), "tea", &MINUTE).await.1);
    running.values().set("tea", "tea", Timeout::Never).await.unwrap();
    site.names().await;
    let other = site.instance_of("site", &Secret::new(&[7; Secret::BYTES]));
    assert_eq!(other.values().get::<String>("tea").await.unwrap().as_deref(), Some("tea"));
    assert!(!site.ask(&other, "tea", &MINUTE).await.1);
}

#[tokio::test]
async fn without_a_secret_a_shared_store_holds_only_numbers() {
    use super::values::{Settings, Values};
    let values = Values::new(Arc::new(Fake::default()), Settings::new("t"));
    values.set("tea", "tea", Timeout::Never).await.unwrap_err();
    values.set("count", &1, Timeout::Never).await.unwrap();
    assert_eq!(values.incr("count", 1).await.unwrap(), 2);
}
