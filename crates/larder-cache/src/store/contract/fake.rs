//! A store that records its calls, and tests of the calls that `Values` makes.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::FutureExt;
use tokio::sync::Notify;

use super::*;
use crate::store::{
    Answer, Item, KeyFault, Leased, Lifetime, ScanPage, Store, StoreError, memory::MemoryStore,
};

/// A memory store that records its calls.
#[derive(Debug, Default)]
pub(crate) struct Fake {
    inner: MemoryStore,
    calls: Mutex<Vec<&'static str>>,
    /// Whether `add_leased` reports that another process stored a value first.
    loses: bool,
    /// The signal that the first `get_many` waits for before it returns.
    slow: Option<Arc<Notify>>,
}

impl Fake {
    fn note(&self, call: &'static str) -> &MemoryStore {
        self.calls.lock().unwrap().push(call);
        &self.inner
    }

    /// Returns the calls since the last time.
    pub(crate) fn calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }
}

impl Store for Fake {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn get_many<'a>(&'a self, keys: &'a [&'a str]) -> Answer<'a, Vec<Option<Bytes>>> {
        let is_first = self.calls.lock().unwrap().is_empty();
        let answer = self.note("get_many").get_many(keys);
        match self.slow.as_ref().filter(|_| is_first) {
            None => answer,
            Some(signal) => Box::pin(async {
                let found = answer.await;
                signal.notified().await;
                found
            }),
        }
    }

    fn set_many<'a>(&'a self, items: &'a [Item<'a>]) -> Answer<'a, Vec<Result<(), StoreError>>> {
        self.note("set_many").set_many(items)
    }

    fn add<'a>(&'a self, item: Item<'a>) -> Answer<'a, bool> {
        self.note("add").add(item)
    }

    fn add_leased<'a>(&'a self, item: Item<'a>, token: &'a [u8]) -> Answer<'a, bool> {
        match self.loses {
            true => Box::pin(async { Ok(false) }),
            false => self.note("add_leased").add_leased(item, token),
        }
    }

    fn get_or_lease<'a>(
        &'a self,
        key: &'a str,
        token: &'a Bytes,
        time: Lifetime,
    ) -> Answer<'a, Leased> {
        self.note("get_or_lease").get_or_lease(key, token, time)
    }

    fn delete_many<'a>(&'a self, keys: &'a [&'a str]) -> Answer<'a, u64> {
        self.note("delete_many").delete_many(keys)
    }

    fn delete_if<'a>(&'a self, key: &'a str, bytes: &'a [u8]) -> Answer<'a, bool> {
        self.note("delete_if").delete_if(key, bytes)
    }

    fn expire<'a>(&'a self, key: &'a str, lifetime: Lifetime) -> Answer<'a, bool> {
        self.note("expire").expire(key, lifetime)
    }

    fn ttl<'a>(&'a self, key: &'a str) -> Answer<'a, Ttl> {
        self.note("ttl").ttl(key)
    }

    fn incr<'a>(&'a self, key: &'a str, by: i64) -> Answer<'a, i64> {
        self.note("incr").incr(key, by)
    }

    fn rename<'a>(&'a self, from: &'a str, to: &'a str) -> Answer<'a, bool> {
        self.note("rename").rename(from, to)
    }

    fn scan<'a>(&'a self, prefix: &'a str, from: Option<String>) -> Answer<'a, ScanPage> {
        self.note("scan").scan(prefix, from)
    }

    fn key_fault(&self, key: &str) -> Option<String> {
        let fault = KeyFault::of(key).filter(|_| !key.contains("lenient"));
        fault.map(|fault| fault.to_string())
    }
}

/// Issue 3, point 1, and A20.
#[tokio::test]
async fn every_operation_costs_one_round_trip() {
    let fake = Arc::new(Fake::default());
    let values = Bench::on(fake.clone(), None).values;
    let pairs = [("a", &1), ("b", &2)];
    let nothing: [(&str, &i64); 0] = [];
    macro_rules! check {
        ($($call:expr => $expected:expr;)*) => {$(
            let _ = $call.await;
            let expected: &[&str] = &$expected;
            assert_eq!(fake.calls(), expected, "{}", stringify!($call));
        )*};
    }
    check! {
        values.set("a", &1, DEFAULT) => ["set_many"];
        values.get::<i64>("a") => ["get_many"];
        values.add("a", &1, DEFAULT) => ["add"];
        values.incr("a", 1) => ["incr"];
        values.touch("a", DEFAULT) => ["expire"];
        values.has_key("a") => ["ttl"];
        values.incr_version("a", 1) => ["get_many", "rename"];
        values.delete("a") => ["delete_many"];
        values.set("a", &1, Duration::ZERO) => ["delete_many"];
        values.set_many(pairs, DEFAULT) => ["set_many"];
        values.get_many::<i64, _>(["a", "b"]) => ["get_many"];
        values.get_or_set("a", DEFAULT, async || 1) => ["get_many"];
        values.delete_many(["a", "b"]) => ["delete_many"];
        values.get_or_set("a", DEFAULT, async || 1) => ["get_many", "get_or_lease", "add_leased"];
        values.set_many(nothing, Duration::ZERO) => ["delete_many"];
    }
}

/// A27: another process stored a value first, and that value is gone again.
#[tokio::test]
async fn get_or_set_that_loses_to_a_lost_value_returns_its_own() {
    let fake = Fake { loses: true, ..Fake::default() };
    let values = Bench::on(Arc::new(fake), None).values;
    assert_eq!(values.get_or_set("a", DEFAULT, async || 7).await, 7);
}

/// A28: a caller that looks before a load lands, and takes its turn afterwards, does not load.
#[tokio::test]
async fn a_late_turn_looks_again_before_it_loads() {
    let signal = Arc::new(Notify::new());
    let fake = Fake { slow: Some(signal.clone()), ..Fake::default() };
    let values = Bench::on(Arc::new(fake), None).values;
    let mut late = Box::pin(values.get_or_set("a", DEFAULT, async || 1));
    assert_eq!((&mut late).now_or_never(), None);
    assert_eq!(values.get_or_set("a", DEFAULT, async || 2).await, 2);
    signal.notify_one();
    assert_eq!(late.await, 2);
}

/// A44.
#[tokio::test]
async fn a_store_may_have_its_own_rule_for_keys() {
    let values = Bench::on(Arc::new(Fake::default()), None).values;
    let warnings = warnings::Warnings::listen();
    values.get::<i64>("white space").await.unwrap();
    assert_eq!(warnings.take(), 1);
    values.get::<i64>("lenient white space").await.unwrap();
    assert_eq!(warnings.take(), 0);
}
