//! Builds the shop's state, binds the listener, serves the app, and shuts it down gracefully.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::{dev, web};
use clap::{Args, ValueEnum};
use listenfd::ListenFd;
use tokio::signal::unix::SignalKind;

use crate::accounts::service as accounts;
use crate::accounts::throttle::Throttle;
use crate::app::Parts;
use crate::cache::store::Store;
use crate::cache::{Builder, Levels, Tag};
use crate::config::{
    CacheConfig, DatabaseConfig, FrontConfig, HttpConfig, LimitsConfig, LogConfig, MetricsConfig,
    MetricsMode, ShopConfig, SupplierConfig, ToolbarConfig,
};
use crate::cookbook::service as cookbook;
use crate::db::probe::Probe;
use crate::db::{self, Db, Migrate, Url, migrations};
use crate::events::service as events;
use crate::health::Health;
use crate::products::service as products;
use crate::scoreboard::service as scoreboard;
use crate::site::host::Hosts;
use crate::site::jobs::Jobs;
use crate::site::time::Timestamp;
use crate::site::{secrets, zone};
use crate::sql::front::Address;
use crate::sql::secret::Keeper;
use crate::sql::{self, Database};
use crate::state::{Access, Settings, State};
use crate::supplier::client::Client;
use crate::{app, panel, site, supplier};

pub use self::signals::StopSignals;
use self::stream::Plan;

mod about;
mod files;
mod signals;
mod stream;

/// Seconds that requests in progress get to finish at a shutdown.
const GRACE_SECONDS: u64 = 4;

/// All settings of a server.
#[derive(Debug, Clone, Args)]
pub struct ServeConfig {
    #[command(flatten)]
    pub http: HttpConfig,
    #[command(flatten)]
    pub limits: LimitsConfig,
    #[command(flatten)]
    pub database: DatabaseConfig,
    #[command(flatten)]
    pub cache: CacheConfig,
    #[command(flatten)]
    pub front: FrontConfig,
    #[command(flatten)]
    pub shop: ShopConfig,
    #[command(flatten)]
    pub supplier: SupplierConfig,
    #[command(flatten)]
    pub toolbar: ToolbarConfig,
    #[command(flatten)]
    pub metrics: MetricsConfig,
    #[command(flatten)]
    pub log: LogConfig,
}

/// A server that is bound and ready to answer.
pub struct Server {
    address: SocketAddr,
    running: dev::Server,
    health: web::Data<Health>,
    drain: Duration,
    is_inherited: bool,
}

impl Server {
    /// Binds the listener, opens and migrates the database, and fills an empty database with samples.
    ///
    /// The settings are checked and the port is bound first: an invalid setting or an occupied port
    /// leaves no database behind.
    ///
    /// # Errors
    /// One sentence for the operator.
    pub async fn start(config: &ServeConfig) -> Result<Self, String> {
        secrets::add(&config.log.secret_names);
        zone::set(&config.shop.time_zone);
        let shared = config.cache.store()?;
        let levels = config.cache.levels()?;
        let fronts = config.front.open()?;
        let (listener, is_inherited) = listener(config.http.bind)?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let mut config = config.clone();
        // An inherited socket may have another address, which decides who may write.
        config.http.bind = address;
        let config = &config;
        let db = open(config.database.clone()).await?;
        warn_of_no_accounts(config, &db)?;
        let hosts = Hosts::new(&config.http.hosts, address);
        let version = db.version().map_err(|error| error.to_string())?;
        let settings = told(config, &hosts, &db, levels);
        let (state, mut parts) = build(config, hosts, db, levels, (shared, fronts))?;
        parts.panel = parts.panel.settings(settings).versions(about::versions(&version));
        let state = web::Data::new(state);
        if config.cache.clear_cache {
            clear(&state).await?;
            parts.panel.note_start();
        }
        // No reason not to open: the next search starts it again.
        if let Err(error) = products::prepare_search(&state.db).await {
            tracing::warn!(%error, "titles that other programs wrote are not searchable yet");
        }
        if !config.shop.no_samples {
            fill(&state).await?;
        }
        let (health, drain) = (parts.health.clone(), Duration::from_secs(config.http.drain));
        let app = move || app::app(state.clone(), parts.clone());
        let is_draining = {
            let health = health.clone();
            move || health.is_draining()
        };
        let running = stream::serve(listener, plan(config), is_draining, app)
            .map_err(|error| format!("cannot serve at {address}: {error}"))?;
        Ok(Self { address, running, health, drain, is_inherited })
    }

    /// Returns the bound address; the port is a real one even if port 0 was requested.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves in a task of its own until the handle stops it.
    pub fn in_background(self) -> dev::ServerHandle {
        let handle = self.running.handle();
        actix_web::rt::spawn(self.running);
        handle
    }

    /// Serves until a stop signal arrives, then finishes the requests in progress.
    ///
    /// After SIGTERM it first goes on for the time of `--drain`: it is not ready, and closes each connection with its
    /// next response. New connections to an inherited socket wait for the next process.
    ///
    /// # Errors
    /// One sentence if the server fails.
    pub async fn run(self, mut told: StopSignals) -> Result<(), String> {
        let (handle, health, drain) = (self.running.handle(), self.health, self.drain);
        actix_web::rt::spawn(async move {
            if told.stop().await == SignalKind::terminate() && !drain.is_zero() {
                if self.is_inherited {
                    handle.pause().await;
                }
                health.drain();
                tracing::info!(seconds = drain.as_secs(), "not ready any more; still serving");
                let _ = tokio::time::timeout(drain, told.stop()).await;
            }
            tracing::info!("shutting down; draining in-flight requests");
            handle.stop(true).await;
        });
        self.running.await.map_err(|error| format!("server error: {error}"))
    }
}

fn plan(config: &ServeConfig) -> Plan {
    let workers = workers(config.http.workers);
    let most = files::connections(config.limits.max_connections, files::raise());
    Plan {
        workers,
        connections: (most / workers).max(1),
        limits: config.limits.connections(),
        grace_seconds: GRACE_SECONDS,
    }
}

/// Returns the socket that the service manager keeps open while the shop restarts, or binds `address`; and whether the
/// socket is inherited.
fn listener(address: SocketAddr) -> Result<(TcpListener, bool), String> {
    let inherited = ListenFd::from_env().take_tcp_listener(0);
    let inherited = inherited.map_err(|error| {
        format!("the socket of the service manager (LISTEN_FDS) is of no use: {error}")
    })?;
    let is_inherited = inherited.is_some();
    let listener = inherited.map_or_else(|| bind(address), Ok)?;
    files::widen(&listener);
    Ok((listener, is_inherited))
}

fn bind(address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => format!(
            "{address} is taken by another program; stop that one or choose another port with \
             --bind {}:0",
            address.ip()
        ),
        _ => format!("cannot serve at {address}: {error}; choose another address with --bind"),
    })
}

/// Opens and migrates the database.
///
/// # Errors
/// One sentence for the operator.
async fn open(config: DatabaseConfig) -> Result<Db, String> {
    let opening = tokio::task::spawn_blocking(move || {
        let (db, url) = (config.open()?, &config.database);
        let migrated = db.migrate().map_err(|error: migrations::Error| error.to_string())?;
        if migrated > 0 {
            tracing::info!(migrations = migrated, database = %url, "the database was migrated");
        }
        for (old, new) in accounts::refold(&db).map_err(|error| error.to_string())? {
            tracing::warn!(old, new, "two accounts had one name: one of them was renamed");
        }
        Ok(db)
    });
    opening.await.map_err(|error| error.to_string())?
}

fn build(
    config: &ServeConfig,
    hosts: Hosts,
    db: Db,
    levels: Levels,
    (shared, fronts): (Option<Arc<dyn Store>>, Vec<Address>),
) -> Result<(State, Parts), String> {
    let keeper = Keeper::open(db.url())?;
    let settings = settings(config, hosts);
    let (mode, patience) = (settings.freshness, config.cache.freshness_timeout());
    let versions = keeper.around(sql::open_on(db.clone(), mode, patience, app::TABLES)?);
    let build = format!("{}-{}", env!("CARGO_PKG_VERSION"), Builder::program());
    // Everything besides the data that changes how a page looks: instances that differ in it must not share
    // entries.
    let (size, access, zone) = (settings.page_size, settings.access, zone::shop());
    let mut cache = Builder::default().name(site::NAME).build_id(&*build);
    cache = cache.namespace(format!("size={size}:access={access:?}:zone={zone}")).levels(levels);
    if let Some(store) = shared.clone() {
        cache = cache.shared(store, keeper.secret()).store_budget(config.cache.redis_timeout());
    }
    if let Some(front) = fronts.first() {
        cache = cache.front(front.kind());
    }
    let purging = sql::front::purge(db.url(), &versions, mode, &fronts)?;
    let cache = cache.open(versions);
    let health = Health::new(Probe::new(db.url().clone(), app::TABLES), db.clone(), shared);
    let (db, supplier) = (Database::new(db, app::TABLES), supplier(&config.supplier)?);
    let supplier = web::Data::new(supplier);
    let secret = keeper.secret().clone();
    let state = State { db, cache, settings, secret, jobs: Jobs::default() };
    let are_metrics_public = config.metrics.metrics == MetricsMode::Public;
    let panel = panel::open(&state, are_metrics_public).build(labels(config, build));
    // It purges while the panel lives, which is as long as the server.
    let panel = panel.fronts(move || purging.purges());
    let panel = panel.traces(if config.toolbar.toolbar_traces { &["larder"] } else { &[] });
    let (health, throttle) = (web::Data::new(health), web::Data::new(Throttle::default()));
    Ok((state, Parts { panel, health, throttle, supplier }))
}

/// Builds the client of the configured supplier, or of the built-in one.
fn supplier(config: &SupplierConfig) -> Result<Client, String> {
    let upstream = config.supplier.clone().map_or_else(supplier::sample::start, Ok)?;
    Ok(Client::new(upstream, Duration::from_secs(config.supplier_fresh)))
}

fn settings(config: &ServeConfig, hosts: Hosts) -> Settings {
    let bind = config.http.bind;
    Settings {
        page_size: config.shop.page_size,
        access: config.http.who_may_write(),
        proxies: config.http.proxies(),
        hosts,
        toolbar: config.toolbar.for_bind(bind),
        bodies: config.limits.bodies(),
        freshness: config.cache.freshness.on(&config.database.database),
    }
}

/// Returns the labels of the metric that tells which program runs.
fn labels(config: &ServeConfig, build: String) -> Vec<(&'static str, String)> {
    let database = match config.database.database {
        Url::Sqlite(_) => "sqlite",
        Url::Postgres(_) => "postgres",
    };
    vec![("build", build), ("database", database.to_owned())]
}

/// Returns the settings for the toolbar: names and values, without secrets.
fn told(config: &ServeConfig, hosts: &Hosts, db: &Db, levels: Levels) -> Vec<(String, String)> {
    let on = |is_on: bool| if is_on { "on" } else { "off" }.to_owned();
    let shared = config.cache.redis.as_ref().map_or("none", |_| "Redis").to_owned();
    let settings = [
        ("bind", config.http.bind.to_string()),
        ("workers", workers(config.http.workers).to_string()),
        ("hosts", hosts.to_string()),
        ("client address", client_address(&config.http)),
        ("database", db.url().to_string()),
        ("cached pages", on(levels.pages)),
        ("cached fragments", on(levels.fragments)),
        ("cached queries", on(levels.queries)),
        ("shared store", shared),
        ("freshness", config.cache.freshness.on(db.url()).to_string()),
        ("caches in front", fronts(&config.front)),
        ("page size", config.shop.page_size.to_string()),
        ("time zone", config.shop.time_zone.to_string()),
        ("access", format!("{:?}", config.http.who_may_write()).to_lowercase()),
        ("toolbar", format!("{:?}", config.toolbar.toolbar).to_lowercase()),
        ("toolbar traces", config.toolbar.toolbar_traces.to_string()),
    ];
    settings.map(|(name, value)| (name.to_owned(), value)).into()
}

/// Names the caches in front of the shop, without their token.
fn fronts(config: &FrontConfig) -> String {
    let fronts: Vec<_> = config.fronts.iter().map(ToString::to_string).collect();
    if fronts.is_empty() { "none".to_owned() } else { fronts.join(", ") }
}

/// Describes how client addresses are found: `x-forwarded-for of 127.0.0.0/8, ::1/128`.
fn client_address(config: &HttpConfig) -> String {
    let trusted: Vec<_> = config.trusted_proxies.iter().map(ToString::to_string).collect();
    let header = config.client_address.to_possible_value();
    let header = header.map_or_else(String::new, |value| value.get_name().to_owned());
    format!("{header} of {}", trusted.join(", "))
}

/// Deletes all cached entries.
async fn clear(state: &State) -> Result<(), String> {
    let invalidated = state.db.invalidate(vec![Tag::EVERYTHING]).await;
    invalidated.map_err(|error| format!("cannot invalidate the cache: {error}"))?;
    // The invalidation already made all entries stale, whether the store answers or not.
    if let Err(error) = state.cache.clear().await {
        tracing::warn!(%error, "the shared store was not cleared");
    }
    Ok(())
}

/// Logs a warning if only staff may write and no account exists.
fn warn_of_no_accounts(config: &ServeConfig, db: &Db) -> Result<(), String> {
    let is_staffs = config.http.who_may_write() == Access::Staff;
    if is_staffs && accounts::has_no_account(db).map_err(|error| error.to_string())? {
        tracing::warn!("no staff account exists yet: create one with `larder account add NAME`");
    }
    Ok(())
}

/// Fills an empty shop with samples.
///
/// A shop that already has products belongs to its operator and gets no samples of the other
/// sections.
async fn fill(state: &State) -> Result<(), String> {
    let failed = |what: &str, error: db::Error| format!("cannot add the sample {what}: {error}");
    let filled = patiently(async || products::fill_if_empty(&state.db).await).await;
    let products = filled.map_err(|error| failed("products", error))?;
    if products == 0 {
        return Ok(());
    }
    let recipes = patiently(async || cookbook::fill_if_empty(&state.db).await).await;
    let recipes = recipes.map_err(|error| failed("recipes", error))?;
    let scores = patiently(async || scoreboard::fill_if_empty(&state.db).await).await;
    let scores = scores.map_err(|error| failed("scores", error))?;
    let today = Timestamp::now().local().date();
    let tastings = patiently(async || events::fill_if_empty(&state.db, today).await).await;
    let tastings = tastings.map_err(|error| failed("tastings", error))?;
    tracing::info!(products, recipes, scores, tastings, "the empty shop was filled with samples");
    Ok(())
}

/// Waits for a write of the start for minutes, as on a busy machine: no visitor waits for it.
async fn patiently<T>(write: impl AsyncFn() -> Result<T, db::Error>) -> Result<T, db::Error> {
    for _ in 0..9 {
        match write().await {
            // Busy: the write that was not answered is still under way.
            Err(db::Error::Unanswered | db::Error::Busy) => {
                tracing::warn!("the database is slow: the shop opens once it has answered");
            }
            done => return done,
        }
    }
    write().await
}

fn workers(wanted: Option<u16>) -> usize {
    let processors = || std::thread::available_parallelism().map_or(2, usize::from);
    wanted.map_or_else(processors, usize::from)
}
