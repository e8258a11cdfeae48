//! The page cache as clients meet it: a real server around the tests' own handlers, and raw bytes.

mod house;
mod line;
mod plain;
mod redis_sessions;
mod reply;
mod routes;
mod site;
mod surroundings;

mod canary;
mod collapse;
mod conditions;
mod confusion;
mod deletions;
mod departures;
mod digests;
mod directives;
mod early;
mod floods;
mod fronts;
mod holes;
mod hosts;
mod languages;
mod letter;
mod lifetimes;
mod poisoning;
mod privacy;
mod refusals;
mod reports;
mod revalidation;
mod sessions;
mod staleness;
mod tags;
mod unstored;
mod visitors;
mod writes;
