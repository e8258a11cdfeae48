//! The driver diesel.

use diesel::backend::Backend;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::Error;
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, HasSqlType, Text};

use super::{Dialect, Driver, Row};
use crate::db::Conn;

/// A statement of the protocol. diesel prepares it once for each connection, by its text.
struct Statement<'s> {
    sql: &'s str,
    texts: &'s [&'s str],
}

impl Query for Statement<'_> {
    type SqlType = (Text, BigInt, BigInt);
}

impl QueryId for Statement<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<B: Backend + HasSqlType<Text>> QueryFragment<B> for Statement<'_>
where
    str: ToSql<Text, B>,
{
    fn walk_ast<'b>(&'b self, mut sql: AstPass<'_, 'b, B>) -> QueryResult<()> {
        let mut parts = self.sql.split('$');
        parts.next().into_iter().for_each(|part| sql.push_sql(part));
        for part in parts {
            let end = part.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(part.len());
            let number = part[..end].parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            let text = number.and_then(|number| self.texts.get(number));
            let text = text.ok_or_else(|| Error::QueryBuilderError(self.sql.into()))?;
            sql.push_bind_param::<Text, str>(text)?;
            sql.push_sql(&part[end..]);
        }
        Ok(())
    }
}

impl<C: Connection> RunQueryDsl<C> for Statement<'_> {}

macro_rules! driver {
    ($connection:ty, $dialect:expr) => {
        impl Driver for $connection {
            type Error = Error;

            fn dialect(&self) -> Dialect {
                $dialect
            }

            async fn run(&mut self, sql: &str) -> QueryResult<()> {
                self.batch_execute(sql)
            }

            async fn rows(&mut self, sql: &str, texts: &[&str]) -> QueryResult<Vec<Row>> {
                Statement { sql, texts }.load(self)
            }

            fn refusal(sentence: String) -> Error {
                Error::QueryBuilderError(sentence.into())
            }
        }
    };
}

driver!(SqliteConnection, Dialect::Sqlite);
driver!(PgConnection, Dialect::Postgres);

impl Driver for Conn {
    type Error = Error;

    fn dialect(&self) -> Dialect {
        match self {
            Conn::Sqlite(conn) => conn.dialect(),
            Conn::Postgres(conn) => conn.dialect(),
        }
    }

    async fn run(&mut self, sql: &str) -> QueryResult<()> {
        self.batch_execute(sql)
    }

    async fn rows(&mut self, sql: &str, texts: &[&str]) -> QueryResult<Vec<Row>> {
        match self {
            Conn::Sqlite(conn) => conn.rows(sql, texts).await,
            Conn::Postgres(conn) => conn.rows(sql, texts).await,
        }
    }

    fn refusal(sentence: String) -> Error {
        SqliteConnection::refusal(sentence)
    }
}
