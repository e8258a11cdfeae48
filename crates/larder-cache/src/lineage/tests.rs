//! Loads that ask for themselves, at every level, and loads that wait for each other.

use std::cell::Cell;
use std::convert::Infallible;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, join};
use tokio::sync::Barrier;

use super::*;
use crate::Cache;
use crate::builder::Builder;
use crate::fragment::{Digest, Fragment};
use crate::in_process::InProcess;
use crate::key::Key;
use crate::level::Levels;
use crate::panics::{Panic, caught};
use crate::policy::Policy;
use crate::refresh::Failure;
use crate::values::Timeout;

const MINUTE: Policy = Policy::fresh_for(Duration::from_secs(60));

fn open() -> Cache {
    Builder::default().open(Arc::new(InProcess::new()))
}

fn key(name: char) -> Key {
    Key::named("test").part("name", name.to_string().as_str()).build()
}

/// Asks for the value named by the first letter; its load asks for the rest.
fn next<'a>(cache: &'a Cache, rest: &'a str) -> LocalBoxFuture<'a, u32> {
    let Some(way) = rest.chars().next() else { return async { 7 }.boxed_local() };
    let ask = move || match way {
        'a'..='i' => query(cache, rest),
        'j'..='m' => many(cache, rest),
        'n'..='r' => value(cache, rest),
        _ => fragment(cache, rest),
    };
    // Yields first, so that several of these run at the same time.
    async move {
        tokio::task::yield_now().await;
        ask().await
    }
    .boxed_local()
}

fn split(path: &str) -> (char, &str) {
    (path.chars().next().unwrap(), &path[1..])
}

fn query<'a>(cache: &'a Cache, path: &'a str) -> LocalBoxFuture<'a, u32> {
    let (name, rest) = split(path);
    let load = async move || Ok::<_, Infallible>(next(cache, rest).await);
    async move { *cache.get_or_set(&key(name), &MINUTE, load).await.unwrap() }.boxed_local()
}

fn many<'a>(cache: &'a Cache, path: &'a str) -> LocalBoxFuture<'a, u32> {
    let (name, rest) = split(path);
    async move {
        let load = async |_: Vec<&char>| Ok::<_, Infallible>(vec![next(cache, rest).await]);
        let loaded = cache.get_or_set_many(&[name], |name| key(*name), &MINUTE, load).await;
        *loaded.unwrap()[0]
    }
    .boxed_local()
}

fn value<'a>(cache: &'a Cache, path: &'a str) -> LocalBoxFuture<'a, u32> {
    let (name, rest) = split(path);
    let load = async move || next(cache, rest).await;
    async move { cache.values().get_or_set(&name.to_string(), Timeout::Never, load).await }
        .boxed_local()
}

fn fragment<'a>(cache: &'a Cache, path: &'a str) -> LocalBoxFuture<'a, u32> {
    let (name, rest) = split(path);
    async move {
        let part = || {
            let part = Fragment::new("test.part", Digest::of(b"v1"), MINUTE);
            part.vary_on("name", u64::from(u32::from(name))).reads_data()
        };
        let mut parts = cache.prefetch([part()]).await;
        let load = async || Ok::<_, Infallible>(next(cache, rest).await);
        parts.load(part(), load).await.unwrap().unwrap_or(7)
    }
    .boxed_local()
}

async fn told(cache: &Cache, path: &str) -> Result<u32, String> {
    caught(next(cache, path)).await.map_err(|panic: Panic| panic.to_string())
}

/// The letters stand for queries, many at once, values and fragments.
///
/// The clock is paused, so nothing here may wait for a timeout.
#[tokio::test(start_paused = true)]
async fn a_load_that_asks_for_itself_fails_at_once_through_every_call() {
    let paths = [
        "aa", "aba", "abca", "nn", "non", "ana", "nan", "jj", "jaj", "aja", "xx", "xax", "axa",
        "xnaxb",
    ];
    for levels in [Levels::ALL, Levels::OFF] {
        let cache = Builder::default().levels(levels).open(Arc::new(InProcess::new()));
        for path in paths {
            if levels == Levels::OFF && path.contains('x') {
                continue;
            }
            let began = tokio::time::Instant::now();
            let sentence = told(&cache, path).await.unwrap_err();
            assert!(sentence.contains("asks for itself ("), "{path}: {sentence}");
            assert!(sentence.contains(" → "), "{path}: {sentence}");
            assert!(began.elapsed().is_zero(), "{path} waited");
        }
        assert_eq!(told(&cache, "abc").await, Ok(7), "no key of it is under way any more");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refreshed_value_that_asks_for_itself_fails_with_an_error() {
    let cache = open();
    let began = tokio::time::Instant::now();
    let again = cache.clone();
    let load = move || async move {
        let load = || async { Ok::<u32, String>(7) };
        match again.get_or_refresh(&key('s'), &MINUTE, load).await {
            Err(Failure::Circular(circle)) => Err(circle.to_string()),
            other => panic!("{other:?}"),
        }
    };
    let told: Result<Arc<u32>, _> = cache.get_or_refresh(&key('s'), &MINUTE, load).await;
    assert!(
        matches!(&told, Err(Failure::Load(text)) if text.contains("asks for itself")),
        "{told:?}"
    );
    assert!(began.elapsed().is_zero());
}

/// A load behind an old value runs in a task of its own.
#[tokio::test(start_paused = true)]
async fn a_load_in_the_background_that_asks_for_itself_fails_with_an_error() {
    let (cache, policy) = (open(), MINUTE.stale_while_revalidate(Duration::from_secs(60)));
    let (tell, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let get = async || {
        let (again, tell) = (cache.clone(), tell.clone());
        let load = move || async move {
            let load = || async { Ok::<u32, Infallible>(7) };
            let told = again.get_or_refresh(&key('s'), &MINUTE, load).await;
            tell.send(matches!(told, Err(Failure::Circular(_)))).unwrap();
            Ok::<u32, Infallible>(1)
        };
        cache.get_or_refresh(&key('s'), &policy, load).await
    };
    assert_eq!(get().await.ok().as_deref(), Some(&1));
    assert_eq!(heard.recv().await, Some(true));
    tokio::time::advance(Duration::from_secs(61)).await;
    let began = tokio::time::Instant::now();
    assert_eq!(get().await.ok().as_deref(), Some(&1), "the old value");
    assert_eq!(heard.recv().await, Some(true), "in the background");
    assert!(began.elapsed().is_zero());
}

#[tokio::test]
async fn the_error_names_the_keys_of_the_cycle() {
    let sentence = told(&open(), "abca").await.unwrap_err();
    let names = ["a", "b", "c", "a"].map(|name| format!(r#"test:name="{name}""#));
    assert!(sentence.contains(&names.join(" → ")), "{sentence}");
}

/// Two requests, each of which is loading what the other asks for.
#[tokio::test(start_paused = true)]
async fn loads_of_two_requests_that_wait_for_each_other_do_not_wait() {
    let (cache, both) = (open(), Barrier::new(2));
    let began = tokio::time::Instant::now();
    let ask = async |own: char, other: char| {
        let load = async || {
            both.wait().await;
            let load = async || Ok::<_, Infallible>(1);
            Ok::<_, Infallible>(1 + *cache.get_or_set(&key(other), &MINUTE, load).await.unwrap())
        };
        *cache.get_or_set(&key(own), &MINUTE, load).await.unwrap()
    };
    let (one, other) = join(ask('a', 'b'), ask('b', 'a')).await;
    // One of them loads the other's key by itself, and the other may wait for the first.
    assert!((2..=3).contains(&one) && (2..=3).contains(&other), "{one} {other}");
    assert!(began.elapsed().is_zero(), "they have waited");
}

/// The same with a real cycle: both get the error.
#[tokio::test(start_paused = true)]
async fn loads_of_two_requests_that_need_each_other_fail() {
    let cache = open();
    let (one, other) = join(told(&cache, "aba"), told(&cache, "bab")).await;
    for sentence in [one, other] {
        assert!(
            sentence.as_ref().is_err_and(|text| text.contains("asks for itself")),
            "{sentence:?}"
        );
    }
}

#[tokio::test]
async fn a_load_may_ask_for_the_same_other_key_twice_and_wait_for_it_twice_at_once() {
    let (cache, loads) = (open(), Cell::new(0));
    let ask = async || {
        let load = async || {
            loads.set(loads.get() + 1);
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(1)
        };
        *cache.get_or_set(&key('b'), &MINUTE, load).await.unwrap()
    };
    let load = async || {
        let (one, other) = join(ask(), ask()).await;
        Ok::<_, Infallible>(one + other + ask().await)
    };
    assert_eq!(*cache.get_or_set(&key('a'), &MINUTE, load).await.unwrap(), 3);
    assert_eq!(loads.get(), 1);
}

#[tokio::test]
async fn the_same_key_of_another_cache_is_another_key() {
    let (one, other) = (open(), open());
    let load = async || Ok::<_, Infallible>(query(&other, "a").await);
    assert_eq!(*one.get_or_set(&key('a'), &MINUTE, load).await.unwrap(), 7);
}
