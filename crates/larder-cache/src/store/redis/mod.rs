//! The store that instances share: a Redis server or cluster, through deadpool-redis.
//!
//! - Correctness does not depend on it: a dead, frozen or emptied Redis costs only misses.
//! - A call waits at most for the timeout or for what is left of the request's budget. While the
//!   breaker is open, it does not wait at all.
//! - Each call costs one round trip. A connection is checked out once and then shared (see `lane`).
//! - Steps that belong together are one command or one script: no client sees them half done. In a
//!   cluster, deleting and renaming are several, in an order in which a failure between costs a miss.
//! - Only the cache's own keys are touched: `SCAN` and `UNLINK`, never `FLUSHDB` or `KEYS`.
//! - A write refused for lack of memory removes the old value: a miss is correct, an old value is
//!   not.
//!
//! The names and types of the client library stay in this folder.
//!
//! Source: Django `RedisCache`; redis.io command reference.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use deadpool_redis::redis::{self as client, cmd};
use futures_util::future::try_join_all;

use super::{Answer, Item, Leased, Lifetime, ScanPage, Stats, Store, StoreError, Ttl};

mod address;
mod call;
mod cluster;
mod command;
mod lane;
mod message;
pub(super) mod names;
mod pool;
mod refusal;
mod script;
mod sentinels;
mod server;
mod source;
mod walk;

use call::Caller;
use cluster::Primaries;
use command::{get, millis, scan, set, unlink};
use walk::Walk;

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
/// With `redis-cluster://HOST:PORT,HOST:PORT` it is the cluster of which these are some servers.
///
/// # Errors
/// One sentence, if `url` is not an address of a Redis server, of sentinels, or of a cluster.
pub fn redis(url: &str, timeout: Duration) -> Result<Arc<dyn Store>, String> {
    Ok(Arc::new(RedisStore::open(&RedisConfig { timeout, ..RedisConfig::new(url) })?))
}

/// The address of Redis, and the limits of its use.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct RedisConfig {
    /// `redis://[user:password@]host[:port][/database]`, `redis+unix:///path/to/socket`,
    /// `redis-sentinel://[user:password@]host[:port][,host[:port]…]/name[/database]`,
    /// `redis-cluster://[user:password@]host[:port][,host[:port]…]`.
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

/// A store on a Redis server or cluster.
#[derive(Debug)]
pub(crate) struct RedisStore {
    caller: Caller,
}

/// How many keys of a cluster one call deletes, each by a command; a page of a scan has more.
const TOGETHER: usize = 100;

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

    /// Returns the name of a key on the server.
    fn name<'k>(&self, key: &'k str) -> Cow<'k, str> {
        if self.caller.is_cluster() { names::tagged(key).into() } else { key.into() }
    }

    /// Returns the key with a name; `None` if another application wrote it.
    fn key(&self, name: String) -> Option<String> {
        if self.caller.is_cluster() { names::untagged(&name) } else { Some(name) }
    }

    /// Returns the name of a key's lease.
    fn lease(&self, key: &str) -> String {
        self.name(&Leased::key_of(key)).into_owned()
    }

    /// Deletes keys of a cluster and their leases, and returns how many keys existed.
    ///
    /// Each by a command of its own: a script cannot use two keys while their slot is being moved.
    /// The leases first, for the reason that [`Store::clear`] gives.
    async fn delete_each(&self, keys: &[&str]) -> Result<u64, StoreError> {
        self.unlink(keys.iter().map(|key| self.lease(key))).await?;
        self.unlink(keys.iter().map(|key| names::tagged(key))).await
    }

    async fn unlink(&self, names: impl Iterator<Item = String>) -> Result<u64, StoreError> {
        let commands: Vec<_> = names.map(|name| (name.clone(), unlink(&name))).collect();
        let mut deleted = 0;
        for part in commands.chunks(TOGETHER) {
            for answer in self.caller.ask_each::<u64>(part).await? {
                deleted += answer?;
            }
        }
        Ok(deleted)
    }

    /// Renames a key of a cluster, where the two names may be on two servers.
    async fn rename_each(&self, from: &str, to: &str) -> Result<bool, StoreError> {
        let leases = [self.lease(from), self.lease(to)];
        self.unlink(leases.into_iter()).await?;
        let name = self.name(from);
        let taken: Option<(Bytes, i64)> = self.caller.run(&name, &script::TAKE.key(&*name)).await?;
        let Some((bytes, left)) = taken else { return Ok(false) };
        // -1 ms is no lifetime.
        let left = u64::try_from(left).ok().map(|left| Duration::from_millis(left.max(1)));
        let lifetime = left.and_then(Lifetime::of).unwrap_or(Lifetime::FOREVER);
        self.set(Item::new(to, &bytes, lifetime)).await?;
        Ok(true)
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
            if !self.caller.is_cluster() {
                return self.caller.ask("", cmd("MGET").arg(keys)).await;
            }
            let names = keys.iter().map(|key| names::tagged(key));
            let commands: Vec<_> = names.map(|name| (name.clone(), get(&name))).collect();
            let answers = self.caller.ask_each::<Vec<Option<Bytes>>>(&commands).await?;
            let found = answers.into_iter().collect::<Result<Vec<_>, _>>()?;
            Ok(found.into_iter().flatten().collect())
        })
    }

    fn set_many<'a>(&'a self, items: &'a [Item<'a>]) -> Answer<'a, Vec<Result<(), StoreError>>> {
        Box::pin(async move {
            if items.is_empty() {
                return Ok(Vec::new());
            }
            let names = items.iter().map(|item| (self.name(item.key).into_owned(), item));
            let commands: Vec<_> =
                names.map(|(name, item)| (name.clone(), set(&name, item))).collect();
            let answers = self.caller.ask_each(&commands).await?;
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
            let name = self.name(item.key);
            let done: Option<()> = self.caller.tell(&name, set(&name, &item).arg("NX")).await?;
            Ok(done.is_some())
        })
    }

    fn add_leased<'a>(&'a self, item: Item<'a>, token: &'a [u8]) -> Answer<'a, bool> {
        Box::pin(async move {
            let name = self.name(item.key);
            let mut script = script::ADD_LEASED.key(&*name);
            script.key(self.lease(item.key)).arg(token).arg(item.bytes.as_ref());
            if let Some(left) = item.lifetime.duration() {
                script.arg(millis(left));
            }
            self.caller.run(&name, &script).await
        })
    }

    fn get_or_lease<'a>(
        &'a self,
        key: &'a str,
        token: &'a Bytes,
        time: Lifetime,
    ) -> Answer<'a, Leased> {
        Box::pin(async move {
            let name = self.name(key);
            let mut script = script::GET_OR_LEASE.key(&*name);
            script.key(self.lease(key)).arg(token.as_ref());
            script.arg(time.duration().map_or(0, millis));
            let answer: (Option<Bytes>, Option<Bytes>) = self.caller.run(&name, &script).await?;
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
            if self.caller.is_cluster() {
                return self.delete_each(keys).await;
            }
            let mut script = script::DELETE.prepare_invoke();
            for key in keys {
                script.key(*key);
            }
            self.caller.run("", script.arg(Leased::key_of(""))).await
        })
    }

    fn delete_if<'a>(&'a self, key: &'a str, bytes: &'a [u8]) -> Answer<'a, bool> {
        Box::pin(async move {
            let name = self.name(key);
            self.caller.run(&name, script::DELETE_IF.key(&*name).arg(bytes)).await
        })
    }

    fn expire<'a>(&'a self, key: &'a str, lifetime: Lifetime) -> Answer<'a, bool> {
        Box::pin(async move {
            let name = self.name(key);
            match lifetime.duration() {
                Some(left) => {
                    let command = &mut cmd("PEXPIRE");
                    self.caller.ask(&name, command.arg(&*name).arg(millis(left))).await
                }
                None => self.caller.run(&name, &script::PERSIST.key(&*name)).await,
            }
        })
    }

    fn ttl<'a>(&'a self, key: &'a str) -> Answer<'a, Ttl> {
        Box::pin(async move {
            let name = self.name(key);
            Ok(match self.caller.ask(&name, cmd("PTTL").arg(&*name)).await? {
                -2_i64 => Ttl::Absent,
                -1 => Ttl::Forever,
                left => Ttl::In(Duration::from_millis(left.unsigned_abs())),
            })
        })
    }

    fn incr<'a>(&'a self, key: &'a str, by: i64) -> Answer<'a, i64> {
        Box::pin(async move {
            let name = self.name(key);
            let script = &mut script::INCR.key(&*name);
            let sum: Option<i64> = self.caller.run(&name, script.arg(by)).await?;
            sum.ok_or(StoreError::Absent)
        })
    }

    fn rename<'a>(&'a self, from: &'a str, to: &'a str) -> Answer<'a, bool> {
        Box::pin(async move {
            if self.caller.is_cluster() {
                return self.rename_each(from, to).await;
            }
            let mut script = script::RENAME.key(from);
            script.key(to).key(Leased::key_of(from)).key(Leased::key_of(to));
            self.caller.run("", &script).await
        })
    }

    fn scan<'a>(&'a self, prefix: &'a str, from: Option<String>) -> Answer<'a, ScanPage> {
        Box::pin(async move {
            let Primaries { servers, signature } = self.caller.primaries().await?;
            let mut walk = Walk::read(from.as_deref(), signature);
            let tag = if self.caller.is_cluster() { names::ANY_TAG } else { "" };
            let command = scan(&walk.cursor, tag, prefix);
            let server = &servers[walk.server(servers.len())];
            let (cursor, found): (_, Vec<Vec<u8>>) = self.caller.ask_at(server, &command).await?;
            walk.advance(cursor);
            let is_over = if walk.has_done(1, servers.len()) {
                !self.caller.have_slots_moved(walk.signature).await?
            } else {
                walk.has_done(2, servers.len())
            };
            // The cache's keys are text; another application wrote any other key.
            let names = found.into_iter().filter_map(|name| String::from_utf8(name).ok());
            let keys = names.filter_map(|name| self.key(name)).collect();
            Ok(ScanPage { keys, next: (!is_over).then(|| walk.text()) })
        })
    }

    fn stats(&self) -> Answer<'_, Stats> {
        Box::pin(async {
            let servers = self.caller.primaries().await?.servers;
            let (size, info) = (cmd("DBSIZE"), cmd("INFO"));
            let sizes = servers.iter().map(|server| self.caller.ask_at::<u64>(server, &size));
            let sizes = try_join_all(sizes).await?;
            let infos = servers.iter().map(|server| self.caller.ask_at(server, &info));
            let infos: Vec<client::InfoDict> = try_join_all(infos).await?;
            let sum = |name| infos.iter().map(|info| info.get::<u64>(name)).sum::<Option<u64>>();
            Ok(Stats {
                entries: Some(sizes.iter().sum()),
                bytes: sum("used_memory"),
                limit_bytes: sum("maxmemory").filter(|limit| *limit > 0),
                evicted: sum("evicted_keys"),
                expired: sum("expired_keys"),
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

/// Returns the keys of the items that were not stored.
fn refused<'a>(items: &[Item<'a>], answers: &[Result<(), StoreError>]) -> Vec<&'a str> {
    let fates = items.iter().zip(answers);
    fates.filter(|(_, answer)| answer.is_err()).map(|(item, _)| item.key).collect()
}
