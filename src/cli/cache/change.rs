//! The verbs of `larder cache` that change something.

use serde_json::{Value, json};

use super::source::{Source, WhereConfig, runtime};
use crate::cache::values::Timeout;
use crate::cli::{say, say_json};
use crate::site::render::grouped;
use crate::sql::Database;

/// Runs `larder cache set`.
pub fn set(
    source: &Source,
    key: &str,
    value: &str,
    timeout: Timeout,
    json: bool,
) -> Result<(), String> {
    source.set(key, value, timeout)?;
    let how_long = match timeout {
        Timeout::Never => "no TTL".to_owned(),
        Timeout::Default => "default TTL".to_owned(),
        Timeout::After(time) => format!("TTL {} s", time.as_secs_f64()),
    };
    done(json, json!({ "set": key }), &format!("{key:?} stored, {how_long}."))
}

/// Runs `larder cache delete`.
pub fn delete(source: &Source, key: &str, json: bool) -> Result<(), String> {
    source.delete(key)?;
    let document = json!({ "deleted": key, "reach": source.reach() });
    done(json, document, &format!("{key:?} deleted: {}.", source.reach()))
}

/// Runs `larder cache clear`.
pub fn clear(source: &Source, json: bool) -> Result<(), String> {
    let cleared = source.clear()?;
    let told = match cleared {
        1 => "1 key deleted".to_owned(),
        count => format!("{} keys deleted", grouped(count)),
    };
    let told = format!("{told}: {}.", source.reach());
    done(json, json!({ "cleared": cleared, "reach": source.reach() }), &told)
}

/// Runs `larder cache invalidate`: in the database if one is given, else through the shop.
pub fn invalidate(at: &WhereConfig, tag: &str, json: bool) -> Result<(), String> {
    match at.tags()? {
        Some(database) => bump(&database, tag)?,
        None => at.site()?.post("/cache/invalidate", &[("tag", tag)]).map(drop)?,
    }
    done(json, json!({ "invalidated": tag }), &format!("Invalidated {tag}."))
}

fn bump(database: &Database, tag: &str) -> Result<(), String> {
    let tags = database.tags_named(tag).ok_or_else(|| {
        format!("there is no tag {tag:?}; tags are everything, and tables such as products")
    })?;
    let invalidated = runtime()?.block_on(database.invalidate(tags));
    invalidated.map_err(|error| format!("cannot invalidate {tag:?}: {error}"))
}

fn done(is_json: bool, document: Value, sentence: &str) -> Result<(), String> {
    if is_json {
        return say_json(&document);
    }
    say(&format!("{sentence}\n"));
    Ok(())
}
