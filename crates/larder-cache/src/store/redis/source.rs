//! Where connections come from: one server, or the primary that sentinels name.

use deadpool_redis::{Connection, Pool, PoolError};

use super::{
    pool::{Limits, pool},
    sentinels::{SentinelAddress, Sentinels},
};

/// Opens connections to the server that has the data.
pub(super) enum Source {
    Server(Pool),
    Sentinels(Box<Sentinels>),
}

impl Source {
    /// Opens no connection yet.
    ///
    /// # Errors
    /// One sentence, without the address, which may hold a password.
    pub(super) fn open(url: &str, limits: Limits) -> Result<Self, &'static str> {
        let Some(address) = SentinelAddress::parse(url) else {
            return pool(url, limits)
                .map(Self::Server)
                .map_err(|_| "no address of a Redis server; use redis://HOST:PORT/DATABASE");
        };
        address
            .and_then(|address| Sentinels::new(address, limits).ok())
            .map(|sentinels| Self::Sentinels(Box::new(sentinels)))
            .ok_or("no address of Redis sentinels; use redis-sentinel://HOST:PORT,HOST:PORT/NAME")
    }

    pub(super) async fn connect(&self) -> Result<Connection, PoolError> {
        match self {
            Self::Server(pool) => pool.get().await,
            Self::Sentinels(sentinels) => sentinels.connect().await,
        }
    }

    pub(super) fn close(&self) {
        match self {
            Self::Server(pool) => pool.close(),
            Self::Sentinels(sentinels) => sentinels.close(),
        }
    }
}
