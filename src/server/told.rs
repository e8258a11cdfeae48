//! What the toolbar and the metrics tell about the settings of a server, without secrets.

use clap::ValueEnum;

use super::{ServeConfig, workers};
use crate::cache::Levels;
use crate::config::{FrontConfig, HttpConfig};
use crate::db::{Db, Url};
use crate::site::host::Hosts;

/// Returns the labels of the metric that tells which program runs.
pub(super) fn labels(config: &ServeConfig, build: String) -> Vec<(&'static str, String)> {
    let database = match config.database.database {
        Url::Sqlite(_) => "sqlite",
        Url::Postgres(_) => "postgres",
    };
    vec![("build", build), ("database", database.to_owned())]
}

/// Returns the settings for the toolbar: names and values, without secrets.
pub(super) fn told(
    config: &ServeConfig,
    hosts: &Hosts,
    db: &Db,
    levels: Levels,
) -> Vec<(String, String)> {
    let on = |is_on: bool| if is_on { "on" } else { "off" }.to_owned();
    let shared = config.cache.redis.as_ref().map_or("none", |_| "Redis").to_owned();
    let settings = [
        ("bind", config.http.bind.to_string()),
        ("workers", workers(config.http.workers).to_string()),
        ("hosts", hosts.to_string()),
        ("client address", client_address(&config.http)),
        ("database", db.url().to_string()),
        ("cached pages", on(levels.pages)),
        ("cached fragments", on(levels.fragments)),
        ("cached queries", on(levels.queries)),
        ("shared store", shared),
        ("freshness", config.cache.freshness.on(db.url()).to_string()),
        ("caches in front", fronts(&config.front)),
        ("page size", config.shop.page_size.to_string()),
        ("time zone", config.shop.time_zone.to_string()),
        ("access", format!("{:?}", config.http.who_may_write()).to_lowercase()),
        ("toolbar", format!("{:?}", config.toolbar.toolbar).to_lowercase()),
        ("toolbar traces", config.toolbar.toolbar_traces.to_string()),
    ];
    settings.map(|(name, value)| (name.to_owned(), value)).into()
}

/// Names the caches in front of the shop, without their token.
fn fronts(config: &FrontConfig) -> String {
    let fronts: Vec<_> = config.fronts.iter().map(ToString::to_string).collect();
    if fronts.is_empty() { "none".to_owned() } else { fronts.join(", ") }
}

/// Describes how client addresses are found: `x-forwarded-for of 127.0.0.0/8, ::1/128`.
fn client_address(config: &HttpConfig) -> String {
    let trusted: Vec<_> = config.trusted_proxies.iter().map(ToString::to_string).collect();
    let header = config.client_address.to_possible_value();
    let header = header.map_or_else(String::new, |value| value.get_name().to_owned());
    format!("{header} of {}", trusted.join(", "))
}
