//! `larder secret`: manages the secret with which instances seal what they share.
//!
//! - The secret is never shown. Users who may know it can read it in the database.

use clap::{Args, Subcommand};

use super::{chain, say};
use crate::config::DatabaseConfig;
use crate::db::Migrate;
use crate::sql::secret;

/// The arguments of `larder secret`.
#[derive(Debug, Args)]
pub struct SecretCommand {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Replace the secret: entries in Redis are rebuilt. Running instances notice by themselves.
    Rotate(DatabaseConfig),
}

/// Runs `larder secret`.
pub fn run(command: &SecretCommand) -> Result<(), String> {
    let Verb::Rotate(config) = &command.verb;
    let db = config.open()?;
    db.migrate().map_err(|error| error.to_string())?;
    secret::rotate(&db).map_err(|error| chain(&error))?;
    say("The secret was replaced; entries shared under the old one are rebuilt.\n");
    Ok(())
}
