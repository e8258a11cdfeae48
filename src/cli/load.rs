//! `larder load`: imports recipes or scores from a file.
//!
//! - A file is imported as a whole or not at all. An error is one sentence that says where it is.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::{chain, say};
use crate::config::DatabaseConfig;
use crate::db::{self, Db, Migrate};
use crate::{cookbook, scoreboard};

/// The arguments of `larder load`.
#[derive(Debug, Args)]
pub struct LoadCommand {
    #[command(flatten)]
    database: DatabaseConfig,

    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Recipes with their ingredients; the format is that of src/cookbook/sample.json.
    Cookbook {
        /// The file.
        file: PathBuf,
    },
    /// Scores of the tasting league; the format is that of docs/scores.json.
    Scores {
        /// The file.
        file: PathBuf,
    },
}

/// Runs `larder load`.
pub fn run(command: &LoadCommand) -> Result<(), String> {
    match &command.what {
        What::Cookbook { file } => {
            let recipes =
                cookbook::fixture::parse(&read(file)?).map_err(|why| in_file(file, &why))?;
            let db = open(&command.database)?;
            kept(cookbook::service::load(&db, &recipes))?;
            say(&format!("Imported {} recipes.\n", recipes.len()));
            Ok(())
        }
        What::Scores { file } => {
            let fixture =
                scoreboard::fixture::parse(&read(file)?).map_err(|why| in_file(file, &why))?;
            let db = open(&command.database)?;
            kept(scoreboard::service::load(&db, &fixture))?;
            say(&format!("Imported {} scores.\n", fixture.scores.len()));
            Ok(())
        }
    }
}

fn read(file: &Path) -> Result<String, String> {
    std::fs::read_to_string(file)
        .map_err(|error| format!("cannot read {}: {error}", file.display()))
}

fn in_file(file: &Path, why: &str) -> String {
    format!("{}: not imported: {why}", file.display())
}

fn open(config: &DatabaseConfig) -> Result<Db, String> {
    let db = config.open()?;
    db.migrate().map_err(|error| error.to_string())?;
    Ok(db)
}

fn kept(done: Result<(), db::Error>) -> Result<(), String> {
    done.map_err(|error| format!("not imported: {}", chain(&error)))
}
