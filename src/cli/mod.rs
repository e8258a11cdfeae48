//! The command line.
//!
//! - `larder` without a command serves the shop.
//! - A command that fails prints one sentence to standard error and exits with code 1.

mod account;
mod cache;
mod compare;
mod fake;
mod load;
mod log;
mod migrate;
mod progress;
mod secret;
mod secrets;
mod seed;
mod serve;
mod table;

use std::io::Write;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use serde::Serialize;

use crate::server::ServeConfig;

/// A grocer's catalogue, with Django's three levels of caching for actix-web.
#[derive(Debug, Parser)]
#[command(name = "larder", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    /// The flags of `larder serve`, the default command.
    #[command(flatten)]
    serve: ServeConfig,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the shop; the database is created, migrated, and filled with samples if it is empty.
    Serve(ServeConfig),
    /// Create the database, or bring it up to date.
    Migrate(migrate::MigrateConfig),
    /// Add sample products, also to a shop that is being served.
    Seed(seed::SeedConfig),
    /// Add made-up tastings or guests, also to a shop that is being served.
    Fake(fake::FakeConfig),
    /// Import recipes or scores from a file in one transaction.
    Load(load::LoadCommand),
    /// Manage the accounts that may sign in to a shop served with --access staff.
    Account(account::AccountCommand),
    /// Replace the secret that signs entries shared in Redis.
    Secret(secret::SecretCommand),
    /// Inspect and modify the cache of a running shop or of a Redis.
    Cache(cache::CacheCommand),
    /// Measure what each level of caching saves for the homepage, on this machine.
    Compare(compare::CompareConfig),
}

/// Runs the command that the arguments name.
pub fn run() -> ExitCode {
    let cli = match parse() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let done = match cli.command {
        None => serve::run(&cli.serve),
        Some(Command::Serve(config)) => serve::run(&config),
        Some(Command::Migrate(config)) => migrate::run(&config),
        Some(Command::Seed(config)) => seed::run(&config),
        Some(Command::Fake(config)) => fake::run(&config),
        Some(Command::Load(command)) => load::run(&command),
        Some(Command::Account(command)) => account::run(&command),
        Some(Command::Secret(command)) => secret::run(&command),
        Some(Command::Cache(command)) => cache::run(&command),
        Some(Command::Compare(config)) => compare::run(&config),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => fail(&sentence),
    }
}

/// Writes a command's output. Errors are ignored: the reader may have closed the pipe.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes a command's output as one JSON document, for programs.
fn say_json(document: &impl Serialize) -> Result<(), String> {
    let text = serde_json::to_string_pretty(document).map_err(|error| error.to_string())?;
    say(&format!("{text}\n"));
    Ok(())
}

/// Prints an error with its causes, the outermost first.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn fail(sentence: &str) -> ExitCode {
    eprintln!("larder: {sentence}");
    ExitCode::FAILURE
}

/// Parses the command line. An invalid value is reported in one sentence; clap reports the rest.
fn parse() -> Result<Cli, ExitCode> {
    let parsed = with_flags_anywhere(Cli::command()).try_get_matches();
    parsed.and_then(|matches| Cli::from_arg_matches(&matches)).map_err(|error| {
        match error.kind() {
            ErrorKind::ValueValidation | ErrorKind::InvalidValue => fail(&one_sentence(&error)),
            _ => {
                let sentence = secrets::sentence(&error);
                if sentence == error.to_string() {
                    // Fails only if the terminal is gone, where nothing can be reported any more.
                    let _ = error.print();
                } else {
                    eprint!("{sentence}");
                }
                ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
            }
        }
    })
}

/// Accepts the flags of the database behind the verb, too: `larder account list --database URL`.
fn with_flags_anywhere(larder: clap::Command) -> clap::Command {
    ["account", "load"].into_iter().fold(larder, |larder, command| {
        larder.mut_subcommand(command, |command| command.mut_args(|flag| flag.global(true)))
    })
}

/// Joins `error: invalid value …` and the possible values, without the hint at `--help`.
fn one_sentence(error: &clap::Error) -> String {
    let text = secrets::sentence(error);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let told = lines.take_while(|line| !line.starts_with("For more information"));
    let sentence = told.collect::<Vec<_>>().join(" ");
    sentence.strip_prefix("error: ").unwrap_or(&sentence).to_owned()
}
