//! The list of products as it is searched, sorted and filtered: FTS5 on SQLite, `tsvector` on Postgres.
//!
//! - The indexes are kept by the database, in the transaction of every writer: see the migration
//!   `search_products_by_words`.
//! - A search finds each word, or the beginning of one, in any order. A number is compared as a whole; alone it also
//!   finds the product of that number.
//! - No more rows are counted than a visitor looks through.
//! - Titles that other programs wrote are searched in memory until their search text is filled in (`unfolded`).
//! - Where nothing is found, the words are replaced by the nearest ones that titles have had.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text, Timestamp};
use time::PrimitiveDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::{Repair, Row, get, product, unfolded};
use crate::db::Conn;
use crate::db::schema::products;
use crate::products::keys::PRODUCTS;
use crate::products::model::{LIST, Price, Product, ProductId, ProductList};
use crate::site::list::{ListQuery, nearest};
use crate::site::words::is_number;
use crate::site::zone;
use crate::sql::Snapshot;

/// A time, as both databases compare it with the times that they have stored.
const SECOND: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");

/// The most rows that are counted.
const MOST: u64 = 2_500;

/// How many products are suggested where nothing was found.
const NEAREST: u64 = 5;

/// How many similar words Postgres offers for a mistyped one.
const SIMILAR: u64 = 50;

/// Returns the page of products that the query asks for, with so many on a page, and what is to be repaired.
pub fn search(
    read: &mut Snapshot<'_>,
    query: &ListQuery,
    size: u64,
) -> QueryResult<(ProductList, Option<Repair>)> {
    let conn = read.table(PRODUCTS)?;
    let words = query.words();
    if words.is_empty() && !query.search.is_empty() {
        return Ok((ProductList::default(), None));
    }
    let needs_text = !words.is_empty() || query.sort.by == "title";
    let unfolded = if needs_text { unfolded::all(conn)? } else { Vec::new() };
    let repair = (!unfolded.is_empty()).then_some(Repair::SearchTexts);
    let has_filters = query.min.is_some() || query.max.is_some() || query.since.is_some();
    let by_number = match words.parse::<ProductId>() {
        Ok(id) if !has_filters => get(conn, id)?,
        _ => None,
    };
    let mut part = Part::of(conn, query, &words, by_number.as_ref());
    let unfolded = if words.is_empty() && unfolded.len() as u64 == unfolded::MOST {
        part.sort_unfolded();
        Vec::new()
    } else {
        unfolded
    };
    if !unfolded.is_empty() {
        part.source += " AND p.search_text IS NOT NULL";
    }
    let is_found = |product: &Product| {
        by_number.as_ref().is_none_or(|known| known.id != product.id)
            && unfolded::is_asked_for(product, query, &words)
    };
    let more: Vec<Product> = unfolded.into_iter().filter(is_found).collect();
    let (total, products) = part.page(conn, query, size, more)?;
    let mut list = ProductList { total, products, ..ProductList::default() };
    list.has_more = total > MOST && query.is_filtered();
    list.total = if list.has_more { MOST } else { total };
    if let Some(product) = by_number {
        list.total += 1;
        if query.page == 1 {
            list.products.insert(0, product);
        }
    }
    if list.total == 0 && !words.is_empty() {
        list.nearest = near(conn, &words)?;
    }
    Ok((list, repair))
}

/// Reports whether a title has no search text.
pub fn has_unsearchable(conn: &mut Conn) -> QueryResult<bool> {
    let unsearchable = products::table.filter(products::search_text.is_null());
    diesel::select(diesel::dsl::exists(unsearchable)).get_result(conn)
}

/// The products that a query asks for, as parts of a statement.
struct Part {
    /// What follows `FROM`, with the condition.
    source: String,
    /// The order.
    order: String,
    /// The words, in the language of the index; bound, not written.
    matched: Option<String>,
    is_whole: bool,
}

impl Part {
    fn of(conn: &Conn, query: &ListQuery, words: &str, without: Option<&Product>) -> Self {
        let direction = if query.sort.is_descending { "DESC" } else { "ASC" };
        let is_sqlite = matches!(conn, Conn::Sqlite(_));
        let is_searched = !words.is_empty();
        let (mut source, matched) = match (is_searched, is_sqlite) {
            (false, _) => ("products AS p WHERE true".to_owned(), None),
            // The index is read first, in the order of the ids, and only as far as the page needs.
            (true, true) => (
                "product_search CROSS JOIN products AS p ON p.id = product_search.rowid \
                 WHERE product_search MATCH $1"
                    .to_owned(),
                Some(for_fts5(words)),
            ),
            (true, false) => {
                ("products AS p WHERE p.words @@ $1::tsquery".to_owned(), Some(for_tsquery(words)))
            }
        };
        // Numbers and days are written into the statement: they are parsed, and cannot contain anything else.
        let bound =
            |sign: &str, price: Price| format!(" AND p.price_cents {sign} {}", price.cents());
        source += &query.min.map(|min| bound(">=", min)).unwrap_or_default();
        source += &query.max.map(|max| bound("<=", max)).unwrap_or_default();
        if let Some(day) = query.since {
            let start = zone::shop().start_of(day).format(SECOND).unwrap_or_default();
            source += &format!(" AND p.updated_at >= '{start}'");
        }
        source += &without.map(|it| format!(" AND p.id <> {}", it.id)).unwrap_or_default();
        let order = match query.sort.by {
            "title" if is_sqlite => format!("p.search_text {direction}, p.id {direction}"),
            "title" => format!("p.search_text COLLATE \"C\" {direction}, p.id {direction}"),
            "price" => format!("p.price_cents {direction}, p.id {direction}"),
            "created" => format!("p.created_at {direction}, p.id {direction}"),
            "updated" => format!("p.updated_at {direction}, p.id {direction}"),
            _ => format!("p.id {direction}"),
        };
        Self { source, order, matched, is_whole: !query.is_filtered() }
    }

    /// Sorts titles without search text by themselves, where they are too many to be sorted in memory.
    ///
    /// It is slow among many products, since no index has this order, and it compares such titles by their letters
    /// only. But each product is counted, and is on one page.
    fn sort_unfolded(&mut self) {
        self.order = self.order.replace("p.search_text", "coalesce(p.search_text, lower(p.title))");
    }

    /// Returns the number of products, as [`Self::count`] does, and those from `offset` on.
    fn counted(&self, conn: &mut Conn, offset: u64, size: u64) -> QueryResult<(u64, Vec<Product>)> {
        // FTS5 merges the lists of all words before it has the first row. So it is asked once: for all rows that are
        // counted. Postgres counts without sorting, and sorts only a page.
        if self.matched.is_none() || !matches!(conn, Conn::Sqlite(_)) {
            return Ok((self.count(conn)?, self.products(conn, offset, size)?));
        }
        let (source, order) = (&self.source, self.inner(conn));
        let sql = format!("SELECT p.id AS n FROM {source} ORDER BY {order} LIMIT {}", MOST + 1);
        let ids: Vec<Counted> = self.load(conn, sql)?;
        let on_page = ids.iter().skip(usize::try_from(offset).unwrap_or(usize::MAX));
        let on_page = on_page.take(usize::try_from(size).unwrap_or(usize::MAX));
        let on_page: Vec<String> = on_page.map(|id| id.n.to_string()).collect();
        let sql = format!(
            "SELECT p.id, p.title, p.price_cents, p.created_at, p.updated_at FROM products AS p \
             WHERE p.id IN ({}) ORDER BY {}",
            on_page.join(", "),
            self.order
        );
        let rows: Vec<Listed> = diesel::sql_query(sql).load(conn)?;
        Ok((ids.len() as u64, rows.into_iter().map(|row| product(row.into())).collect()))
    }

    /// Returns the order as the statement that reads the index needs it.
    fn inner(&self, conn: &Conn) -> String {
        // FTS5 reads backwards only if it is asked for its own row number.
        let is_by_index = self.matched.is_some() && matches!(conn, Conn::Sqlite(_));
        match self.order.strip_prefix("p.id") {
            Some(direction) if is_by_index => format!("product_search.rowid{direction}"),
            _ => self.order.clone(),
        }
    }

    /// Returns the number of products, at most one more than [`MOST`] if it is a part of all.
    fn count(&self, conn: &mut Conn) -> QueryResult<u64> {
        let (source, most) = (&self.source, MOST + 1);
        let sql = match self.is_whole {
            // From the rows, as they are listed from them: no other count is always the same.
            true => format!("SELECT count(*) AS n FROM {source}"),
            false => {
                format!("SELECT count(*) AS n FROM (SELECT 1 FROM {source} LIMIT {most}) AS found")
            }
        };
        let counted: Vec<Counted> = self.load(conn, sql)?;
        Ok(counted.first().map_or(0, |counted| counted.n.unsigned_abs()))
    }

    /// Returns the number of products, and the page that the query asks for, with `more` products that the databases
    /// cannot find.
    fn page(
        &self,
        conn: &mut Conn,
        query: &ListQuery,
        size: u64,
        more: Vec<Product>,
    ) -> QueryResult<(u64, Vec<Product>)> {
        let offset = query.offset(size);
        // So many of the products before this page may be of the others: as many are read earlier. What is merged
        // then begins at the same place of the whole list, or earlier.
        let earlier = offset.min(more.len() as u64);
        let (count, products) =
            self.counted(conn, offset - earlier, size.saturating_add(earlier))?;
        if more.is_empty() {
            return Ok((count, products));
        }
        let total = count + more.len() as u64;
        let merged = unfolded::merged(query.sort, products, more).into_iter();
        Ok((total, merged.skip(earlier as usize).take(size as usize).collect()))
    }

    /// Returns a page: first the ids, by an index alone, and then their rows.
    fn products(&self, conn: &mut Conn, offset: u64, size: u64) -> QueryResult<Vec<Product>> {
        let (Self { source, order, .. }, inner) = (self, self.inner(conn));
        let offset = offset.min(i64::MAX.unsigned_abs());
        let sql = format!(
            "SELECT p.id, p.title, p.price_cents, p.created_at, p.updated_at FROM \
             (SELECT p.id FROM {source} ORDER BY {inner} LIMIT {size} OFFSET {offset}) AS page \
             JOIN products AS p ON p.id = page.id ORDER BY {order}"
        );
        let rows: Vec<Listed> = self.load(conn, sql)?;
        Ok(rows.into_iter().map(|row| product(row.into())).collect())
    }

    fn load<T>(&self, conn: &mut Conn, sql: String) -> QueryResult<Vec<T>>
    where
        T: QueryableByName<<Conn as diesel::Connection>::Backend> + 'static,
    {
        match &self.matched {
            Some(matched) => diesel::sql_query(sql).bind::<Text, _>(matched).load(conn),
            None => diesel::sql_query(sql).load(conn),
        }
    }
}

#[derive(QueryableByName)]
struct Counted {
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

/// Returns the words in FTS5's language: `"green"* "20"`. Words hold no quotes.
fn for_fts5(words: &str) -> String {
    let one = |word| format!("\"{word}\"{}", if is_number(word) { "" } else { "*" });
    words.split(' ').map(one).collect::<Vec<_>>().join(" ")
}

/// Returns the words in the language of Postgres: `'green':* & '20'`. Words hold no quotes.
fn for_tsquery(words: &str) -> String {
    let one = |word| format!("'{word}'{}", if is_number(word) { "" } else { ":*" });
    words.split(' ').map(one).collect::<Vec<_>>().join(" & ")
}

/// Returns the products that have the words nearest to these, or the longest of those words.
fn near(conn: &mut Conn, words: &str) -> QueryResult<Vec<Product>> {
    let mut meant = Vec::new();
    for word in words.split(' ') {
        let known = similar(conn, word)?;
        meant.extend(nearest(word, known.iter().map(String::as_str)).map(str::to_owned));
    }
    let mut attempts = vec![meant.join(" ")];
    meant.sort_by_key(|word| std::cmp::Reverse(word.len()));
    attempts.extend(meant);
    for words in attempts.iter().filter(|words| !words.is_empty()) {
        let part = Part::of(conn, &ListQuery::search(&LIST, words), words, None);
        let products = part.products(conn, 0, NEAREST)?;
        if !products.is_empty() {
            return Ok(products);
        }
    }
    Ok(Vec::new())
}

#[derive(QueryableByName)]
struct Word {
    #[diesel(sql_type = Text)]
    word: String,
}

#[derive(QueryableByName)]
struct Known {
    #[diesel(sql_type = Bool)]
    known: bool,
}

/// Returns words that may be similar: those that `pg_trgm` finds, or else all.
fn similar(conn: &mut Conn, word: &str) -> QueryResult<Vec<String>> {
    let mut words: Vec<Word> = Vec::new();
    if let Conn::Postgres(postgres) = conn {
        let has_trigrams = "SELECT to_regproc('similarity') IS NOT NULL AS known";
        if diesel::sql_query(has_trigrams).get_result::<Known>(postgres)?.known {
            let similar = format!(
                "SELECT word FROM product_words WHERE word % $1 \
                 ORDER BY similarity(word, $1) DESC, word LIMIT {SIMILAR}"
            );
            words = diesel::sql_query(similar).bind::<Text, _>(word).load(postgres)?;
        }
    }
    if words.is_empty() {
        words = diesel::sql_query("SELECT word FROM product_words").load(conn)?;
    }
    Ok(words.into_iter().map(|word| word.word).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_beginnings_and_numbers_are_whole_in_both_languages() {
        assert_eq!(for_fts5("green tea 20"), r#""green"* "tea"* "20""#);
        assert_eq!(for_tsquery("green tea 20"), "'green':* & 'tea':* & '20'");
    }
}
