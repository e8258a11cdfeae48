//! The null store: it stores nothing, every read misses, and every write reports success.
//!
//! A site runs on it unchanged, only slower.
//!
//! Source: Django `DummyCache`.

use bytes::Bytes;

use super::{Answer, Item, Leased, Lifetime, ScanPage, Store, StoreError, Ttl};

/// A store that stores nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NullStore;

impl Store for NullStore {
    fn name(&self) -> &'static str {
        "null"
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn get_many<'a>(&'a self, keys: &'a [&'a str]) -> Answer<'a, Vec<Option<Bytes>>> {
        now(Ok(vec![None; keys.len()]))
    }

    fn set_many<'a>(&'a self, items: &'a [Item<'a>]) -> Answer<'a, Vec<Result<(), StoreError>>> {
        now(Ok(items.iter().map(|_| Ok(())).collect()))
    }

    fn add<'a>(&'a self, _: Item<'a>) -> Answer<'a, bool> {
        now(Ok(true))
    }

    fn add_leased<'a>(&'a self, _: Item<'a>, _: &'a [u8]) -> Answer<'a, bool> {
        now(Ok(true))
    }

    fn get_or_lease<'a>(&'a self, _: &'a str, token: &'a Bytes, _: Lifetime) -> Answer<'a, Leased> {
        now(Ok(Leased::Lease(token.clone())))
    }

    fn delete_many<'a>(&'a self, _: &'a [&'a str]) -> Answer<'a, u64> {
        now(Ok(0))
    }

    fn delete_if<'a>(&'a self, _: &'a str, _: &'a [u8]) -> Answer<'a, bool> {
        now(Ok(false))
    }

    fn expire<'a>(&'a self, _: &'a str, _: Lifetime) -> Answer<'a, bool> {
        now(Ok(false))
    }

    fn ttl<'a>(&'a self, _: &'a str) -> Answer<'a, Ttl> {
        now(Ok(Ttl::Absent))
    }

    fn incr<'a>(&'a self, _: &'a str, _: i64) -> Answer<'a, i64> {
        now(Err(StoreError::Absent))
    }

    fn rename<'a>(&'a self, _: &'a str, _: &'a str) -> Answer<'a, bool> {
        now(Ok(false))
    }

    fn scan<'a>(&'a self, _: &'a str, _: Option<String>) -> Answer<'a, ScanPage> {
        now(Ok(ScanPage::default()))
    }
}

fn now<'a, T: Send + 'a>(answer: Result<T, StoreError>) -> Answer<'a, T> {
    Box::pin(std::future::ready(answer))
}
