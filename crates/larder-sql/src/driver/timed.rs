//! A connection that remembers what it ran, for the requests that wait for its answer.

use std::time::{Duration, Instant};

use super::{Dialect, Driver, Row};

/// A statement that ran.
#[derive(Debug)]
#[cfg_attr(
    not(feature = "diesel"),
    expect(dead_code, reason = "only the adapter for diesel has a log")
)]
pub struct Ran {
    /// The statement.
    pub sql: String,
    /// When it began.
    pub began: Instant,
    /// How long it took.
    pub took: Duration,
    /// Why it failed, if it did.
    pub error: Option<String>,
}

/// A connection, and what it has run.
pub struct Timed<'c, D> {
    conn: &'c mut D,
    /// The statements, in order.
    pub ran: Vec<Ran>,
}

impl<'c, D: Driver> Timed<'c, D> {
    /// Wraps a connection.
    pub fn new(conn: &'c mut D) -> Self {
        Self { conn, ran: Vec::new() }
    }

    fn note(&mut self, sql: &str, began: Instant, error: Option<&D::Error>) {
        let (took, error) = (began.elapsed(), error.map(ToString::to_string));
        self.ran.push(Ran { sql: sql.to_owned(), began, took, error });
    }
}

impl<D: Driver> Driver for Timed<'_, D> {
    type Error = D::Error;

    fn dialect(&self) -> Dialect {
        self.conn.dialect()
    }

    async fn run(&mut self, sql: &str) -> Result<(), Self::Error> {
        let began = Instant::now();
        let done = self.conn.run(sql).await;
        self.note(sql, began, done.as_ref().err());
        done
    }

    async fn rows(&mut self, sql: &str, texts: &[&str]) -> Result<Vec<Row>, Self::Error> {
        let began = Instant::now();
        let rows = self.conn.rows(sql, texts).await;
        self.note(sql, began, rows.as_ref().err());
        rows
    }

    fn refusal(sentence: String) -> Self::Error {
        D::refusal(sentence)
    }
}
