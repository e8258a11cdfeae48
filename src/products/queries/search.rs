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
use diesel::sql_types::{Bool, Text};

use super::found::{MOST, Selection};
use super::{Repair, get, unfolded};
use crate::db::Conn;
use crate::db::schema::products;
use crate::products::keys::PRODUCTS;
use crate::products::model::{LIST, Product, ProductId, ProductList};
use crate::site::list::{ListQuery, nearest};
use crate::sql::Snapshot;

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
    let mut selection = Selection::of(conn, query, &words, by_number.as_ref())?;
    let unfolded = if words.is_empty() && unfolded.len() as u64 == unfolded::MOST {
        selection.sort_unfolded();
        Vec::new()
    } else {
        unfolded
    };
    if !unfolded.is_empty() {
        selection.leave_out_unfolded();
    }
    let is_found = |product: &Product| {
        by_number.as_ref().is_none_or(|known| known.id != product.id)
            && unfolded::is_asked_for(product, query, &words)
    };
    let more: Vec<Product> = unfolded.into_iter().filter(is_found).collect();
    let (total, products) = page(conn, &selection, query, size, more)?;
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

/// Returns the number and the products of a page, with `more` products that the databases cannot find.
fn page(
    conn: &mut Conn,
    selection: &Selection,
    query: &ListQuery,
    size: u64,
    more: Vec<Product>,
) -> QueryResult<(u64, Vec<Product>)> {
    let offset = query.offset(size);
    // So many of the products before this page may be of the others: as many are read earlier. What is merged then
    // begins at the same place of the whole list, or earlier.
    let earlier = offset.min(more.len() as u64);
    let (count, products) = selection.page(conn, offset - earlier, size.saturating_add(earlier))?;
    if more.is_empty() {
        return Ok((count, products));
    }
    let total = count + more.len() as u64;
    let merged = unfolded::merged(query.sort, products, more).into_iter();
    Ok((total, merged.skip(earlier as usize).take(size as usize).collect()))
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
        let selection = Selection::of(conn, &ListQuery::search(&LIST, words), words, None)?;
        let products = selection.beginning(conn, NEAREST)?;
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
