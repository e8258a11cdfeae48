//! The products that a filtered list shows, found among a million within milliseconds.
//!
//! There are two ways:
//!
//! - *Walk*: read products in the order of the list, and test each of them, until enough are found. It is short where
//!   many match.
//! - *Index*: let the index of words, prices or days name all that match, and sort them. It is short where few match.
//!
//! A sample of the products, in the order of the list, says how many match and where the first of them are: teas may
//! be many, and none of them cheap. A walk that has not found enough after all ends when the index would have answered,
//! and then the index does: later, but the same.

use diesel::Connection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Timestamp};
use time::PrimitiveDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::matched::matched;
use super::order::{NEWEST, Order};
use super::reach::Sample;
use super::{Row, product};
use crate::db::Conn;
use crate::products::model::{Price, Product};
use crate::site::list::ListQuery;
use crate::site::words::is_number;
use crate::site::zone;

/// A time, as both databases compare it with the times that they have stored.
const SECOND: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");

/// The most products that are counted.
pub(super) const MOST: u64 = 1_000;

/// How many products a walk reads in the time in which the index reads one from the table and sorts it.
const WALKED_ON_SQLITE: u64 = 8;
const WALKED_ON_POSTGRES: u64 = 16;

/// The most products that a walk reads to count the newest: the index of Postgres collects all before the first.
const NEAR: u64 = 20_000;

/// The most products in a range of prices or days for which that range is read instead of the index of words.
const NARROW: u64 = 60_000;

/// The products that a query asks for.
pub(super) struct Selection {
    is_sqlite: bool,
    /// What the products `p` fulfil. It binds `needles`.
    condition: String,
    /// The words as they occur in search texts.
    needles: Vec<String>,
    /// The ranges of prices and days, which are a part of the condition.
    ranges: Vec<String>,
    /// The words in the language of the index of words, if that is read.
    matched: Option<String>,
    is_whole: bool,
    order: Order,
    /// A sample of the products, where it decides how they are found.
    sample: Option<Sample>,
}

impl Selection {
    /// Selects what `query` asks for, but for the product `without`. `words` are those of the query.
    pub(super) fn of(
        conn: &mut Conn,
        query: &ListQuery,
        words: &str,
        without: Option<&Product>,
    ) -> QueryResult<Self> {
        let is_sqlite = matches!(conn, Conn::Sqlite(_));
        let words: Vec<&str> = words.split(' ').filter(|word| !word.is_empty()).collect();
        let ranges = ranges(query);
        let within = if is_sqlite { "instr" } else { "strpos" };
        // The first half of a test is true of few products, and needs no copy of the text.
        let tests = (1..=words.len()).map(|number| bind(is_sqlite, number)).map(|needle| {
            format!(
                "{within}(p.search_text, trim({needle})) > 0 \
                 AND {within}(' ' || p.search_text || ' ', {needle}) > 0"
            )
        });
        let conditions: Vec<String> = tests
            .chain(ranges.iter().cloned())
            .chain(without.map(|product| format!("p.id <> {}", product.id)))
            .chain(["true".to_owned()])
            .collect();
        let needle = |word: &&str| format!(" {word}{}", if is_number(word) { " " } else { "" });
        let mut selection = Self {
            is_sqlite,
            condition: conditions.join(" AND "),
            needles: words.iter().map(needle).collect(),
            matched: None,
            ranges,
            is_whole: !query.is_filtered(),
            order: Order::of(query.sort, is_sqlite),
            sample: None,
        };
        // FTS5 names the newest first, and only as many as are asked for.
        let is_simple = selection.ranges.is_empty() && is_sqlite && selection.order == NEWEST;
        if !selection.is_whole && !is_simple {
            selection.sample = Some(selection.sampled(conn)?);
        }
        if !words.is_empty() && !selection.is_narrow() {
            selection.matched = Some(matched(conn, &words)?);
        }
        Ok(selection)
    }

    /// Reports whether one of the ranges has few products.
    fn is_narrow(&self) -> bool {
        let numbers = (1..=self.ranges.len())
            .filter_map(|range| self.sample.as_ref().map(|sample| sample.number(range)));
        numbers.min().is_some_and(|number| number <= NARROW)
    }

    /// Leaves out the products that have no search text.
    pub(super) fn leave_out_unfolded(&mut self) {
        self.condition += " AND p.search_text IS NOT NULL";
    }

    /// Sorts titles without search text by themselves, where they are too many to be sorted in memory.
    pub(super) fn sort_unfolded(&mut self) {
        self.order = self.order.with_unfolded(self.is_sqlite);
    }

    /// Returns the number of products, at most one more than [`MOST`] if it is a part of all, and those of a page.
    pub(super) fn page(
        &self,
        conn: &mut Conn,
        offset: u64,
        size: u64,
    ) -> QueryResult<(u64, Vec<Product>)> {
        if self.is_whole {
            return self.page_of_all(conn, offset, size);
        }
        let (some, is_newest) = self.some(conn)?;
        if some.len() as u64 <= MOST {
            return Ok((some.len() as u64, self.rows(conn, &some, offset, size)?));
        }
        let end = offset.saturating_add(size).min(MOST);
        let is_known = is_newest && self.order == NEWEST;
        let first = if is_known { some } else { self.first(conn, end)? };
        let page = first.get(offset.min(end) as usize..end as usize).unwrap_or_default();
        Ok((MOST + 1, self.rows(conn, page, 0, size)?))
    }

    /// Returns the first products of the list, without counting them.
    pub(super) fn beginning(&self, conn: &mut Conn, limit: u64) -> QueryResult<Vec<Product>> {
        let ids = self.first(conn, limit)?;
        self.rows(conn, &ids, 0, limit)
    }

    /// Returns as many ids that match as are counted, and one more, and whether they are the newest, newest first.
    fn some(&self, conn: &mut Conn) -> QueryResult<(Vec<i64>, bool)> {
        let is_fts5 = self.is_sqlite && self.matched.is_some();
        // GIN collects all that match before the first.
        let sample = self.sample.as_ref().filter(|_| !self.is_sqlite && self.matched.is_some());
        let reach = sample.and_then(|sample| sample.reach_of_newest(MOST + 1));
        if reach.is_some_and(|reach| reach.rows <= NEAR) {
            let newest = self.walk(conn, NEWEST, 2 * NEAR, MOST + 1)?;
            if newest.len() as u64 > MOST {
                return Ok((newest, true));
            }
        }
        let some = self.index(conn, None, MOST + 1)?;
        Ok((some, is_fts5))
    }

    /// Returns the first ids of the list.
    fn first(&self, conn: &mut Conn, limit: u64) -> QueryResult<Vec<i64>> {
        // An index has the columns of its own order only. Reading a row of the table for each product takes longer.
        let is_covered = self.order.column == "p.id"
            || self.ranges.iter().all(|range| range.contains(self.order.column));
        let reach = self.sample.as_ref().and_then(|sample| sample.reach(limit));
        if let Some(reach) = reach {
            let walked = if self.is_sqlite { WALKED_ON_SQLITE } else { WALKED_ON_POSTGRES };
            let most = reach.matches * if is_covered { walked } else { 1 };
            if reach.rows <= most {
                let walked = self.walk(conn, self.order, most, limit)?;
                if walked.len() as u64 >= limit {
                    return Ok(walked);
                }
            }
        }
        self.index(conn, Some(self.order), limit)
    }

    /// Returns the number of all products, and those of a page.
    ///
    /// They are counted from the rows, as they are listed from them: no other count is always the same.
    fn page_of_all(
        &self,
        conn: &mut Conn,
        offset: u64,
        size: u64,
    ) -> QueryResult<(u64, Vec<Product>)> {
        let (condition, order) = (&self.condition, self.order.sql(""));
        let offset = offset.min(i64::MAX.unsigned_abs());
        let sql = format!("SELECT count(*) AS n FROM products AS p WHERE {condition}");
        let count = self.numbers(conn, &sql, None)?.first().map_or(0, |count| count.unsigned_abs());
        // The ids come from an index alone.
        let sql = format!(
            "SELECT p.id AS n FROM products AS p WHERE {condition} \
             ORDER BY {order} LIMIT {size} OFFSET {offset}"
        );
        let ids = self.numbers(conn, &sql, None)?;
        Ok((count, self.rows(conn, &ids, 0, size)?))
    }

    /// Reads a sample of the products, in the order of the list.
    fn sampled(&self, conn: &mut Conn) -> QueryResult<Sample> {
        let last = "SELECT id AS n FROM products ORDER BY id DESC LIMIT 1";
        let last: Option<Number> = diesel::sql_query(last).get_result(conn).optional()?;
        let last = last.map_or(0, |last| last.n);
        let (columns, order) = (self.columns(self.order), self.order.sql(""));
        let conditions: Vec<String> =
            [&self.condition].into_iter().chain(&self.ranges).cloned().collect();
        let sql = Sample::sql(self.is_sqlite, last, &columns, &conditions, &order);
        Ok(Sample::new(self.numbers(conn, &sql, None)?, last))
    }

    /// Returns the first ids, at most `limit`, that match among the first `rows` products in an order.
    fn walk(&self, conn: &mut Conn, by: Order, rows: u64, limit: u64) -> QueryResult<Vec<i64>> {
        let (columns, condition, order) = (self.columns(by), &self.condition, by.sql(""));
        // The walk begins where the range of its own column begins.
        let range = self.ranges.iter().find(|range| range.contains(by.column));
        let range = range.map_or("true", String::as_str);
        // Both databases test the products in the order in which they are read, and stop at the last that is wanted.
        // Asked for that order once more, they would read all and sort them.
        let sql = format!(
            "SELECT p.id AS n FROM \
             (SELECT {columns} FROM products AS p WHERE {range} ORDER BY {order} LIMIT {rows}) AS p \
             WHERE {condition} LIMIT {limit}"
        );
        self.numbers(conn, &sql, None)
    }

    /// Returns the columns that an order and the condition need: an index has those, and not all.
    fn columns(&self, by: Order) -> String {
        let mut columns = vec!["p.id", "p.search_text"];
        columns.extend(["p.price_cents", "p.created_at", "p.updated_at"].into_iter().filter(
            |column| by.column == *column || self.ranges.iter().any(|range| range.contains(column)),
        ));
        if by.column.contains("p.title") {
            columns.push("p.title");
        }
        columns.join(", ")
    }

    /// Returns at most `limit` ids that match, which an index names: the first in an order, or any.
    fn index(&self, conn: &mut Conn, by: Option<Order>, limit: u64) -> QueryResult<Vec<i64>> {
        let condition = &self.condition;
        let bound = bind(self.is_sqlite, self.needles.len() + 1);
        let is_matched = self.matched.is_some();
        let sql = if !self.is_sqlite {
            let words =
                if is_matched { format!("p.words @@ {bound}::tsquery AND") } else { String::new() };
            let columns = self.columns(by.unwrap_or(NEWEST));
            let order = by.map(|by| format!("ORDER BY {}", by.sql(""))).unwrap_or_default();
            // MATERIALIZED: planned as if all were read, so not by walking in the order.
            format!(
                "WITH found AS MATERIALIZED \
                 (SELECT {columns} FROM products AS p WHERE {words} {condition}) \
                 SELECT p.id AS n FROM found AS p {order} LIMIT {limit}"
            )
        } else if is_matched {
            // FTS5 reads backwards only if it is asked for its own row number.
            let order = match by.unwrap_or(NEWEST) {
                Order { column: "p.id", direction } => format!("product_search.rowid {direction}"),
                other => other.sql(""),
            };
            format!(
                "SELECT p.id AS n FROM product_search \
                 CROSS JOIN products AS p ON p.id = product_search.rowid \
                 WHERE product_search MATCH {bound} AND {condition} ORDER BY {order} LIMIT {limit}"
            )
        } else {
            // The sign keeps SQLite from reading in the order.
            let order = by.map(|by| format!("ORDER BY {}", by.sql("+"))).unwrap_or_default();
            format!("SELECT p.id AS n FROM products AS p WHERE {condition} {order} LIMIT {limit}")
        };
        self.numbers(conn, &sql, self.matched.as_deref())
    }

    /// Returns a part of the products with these ids, in the order of the list.
    fn rows(
        &self,
        conn: &mut Conn,
        ids: &[i64],
        offset: u64,
        size: u64,
    ) -> QueryResult<Vec<Product>> {
        if ids.is_empty() || offset >= ids.len() as u64 {
            return Ok(Vec::new());
        }
        let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
        let sql = format!(
            "SELECT p.id, p.title, p.price_cents, p.created_at, p.updated_at FROM products AS p \
             WHERE p.id IN ({}) ORDER BY {} LIMIT {size} OFFSET {offset}",
            ids.join(", "),
            self.order.sql("")
        );
        let rows: Vec<Listed> = diesel::sql_query(sql).load(conn)?;
        Ok(rows.into_iter().map(|row| product(row.into())).collect())
    }

    fn numbers(&self, conn: &mut Conn, sql: &str, matched: Option<&str>) -> QueryResult<Vec<i64>> {
        let mut query = diesel::sql_query(sql).into_boxed::<<Conn as Connection>::Backend>();
        for needle in self.needles.iter().map(String::as_str).chain(matched) {
            query = query.bind::<Text, _>(needle);
        }
        let numbers: Vec<Number> = query.load(conn)?;
        Ok(numbers.into_iter().map(|number| number.n).collect())
    }
}

/// Returns the placeholder of a value. SQLite numbers `$2` by its place in the statement, but `?2` by its digit.
fn bind(is_sqlite: bool, number: usize) -> String {
    format!("{}{number}", if is_sqlite { "?" } else { "$" })
}

/// Returns the ranges of prices and days.
///
/// What is written into the statement has been parsed, and cannot contain anything else.
fn ranges(query: &ListQuery) -> Vec<String> {
    let bound = |sign: &str, price: Price| format!("p.price_cents {sign} {}", price.cents());
    let (min, max) = (query.min.map(|min| bound(">=", min)), query.max.map(|max| bound("<=", max)));
    let prices: Vec<String> = [min, max].into_iter().flatten().collect();
    let prices = Some(prices.join(" AND ")).filter(|prices| !prices.is_empty());
    let days = query.since.map(|day| {
        let start = zone::shop().start_of(day).format(SECOND).unwrap_or_default();
        format!("p.updated_at >= '{start}'")
    });
    [prices, days].into_iter().flatten().collect()
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

#[derive(QueryableByName)]
struct Listed {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    title: String,
    #[diesel(sql_type = BigInt)]
    price_cents: i64,
    #[diesel(sql_type = Timestamp)]
    created_at: PrimitiveDateTime,
    #[diesel(sql_type = Timestamp)]
    updated_at: PrimitiveDateTime,
}

impl From<Listed> for Row {
    fn from(row: Listed) -> Self {
        (row.id, row.title, row.price_cents, row.created_at, row.updated_at)
    }
}
