//! The store that instances share: a Redis server, through deadpool-redis.
//!
//! - Correctness does not depend on it: a dead, frozen or emptied Redis costs only misses.
//! - A call waits at most for the timeout or for what is left of the request's budget. While the
//!   breaker is open, it does not wait at all.
//! - Each call costs one round trip. A connection is checked out once and then shared (see `lane`).
//! - Steps that belong together are one command or one script: no client sees them half done.
//! - Only the cache's own keys are touched: `SCAN` and `UNLINK`, never `FLUSHDB` or `KEYS`.
//! - A write refused for lack of memory removes the old value: a miss is correct, an old value is
//!   not.
//!
//! The names and types of the client library stay in this folder.
//!
//! Source: Django `RedisCache`; redis.io command reference.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use deadpool_redis::redis::{self as client, Cmd, cmd};

use super::{Answer, Item, Leased, Lifetime, ScanPage, Stats, Store, StoreError, Ttl};

mod call;
mod lane;
mod pool;
mod refusal;
mod script;
mod sentinels;
mod source;

use call::Caller;

/// Returns a store in the Redis server at `url`, whose calls take at most `timeout`.
///
/// The server need not be running: without it, each instance builds everything itself. For a person who
/// waits, as at a terminal, `timeout` may be seconds.
///
/// ```
/// # use std::{sync::Arc, time::Duration};
/// use larder_cache::{Builder, Secret, StampSource, store};
///
/// # fn open(stamps: Arc<dyn StampSource>, bytes: &[u8; Secret::BYTES]) -> Result<(), String> {
/// let redis = store::redis("redis://127.0.0.1:6379", Duration::from_millis(80))?;
/// let cache = Builder::default().name("blog").shared(redis, &Secret::new(bytes)).open(stamps);
/// # Ok(())
/// # }
/// ```
///
/// With `redis-sentinel://HOST:PORT,HOST:PORT/NAME` it is the server that these sentinels call the
/// primary of that name. A login before the hosts, and a database after the name, are the server's.
///
/// # Errors
/// One sentence, if `url` is not an address of a Redis server, or of sentinels.
pub fn redis(url: &str, timeout: Duration) -> Result<Arc<dyn Store>, String> {
    Ok(Arc::new(RedisStore::open(&RedisConfig { timeout, ..RedisConfig::new(url) })?))
}

/// The address of Redis, and the limits of its use.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct RedisConfig {
    /// `redis://[user:password@]host[:port][/database]`, `redis+unix:///path/to/socket`,
    /// `redis-sentinel://[user:password@]host[:port][,host[:port]…]/name[/database]`.
    pub url: String,
    /// The longest time that one call may wait, connecting included. 80 ms by default.
    pub timeout: Duration,
    /// The number of shared connections; one for each worker thread is enough. 4 by default.
    pub connections: usize,
}

impl RedisConfig {
    /// Creates a configuration with the defaults: 80 ms, 4 connections.
    pub(super) fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), timeout: Duration::from_millis(80), connections: 4 }
    }
}

impl fmt::Debug for RedisConfig {
    /// Leaves the address out, since it may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisConfig")
            .field("timeout", &self.timeout)
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}

/// A store on a Redis server.
#[derive(Debug)]
pub(crate) struct RedisStore {
    caller: Caller,
}

/// Keys that Redis examines in one step of a scan, which takes it about 1 ms.
const SCAN_COUNT: usize = 1000;

impl RedisStore {
    /// Creates a store on a server, which need not be up yet.
    ///
    /// The first call opens the connection.
    ///
    /// # Errors
    /// One sentence, if the address is invalid.
    pub(super) fn open(config: &RedisConfig) -> Result<Self, &'static str> {
        Ok(Self { caller: Caller::open(config)? })
    }
}

impl Store for RedisStore {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn get_many<'a>(&'a self, keys: &'a [&'a str]) -> Answer<'a, Vec<Option<Bytes>>> {
        Box::pin(async move {
            if keys.is_empty() {
                return Ok(Vec::new());
            }
            self.caller.ask(cmd("MGET").arg(keys)).await
        })
    }

    fn set_many<'a>(&'a self, items: &'a [Item<'a>]) -> Answer<'a, Vec<Result<(), StoreError>>> {
        Box::pin(async move {
            if items.is_empty() {
                return Ok(Vec::new());
            }
            let answers = self.caller.ask_all(items.iter().map(set)).await?;
            let refused = refused(items, &answers);
            if !refused.is_empty() {
                // A refused write must not leave the old value.
                self.delete_many(&refused).await?;
            }
            Ok(answers)
        })
    }

    fn add<'a>(&'a self, item: Item<'a>) -> Answer<'a, bool> {
        Box::pin(async move {
            // Redis answers `OK`, or nil if the key exists. The command is sent once: if the answer
            // was lost, a second `SET NX` would find the value of the first.
            let done: Option<()> = self.caller.tell(set(&item).arg("NX")).await?;
            Ok(done.is_some())
        })
    }

    fn add_leased<'a>(&'a self, item: Item<'a>, token: &'a [u8]) -> Answer<'a, bool> {
        Box::pin(async move {
            let mut script = script::ADD_LEASED.key(item.key);
            script.key(Leased::key_of(item.key)).arg(token).arg(item.bytes.as_ref());
            if let Some(left) = item.lifetime.duration() {
                script.arg(millis(left));
            }
            self.caller.run(&mut script).await
        })
    }

    fn get_or_lease<'a>(
        &'a self,
        key: &'a str,
        token: &'a Bytes,
        time: Lifetime,
    ) -> Answer<'a, Leased> {
        Box::pin(async move {
            let mut script = script::GET_OR_LEASE.key(key);
            script.key(Leased::key_of(key)).arg(token.as_ref());
            script.arg(time.duration().map_or(0, millis));
            let answer: (Option<Bytes>, Option<Bytes>) = self.caller.run(&mut script).await?;
            Ok(match answer {
                (Some(stored), _) => Leased::Stored(stored),
                (None, held) => Leased::Lease(held.unwrap_or_else(|| token.clone())),
            })
        })
    }

    fn delete_many<'a>(&'a self, keys: &'a [&'a str]) -> Answer<'a, u64> {
        Box::pin(async move {
            if keys.is_empty() {
                return Ok(0);
            }
            let mut script = script::DELETE.prepare_invoke();
            for key in keys {
                script.key(*key);
            }
            self.caller.run(script.arg(Leased::key_of(""))).await
        })
    }

    fn delete_if<'a>(&'a self, key: &'a str, bytes: &'a [u8]) -> Answer<'a, bool> {
        Box::pin(async move {
            let script = &script::DELETE_IF;
            self.caller.run(script.key(key).arg(bytes)).await
        })
    }

    fn expire<'a>(&'a self, key: &'a str, lifetime: Lifetime) -> Answer<'a, bool> {
        Box::pin(async move {
            match lifetime.duration() {
                Some(left) => {
                    let command = &mut cmd("PEXPIRE");
                    self.caller.ask(command.arg(key).arg(millis(left))).await
                }
                None => self.caller.run(&mut script::PERSIST.key(key)).await,
            }
        })
    }

    fn ttl<'a>(&'a self, key: &'a str) -> Answer<'a, Ttl> {
        Box::pin(async move {
            Ok(match self.caller.ask(cmd("PTTL").arg(key)).await? {
                -2_i64 => Ttl::Absent,
                -1 => Ttl::Forever,
                left => Ttl::In(Duration::from_millis(left.unsigned_abs())),
            })
        })
    }

    fn incr<'a>(&'a self, key: &'a str, by: i64) -> Answer<'a, i64> {
        Box::pin(async move {
            let sum: Option<i64> = self.caller.run(script::INCR.key(key).arg(by)).await?;
            sum.ok_or(StoreError::Absent)
        })
    }

    fn rename<'a>(&'a self, from: &'a str, to: &'a str) -> Answer<'a, bool> {
        Box::pin(async move {
            let mut script = script::RENAME.key(from);
            script.key(to).key(Leased::key_of(from)).key(Leased::key_of(to));
            self.caller.run(&mut script).await
        })
    }

    fn scan<'a>(&'a self, prefix: &'a str, from: Option<String>) -> Answer<'a, ScanPage> {
        Box::pin(async move {
            let cursor = from.unwrap_or_else(|| "0".to_owned());
            let (next, keys): (String, Vec<Vec<u8>>) =
                self.caller.ask(&mut scan(&cursor, prefix)).await?;
            Ok(ScanPage {
                // The cache's keys are text; another application wrote any other key.
                keys: keys.into_iter().filter_map(text).collect(),
                next: (next != "0").then_some(next),
            })
        })
    }

    fn stats(&self) -> Answer<'_, Stats> {
        Box::pin(async {
            let entries = self.caller.ask(&mut cmd("DBSIZE")).await?;
            let info: client::InfoDict = self.caller.ask(&mut cmd("INFO")).await?;
            Ok(Stats {
                entries: Some(entries),
                bytes: info.get("used_memory"),
                limit_bytes: info.get("maxmemory").filter(|limit| *limit > 0),
                evicted: info.get("evicted_keys"),
                expired: info.get("expired_keys"),
            })
        })
    }

    fn is_paused(&self) -> bool {
        self.caller.is_paused()
    }

    fn close(&self) -> Answer<'_, ()> {
        self.caller.close();
        Box::pin(async { Ok(()) })
    }
}

/// Builds a `SET` that holds the lifetime in the same command.
fn set(item: &Item<'_>) -> Cmd {
    let mut command = cmd("SET");
    command.arg(item.key).arg(item.bytes.as_ref());
    if let Some(left) = item.lifetime.duration() {
        command.arg("PX").arg(millis(left));
    }
    command
}

fn scan(cursor: &str, prefix: &str) -> Cmd {
    let mut command = cmd("SCAN");
    command.arg(cursor).arg("MATCH").arg(literal(prefix) + "*");
    command.arg("COUNT").arg(SCAN_COUNT);
    command
}

/// Escapes a prefix for `MATCH`, so that every character means itself.
fn literal(prefix: &str) -> String {
    let mut pattern = String::with_capacity(prefix.len() + 1);
    for c in prefix.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '^' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

/// Returns the keys of the items that were not stored.
fn refused<'a>(items: &[Item<'a>], answers: &[Result<(), StoreError>]) -> Vec<&'a str> {
    let fates = items.iter().zip(answers);
    fates.filter(|(_, answer)| answer.is_err()).map(|(item, _)| item.key).collect()
}

fn millis(left: Duration) -> u64 {
    left.as_millis() as u64
}

fn text(key: Vec<u8>) -> Option<String> {
    String::from_utf8(key).ok()
}
