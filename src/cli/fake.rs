//! `larder fake`: adds made-up tastings or guests.

use std::time::Instant;

use clap::{Args, Subcommand};
use time::OffsetDateTime;

use super::chain;
use super::progress::Progress;
use crate::config::DatabaseConfig;
use crate::db::{Db, Migrate};
use crate::events::service;
use crate::site::render::grouped;

/// The arguments of `larder fake`.
#[derive(Debug, Args)]
pub struct FakeConfig {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Tastings within the next year.
    Events(Amount),
    /// Guests of the tastings that were added last.
    Guests(Amount),
}

#[derive(Debug, Args)]
struct Amount {
    /// How many to add.
    #[arg(value_name = "N")]
    count: u64,

    #[command(flatten)]
    database: DatabaseConfig,
}

/// Runs `larder fake`.
pub fn run(config: &FakeConfig) -> Result<(), String> {
    let (amount, noun) = match &config.what {
        What::Events(amount) => (amount, "events"),
        What::Guests(amount) => (amount, "guests"),
    };
    let db = amount.database.open()?;
    db.migrate().map_err(|error| error.to_string())?;
    let started = Instant::now();
    let added = add(&db, config, amount.count, &mut Progress::of(amount.count, noun))?;
    if added < amount.count {
        return Err(
            "there is no event that guests could come to; larder fake events adds some".to_owned()
        );
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("Added {} {noun} in {seconds:.1} s.", grouped(added));
    Ok(())
}

/// Adds them and returns how many were added.
fn add(db: &Db, config: &FakeConfig, count: u64, progress: &mut Progress) -> Result<u64, String> {
    let done = match config.what {
        What::Events(_) => {
            let today = OffsetDateTime::now_utc().date();
            service::fake_events(db, count, today, |added| progress.show(added)).map(|()| count)
        }
        What::Guests(_) => service::fake_guests(db, count, |added| progress.show(added)),
    };
    progress.clear();
    done.map_err(|error| format!("cannot add them: {}", chain(&error)))
}
