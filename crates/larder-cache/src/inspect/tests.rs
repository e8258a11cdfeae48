use std::time::Duration;

use super::*;
use crate::Cache;
use crate::builder::Builder;
use crate::in_process::{Common, InProcess};
use crate::key::Key;
use crate::policy::Policy;
use crate::secret::Secret;
use crate::store::contract::fake::Fake;
use crate::store::memory::MemoryStore;
use crate::tag::Tag;

const TEAS: Tag = Tag::named("teas");
const MINUTE: Policy = Policy::fresh_for(Duration::from_secs(60));

fn key() -> Key {
    Key::named("teas.list").part("page", 2u64).build()
}

async fn list_teas(cache: &Cache, versions: &InProcess) {
    let load = async || {
        versions.reads(&[TEAS]);
        Ok::<_, ()>(vec!["Assam".to_owned()])
    };
    cache.get_or_set(&key(), &MINUTE, load).await.unwrap();
}

/// Waits for the task that writes behind the answer.
async fn settle(inspection: &Inspection) {
    for _ in 0..100 {
        let listing = inspection.keys("*", 10).await.unwrap();
        if listing.keys.iter().any(|listed| listed.kind == Kind::Query) {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_entry_is_described_with_its_tags_and_validated() {
    let versions = Arc::new(InProcess::new());
    let cache = Builder::default().open(versions.clone());
    list_teas(&cache, &versions).await;
    let inspection = cache.inspect();

    let found = inspection.describe("teas.list:page=2").await.unwrap();
    let [description] = found.as_slice() else { panic!("in memory only: {found:?}") };
    assert_eq!(description.listed.kind, Kind::Query);
    assert_eq!(description.verdict, Verdict::Valid);
    let tags: Vec<_> = description.tags.iter().map(|tag| tag.tag.as_str()).collect();
    assert_eq!(tags, ["!", "teas"]);
    assert!(description.left_ms.is_some_and(|left| (50_000..=60_000).contains(&left)));

    versions.bump(&[TEAS]);
    let found = inspection.describe("teas.list:page=2").await.unwrap();
    assert_eq!(found[0].verdict, Verdict::Changed("teas".to_owned()));
}

#[tokio::test]
async fn an_ended_entry_is_rebuilt_or_served_on_errors() {
    let cache = Builder::default().open(Arc::new(InProcess::new()));
    let policy = MINUTE.stale_if_error(Duration::from_secs(60));
    let ask = async |answer: Result<u8, ()>| {
        cache.get_or_set(&key(), &policy, async || answer).await.map(|value| *value)
    };
    assert_eq!(ask(Ok(1)).await, Ok(1));
    assert_eq!(cache.inspect().end("teas.list:page=2").await.unwrap(), 1);
    assert_eq!(ask(Err(())).await, Ok(1), "the old one stands in");
    assert_eq!(ask(Ok(2)).await, Ok(2));
    assert_eq!(cache.inspect().end("nothing").await.unwrap(), 0);
}

#[tokio::test]
async fn a_shared_entry_is_described_without_knowing_its_type() {
    let store = Arc::new(Fake::default());
    let versions = Arc::new(InProcess::new());
    let secret = Secret::random();
    let common = Arc::new(Common(versions.clone()));
    let builder = Builder::default().build_id("build").shared(store.clone(), &secret);
    let cache = builder.open(common.clone());
    list_teas(&cache, &versions).await;

    // First without the stamps, then with them.
    let stranger = Builder::default().inspect(store.clone(), Some(secret.clone()), None);
    settle(&stranger).await;
    let stranger = stranger.describe("teas.list:page=2").await.unwrap();
    assert!(matches!(stranger[0].verdict, Verdict::Unknown(_)), "{stranger:?}");
    assert_eq!((stranger[0].body.clone(), stranger[0].tags.len()), (Body::Opaque, 2));
    let validating = Builder::default().inspect(store.clone(), Some(secret), Some(common));
    let name = stranger[0].listed.name.clone().unwrap();
    assert!(name.starts_with("larder-cache:entry:build:") && name.ends_with(":teas.list:page=2"));
    assert_eq!(validating.describe(&name).await.unwrap()[0].verdict, Verdict::Valid);
    versions.bump(&[TEAS]);
    let changed = Verdict::Changed("teas".to_owned());
    assert_eq!(validating.describe(&name).await.unwrap()[0].verdict, changed);
}

#[tokio::test]
async fn without_the_secret_only_names_and_times_are_seen() {
    let store = Arc::new(Fake::default());
    let versions = Arc::new(InProcess::new());
    let cache = Builder::default().shared(store.clone(), &Secret::random());
    let common = Arc::new(Common(versions.clone()));
    let cache = cache.open(common.clone());
    list_teas(&cache, &versions).await;
    cache.values().set("motd", "Fresh bread", Timeout::Never).await.unwrap();
    let blind = Builder::default().inspect(store.clone(), None, Some(common));
    settle(&blind).await;
    for key in ["teas.list:page=2", "motd"] {
        let found = blind.describe(key).await.unwrap();
        let [found] = found.as_slice() else { panic!("{found:?}") };
        assert!(matches!(found.verdict, Verdict::Unknown(_)), "{found:?}");
        assert_eq!((found.body.clone(), found.tags.len()), (Body::Opaque, 0));
    }
    let listed = blind.describe("teas.list:page=2").await.unwrap().remove(0);
    assert!(listed.left_ms.is_some_and(|left| left > 50_000), "{listed:?}");
    blind.set("motd", "text", Timeout::Never).await.unwrap_err();
    blind.set("visits", "7", Timeout::Never).await.unwrap();
    assert_eq!(blind.delete("motd").await.unwrap(), 1);
    assert_eq!(blind.clear().await.unwrap(), 2);
}

#[tokio::test]
async fn a_value_that_was_set_is_a_number_or_text() {
    let store = Arc::new(MemoryStore::default());
    let inspection = Builder::default().inspect(store, None, None);
    let body = async |key| {
        let found = inspection.describe(key).await.unwrap();
        found.into_iter().next().map(|description| description.body)
    };
    inspection.set("visits", "41", Timeout::Never).await.unwrap();
    assert_eq!(inspection.values.incr("visits", 1).await.unwrap(), 42);
    assert_eq!(body("visits").await, Some(Body::Number(42)));
    for text in ["Fresh bread", "", "+1", "01", "1.5"] {
        inspection.set("motd", text, Timeout::Default).await.unwrap();
        assert_eq!(body("motd").await, Some(Body::Text(text.to_owned())));
        assert_eq!(inspection.values.get::<String>("motd").await.unwrap().as_deref(), Some(text));
    }
    assert_eq!(inspection.delete("motd").await.unwrap(), 1);
    assert_eq!(body("motd").await, None);
}

#[tokio::test]
async fn keys_are_listed_in_order_up_to_a_limit() {
    let store = Arc::new(MemoryStore::default());
    let inspection = Builder::default().inspect(store, None, None);
    for key in ["tea.3", "tea.1", "milk", "tea.2"] {
        inspection.set(key, "1", Timeout::Never).await.unwrap();
    }
    let keys = async |pattern, limit| {
        let listing = inspection.keys(pattern, limit).await.unwrap();
        let keys = listing.keys.into_iter().map(|listed| listed.key);
        (keys.collect::<Vec<_>>().join(" "), listing.left_off)
    };
    assert_eq!(keys("*", 10).await, ("milk tea.1 tea.2 tea.3".to_owned(), 0));
    assert_eq!(keys("tea.?", 2).await, ("tea.1 tea.2".to_owned(), 1));
    assert_eq!(inspection.clear().await.unwrap(), 4);
}
