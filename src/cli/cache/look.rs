//! The verbs of `larder cache` that only read.

use serde::Serialize;

use super::print;
use super::source::Source;
use crate::cache::inspect::Description;
use crate::cli::{say, say_json};

/// Runs `larder cache get`.
pub fn get(source: &Source, key: &str, json: bool) -> Result<(), String> {
    let found = source.describe(key)?;
    if json {
        return say_json(&found);
    }
    say(&found.iter().map(print::description).collect::<Vec<_>>().join("\n"));
    Ok(())
}

/// Runs `larder cache keys`.
pub fn keys(source: &Source, pattern: &str, limit: u32, json: bool) -> Result<(), String> {
    let listing = source.keys(pattern, limit)?;
    if json {
        return say_json(&listing);
    }
    say(&print::listing(&listing));
    Ok(())
}

/// The remaining lifetime of an entry or a value.
#[derive(Serialize)]
struct Left<'d> {
    place: &'d str,
    key: &'d str,
    /// `None` if it never expires.
    seconds: Option<f64>,
}

impl<'d> Left<'d> {
    fn of(description: &'d Description) -> Self {
        let seconds = description.left_ms.map(|millis| millis as f64 / 1_000.0);
        let listed = &description.listed;
        Self { place: &listed.place, key: listed.name.as_deref().unwrap_or(&listed.key), seconds }
    }
}

/// Runs `larder cache ttl`.
pub fn ttl(source: &Source, key: &str, json: bool) -> Result<(), String> {
    let found = source.describe(key)?;
    if json {
        return say_json(&found.iter().map(Left::of).collect::<Vec<_>>());
    }
    say(&found.iter().map(print::left).collect::<String>());
    Ok(())
}

/// Runs `larder cache stats`.
pub fn stats(source: &Source, json: bool) -> Result<(), String> {
    let statistics = source.statistics()?;
    if json {
        return say_json(&statistics);
    }
    say(&print::statistics(&statistics));
    Ok(())
}
