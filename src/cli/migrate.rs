//! `larder migrate`: creates the database or brings it up to date.

use clap::Args;

use crate::config::DatabaseConfig;

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
        1 => println!("{url} took 1 migration and is up to date."),
        count => println!("{url} took {count} migrations and is up to date."),
    }
    Ok(())
}
