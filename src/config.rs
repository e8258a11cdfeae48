//! Settings: one struct for each concern, from flags or environment variables.
//!
//! The doc comments of the fields are the texts of `--help`.

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};

use crate::cache::store::Store;
use crate::cache::{Levels, store};
use crate::db::{Db, LOCK_TIMEOUT, Url};
use crate::site::client::{AddressHeader, Network, Proxies};
use crate::site::host::Host;
use crate::site::zone::Zone;
use crate::sql::{FRESHNESS_TIMEOUT, Freshness};
use crate::state;
use crate::supplier::client::Upstream;

pub mod front;
mod limits;

pub use front::FrontConfig;
pub use limits::LimitsConfig;

/// Settings of the HTTP server.
#[derive(Debug, Clone, Args)]
pub struct HttpConfig {
    /// Address and port to serve at; port 0 selects a free one.
    ///
    /// Bound to anything but loopback, a shop with open access is read-only, since otherwise every
    /// client could write; see --access staff.
    #[arg(long, env = "LARDER_BIND", default_value = "127.0.0.1:8000", value_parser = address)]
    pub bind: SocketAddr,

    /// A host name that this shop answers to; may be given several times.
    ///
    /// NAME is answered at the port of --bind and at the default port of the scheme, NAME:PORT at
    /// that port only. Always allowed: localhost, 127.0.0.1, `[::1]`, and the bound address.
    /// Requests for other names and ports are refused.
    #[arg(long = "host", env = "LARDER_HOST", value_name = "NAME", value_delimiter = ',')]
    pub hosts: Vec<Host>,

    /// Threads that answer requests; the default is the number of processors.
    #[arg(long, env = "LARDER_WORKERS", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub workers: Option<u16>,

    /// Addresses and networks of trusted proxies; may be given several times.
    ///
    /// Forwarding headers from any other address are ignored.
    #[arg(
        long,
        env = "LARDER_TRUSTED_PROXIES",
        value_name = "ADDRESS",
        value_delimiter = ',',
        default_value = "127.0.0.0/8,::1/128"
    )]
    pub trusted_proxies: Vec<Network>,

    /// The header in which trusted proxies give the address of the client.
    #[arg(long, env = "LARDER_CLIENT_ADDRESS", value_enum, value_name = "HEADER", default_value_t = AddressHeader::default())]
    pub client_address: AddressHeader,

    /// Which clients may write: all on this machine, or staff who sign in (see `larder account`).
    #[arg(long, env = "LARDER_ACCESS", value_enum, default_value_t = Access::Open)]
    pub access: Access,

    /// How long the shop goes on serving after SIGTERM, in seconds, while it is not ready.
    ///
    /// A load balancer that checks /health/ready sends its requests elsewhere meanwhile, and clients
    /// are told to connect anew. A second signal ends it, and Ctrl-C skips it.
    #[arg(long, env = "LARDER_DRAIN", value_name = "SECONDS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=3_600))]
    pub drain: u64,
}

/// Which clients may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Access {
    /// All clients on this machine; bound to other addresses, the shop is read-only.
    Open,
    /// Staff with an account, from any address after signing in; all other clients may only read.
    Staff,
}

impl HttpConfig {
    /// Returns the trusted proxies and the header that they use.
    pub fn proxies(&self) -> Proxies {
        Proxies { trusted: self.trusted_proxies.clone(), header: self.client_address }
    }

    /// Returns which clients may write, given the address that the shop is bound to.
    pub fn who_may_write(&self) -> state::Access {
        match self.access {
            Access::Staff => state::Access::Staff,
            Access::Open if self.bind.ip().is_loopback() => state::Access::Open,
            Access::Open => state::Access::ReadOnly,
        }
    }
}

/// Settings of the database.
#[derive(Debug, Clone, Args)]
pub struct DatabaseConfig {
    /// The database: sqlite://FILE, or postgres://USER:PASSWORD@HOST/NAME (15 or newer).
    #[arg(
        long,
        env = "DATABASE_URL",
        hide_env_values = true,
        default_value = "sqlite://larder.sqlite3",
        value_name = "URL",
        value_parser = |text: &str| text.parse::<Url>()
    )]
    pub database: Url,

    /// How long to wait for database locks that other connections hold, in seconds, 1 to 3600.
    ///
    /// Also the limit on waiting for a turn to read or write. After it the client gets 503.
    #[arg(long, env = "LARDER_LOCK_TIMEOUT", value_name = "SECONDS", default_value_t = LOCK_TIMEOUT.as_secs(), value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub lock_timeout: u64,
}

impl DatabaseConfig {
    /// Opens the database and creates a missing SQLite file.
    ///
    /// # Errors
    /// One sentence if the database cannot be reached.
    pub fn open(&self) -> Result<Db, String> {
        Db::open_with(&self.database, Duration::from_secs(self.lock_timeout))
    }
}

/// Settings of the cache.
#[derive(Debug, Clone, Args)]
pub struct CacheConfig {
    /// Which cache levels are on, for comparison: the pages are the same with each choice.
    ///
    /// One level, or several separated by commas.
    #[arg(
        long,
        env = "LARDER_CACHE",
        value_enum,
        value_delimiter = ',',
        default_value = "all",
        value_name = "LEVELS"
    )]
    pub cache: Vec<CacheLevel>,

    /// A Redis server as the shared second-level cache of several instances: redis://HOST:PORT/DATABASE.
    ///
    /// redis-sentinel://HOST:PORT,HOST:PORT/NAME is the server that these sentinels call the primary of the name.
    /// redis-cluster://HOST:PORT,HOST:PORT is the cluster of which these are some servers.
    ///
    /// Optional: without it, or when it is unavailable, each instance builds its own entries.
    #[arg(long, env = "REDIS_URL", hide_env_values = true, value_name = "URL")]
    pub redis: Option<String>,

    /// The time that a request waits for Redis in all: then it builds what it needs by itself.
    #[arg(long, env = "LARDER_REDIS_TIMEOUT", value_name = "MILLISECONDS", default_value_t = DEFAULT_REDIS_TIMEOUT, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    pub redis_timeout: u64,

    /// How old data may be on Postgres: strict, or a duration such as 250ms for a database far away.
    ///
    /// Then a cached page waits for no database, and the writes of others are seen so much later at most.
    #[arg(long, env = "LARDER_FRESHNESS", value_name = "MODE", default_value_t = Freshness::Strict, value_parser = |text: &str| text.parse::<Freshness>())]
    pub freshness: Freshness,

    /// How long a request waits for the freshness check on Postgres before it bypasses the cache.
    #[arg(long, env = "LARDER_FRESHNESS_TIMEOUT", value_name = "SECONDS", default_value_t = FRESHNESS_TIMEOUT.as_secs(), value_parser = clap::value_parser!(u64).range(1..=600))]
    pub freshness_timeout: u64,

    /// Delete all cached entries before serving.
    #[arg(long, env = "LARDER_CLEAR_CACHE", value_parser = BoolishValueParser::new())]
    pub clear_cache: bool,
}

/// Milliseconds that a request waits for Redis where nothing else is configured.
pub const DEFAULT_REDIS_TIMEOUT: u64 = 80;

/// A level of caching.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CacheLevel {
    /// No level.
    Off,
    /// Results of queries.
    Queries,
    /// Header and footer.
    Fragments,
    /// Whole pages.
    Pages,
    /// All three levels.
    All,
}

impl CacheConfig {
    /// Returns the shared store, if one is configured. It is not connected yet.
    ///
    /// # Errors
    /// One sentence if the address is invalid.
    pub fn store(&self) -> Result<Option<Arc<dyn Store>>, String> {
        let store = self.redis.as_deref().map(|url| store::redis(url, self.redis_timeout()));
        let store = store.transpose();
        store.map_err(|error| format!("invalid value for '--redis <URL>': {error}"))
    }

    /// Returns the time that a request waits for Redis in all.
    pub fn redis_timeout(&self) -> Duration {
        Duration::from_millis(self.redis_timeout)
    }

    /// Returns the time that a request waits for the freshness check on Postgres.
    pub fn freshness_timeout(&self) -> Duration {
        Duration::from_secs(self.freshness_timeout)
    }

    /// Returns the levels that are on.
    ///
    /// # Errors
    /// One sentence if `off` is combined with a level.
    pub fn levels(&self) -> Result<Levels, String> {
        if self.cache.contains(&CacheLevel::Off) && self.cache.len() > 1 {
            return Err("invalid value for '--cache <LEVELS>': off cannot be combined".to_owned());
        }
        let has = |level| self.cache.contains(&level) || self.cache.contains(&CacheLevel::All);
        Ok(Levels {
            pages: has(CacheLevel::Pages),
            fragments: has(CacheLevel::Fragments),
            queries: has(CacheLevel::Queries),
        })
    }
}

/// Settings of the catalogue.
#[derive(Debug, Clone, Args)]
pub struct ShopConfig {
    /// Products on a page of the list, 1 to 1000.
    #[arg(long, env = "LARDER_PAGE_SIZE", value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub page_size: u64,

    /// The shop's time zone, in which pages show times and forms take them: an IANA name, such as Europe/Berlin.
    #[arg(long, env = "LARDER_TIME_ZONE", value_name = "ZONE", default_value = "UTC", value_parser = |text: &str| text.parse::<Zone>())]
    pub time_zone: Zone,

    /// Leave an empty shop empty, instead of filling it with samples.
    #[arg(long, env = "LARDER_NO_SAMPLES", value_parser = BoolishValueParser::new())]
    pub no_samples: bool,
}

/// Settings of the supplier.
#[derive(Debug, Clone, Args)]
pub struct SupplierConfig {
    /// URL of the supplier's prices, as JSON.
    ///
    /// The default is a built-in demo supplier that is slow and sometimes fails.
    #[arg(long, env = "LARDER_SUPPLIER", value_name = "URL", value_parser = |text: &str| text.parse::<Upstream>())]
    pub supplier: Option<Upstream>,

    /// TTL of prices in seconds, 1 to 86400; they are refreshed ahead in the last 20 %.
    #[arg(long, env = "LARDER_SUPPLIER_FRESH", value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub supplier_fresh: u64,
}

/// Settings for developers.
#[derive(Debug, Clone, Args)]
pub struct ToolbarConfig {
    /// Which visitors see what cache and database did: those on this machine, all, or none.
    ///
    /// They see it in the debug toolbar and in the header Server-Timing.
    #[arg(long, env = "LARDER_TOOLBAR", value_enum, default_value_t = ToolbarMode::Auto)]
    pub toolbar: ToolbarMode,

    /// The toolbar shows the calls that led to each statement and lookup. That makes each of them slower.
    #[arg(long, env = "LARDER_TOOLBAR_TRACES")]
    pub toolbar_traces: bool,
}

/// Which visitors see what cache and database did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ToolbarMode {
    /// Visitors on this machine, if the shop is bound to loopback and no proxy is in between.
    Auto,
    /// All visitors.
    On,
    /// No visitors.
    Off,
}

impl ToolbarConfig {
    /// Returns which visitors see the toolbar where the shop is bound to `bind`.
    pub fn for_bind(&self, bind: SocketAddr) -> state::Toolbar {
        match self.toolbar {
            ToolbarMode::Auto if bind.ip().is_loopback() => state::Toolbar::Local,
            ToolbarMode::Auto | ToolbarMode::Off => state::Toolbar::Off,
            ToolbarMode::On => state::Toolbar::On,
        }
    }
}

/// Settings of the metrics.
#[derive(Debug, Clone, Args)]
pub struct MetricsConfig {
    /// Which clients may read the metrics at /metrics: those on this machine without a proxy, or all.
    #[arg(long, env = "LARDER_METRICS", value_enum, default_value_t = MetricsMode::Local)]
    pub metrics: MetricsMode,
}

/// Which clients may read the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MetricsMode {
    /// Clients on this machine, if no proxy is in between.
    Local,
    /// All clients.
    Public,
}

/// Settings of the log.
#[derive(Debug, Clone, Args)]
pub struct LogConfig {
    /// Format of the log on standard error.
    ///
    /// RUST_LOG selects the lines: larder=debug for more, warn for no line per request.
    #[arg(long, env = "LARDER_LOG", value_enum, default_value_t = LogFormat::Text)]
    pub log: LogFormat,

    /// A word that marks the names of secrets; several separated by commas.
    ///
    /// It adds to password, token, key and the like. The value of a header, parameter or column
    /// with such a name is neither logged nor shown in the toolbar.
    #[arg(
        long = "secret-name",
        env = "LARDER_SECRET_NAMES",
        value_name = "WORD",
        value_delimiter = ','
    )]
    pub secret_names: Vec<String>,
}

/// The format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Text for people.
    Text,
    /// JSON for programs.
    Json,
}

/// Parses an address and port; accepts a host name too, such as `localhost:8000`.
fn address(text: &str) -> Result<SocketAddr, String> {
    let first = text.to_socket_addrs().map(|mut all| all.next());
    let first = first.map_err(|_| "give an address and a port, as in 127.0.0.1:8000")?;
    first.ok_or_else(|| "the name has no address".to_owned())
}
