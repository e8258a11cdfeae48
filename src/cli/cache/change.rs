//! The verbs of `larder cache` that change something.

use serde_json::{Value, json};

use super::source::{Source, WhereConfig, runtime};
use crate::cache::values::Timeout;
use crate::cli::{say, say_json};
use crate::site::render::grouped;
use crate::versions::Database;

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
        Timeout::Never => "until it is deleted".to_owned(),
        Timeout::Default => "for the default time".to_owned(),
        Timeout::After(time) => format!("for {} s", time.as_secs_f64()),
    };
    done(json, json!({ "set": key }), &format!("{key:?} is remembered {how_long}."))
}

/// Runs `larder cache delete`.
pub fn delete(source: &Source, key: &str, json: bool) -> Result<(), String> {
    source.delete(key)?;
    let document = json!({ "deleted": key, "reach": source.reach() });
    done(json, document, &format!("{key:?} is forgotten: {}.", source.reach()))
}

/// Runs `larder cache clear`.
pub fn clear(source: &Source, json: bool) -> Result<(), String> {
    let cleared = source.clear()?;
    let told = match cleared {
        1 => "1 key is forgotten".to_owned(),
        count => format!("{} keys are forgotten", grouped(count)),
    };
    let told = format!("{told}: {}.", source.reach());
    done(json, json!({ "cleared": cleared, "reach": source.reach() }), &told)
}

/// Runs `larder cache invalidate`: in the database if one is given, else through the shop.
pub fn invalidate(at: &WhereConfig, tag: &str, json: bool) -> Result<(), String> {
    match at.tags()? {
        Some(database) => bump(&database, tag)?,
        None => at.site().post("/cache/invalidate", &[("tag", tag)]).map(drop)?,
    }
    let what = if tag == "everything" { "Everything" } else { "What was made from it" };
    done(json, json!({ "invalidated": tag }), &format!("{what} is made anew when next asked for."))
}

fn bump(database: &Database, tag: &str) -> Result<(), String> {
    let tags = database.tags_named(tag).ok_or_else(|| {
        format!("the cache knows no tag {tag:?}; there are everything, and tables such as products")
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
