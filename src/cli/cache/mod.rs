//! `larder cache`: what the cache keeps, looked at and changed.
//!
//! - With `--redis` the store is asked itself, else the running shop.
//! - Both are asked the same, and answer the same.
//! - What is not there is one sentence and exit code 1.

mod change;
mod look;
mod print;
mod site;
mod source;

use clap::{Args, Subcommand};

use crate::cache::values::Timeout;
use source::Source;

/// What `cache` is started with.
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
    /// Show what is kept under a key: what it is, how old, made from what, and whether it is true.
    Get {
        /// As it is listed, or the complete name in Redis.
        key: String,
    },
    /// Remember a value; a whole number can be counted on (incr), all else is text.
    Set {
        /// Its key.
        key: String,
        /// The value.
        value: String,
        /// Seconds to remember it, or never.
        #[arg(long, value_name = "SECONDS", default_value = "300")]
        timeout: Timeout,
    },
    /// Forget what is kept under a key, wherever it is.
    Delete {
        /// As it is listed, or the complete name in Redis.
        key: String,
    },
    /// List what is kept.
    Keys {
        /// `*` is any text, `?` any one character.
        #[arg(default_value = "*")]
        pattern: String,
        /// List at most so many.
        #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: u32,
    },
    /// Show how long something is still kept.
    Ttl {
        /// As it is listed, or the complete name in Redis.
        key: String,
    },
    /// Show the cache in figures.
    Stats,
    /// Forget every entry and every value of Larder's; other programs' keys stay.
    Clear,
    /// Make stale what was made from a tag, in every instance, as the button does.
    Invalidate {
        /// `everything`, a table such as products, or a bucket of its rows such as products#17.
        #[arg(default_value = "everything")]
        tag: String,
    },
}

/// Does what the verb says.
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
