//! A warm-up: a shop that is opened before those that are measured.
//!
//! - It does what a process does only once.
//! - With Redis it stores the homepage, which the second instance, the measured one, is to find there.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::contestant::{self, Contestant, Mode};
use crate::app;
use crate::cache::inspect::{Inspection, Verdict};
use crate::cache::{Builder, store};
use crate::db::Url;
use crate::sql::{self, secret::Keeper};

/// The cache key of the homepage, as this command's client requests it.
const HOMEPAGE: &str = r#"page:scheme="http":host="localhost":path="/":query=none"#;

/// How long to wait for the homepage in Redis: it is stored after the response was sent.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often to look into Redis.
const INTERVAL: Duration = Duration::from_millis(5);

/// Opens the shop, lets it build the homepage, and closes it.
pub async fn run(shared: Option<&Mode>, database: &Url) -> Result<(), String> {
    let [alone, ..] = Mode::IN_MEMORY;
    let baseline =
        Contestant::open(shared.cloned().unwrap_or(alone), database, contestant::HOMEPAGE).await?;
    if let Some(redis) = shared.and_then(|mode| mode.redis.as_deref()) {
        let versions = sql::open(database, app::TABLES)?;
        let secret = Keeper::open(database)?.secret().clone();
        let store = Builder::inspect(store::redis(redis, PATIENCE)?, Some(secret), Some(versions));
        // If it has not arrived by then, the second instance builds it, and the output says so.
        let _ = timeout(PATIENCE, arrival(&store)).await;
    }
    baseline.close().await;
    Ok(())
}

/// Waits until the store has a valid homepage.
async fn arrival(store: &Inspection) {
    loop {
        let found = store.describe(HOMEPAGE).await.unwrap_or_default();
        if found.iter().any(|description| description.verdict == Verdict::Valid) {
            return;
        }
        sleep(INTERVAL).await;
    }
}
