//! `larder seed`

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use clap::Args;

use super::chain;
use crate::config::DatabaseConfig;
use crate::db::Db;
use crate::products::service;
use crate::site::render::grouped;

/// How often progress is shown: often enough to see it move.
const PROGRESS: Duration = Duration::from_millis(200);

/// What `seed` is started with.
#[derive(Debug, Args)]
pub struct SeedConfig {
    #[command(flatten)]
    database: DatabaseConfig,

    /// How many products to add.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    products: u64,
}

/// Adds sample products.
pub fn run(config: &SeedConfig) -> Result<(), String> {
    let db = Db::open(&config.database.database)?;
    db.migrate().map_err(|error| error.to_string())?;
    let started = Instant::now();
    let mut progress = Progress { wanted: config.products, shown: None };
    service::seed(&db, config.products, |added| progress.show(added))
        .map_err(|error| format!("cannot add the products: {}", chain(&error)))?;
    progress.clear();
    let seconds = started.elapsed().as_secs_f64();
    println!("Added {} products in {seconds:.1} s.", grouped(config.products));
    Ok(())
}

/// A line on standard error that counts up; on a terminal it stays one line.
struct Progress {
    wanted: u64,
    shown: Option<Instant>,
}

impl Progress {
    fn show(&mut self, added: u64) {
        let is_due = self.shown.is_none_or(|shown| shown.elapsed() >= PROGRESS);
        if !is_due && added < self.wanted {
            return;
        }
        self.shown = Some(Instant::now());
        let percent = added.saturating_mul(100) / self.wanted.max(1);
        let (added, wanted) = (grouped(added), grouped(self.wanted));
        let (start, end) = if is_terminal() { ("\r", "") } else { ("", "\n") };
        eprint!("{start}{added} of {wanted} products ({percent} %){end}");
        // Without a flush the line would appear when it is over.
        let _ = std::io::stderr().flush();
    }

    /// Takes the line away.
    fn clear(&self) {
        if self.shown.is_some() && is_terminal() {
            eprint!("\r\x1b[K");
        }
    }
}

fn is_terminal() -> bool {
    std::io::stderr().is_terminal()
}
