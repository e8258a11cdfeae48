//! `larder migrate`: creates the database or brings it up to date.

use clap::Args;

use crate::config::DatabaseConfig;
use crate::db::Migrate;

/// The arguments of `larder migrate`.
#[derive(Debug, Args)]
pub struct MigrateConfig {
    #[command(flatten)]
    database: DatabaseConfig,
}

/// Runs `larder migrate`.
pub fn run(config: &MigrateConfig) -> Result<(), String> {
    let url = &config.database.database;
    match config.database.open()?.migrate().map_err(|error| error.to_string())? {
        0 => println!("{url} is up to date."),
        1 => println!("Applied 1 migration to {url}."),
        count => println!("Applied {count} migrations to {url}."),
    }
    Ok(())
}
