//! Sentinels, which know where the primary of a name is.
//!
//! - Whenever a connection is opened, a sentinel is asked for the primary, and the server for its
//!   role: the sentinel may not have heard of a failover yet.
//! - The sentinel that answered last is asked first, and the others after it. A call that a silent
//!   sentinel held up is followed by one that asks the next sentinel.
//! - The feature `sentinel` of deadpool-redis is not used. Its pool takes no timeouts: a frozen
//!   sentinel would hold up every call for 500 ms. It adds four crates, too.
//!
//! Source: redis.io, "Guidelines for Redis clients with support for Redis Sentinel".

use std::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
};

use deadpool_redis::{
    Connection, Pool, PoolError,
    redis::{AsyncConnectionConfig, Client, ErrorKind, InfoDict, RedisError, cmd},
};

use super::{
    address::Hosts,
    pool::{Limits, pool},
};

/// The primary that sentinels watch under a name.
pub(super) struct Sentinels {
    clients: Vec<Client>,
    /// Counts the sentinels that were asked in vain, and so names the next.
    turn: AtomicUsize,
    address: SentinelAddress,
    limits: Limits,
    /// The connections to the server that was the primary last.
    primary: Mutex<Option<((String, u16), Pool)>>,
    is_closed: AtomicBool,
}

/// The parts of `redis-sentinel://[user:password@]host[:port][,host[:port]…]/name[/database]`.
pub(super) struct SentinelAddress {
    /// The sentinels, and the login at the primary.
    hosts: Hosts,
    name: String,
    database: String,
}

impl SentinelAddress {
    /// Returns the parts of a URL: `None` if it is not one of sentinels, `Some(None)` if it is
    /// malformed.
    pub(super) fn parse(url: &str) -> Option<Option<Self>> {
        Some(Hosts::parse(url, "sentinel", 26379)?.and_then(Self::of))
    }

    fn of(hosts: Hosts) -> Option<Self> {
        let (name, database) = hosts.path.split_once('/').unwrap_or((&hosts.path, ""));
        let (name, database) = (name.to_owned(), database.to_owned());
        // The characters that Redis permits in a name.
        let is_name = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        if name.is_empty() || !name.chars().all(is_name) {
            return None;
        }
        hosts.at("primary", 0, &database)?;
        Some(Self { hosts, name, database })
    }
}

impl Sentinels {
    pub(super) fn new(address: SentinelAddress, limits: Limits) -> Result<Self, RedisError> {
        let sentinels = address.hosts.without_login().into_iter().flatten();
        Ok(Self {
            clients: sentinels.map(Client::open).collect::<Result<_, _>>()?,
            turn: AtomicUsize::new(0),
            address,
            limits,
            primary: Mutex::new(None),
            is_closed: AtomicBool::new(false),
        })
    }

    /// Opens a connection to the primary.
    pub(super) async fn connect(&self) -> Result<Connection, PoolError> {
        let mut failure = PoolError::Closed;
        for _ in &self.clients {
            if self.is_closed.load(Relaxed) {
                return Err(PoolError::Closed);
            }
            // Counted before the sentinel is asked: a timeout of the caller cancels this future.
            let turn = self.turn.fetch_add(1, Relaxed);
            match self.connect_through(&self.clients[turn % self.clients.len()]).await {
                Ok(connection) => {
                    self.turn.store(turn, Relaxed);
                    return Ok(connection);
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    pub(super) fn close(&self) {
        self.is_closed.store(true, Relaxed);
        if let Some((_, pool)) = self.primary.lock().unwrap().take() {
            pool.close();
        }
    }

    async fn connect_through(&self, sentinel: &Client) -> Result<Connection, PoolError> {
        let address = self.ask(sentinel).await?;
        let mut connection = self.pool_at(address)?.get().await?;
        let mut question = cmd("INFO");
        let info: InfoDict = question.arg("replication").query_async(&mut connection).await?;
        if info.get::<String>("role").is_some_and(|role| role == "master") {
            return Ok(connection);
        }
        drop(Connection::take(connection));
        Err(self.no_primary("the sentinels name a server that is no primary of the name").into())
    }

    /// Asks a sentinel for the host and the port of the primary.
    async fn ask(&self, sentinel: &Client) -> Result<(String, u16), RedisError> {
        let timeouts: &AsyncConnectionConfig = &self.limits.connection();
        let mut connection =
            sentinel.get_multiplexed_async_connection_with_config(timeouts).await?;
        let mut question = cmd("SENTINEL");
        question.arg("GET-MASTER-ADDR-BY-NAME").arg(&self.address.name);
        let found: Option<(String, u16)> = question.query_async(&mut connection).await?;
        found.ok_or_else(|| self.no_primary("the sentinels know no primary of the name"))
    }

    /// Returns the pool of the server at this address, and closes that of another server.
    fn pool_at(&self, address: (String, u16)) -> Result<Pool, RedisError> {
        let mut primary = self.primary.lock().unwrap();
        if let Some((_, pool)) = primary.as_ref().filter(|(last, _)| *last == address) {
            return Ok(pool.clone());
        }
        let SentinelAddress { hosts, database, .. } = &self.address;
        let server = hosts.at(&address.0, address.1, database);
        let server = server.ok_or_else(|| self.no_primary("the sentinels name no server"))?;
        let pool = pool(server, self.limits)?;
        if let Some((_, last)) = primary.replace((address, pool.clone())) {
            last.close();
        }
        Ok(pool)
    }

    fn no_primary(&self, what: &'static str) -> RedisError {
        (ErrorKind::MasterNameNotFoundBySentinel, what, self.address.name.clone()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(url: &str) -> Option<SentinelAddress> {
        SentinelAddress::parse(url).expect("sentinels")
    }

    #[test]
    fn an_address_names_sentinels_a_primary_and_its_login() {
        let found = parts("redis-sentinel://ann:p%40ss@a,b:1,[::1]/my.shop/2").unwrap();
        let sentinels = found.hosts.without_login().into_iter().flatten();
        let sentinels = sentinels.map(|sentinel| sentinel.addr().to_string());
        assert!(sentinels.eq(["a:26379", "b:1", "::1:26379"]));
        assert_eq!(found.name, "my.shop");
        let primary = found.hosts.at("primary", 1, &found.database).unwrap();
        let settings = primary.redis_settings();
        assert_eq!((settings.username(), settings.password()), (Some("ann"), Some("p@ss")));
        assert_eq!(settings.db(), 2);
        assert!(parts("redis+sentinel://a/shop").is_some());
        assert!(SentinelAddress::parse("redis://a:1/2").is_none());
        assert!(SentinelAddress::parse("redis+unix:///socket").is_none());
    }

    #[test]
    fn an_address_without_a_name_or_with_a_wrong_one_is_malformed() {
        for rest in ["a", "a/", "/shop", "a,/shop", "a:b/shop", "a/my shop", "a/shop/x", "@/shop"] {
            assert!(parts(&format!("redis-sentinel://{rest}")).is_none(), "{rest}");
        }
        assert!(parts("http-sentinel://a/shop").is_none());
    }
}
