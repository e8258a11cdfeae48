//! `larder seed`: adds sample products.

use std::time::Instant;

use clap::Args;

use super::chain;
use super::progress::Progress;
use crate::config::DatabaseConfig;
use crate::db::Migrate;
use crate::products::service;
use crate::site::render::grouped;

/// The arguments of `larder seed`.
#[derive(Debug, Args)]
pub struct SeedConfig {
    #[command(flatten)]
    database: DatabaseConfig,

    /// How many products to add.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    products: u64,
}

/// Runs `larder seed`.
pub fn run(config: &SeedConfig) -> Result<(), String> {
    let db = config.database.open()?;
    db.migrate().map_err(|error| error.to_string())?;
    let started = Instant::now();
    let mut progress = Progress::of(config.products, "products");
    service::seed(&db, config.products, |added| progress.show(added))
        .map_err(|error| format!("cannot add the products: {}", chain(&error)))?;
    progress.clear();
    let seconds = started.elapsed().as_secs_f64();
    println!("Added {} products in {seconds:.1} s.", grouped(config.products));
    Ok(())
}
