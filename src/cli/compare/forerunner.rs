//! A shop that is opened before those that are measured.
//!
//! - What a process does only once, it does for this one.
//! - With Redis it makes what the second instance, which is measured, is to find there.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::contestant::{self, Contestant, Mode};
use crate::app;
use crate::cache::inspect::{Inspection, Verdict};
use crate::cache::open;
use crate::db::Url;
use crate::versions::{self, secret::Keeper};

/// The homepage, as the visitor of this command asks for it.
const HOMEPAGE: &str = r#"page:scheme="http":host="localhost":path="/":query=none"#;

/// What is made is written behind the answer: so long at most until it is there.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often to look.
const INTERVAL: Duration = Duration::from_millis(5);

/// Opens the shop, lets it make the homepage, and closes it.
pub async fn run(shared: Option<&Mode>, database: &Url) -> Result<(), String> {
    let [alone, ..] = Mode::IN_MEMORY;
    let forerunner =
        Contestant::open(shared.cloned().unwrap_or(alone), database, contestant::HOMEPAGE).await?;
    if let Some(redis) = shared.and_then(|mode| mode.redis.as_deref()) {
        let versions = versions::open(database, app::TABLES)?;
        let secret = Keeper::open(database)?.secret().clone();
        let store = open::inspect(open::redis(redis)?, Some(secret), Some(versions));
        // What has not arrived by then is made by the second instance, and told as it was.
        let _ = timeout(PATIENCE, arrival(&store)).await;
    }
    forerunner.close().await;
    Ok(())
}

/// Waits for the homepage to be in the store.
async fn arrival(store: &Inspection) {
    loop {
        let found = store.describe(HOMEPAGE).await.unwrap_or_default();
        if found.iter().any(|description| description.verdict == Verdict::Valid) {
            return;
        }
        sleep(INTERVAL).await;
    }
}
