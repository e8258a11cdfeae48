//! A shop in one of the compared modes, in this process and on a port of its own.

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::dev::ServerHandle;

use super::client::{Client, Sample};
use super::report::Report;
use crate::config::{
    Access, CacheConfig, CacheLevel, DEFAULT_REDIS_TIMEOUT, DatabaseConfig, FrontConfig,
    HttpConfig, LimitsConfig, LogConfig, LogFormat, MetricsConfig, MetricsMode, ShopConfig,
    SupplierConfig, ToolbarConfig, ToolbarMode,
};
use crate::db::{LOCK_TIMEOUT, Url};
use crate::server::{ServeConfig, Server};
use crate::site::client::AddressHeader;
use crate::site::zone;
use crate::sql::{FRESHNESS_TIMEOUT, Freshness};

/// A page that opens connections and warms what all pages share, without touching the homepage.
const ELSEWHERE: &str = "/?page=2";

/// How many warm requests are observed.
const OBSERVED: usize = 10;

/// The path of the homepage.
pub const HOMEPAGE: &str = "/";

/// A mode: what is cached, and where.
#[derive(Debug, Clone)]
pub struct Mode {
    /// Its name in the table.
    pub name: &'static str,
    /// The cache levels that are on.
    pub level: CacheLevel,
    /// The Redis that is the shared tier, if there is one.
    pub redis: Option<String>,
}

impl Mode {
    /// The modes of a single process; the first has no cache.
    pub const IN_MEMORY: [Mode; 5] = [
        Mode { name: "off", level: CacheLevel::Off, redis: None },
        Mode { name: "queries", level: CacheLevel::Queries, redis: None },
        Mode { name: "fragments", level: CacheLevel::Fragments, redis: None },
        Mode { name: "pages", level: CacheLevel::Pages, redis: None },
        Mode { name: "all", level: CacheLevel::All, redis: None },
    ];

    /// The name of the mode with Redis.
    pub const SHARED: &str = "all, with Redis";

    /// Returns the mode with all levels and this Redis.
    pub fn shared(redis: &str) -> Self {
        Self { name: Self::SHARED, level: CacheLevel::All, redis: Some(redis.to_owned()) }
    }
}

/// A shop that is being measured.
pub struct Contestant {
    /// The mode of its cache.
    pub mode: Mode,
    path: &'static str,
    address: SocketAddr,
    handle: ServerHandle,
    /// The first request of the page.
    pub first: (Duration, Report),
    /// The report of the observed requests.
    pub observed: Report,
    /// The measurements of all other requests.
    pub sample: Sample,
}

impl Contestant {
    /// Opens the shop, observes the first request of its page, and warms it.
    ///
    /// One shop is observed and another one measured: observing costs time, too.
    pub async fn open(mode: Mode, database: &Url, path: &'static str) -> Result<Self, String> {
        let watched = Server::start(&settings(&mode, database, ToolbarMode::Auto)).await?;
        let address = watched.address();
        let handle = watched.in_background();
        let (first, observed) = apart(move || look(address, path)).await?;
        handle.stop(false).await;
        let server = Server::start(&settings(&mode, database, ToolbarMode::Off)).await?;
        let address = server.address();
        let handle = server.in_background();
        apart(move || look(address, path)).await?;
        Ok(Self { mode, path, address, handle, first, observed, sample: Sample::default() })
    }

    /// Requests the page `requests` times and adds the measurements.
    pub async fn run(&mut self, requests: usize) -> Result<(), String> {
        let (address, path) = (self.address, self.path);
        let sample = apart(move || Client::connect(address)?.ask_often(path, requests)).await?;
        self.sample.times.extend(sample.times);
        self.sample.cpu += sample.cpu;
        Ok(())
    }

    /// Closes the shop.
    pub async fn close(self) {
        self.handle.stop(false).await;
    }

    /// Returns how many requests were observed.
    pub const fn observed_requests() -> usize {
        OBSERVED
    }
}

/// Returns the report of the first request of a page, and the sum of the reports of the next ones.
fn look(address: SocketAddr, path: &str) -> Result<((Duration, Report), Report), String> {
    let mut client = Client::connect(address)?;
    client.observe(ELSEWHERE)?;
    let first = client.observe(path)?;
    if client.status() != "200" {
        return Err(format!("{path} was answered {}", client.status()));
    }
    let mut observed = Report::default();
    for _ in 0..OBSERVED {
        observed += client.observe(path)?.1;
    }
    Ok((first, observed))
}

/// Runs the client on a thread of its own, so that its processor time can be subtracted.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let work = tokio::task::spawn_blocking(work);
    work.await.map_err(|error| error.to_string())?
}

fn settings(mode: &Mode, database: &Url, toolbar: ToolbarMode) -> ServeConfig {
    ServeConfig {
        http: HttpConfig {
            trusted_proxies: Vec::new(),
            client_address: AddressHeader::Peer,
            bind: SocketAddr::from(([127, 0, 0, 1], 0)),
            hosts: Vec::new(),
            // A single client keeps one worker busy.
            workers: Some(1),
            access: Access::Open,
            drain: 0,
        },
        limits: LimitsConfig::default(),
        database: DatabaseConfig {
            database: database.clone(),
            lock_timeout: LOCK_TIMEOUT.as_secs(),
        },
        cache: CacheConfig {
            cache: vec![mode.level],
            redis: mode.redis.clone(),
            redis_timeout: DEFAULT_REDIS_TIMEOUT,
            freshness: Freshness::Strict,
            freshness_timeout: FRESHNESS_TIMEOUT.as_secs(),
            clear_cache: false,
        },
        front: FrontConfig::default(),
        shop: ShopConfig { page_size: 25, time_zone: zone::shop().clone(), no_samples: true },
        supplier: SupplierConfig { supplier: None, supplier_fresh: 300 },
        toolbar: ToolbarConfig { toolbar, toolbar_traces: false },
        metrics: MetricsConfig { metrics: MetricsMode::Local },
        log: LogConfig { log: LogFormat::Text, secret_names: Vec::new() },
    }
}
