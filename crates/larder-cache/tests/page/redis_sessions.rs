//! Sessions in a private Redis, which ends with the process of the tests.

use std::sync::LazyLock;

use actix_session::storage::RedisSessionStore;
use tokio::runtime::{Builder, Runtime};

#[allow(dead_code, reason = "the tests of stores use all of it")]
#[path = "../../src/store/contract/server.rs"]
mod server;

/// Returns the store that all tests share; `None` if redis-server is not installed.
pub fn store() -> Option<RedisSessionStore> {
    static STORE: LazyLock<Option<(Runtime, RedisSessionStore)>> = LazyLock::new(|| {
        let server = server::shared()?;
        // The connection belongs to this runtime, which outlives each site.
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let store = runtime.block_on(RedisSessionStore::new(server.url())).unwrap();
        Some((runtime, store))
    });
    STORE.as_ref().map(|(_, store)| store.clone())
}
