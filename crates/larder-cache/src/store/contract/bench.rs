//! The test bench: a store under test, and control of its time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use deadpool_redis::redis::{FromRedisValue, cmd};

use super::{
    nodes::{self, Cluster},
    server::{self, Server, wait_until},
};
use crate::{
    secret::Secret,
    store::{
        Store,
        memory::MemoryStore,
        null::NullStore,
        redis::{RedisConfig, RedisStore},
    },
    values::{Settings, Timeout, Values},
};

/// A store and a cache of values on it that no other test uses.
pub(crate) struct Bench {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) values: Values,
    pub(crate) prefix: String,
    secret: Secret,
    server: Option<Redis>,
}

/// What a store is on, for commands that no store sends.
#[derive(Clone, Copy)]
pub(crate) enum Redis {
    Server(&'static Server),
    Cluster(&'static Cluster),
}

impl Redis {
    /// Runs a command on a key.
    fn run<T: FromRedisValue>(self, command: &str, key: &str, rest: &[i64]) -> T {
        match self {
            Self::Server(server) => server.run(cmd(command).arg(key).arg(rest)),
            Self::Cluster(cluster) => cluster.run(command, key, rest),
        }
    }
}

impl Bench {
    pub(crate) fn memory() -> Self {
        Self::on(Arc::new(MemoryStore::default()), None)
    }

    pub(crate) fn bounded(entries: usize, bytes: usize) -> Self {
        Self::on(Arc::new(MemoryStore::bounded(entries, bytes)), None)
    }

    pub(crate) fn null() -> Self {
        Self::on(Arc::new(NullStore), None)
    }

    /// Returns `None` if redis-server is not installed.
    pub(crate) fn redis() -> Option<Self> {
        let server = server::shared()?;
        Some(Self::on(Arc::new(server.store()), Some(Redis::Server(server))))
    }

    /// Returns `None` if redis-server is not installed.
    pub(crate) fn cluster() -> Option<Self> {
        let cluster = nodes::shared_cluster()?;
        let timeout = Duration::from_secs(10);
        let config = RedisConfig { timeout, ..RedisConfig::new(cluster.url()) };
        let store = RedisStore::open(&config).unwrap();
        Some(Self::on(Arc::new(store), Some(Redis::Cluster(cluster))))
    }

    pub(crate) fn on(store: Arc<dyn Store>, server: Option<Redis>) -> Self {
        static BENCHES: AtomicU32 = AtomicU32::new(0);
        let prefix = format!("bench-{}", BENCHES.fetch_add(1, Relaxed));
        let secret = Secret::random();
        let settings = Settings { secret: Some(secret.clone()), ..Settings::new(&prefix) };
        Self { values: Values::new(store.clone(), settings), store, prefix, secret, server }
    }

    /// Creates another cache on the same store.
    pub(crate) fn cache(&self, change: impl FnOnce(&mut Settings)) -> Values {
        let secret = Some(self.secret.clone());
        let mut settings = Settings { secret, ..Settings::new(&self.prefix) };
        change(&mut settings);
        Values::new(self.store.clone(), settings)
    }

    /// Lets a key expire; its remaining time must be `time` or a little less.
    ///
    /// Redis has its own clock: the remaining time is checked, and then set to 1 ms.
    pub(crate) async fn outlive(&self, key: &str, time: Duration) {
        let Some(server) = self.server else {
            return tokio::time::advance(time).await;
        };
        let name = self.values.name(key);
        let left: i64 = server.run("PTTL", &name, &[]);
        let most = time.as_millis() as i64;
        assert!((most - 5_000..=most).contains(&left), "{left} ms left of {most}");
        let _: bool = server.run("PEXPIRE", &name, &[1]);
        wait_until("the key is gone", || {
            let exists: bool = server.run("EXISTS", &name, &[]);
            !exists
        });
    }

    /// Reports whether a key has at most `time` left, and at most 5 s less than that.
    pub(crate) async fn has_left(&self, key: &str, time: Duration) -> bool {
        use crate::store::Ttl::In;
        let margin = Duration::from_secs(5);
        matches!(self.values.ttl(key).await, Ok(In(left)) if left <= time && left + margin > time)
    }

    /// Stores some numbers.
    pub(crate) async fn with(self, keys: &[(&str, i64)]) -> Self {
        for (key, value) in keys {
            self.values.set(key, value, Timeout::Default).await.unwrap();
        }
        self
    }

    /// Returns the number under a key.
    pub(crate) async fn number(&self, key: &str) -> Option<i64> {
        self.values.get(key).await.unwrap()
    }
}
