//! A wrapper that reports the outcome and the duration of each call to a store.
//!
//! - Arguments and results pass through unchanged.
//! - A call that was dropped before its result is not reported.
//! - Keys are not reported: a listener receives nothing that visitors wrote.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{
    Answer, Cursor, Item, KeyFault, Leased, Lifetime, ScanPage, Stats, Store, StoreError, Ttl,
};
use crate::store::Trouble;

/// A method of [`Store`] that calls the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "they are named after the methods")]
pub enum Operation {
    Get,
    GetMany,
    Set,
    SetMany,
    Add,
    AddLeased,
    GetOrLease,
    Delete,
    DeleteMany,
    DeleteIf,
    Expire,
    Ttl,
    Has,
    Incr,
    Rename,
    Scan,
    Lock,
    Unlock,
    Clear,
    Stats,
}

impl Operation {
    /// All operations with their names, in the order of their numbers.
    pub const ALL: [(Self, &'static str); 20] = [
        (Self::Get, "get"),
        (Self::GetMany, "get_many"),
        (Self::Set, "set"),
        (Self::SetMany, "set_many"),
        (Self::Add, "add"),
        (Self::AddLeased, "add_leased"),
        (Self::GetOrLease, "get_or_lease"),
        (Self::Delete, "delete"),
        (Self::DeleteMany, "delete_many"),
        (Self::DeleteIf, "delete_if"),
        (Self::Expire, "expire"),
        (Self::Ttl, "ttl"),
        (Self::Has, "has"),
        (Self::Incr, "incr"),
        (Self::Rename, "rename"),
        (Self::Scan, "scan"),
        (Self::Lock, "lock"),
        (Self::Unlock, "unlock"),
        (Self::Clear, "clear"),
        (Self::Stats, "stats"),
    ];
}

/// A finished call to a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// The method that was called.
    pub operation: Operation,
    /// Why the store failed; `None` after a success, or after an error about the key only.
    pub trouble: Option<Trouble>,
    /// How long the call took.
    pub took: Duration,
}

impl Call {
    /// Reports whether the call reached the store: neither the budget nor the breaker refused it.
    pub fn reached_the_store(&self) -> bool {
        !matches!(self.trouble, Some(Trouble::Exhausted | Trouble::Paused))
    }
}

/// Receives an event for each call to a store.
pub trait StoreListener: fmt::Debug + Send + Sync + 'static {
    /// Receives a finished call, on the thread that polled it; must not block.
    fn on(&self, call: Call);
}

/// A store that reports each call to a listener.
#[derive(Debug)]
pub struct Metered {
    store: Arc<dyn Store>,
    listener: Arc<dyn StoreListener>,
}

impl Metered {
    /// Wraps `store`.
    pub fn new(store: Arc<dyn Store>, listener: Arc<dyn StoreListener>) -> Self {
        Self { store, listener }
    }

    fn tell<'a, T: Send + 'a>(
        &'a self,
        operation: Operation,
        call: Answer<'a, T>,
    ) -> Answer<'a, T> {
        Box::pin(async move {
            let began = Instant::now();
            let answer = call.await;
            let trouble = answer.as_ref().err().and_then(trouble);
            self.listener.on(Call { operation, trouble, took: began.elapsed() });
            answer
        })
    }
}

/// Returns what the error says about the store, or `None` if it is about the key.
fn trouble(error: &StoreError) -> Option<Trouble> {
    match error {
        StoreError::Absent | StoreError::NotInteger | StoreError::Overflow => None,
        error => Some(Trouble::from(error)),
    }
}

impl Store for Metered {
    fn name(&self) -> &'static str {
        self.store.name()
    }

    fn is_shared(&self) -> bool {
        self.store.is_shared()
    }

    fn get_many<'a>(&'a self, keys: &'a [&'a str]) -> Answer<'a, Vec<Option<Bytes>>> {
        self.tell(Operation::GetMany, self.store.get_many(keys))
    }

    fn set_many<'a>(&'a self, items: &'a [Item<'a>]) -> Answer<'a, Vec<Result<(), StoreError>>> {
        self.tell(Operation::SetMany, self.store.set_many(items))
    }

    fn add<'a>(&'a self, item: Item<'a>) -> Answer<'a, bool> {
        self.tell(Operation::Add, self.store.add(item))
    }

    fn add_leased<'a>(&'a self, item: Item<'a>, token: &'a [u8]) -> Answer<'a, bool> {
        self.tell(Operation::AddLeased, self.store.add_leased(item, token))
    }

    fn get_or_lease<'a>(
        &'a self,
        key: &'a str,
        token: &'a Bytes,
        time: Lifetime,
    ) -> Answer<'a, Leased> {
        self.tell(Operation::GetOrLease, self.store.get_or_lease(key, token, time))
    }

    fn delete_many<'a>(&'a self, keys: &'a [&'a str]) -> Answer<'a, u64> {
        self.tell(Operation::DeleteMany, self.store.delete_many(keys))
    }

    fn delete_if<'a>(&'a self, key: &'a str, bytes: &'a [u8]) -> Answer<'a, bool> {
        self.tell(Operation::DeleteIf, self.store.delete_if(key, bytes))
    }

    fn expire<'a>(&'a self, key: &'a str, lifetime: Lifetime) -> Answer<'a, bool> {
        self.tell(Operation::Expire, self.store.expire(key, lifetime))
    }

    fn ttl<'a>(&'a self, key: &'a str) -> Answer<'a, Ttl> {
        self.tell(Operation::Ttl, self.store.ttl(key))
    }

    fn incr<'a>(&'a self, key: &'a str, by: i64) -> Answer<'a, i64> {
        self.tell(Operation::Incr, self.store.incr(key, by))
    }

    fn rename<'a>(&'a self, from: &'a str, to: &'a str) -> Answer<'a, bool> {
        self.tell(Operation::Rename, self.store.rename(from, to))
    }

    fn scan<'a>(&'a self, prefix: &'a str, from: Option<Cursor>) -> Answer<'a, ScanPage> {
        self.tell(Operation::Scan, self.store.scan(prefix, from))
    }

    fn get<'a>(&'a self, key: &'a str) -> Answer<'a, Option<Bytes>> {
        self.tell(Operation::Get, self.store.get(key))
    }

    fn set<'a>(&'a self, item: Item<'a>) -> Answer<'a, ()> {
        self.tell(Operation::Set, self.store.set(item))
    }

    fn delete<'a>(&'a self, key: &'a str) -> Answer<'a, bool> {
        self.tell(Operation::Delete, self.store.delete(key))
    }

    fn has<'a>(&'a self, key: &'a str) -> Answer<'a, bool> {
        self.tell(Operation::Has, self.store.has(key))
    }

    fn lock<'a>(&'a self, key: &'a str, token: &'a Bytes, lease: Lifetime) -> Answer<'a, bool> {
        self.tell(Operation::Lock, self.store.lock(key, token, lease))
    }

    fn unlock<'a>(&'a self, key: &'a str, token: &'a [u8]) -> Answer<'a, bool> {
        self.tell(Operation::Unlock, self.store.unlock(key, token))
    }

    fn clear<'a>(&'a self, prefix: &'a str) -> Answer<'a, u64> {
        self.tell(Operation::Clear, self.store.clear(prefix))
    }

    fn stats(&self) -> Answer<'_, Stats> {
        self.tell(Operation::Stats, self.store.stats())
    }

    fn is_paused(&self) -> bool {
        self.store.is_paused()
    }

    fn close(&self) -> Answer<'_, ()> {
        self.store.close()
    }

    fn key_fault(&self, key: &str) -> Option<KeyFault> {
        self.store.key_fault(key)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::store::memory::MemoryStore;

    #[derive(Debug, Default)]
    struct Heard(Mutex<Vec<(Operation, Option<Trouble>)>>);

    impl StoreListener for Heard {
        fn on(&self, call: Call) {
            self.0.lock().unwrap().push((call.operation, call.trouble));
        }
    }

    #[tokio::test]
    async fn arguments_and_results_pass_through_unchanged() {
        let heard = Arc::new(Heard::default());
        let store = Metered::new(Arc::new(MemoryStore::default()), heard.clone());
        let tea = Bytes::from_static(b"tea");
        store.set(Item::new("a", &tea, Lifetime::FOREVER)).await.unwrap();
        assert_eq!(store.get("a").await.unwrap(), Some(tea));
        assert!(matches!(store.incr("a", 1).await, Err(StoreError::NotInteger)));
        assert_eq!(store.clear("a").await.unwrap(), 1);
        assert_eq!((store.name(), store.is_paused()), ("memory", false));
        let heard: Vec<_> = heard.0.lock().unwrap().drain(..).collect();
        let expected = [Operation::Set, Operation::Get, Operation::Incr, Operation::Clear];
        assert_eq!(heard, expected.map(|operation| (operation, None)));
    }

    #[tokio::test]
    async fn a_call_that_was_dropped_before_its_result_is_not_reported() {
        let heard = Arc::new(Heard::default());
        let store = Metered::new(Arc::new(MemoryStore::default()), heard.clone());
        drop(store.get("a"));
        assert!(heard.0.lock().unwrap().is_empty());
    }

    #[test]
    fn every_operation_is_found_at_its_number() {
        for (number, (operation, _)) in Operation::ALL.into_iter().enumerate() {
            assert_eq!(operation as usize, number);
        }
    }
}
