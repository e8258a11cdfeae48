//! What `larder cache` talks to: a store itself, or the running shop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::runtime::{Builder, Runtime};

use super::site::Site;
use crate::app;
use crate::cache::inspect::{Description, Inspection, Listing, Statistics};
use crate::cache::store::CodecError;
use crate::cache::values::Timeout;
use crate::cache::{self, Error, Secret, StampSource, store};
use crate::cli::chain;
use crate::db::{Db, Url};
use crate::site::NAME;
use crate::sql::secret::Keeper;
use crate::sql::{self, Database};

/// How long to wait for Redis. A person at a terminal waits longer than a request does.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where the cache is.
// The ids differ from those of `serve`: clap would mix up global arguments with equal ids.
#[derive(Debug, Args)]
pub struct WhereConfig {
    /// The running shop to ask; given here or in its variable, it takes precedence over a Redis.
    ///
    /// Without either, the shop at the address in LARDER_BIND is asked, or at 127.0.0.1:8000.
    #[arg(id = "at_site", long = "site", env = "LARDER_SITE", value_name = "URL", global = true)]
    site: Option<String>,

    /// The Redis server to ask.
    #[arg(
        id = "at_redis",
        long = "redis",
        env = "REDIS_URL",
        hide_env_values = true,
        value_name = "URL",
        global = true
    )]
    redis: Option<String>,

    /// The shop's database: its secret opens the entries in Redis, its stamps validate them, and
    /// its tags are invalidated. Without it a Redis shows names, sizes and times, and takes whole numbers only.
    #[arg(
        id = "at_database",
        long = "database",
        env = "DATABASE_URL",
        hide_env_values = true,
        value_name = "URL",
        global = true,
        value_parser = |text: &str| text.parse::<Url>()
    )]
    database: Option<Url>,

    /// API token (required with --access staff); see larder account token.
    #[arg(
        id = "at_token",
        long = "token",
        env = "LARDER_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN",
        global = true
    )]
    token: Option<String>,

    #[arg(id = "at_bind", long = "bind", env = "LARDER_BIND", hide = true, global = true)]
    bind: Option<String>,
}

/// What opens the entries in Redis, and what validates them.
type Opened = (Secret, Arc<dyn StampSource>);

impl WhereConfig {
    /// Returns a client of the running shop.
    pub fn site(&self) -> Result<Site, String> {
        let bound = || self.bind.as_deref().map_or("127.0.0.1:8000".to_owned(), reachable);
        Site::at(&self.site.clone().unwrap_or_else(bound), self.token.clone())
    }

    /// Returns the database whose tags to invalidate, or `None` if the shop is to do it.
    pub fn tags(&self) -> Result<Option<Database>, String> {
        let Some(url) = self.database.as_ref().filter(|_| self.site.is_none()) else {
            return Ok(None);
        };
        must_exist(url)?;
        Ok(Some(Database::new(Db::open(url)?, app::TABLES)))
    }

    /// Returns the secret and the stamps of the database, if one is given.
    fn opened(&self) -> Result<Option<Opened>, String> {
        let Some(url) = &self.database else { return Ok(None) };
        must_exist(url)?;
        let secret = Keeper::open(url)?.secret().clone();
        Ok(Some((secret, sql::open(url, app::TABLES)?)))
    }
}

/// Fails if there is no such SQLite file: opening it would create it.
fn must_exist(url: &Url) -> Result<(), String> {
    match url {
        Url::Sqlite(path) if !path.is_file() => Err(format!("no database file {}", path.display())),
        _ => Ok(()),
    }
}

/// Replaces the unspecified address, to which a shop may be bound, by the loopback address.
fn reachable(bind: &str) -> String {
    match bind.parse::<SocketAddr>() {
        Ok(SocketAddr::V4(address)) if address.ip().is_unspecified() => {
            format!("127.0.0.1:{}", address.port())
        }
        Ok(SocketAddr::V6(address)) if address.ip().is_unspecified() => {
            format!("[::1]:{}", address.port())
        }
        _ => bind.to_owned(),
    }
}

/// Where the cache is read and changed.
pub enum Source {
    /// The running shop.
    Site(Site),
    /// A store, without a shop.
    Store {
        /// The store, as it is inspected.
        inspection: Inspection,
        /// The runtime that waits for the store.
        runtime: Runtime,
    },
}

impl Source {
    /// Opens the source that the flags name.
    pub fn open(at: &WhereConfig) -> Result<Self, String> {
        let redis = match (&at.site, &at.redis) {
            (None, Some(redis)) => redis,
            _ => return Ok(Self::Site(at.site()?)),
        };
        let store = store::redis(redis, PATIENCE)
            .map_err(|error| format!("invalid value for '--redis <URL>': {error}"))?;
        let (secret, versions) = at.opened()?.unzip();
        let inspection = cache::Builder::default().name(NAME).inspect(store, secret, versions);
        Ok(Self::Store { inspection, runtime: runtime()? })
    }

    /// Lists the keys that match the pattern.
    pub fn keys(&self, pattern: &str, limit: u32) -> Result<Listing, String> {
        match self {
            Self::Site(site) => {
                site.get("/cache/keys", &[("like", pattern), ("limit", &limit.to_string())])
            }
            Self::Store { inspection, runtime } => {
                runtime.block_on(inspection.keys(pattern, limit as usize)).map_err(tell)
            }
        }
    }

    /// Describes what is stored under a key, in each place; fails if there is nothing.
    pub fn describe(&self, key: &str) -> Result<Vec<Description>, String> {
        let found: Vec<Description> = match self {
            Self::Site(site) => site.get("/cache/key", &[("key", key)])?,
            Self::Store { inspection, runtime } => {
                runtime.block_on(inspection.describe(key)).map_err(tell)?
            }
        };
        if found.is_empty() { Err(no_such(key)) } else { Ok(found) }
    }

    /// Stores a value.
    pub fn set(&self, key: &str, value: &str, timeout: Timeout) -> Result<(), String> {
        match self {
            Self::Site(site) => {
                let timeout = timeout.to_string();
                let fields = [("key", key), ("value", value), ("timeout", &timeout)];
                site.post("/cache/key", &fields).map(drop)
            }
            Self::Store { inspection, runtime } => {
                runtime.block_on(inspection.set(key, value, timeout)).map_err(tell)
            }
        }
    }

    /// Describes where a deletion takes effect.
    pub fn reach(&self) -> &'static str {
        match self {
            Self::Site(_) => "entries on every instance, values in the store of this shop",
            Self::Store { inspection, .. } if inspection.reaches_instances() => {
                "in Redis and on every instance"
            }
            Self::Store { .. } => {
                "in Redis only; instances still serve the entries in their memory: to reach them \
                 pass the shop's database, too (--database URL)"
            }
        }
    }

    /// Deletes a key.
    pub fn delete(&self, key: &str) -> Result<(), String> {
        match self {
            Self::Site(site) => site.post("/cache/key/delete", &[("key", key)]).map(drop),
            Self::Store { inspection, runtime } => {
                match runtime.block_on(inspection.delete(key)).map_err(tell)? {
                    0 if inspection.reaches_instances() => Err(format!(
                        "Redis has nothing under the key {key:?}; instances that had it in memory have \
                         deleted it"
                    )),
                    0 => Err(format!("{}; deletions take effect {}", no_such(key), self.reach())),
                    _ => Ok(()),
                }
            }
        }
    }

    /// Returns the statistics of the cache.
    pub fn statistics(&self) -> Result<Statistics, String> {
        match self {
            Self::Site(site) => site.get("/cache/stats", &[]),
            Self::Store { inspection, runtime } => {
                runtime.block_on(inspection.statistics()).map_err(tell)
            }
        }
    }

    /// Deletes everything and returns how many keys there were.
    pub fn clear(&self) -> Result<u64, String> {
        match self {
            Self::Site(site) => site.clear(),
            Self::Store { inspection, runtime } => {
                runtime.block_on(inspection.clear()).map_err(tell)
            }
        }
    }
}

/// Builds a runtime that runs one task at a time.
pub fn runtime() -> Result<Runtime, String> {
    Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())
}

fn no_such(key: &str) -> String {
    format!("nothing is stored under the key {key:?}")
}

/// Prints an error with its causes, in one sentence.
fn tell(error: Error) -> String {
    match error {
        Error::Store { store, source } => format!("the {store} store failed: {source}"),
        Error::Codec { source: CodecError::NoSecret, .. } => {
            format!("{}: it is in the database; pass --database URL", CodecError::NoSecret)
        }
        other => chain(&other),
    }
}
