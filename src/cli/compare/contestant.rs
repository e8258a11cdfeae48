//! The shop in one of the modes that are compared: in this process, on a port of its own.

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::dev::ServerHandle;

use super::client::{Client, Sample};
use super::report::Report;
use crate::config::{
    Access, CacheConfig, CacheLevel, DatabaseConfig, HttpConfig, LimitsConfig, LogConfig,
    LogFormat, MetricsConfig, MetricsMode, ShopConfig, SupplierConfig, ToolbarConfig, ToolbarMode,
};
use crate::db::{LOCK_TIMEOUT, Url};
use crate::server::{ServeConfig, Server};
use crate::site::client::AddressHeader;

/// Opens connections and warms what all pages share, without touching the homepage.
const ELSEWHERE: &str = "/?page=2";

/// So many requests show what a warm one does.
const OBSERVED: usize = 10;

/// The homepage.
pub const HOMEPAGE: &str = "/";

/// What is remembered.
#[derive(Debug, Clone)]
pub struct Mode {
    /// What it is called in the table.
    pub name: &'static str,
    /// The levels that are on.
    pub level: CacheLevel,
    /// Shared with other instances.
    pub redis: Option<String>,
}

impl Mode {
    /// Those of one process, beginning with no cache at all.
    pub const IN_MEMORY: [Mode; 5] = [
        Mode { name: "off", level: CacheLevel::Off, redis: None },
        Mode { name: "queries", level: CacheLevel::Queries, redis: None },
        Mode { name: "fragments", level: CacheLevel::Fragments, redis: None },
        Mode { name: "pages", level: CacheLevel::Pages, redis: None },
        Mode { name: "all", level: CacheLevel::All, redis: None },
    ];

    /// What the mode with Redis is called.
    pub const SHARED: &str = "all, with Redis";

    /// All levels, shared through the Redis at this address.
    pub fn shared(redis: &str) -> Self {
        Self { name: Self::SHARED, level: CacheLevel::All, redis: Some(redis.to_owned()) }
    }
}

/// A shop that is being measured.
pub struct Contestant {
    /// What it remembers.
    pub mode: Mode,
    path: &'static str,
    address: SocketAddr,
    handle: ServerHandle,
    /// The very first view of the page.
    pub first: (Duration, Report),
    /// What the requests did that were observed.
    pub observed: Report,
    /// What the others took.
    pub sample: Sample,
}

impl Contestant {
    /// Opens the shop, looks at the page that is measured for the first time, and warms it.
    ///
    /// What is measured is another shop than what is looked at: looking costs time, too.
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

    /// Asks for the page so many times more.
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

    /// How many requests were observed.
    pub const fn observed_requests() -> usize {
        OBSERVED
    }
}

/// The first view, and what the next ones do.
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

/// Runs the visitor on a thread of its own, so that its processor time can be told apart.
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
            // One visitor keeps one thread busy.
            workers: Some(1),
            access: Access::Open,
        },
        limits: LimitsConfig::default(),
        database: DatabaseConfig {
            database: database.clone(),
            lock_timeout: LOCK_TIMEOUT.as_secs(),
        },
        cache: CacheConfig {
            cache: vec![mode.level],
            redis: mode.redis.clone(),
            clear_cache: false,
        },
        shop: ShopConfig { page_size: 25, no_samples: true },
        supplier: SupplierConfig { supplier: None, supplier_fresh: 300 },
        toolbar: ToolbarConfig { toolbar },
        metrics: MetricsConfig { metrics: MetricsMode::Local },
        log: LogConfig { log: LogFormat::Text, secret_names: Vec::new() },
    }
}
