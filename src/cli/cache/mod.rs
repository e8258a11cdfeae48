//! `larder cache`: reads and changes what the cache stores.
//!
//! - With `--redis` it connects to the store itself, otherwise to the running shop.
//! - Both are asked the same questions and give the same answers.
//! - A key that is not stored is reported in one sentence, with exit code 1.

mod change;
mod look;
mod print;
mod site;
mod source;

use clap::{Args, Subcommand};

use crate::cache::values::Timeout;
use source::Source;

/// The arguments of `larder cache`.
#[derive(Debug, Args)]
pub struct CacheCommand {
    #[command(subcommand)]
    verb: Verb,

    #[command(flatten)]
    at: source::WhereConfig,

    /// Answer with one JSON document.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show an entry or value: kind, age, dependencies, content, and whether it is fresh.
    Get {
        /// The key as listed, or its complete name in Redis.
        key: String,
    },
    /// Set a value (integers support INCR); everything else is text.
    Set {
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// Seconds until it expires, or never.
        #[arg(long, value_name = "SECONDS", default_value = "300")]
        timeout: Timeout,
    },
    /// Delete what is stored under a key, in every tier.
    Delete {
        /// The key as listed, or its complete name in Redis.
        key: String,
    },
    /// List the stored keys.
    Keys {
        /// `*` matches any text, `?` any one character.
        #[arg(default_value = "*")]
        pattern: String,
        /// List at most this many.
        #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: u32,
    },
    /// Show the remaining time to live of a key.
    Ttl {
        /// The key as listed, or its complete name in Redis.
        key: String,
    },
    /// Show statistics of the cache.
    Stats,
    /// Delete all entries and values of Larder; other programs' keys stay.
    Clear,
    /// Invalidate a tag: every instance rebuilds what depends on it, as with the button.
    Invalidate {
        /// `everything`, a table such as products, or a bucket of its rows such as products#17.
        #[arg(default_value = "everything")]
        tag: String,
    },
}

/// Runs `larder cache`.
pub fn run(command: &CacheCommand) -> Result<(), String> {
    let json = command.json;
    if let Verb::Invalidate { tag } = &command.verb {
        return change::invalidate(&command.at, tag, json);
    }
    let source = Source::open(&command.at)?;
    match &command.verb {
        Verb::Get { key } => look::get(&source, key, json),
        Verb::Keys { pattern, limit } => look::keys(&source, pattern, *limit, json),
        Verb::Ttl { key } => look::ttl(&source, key, json),
        Verb::Stats => look::stats(&source, json),
        Verb::Set { key, value, timeout } => change::set(&source, key, value, *timeout, json),
        Verb::Delete { key } => change::delete(&source, key, json),
        Verb::Clear => change::clear(&source, json),
        Verb::Invalidate { tag } => change::invalidate(&command.at, tag, json),
    }
}
