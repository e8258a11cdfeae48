//! The shop as its users meet it: the real program, real HTTP, real databases, a real browser.

mod support;

mod browser;
mod button;
mod cache_command;
mod caching;
mod cli;
mod compare;
mod concurrency;
mod conflicts;
mod dashboard;
mod events;
mod events_freshness;
mod faults;
mod foreign_rows;
mod freshness;
mod health;
mod homepage;
mod hostile_requests;
mod invalidation;
mod invalidation_on_one;
mod levels;
mod metrics;
mod outage;
mod overtaking;
mod product_forms;
mod products;
mod request_log;
mod safety;
mod search;
mod shared_store;
mod stampede;
mod start_failures;
mod toolbar;
