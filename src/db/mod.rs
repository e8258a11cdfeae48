//! The shop's database: its schema and its migrations. The connections are those of [`larder_sql::db`].
//!
//! It does not depend on the cache.

pub mod insert;
pub mod migrations;
pub mod once;
pub mod probe;
pub mod schema;

pub use larder_sql::db::{
    Conn, Db, Error, LOCK_TIMEOUT, Origin, QueryResult, Role, Url, binds, explain, kind, log, meter,
};
pub use migrations::Migrate;
