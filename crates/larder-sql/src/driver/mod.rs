//! What the protocol needs of a connection: to run statements and to read rows.
//!
//! - The protocol and its SQL are written once, on [`Driver`]. An adapter is short: it implements this trait.
//! - Its functions are `async`, since some drivers wait. On a driver that blocks instead, a future is ready at once
//!   ([`now`]).

#[cfg(feature = "diesel")]
mod diesel;
#[cfg(feature = "postgres")]
pub mod timed;

use std::fmt::Display;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// A kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// A row of any statement of the protocol. What a statement does not need is `''` or 0.
pub type Row = (String, i64, i64);

/// A connection of a driver.
pub trait Driver {
    /// The errors of the driver.
    type Error: Display;

    /// Returns the kind of its database.
    fn dialect(&self) -> Dialect;

    /// Runs statements that have no parameters and return nothing.
    async fn run(&mut self, sql: &str) -> Result<(), Self::Error>;

    /// Runs a statement, which the driver prepares, and returns its rows.
    ///
    /// Its parameters `$1`, `$2`, … are `texts`; each is used, for the first time in this order.
    async fn rows(&mut self, sql: &str, texts: &[&str]) -> Result<Vec<Row>, Self::Error>;

    /// Returns the driver's error for something that this crate refuses.
    fn refusal(sentence: String) -> Self::Error;
}

/// Connects to one database, by the driver of the application.
pub trait Connect: Send + Sync + 'static {
    /// The driver's connection.
    type Conn: Driver;

    /// Opens a connection.
    ///
    /// # Errors
    /// Why the database cannot be reached.
    async fn connect(&self) -> Result<Self::Conn, String>;
}

/// Returns the first number of the first row, or 0 if there is no row.
pub async fn number<D: Driver>(driver: &mut D, sql: &str, texts: &[&str]) -> Result<i64, D::Error> {
    Ok(driver.rows(sql, texts).await?.first().map_or(0, |row| row.1))
}

/// Returns the result of a step of the protocol on a driver that blocks.
pub fn now<T>(step: impl Future<Output = T>) -> T {
    match pin!(step).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => unreachable!("this driver blocks, so nothing is left to wait for"),
    }
}

/// Returns `texts` as a list of literals.
pub fn literals<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let literal = |text: &str| format!("'{}'", text.replace('\'', "''"));
    texts.into_iter().map(literal).collect::<Vec<_>>().join(", ")
}
