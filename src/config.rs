//! Settings: one struct for each concern, from flags or environment. Their docs are `--help`.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};

use crate::cache::level::Levels;
use crate::cache::open;
use crate::cache::store::Store;
use crate::db::{Db, LOCK_TIMEOUT, Url};
use crate::site::client::{AddressHeader, Network, Proxies};
use crate::site::connection::Limits;
use crate::site::form::Deadlines;
use crate::site::host::Host;
use crate::state;
use crate::supplier::client::Upstream;

/// Browsers keep connections open; so long, between requests.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// From the first byte of a request to the end of its head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// For the first byte of a body, for all of it, and for a client to take something; in seconds.
const TIMEOUTS: [u64; 3] = [10, 30, 30];

/// Where the shop is served.
#[derive(Debug, Clone, Args)]
pub struct HttpConfig {
    /// Address and port to serve at; port 0 takes a free one.
    ///
    /// Bound to anything but loopback an open shop is read-only, since everybody could write; see
    /// --access staff.
    #[arg(long, env = "LARDER_BIND", default_value = "127.0.0.1:8000", value_parser = address)]
    pub bind: SocketAddr,

    /// A name that visitors may use for this shop; may be given several times.
    ///
    /// It is answered at the port of --bind and at the scheme's own; NAME:PORT at that port only. Always
    /// allowed: localhost, 127.0.0.1, `[::1]`, and the address it is bound to. Requests for other names and
    /// ports are refused.
    #[arg(long = "host", env = "LARDER_HOST", value_name = "NAME", value_delimiter = ',')]
    pub hosts: Vec<Host>,

    /// Threads that answer requests; as many as processors where not given.
    #[arg(long, env = "LARDER_WORKERS", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub workers: Option<u16>,

    /// Addresses and networks of the proxies that are believed where they say for which client they pass a
    /// request on; may be given several times. Headers of others are ignored.
    #[arg(
        long,
        env = "LARDER_TRUSTED_PROXIES",
        value_name = "ADDRESS",
        value_delimiter = ',',
        default_value = "127.0.0.0/8,::1/128"
    )]
    pub trusted_proxies: Vec<Network>,

    /// Where trusted proxies say it: the header that they set or append to.
    #[arg(long, env = "LARDER_CLIENT_ADDRESS", value_enum, value_name = "HEADER", default_value_t = AddressHeader::default())]
    pub client_address: AddressHeader,

    /// Who may write: everybody on this machine, or staff who sign in (see `larder account`).
    #[arg(long, env = "LARDER_ACCESS", value_enum, default_value_t = Access::Open)]
    pub access: Access,
}

impl HttpConfig {
    /// Which proxies say where a request comes from, and how.
    pub fn proxies(&self) -> Proxies {
        Proxies { trusted: self.trusted_proxies.clone(), header: self.client_address }
    }
}

/// Who may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Access {
    /// Everybody on this machine; elsewhere the shop is read-only.
    Open,
    /// Who has an account and signs in, from wherever; all others read.
    Staff,
}

impl HttpConfig {
    /// What that means where the shop is bound.
    pub fn who_may_write(&self) -> state::Access {
        match self.access {
            Access::Staff => state::Access::Staff,
            Access::Open if self.bind.ip().is_loopback() => state::Access::Open,
            Access::Open => state::Access::ReadOnly,
        }
    }
}

/// How long clients may keep the shop waiting, and how many of them at a time.
#[derive(Debug, Clone, Args)]
pub struct LimitsConfig {
    /// How long a client may take until the first byte of a request's body is here, in seconds, 1 to 3600;
    /// then it is answered 408.
    #[arg(long, env = "LARDER_BODY_START_TIMEOUT", value_name = "SECONDS", default_value_t = TIMEOUTS[0], value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub body_start_timeout: u64,

    /// How long a client may take for the whole body of a request, in seconds, 1 to 3600; then it is
    /// answered 408.
    #[arg(long, env = "LARDER_BODY_TIMEOUT", value_name = "SECONDS", default_value_t = TIMEOUTS[1], value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub body_timeout: u64,

    /// How long a client may take nothing of its answer, in seconds, 1 to 3600; then its connection is
    /// closed. So long, too, what was begun for a client that has left goes on.
    #[arg(long, env = "LARDER_WRITE_TIMEOUT", value_name = "SECONDS", default_value_t = TIMEOUTS[2], value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub write_timeout: u64,

    /// Connections at a time, as far as the process may have so many files open; more wait until there is
    /// room. 5000 where not given.
    #[arg(long, env = "LARDER_MAX_CONNECTIONS", value_name = "N")]
    pub max_connections: Option<NonZeroU32>,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        let [body_start_timeout, body_timeout, write_timeout] = TIMEOUTS;
        Self { body_start_timeout, body_timeout, write_timeout, max_connections: None }
    }
}

impl LimitsConfig {
    /// How long clients may take for bodies.
    pub fn bodies(&self) -> Deadlines {
        let [first, whole] = [self.body_start_timeout, self.body_timeout].map(Duration::from_secs);
        Deadlines { first, whole }
    }

    /// How long they may take for all else.
    pub fn connections(&self) -> Limits {
        let write = Duration::from_secs(self.write_timeout);
        Limits { head: HEAD_TIMEOUT, write, idle: KEEP_ALIVE }
    }
}

/// Where the data is.
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

    /// How long to wait for locks that others hold in the database, in seconds, 1 to 3600.
    ///
    /// Also the time that a read or write waits for its turn. After it the request is answered 503.
    #[arg(long, env = "LARDER_LOCK_TIMEOUT", value_name = "SECONDS", default_value_t = LOCK_TIMEOUT.as_secs(), value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub lock_timeout: u64,
}

impl DatabaseConfig {
    /// Opens it; the file of SQLite is made if it is missing.
    ///
    /// # Errors
    /// When it cannot be reached, as one sentence.
    pub fn open(&self) -> Result<Db, String> {
        Db::open_with(&self.database, Duration::from_secs(self.lock_timeout))
    }
}

/// What is remembered.
#[derive(Debug, Clone, Args)]
pub struct CacheConfig {
    /// Which levels are on, for comparing: the pages are the same either way.
    ///
    /// One of them, or several with commas between.
    #[arg(
        long,
        env = "LARDER_CACHE",
        value_enum,
        value_delimiter = ',',
        default_value = "all",
        value_name = "LEVELS"
    )]
    pub cache: Vec<CacheLevel>,

    /// A Redis server through which several instances share what they made: redis://HOST:PORT/DATABASE.
    ///
    /// Nothing depends on it: without it, and when it dies, each instance makes its own.
    #[arg(long, env = "REDIS_URL", hide_env_values = true, value_name = "URL")]
    pub redis: Option<String>,

    /// Forget everything that is cached before serving.
    #[arg(long, env = "LARDER_CLEAR_CACHE", value_parser = BoolishValueParser::new())]
    pub clear_cache: bool,
}

/// A level of caching.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CacheLevel {
    /// None.
    Off,
    /// Results of queries.
    Queries,
    /// Header and footer.
    Fragments,
    /// Whole pages.
    Pages,
    /// All three.
    All,
}

impl CacheConfig {
    /// The store that instances share, if there is to be one. Nothing is connected yet.
    ///
    /// # Errors
    /// One sentence, if the address is none.
    pub fn store(&self) -> Result<Option<Arc<dyn Store>>, String> {
        let store = self.redis.as_deref().map(open::redis).transpose();
        store.map_err(|error| format!("invalid value for '--redis <URL>': {error}"))
    }

    /// The levels that are on.
    ///
    /// # Errors
    /// One sentence, where `off` stands beside a level.
    pub fn levels(&self) -> Result<Levels, String> {
        if self.cache.contains(&CacheLevel::Off) && self.cache.len() > 1 {
            return Err("invalid value for '--cache <LEVELS>': off stands alone".to_owned());
        }
        let has = |level| self.cache.contains(&level) || self.cache.contains(&CacheLevel::All);
        Ok(Levels {
            pages: has(CacheLevel::Pages),
            fragments: has(CacheLevel::Fragments),
            queries: has(CacheLevel::Queries),
        })
    }
}

/// How the shop looks.
#[derive(Debug, Clone, Args)]
pub struct ShopConfig {
    /// Products on a page of the list, 1 to 1000.
    #[arg(long, env = "LARDER_PAGE_SIZE", value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub page_size: u64,

    /// Leave an empty shop empty, instead of filling it with samples.
    #[arg(long, env = "LARDER_NO_SAMPLES", value_parser = BoolishValueParser::new())]
    pub no_samples: bool,
}

/// Who supplies the shop.
#[derive(Debug, Clone, Args)]
pub struct SupplierConfig {
    /// Where the supplier's prices are fetched from, as JSON; without it from a slow, sometimes failing
    /// supplier that is built in.
    #[arg(long, env = "LARDER_SUPPLIER", value_name = "URL", value_parser = |text: &str| text.parse::<Upstream>())]
    pub supplier: Option<Upstream>,

    /// How long prices are fresh, in seconds, 1 to 86400; in the last fifth of it they are fetched again.
    #[arg(long, env = "LARDER_SUPPLIER_FRESH", value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub supplier_fresh: u64,
}

/// What developers see.
#[derive(Debug, Clone, Args)]
pub struct ToolbarConfig {
    /// Who sees what cache and database did (debug toolbar, Server-Timing): visitors of this machine, all,
    /// nobody.
    #[arg(long, env = "LARDER_TOOLBAR", value_enum, default_value_t = ToolbarMode::Auto)]
    pub toolbar: ToolbarMode,
}

/// Who sees what cache and database did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ToolbarMode {
    /// Visitors of this machine, where the shop is bound to it and no proxy stands between.
    Auto,
    /// Everybody.
    On,
    /// Nobody.
    Off,
}

impl ToolbarConfig {
    /// What the mode means where the shop is bound to `bind`.
    pub fn for_bind(&self, bind: SocketAddr) -> state::Toolbar {
        match self.toolbar {
            ToolbarMode::Auto if bind.ip().is_loopback() => state::Toolbar::Local,
            ToolbarMode::Auto | ToolbarMode::Off => state::Toolbar::Off,
            ToolbarMode::On => state::Toolbar::On,
        }
    }
}

/// Who may read the figures.
#[derive(Debug, Clone, Args)]
pub struct MetricsConfig {
    /// Who may read the figures at /metrics: visitors of this machine, without a proxy; or everybody.
    #[arg(long, env = "LARDER_METRICS", value_enum, default_value_t = MetricsMode::Local)]
    pub metrics: MetricsMode,
}

/// Who may read the figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MetricsMode {
    /// Visitors of this machine, where no proxy stands between.
    Local,
    /// Everybody.
    Public,
}

/// What the program says about itself while it runs.
#[derive(Debug, Clone, Args)]
pub struct LogConfig {
    /// How lines are written to standard error; RUST_LOG chooses which (larder=debug for
    /// more, warn for no line per request).
    #[arg(long, env = "LARDER_LOG", value_enum, default_value_t = LogFormat::Text)]
    pub log: LogFormat,

    /// A word by which names of secrets are known, beside password, token, key and their like; several with
    /// commas between.
    ///
    /// What goes by such a name, as a header, a parameter or a column, is neither logged nor shown in the
    /// toolbar.
    #[arg(
        long = "secret-name",
        env = "LARDER_SECRET_NAMES",
        value_name = "WORD",
        value_delimiter = ','
    )]
    pub secret_names: Vec<String>,
}

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// `localhost:8000` is taken, too.
fn address(text: &str) -> Result<SocketAddr, String> {
    use std::net::ToSocketAddrs;
    let mut addresses = text
        .to_socket_addrs()
        .map_err(|_| "give an address and a port, as in 127.0.0.1:8000".to_owned())?;
    addresses.next().ok_or_else(|| "the name has no address".to_owned())
}
