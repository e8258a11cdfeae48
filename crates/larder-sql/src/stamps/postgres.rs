//! The statements for stamps on Postgres, which diesel prepares once for each connection.
//!
//! - Each is one statement, so it reads totals and changes from one snapshot.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Text};

/// Selects every tag with its stamp. Each change counts for `*`, too.
#[derive(Debug, Clone, Copy, QueryId)]
pub(super) struct All;

/// Selects the stamps of the tags with these names; a tag that never changed has no row.
#[derive(Debug, Clone, QueryId)]
pub(super) struct Named(pub Vec<String>);

/// Selects the stamp of `*`, and the number of changes that are not folded.
#[derive(Debug, Clone, Copy, QueryId)]
pub(super) struct Any;

/// Folds at most so many changes, and selects their number.
#[derive(Debug, Clone, Copy, QueryId)]
pub(super) struct Fold(pub i64);

// A tag's type is converted: a column that got another type would invalidate what was prepared.
const BEGIN: &str =
    "SELECT tag::text, sum(n)::bigint, bit_xor(r) FROM (SELECT tag, n, r FROM cache_versions";

const CHANGES: &str =
    " UNION ALL SELECT tag, 1, r FROM cache_changes, unnest(tags || '{*}'::text[]) AS tag";

const END: &str = ") AS rows GROUP BY tag";

impl Query for All {
    type SqlType = (Text, BigInt, BigInt);
}

impl QueryFragment<Pg> for All {
    fn walk_ast<'b>(&'b self, mut sql: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        [BEGIN, CHANGES, END].iter().for_each(|part| sql.push_sql(part));
        Ok(())
    }
}

impl RunQueryDsl<PgConnection> for All {}

impl Query for Named {
    type SqlType = (Text, BigInt, BigInt);
}

impl QueryFragment<Pg> for Named {
    fn walk_ast<'b>(&'b self, mut sql: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        for part in [BEGIN, CHANGES] {
            sql.push_sql(part);
            sql.push_sql(" WHERE tag = ANY(");
            sql.push_bind_param::<Array<Text>, _>(&self.0)?;
            sql.push_sql(")");
        }
        sql.push_sql(END);
        Ok(())
    }
}

impl RunQueryDsl<PgConnection> for Named {}

impl Query for Any {
    type SqlType = (BigInt, BigInt, BigInt);
}

impl QueryFragment<Pg> for Any {
    fn walk_ast<'b>(&'b self, mut sql: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        sql.push_sql(
            "SELECT sum(n)::bigint, bit_xor(r), sum(changes)::bigint FROM (\
             SELECT n, r, 0 AS changes FROM cache_versions WHERE tag = '*' UNION ALL \
             SELECT count(*), coalesce(bit_xor(r), 0), count(*) FROM cache_changes) AS rows",
        );
        Ok(())
    }
}

impl RunQueryDsl<PgConnection> for Any {}

impl Query for Fold {
    type SqlType = BigInt;
}

impl QueryFragment<Pg> for Fold {
    fn walk_ast<'b>(&'b self, mut sql: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        sql.push_sql("SELECT larder_v2_fold(");
        sql.push_bind_param::<BigInt, _>(&self.0)?;
        sql.push_sql(")");
        Ok(())
    }
}

impl RunQueryDsl<PgConnection> for Fold {}
