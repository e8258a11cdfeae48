//! `larder compare`: measures what caching improves.
//!
//! - The shop runs in this process, once for each mode, all on one database.
//! - The modes take turns, so that other load on the machine affects all of them.
//! - One client requests the homepage over a persistent connection, one request after the other. Measured
//!   are its waiting time and the shop's processor time.
//! - A given database is only read. The API has a temporary one of its own ([`api`]).

mod api;
mod baseline;
mod client;
mod contestant;
mod print;
mod report;
mod result;

use std::path::Path;
use std::time::Duration;

use clap::Args;
use tempfile::TempDir;

use crate::cache::store;
use crate::db::{Db, Migrate, Url};
use crate::products::service as products;

use super::{chain, say, say_json};
use contestant::{Contestant, Mode};
use result::Comparison;

/// How many turns each mode has.
const TURNS: usize = 10;

/// How many products the temporary shop has.
const PRODUCTS: u64 = 1_000;

/// How long to wait for Redis; a slower one is not worth comparing.
const PATIENCE: Duration = Duration::from_secs(5);

/// The arguments of `larder compare`.
#[derive(Debug, Args)]
pub struct CompareConfig {
    /// The database to measure with; it is only read. By default a temporary SQLite database
    /// with 1,000 sample products.
    #[arg(
        long,
        env = "DATABASE_URL",
        hide_env_values = true,
        value_name = "URL",
        value_parser = |text: &str| text.parse::<Url>()
    )]
    database: Option<Url>,

    /// Also measure with this Redis; what is stored there expires within an hour.
    #[arg(long, env = "REDIS_URL", hide_env_values = true, value_name = "URL")]
    redis: Option<String>,

    /// Requests for each mode.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    requests: u32,

    /// Answer with one JSON document.
    #[arg(long)]
    json: bool,
}

/// Measures and prints the comparison.
pub fn run(config: &CompareConfig) -> Result<(), String> {
    let comparison = actix_web::rt::System::new().block_on(async {
        tokio::select! {
            comparison = compare(config) => comparison,
            // Returns instead of exiting, so that the temporary database is deleted.
            _ = tokio::signal::ctrl_c() => Err("interrupted".to_owned()),
        }
    })?;
    if config.json {
        return say_json(&comparison);
    }
    say(&print::comparison(&comparison));
    Ok(())
}

async fn compare(config: &CompareConfig) -> Result<Comparison, String> {
    if let Some(redis) = &config.redis {
        must_answer(redis).await?;
    }
    let database = Shop::open(config.database.as_ref())?;
    let mut contestants = open_all(config, database.url()).await?;
    let requests = config.requests as usize;
    for turn in 0..TURNS {
        let share = requests * (turn + 1) / TURNS - requests * turn / TURNS;
        for contestant in &mut contestants {
            contestant.run(share).await?;
        }
    }
    let mut comparison = Comparison::of(database.described(), config.requests, &contestants);
    for contestant in contestants {
        contestant.close().await;
    }
    comparison.api = Some(api::compare(config.requests).await?);
    Ok(comparison)
}

/// Opens and warms the shop in each mode; the first mode has no cache.
async fn open_all(config: &CompareConfig, database: &Url) -> Result<Vec<Contestant>, String> {
    let shared = config.redis.as_deref().map(Mode::shared);
    baseline::run(shared.as_ref(), database).await?;
    let mut contestants = Vec::new();
    for mode in Mode::IN_MEMORY.into_iter().chain(shared) {
        contestants.push(Contestant::open(mode, database, contestant::HOMEPAGE).await?);
    }
    Ok(contestants)
}

/// Fails if Redis is unavailable: the shop would go on without it, and that is not to be measured.
async fn must_answer(redis: &str) -> Result<(), String> {
    let store = store::redis(redis, PATIENCE)
        .map_err(|error| format!("invalid value for '--redis <URL>': {error}"))?;
    let stats = store.stats().await;
    stats.map(drop).map_err(|error| format!("Redis is unavailable: {}", chain(&error)))
}

/// The database to measure with.
enum Shop {
    /// The database that the user named.
    Given(Url),
    /// A temporary one, deleted when this is dropped.
    Temporary { url: Url, _folder: TempDir },
}

impl Shop {
    fn open(given: Option<&Url>) -> Result<Self, String> {
        match given {
            Some(url) => {
                must_be_ready(url)?;
                Ok(Self::Given(url.clone()))
            }
            None => Self::temporary(),
        }
    }

    fn temporary() -> Result<Self, String> {
        let folder = tempfile::Builder::new().prefix("larder-").tempdir();
        let folder = folder.map_err(|error| format!("cannot make a temporary folder: {error}"))?;
        let url = Url::Sqlite(folder.path().join("compare.sqlite3"));
        let db = Db::open(&url)?;
        db.migrate().map_err(|error| error.to_string())?;
        products::seed(&db, PRODUCTS, |_| {}).map_err(|error| error.to_string())?;
        Ok(Self::Temporary { url, _folder: folder })
    }

    fn url(&self) -> &Url {
        match self {
            Self::Given(url) | Self::Temporary { url, .. } => url,
        }
    }

    /// Returns the description that is printed.
    fn described(&self) -> String {
        match self {
            Self::Given(url) => url.to_string(),
            Self::Temporary { .. } => "SQLite with 1,000 sample products".to_owned(),
        }
    }
}

/// Fails if the database is not up to date: the shop would migrate it, which is a write.
fn must_be_ready(url: &Url) -> Result<(), String> {
    let hint = "larder migrate brings it up to date";
    if let Url::Sqlite(path) = url
        && !Path::is_file(path)
    {
        return Err(format!("no database file {}; {hint}", path.display()));
    }
    match Db::open(url)?.missing_migrations() {
        Ok(0) => Ok(()),
        Ok(_) => Err(format!("{url} is older than this program; {hint}")),
        Err(error) => Err(format!("{url} cannot be measured with: {error}; {hint}")),
    }
}
