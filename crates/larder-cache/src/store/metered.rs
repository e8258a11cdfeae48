//! A wrapper that reports the outcome and the duration of each call to a store.
//!
//! - Arguments and results pass through unchanged.
//! - A call that was dropped before its result is not reported.
//! - Keys are not reported: a listener receives nothing that visitors wrote.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{Answer, Item, Leased, Lifetime, ScanPage, Stats, Store, StoreError, Ttl};
use crate::store::Trouble;

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

/// A store that reports each call to a listener.
pub(crate) struct Metered {
    store: Arc<dyn Store>,
    listener: Box<dyn Fn(Call) + Send + Sync>,
}

impl fmt::Debug for Metered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Metered").field(&self.store).finish()
    }
}

impl Metered {
    /// Wraps `store`; `listener` gets each finished call on the thread that polled it, and must not block.
    pub(crate) fn new(
        store: Arc<dyn Store>,
        listener: impl Fn(Call) + Send + Sync + 'static,
    ) -> Self {
        Self { store, listener: Box::new(listener) }
    }

    fn report<'a, T: Send + 'a>(
        &'a self,
        operation: Operation,
        call: Answer<'a, T>,
    ) -> Answer<'a, T> {
        Box::pin(async move {
            let began = Instant::now();
            let answer = call.await;
            let trouble = answer.as_ref().err().and_then(trouble);
            (self.listener)(Call { operation, trouble, took: began.elapsed() });
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

/// Defines the operations of a store, and hands each one on to the wrapped store.
///
/// One table holds both, so that no method can be left out of either.
macro_rules! operations {
    ($($operation:ident: $method:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        /// A method of [`Store`] that calls the store.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "they are named after the methods")]
        pub enum Operation {
            $($operation),*
        }

        impl Operation {
            /// All operations with their names, in the order of their numbers.
            pub const ALL: &'static [(Self, &'static str)] =
                &[$((Self::$operation, stringify!($method))),*];
        }

        impl Store for Metered {
            fn name(&self) -> &'static str {
                self.store.name()
            }

            fn is_shared(&self) -> bool {
                self.store.is_shared()
            }

            fn is_paused(&self) -> bool {
                self.store.is_paused()
            }

            fn close(&self) -> Answer<'_, ()> {
                self.store.close()
            }

            fn key_fault(&self, key: &str) -> Option<String> {
                self.store.key_fault(key)
            }

            $(fn $method<'a>(&'a self, $($argument: $type),*) -> Answer<'a, $answer> {
                self.report(Operation::$operation, self.store.$method($($argument),*))
            })*
        }
    };
}

operations! {
    Get: get(key: &'a str) -> Option<Bytes>;
    GetMany: get_many(keys: &'a [&'a str]) -> Vec<Option<Bytes>>;
    Set: set(item: Item<'a>) -> ();
    SetMany: set_many(items: &'a [Item<'a>]) -> Vec<Result<(), StoreError>>;
    Add: add(item: Item<'a>) -> bool;
    AddLeased: add_leased(item: Item<'a>, token: &'a [u8]) -> bool;
    GetOrLease: get_or_lease(key: &'a str, token: &'a Bytes, time: Lifetime) -> Leased;
    Delete: delete(key: &'a str) -> bool;
    DeleteMany: delete_many(keys: &'a [&'a str]) -> u64;
    DeleteIf: delete_if(key: &'a str, bytes: &'a [u8]) -> bool;
    Expire: expire(key: &'a str, lifetime: Lifetime) -> bool;
    Ttl: ttl(key: &'a str) -> Ttl;
    Has: has(key: &'a str) -> bool;
    Incr: incr(key: &'a str, by: i64) -> i64;
    Rename: rename(from: &'a str, to: &'a str) -> bool;
    Scan: scan(prefix: &'a str, from: Option<String>) -> ScanPage;
    Lock: lock(key: &'a str, token: &'a Bytes, lease: Lifetime) -> bool;
    Unlock: unlock(key: &'a str, token: &'a [u8]) -> bool;
    Clear: clear(prefix: &'a str) -> u64;
    Stats: stats() -> Stats;
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::store::memory::MemoryStore;

    type Heard = Arc<Mutex<Vec<(Operation, Option<Trouble>)>>>;

    fn metered() -> (Metered, Heard) {
        let heard = Heard::default();
        let list = heard.clone();
        let listener = move |call: Call| list.lock().unwrap().push((call.operation, call.trouble));
        (Metered::new(Arc::new(MemoryStore::default()), listener), heard)
    }

    #[tokio::test]
    async fn arguments_and_results_pass_through_unchanged() {
        let (store, heard) = metered();
        let tea = Bytes::from_static(b"tea");
        store.set(Item::new("a", &tea, Lifetime::FOREVER)).await.unwrap();
        assert_eq!(store.get("a").await.unwrap(), Some(tea));
        assert!(matches!(store.incr("a", 1).await, Err(StoreError::NotInteger)));
        assert_eq!(store.clear("a").await.unwrap(), 1);
        assert_eq!((store.name(), store.is_paused()), ("memory", false));
        let heard: Vec<_> = heard.lock().unwrap().drain(..).collect();
        let expected = [Operation::Set, Operation::Get, Operation::Incr, Operation::Clear];
        assert_eq!(heard, expected.map(|operation| (operation, None)));
    }

    #[tokio::test]
    async fn a_call_that_was_dropped_before_its_result_is_not_reported() {
        let (store, heard) = metered();
        drop(store.get("a"));
        assert!(heard.lock().unwrap().is_empty());
    }
}
