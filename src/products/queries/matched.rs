//! Words in the languages of the two indexes: FTS5 on SQLite, `tsquery` on Postgres.
//!
//! A beginning is replaced by the words that begin with it, if they are few. Both indexes read the lists of whole words
//! as far as they are needed, but merge those of a beginning first: tens of milliseconds for a frequent word.

use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::db::Conn;
use crate::site::words::is_number;

/// The most words with one beginning that are looked up each by itself.
const SPELLINGS: usize = 16;

/// Returns the words in the language of the index: `("green" OR "greens") AND "20"`, or `('green' | 'greens') & '20'`.
/// Words hold no quotes.
pub(super) fn matched(conn: &mut Conn, words: &[&str]) -> QueryResult<String> {
    let mut spelled = Vec::new();
    for word in words {
        spelled.push((*word, if is_number(word) { Vec::new() } else { spellings(conn, word)? }));
    }
    Ok(match conn {
        Conn::Sqlite(_) => for_fts5(&spelled),
        Conn::Postgres(_) => for_tsquery(&spelled),
    })
}

/// A word, and the known words that begin with it, if they are few.
type Spelled<'w> = (&'w str, Vec<String>);

fn for_fts5(words: &[Spelled<'_>]) -> String {
    let one = |(word, spellings): &Spelled<'_>| match &spellings[..] {
        [] if is_number(word) => format!("\"{word}\""),
        [] => format!("\"{word}\"*"),
        _ => format!("(\"{}\")", spellings.join("\" OR \"")),
    };
    words.iter().map(one).collect::<Vec<_>>().join(" AND ")
}

fn for_tsquery(words: &[Spelled<'_>]) -> String {
    let is_whole = |(word, spellings): &&Spelled<'_>| is_number(word) || !spellings.is_empty();
    // GIN collects all that begin with a letter before it looks at the other words: the condition tests those.
    let has_whole = words.iter().any(|word| is_whole(&word));
    let one = |(word, spellings): &Spelled<'_>| match &spellings[..] {
        [] if is_number(word) => format!("'{word}'"),
        [] => format!("'{word}':*"),
        _ => format!("('{}')", spellings.join("' | '")),
    };
    let read = words.iter().filter(|word| !has_whole || is_whole(word));
    read.map(one).collect::<Vec<_>>().join(" & ")
}

#[derive(QueryableByName)]
struct Word {
    #[diesel(sql_type = Text)]
    word: String,
}

/// Returns the known words that begin with `word`, if there are few.
fn spellings(conn: &mut Conn, word: &str) -> QueryResult<Vec<String>> {
    let sql = format!(
        "SELECT word FROM product_words WHERE word >= $1 AND word < $2 LIMIT {}",
        SPELLINGS + 1
    );
    let known: Vec<Word> = diesel::sql_query(sql)
        .bind::<Text, _>(word)
        .bind::<Text, _>(format!("{word}{}", char::MAX))
        .load(conn)?;
    let is_few = known.len() <= SPELLINGS;
    Ok(known.into_iter().map(|known| known.word).filter(|_| is_few).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_beginnings_and_numbers_are_whole_in_both_languages() {
        let spelled = |word: &'static str, known: &[&str]| -> Spelled<'static> {
            (word, known.iter().map(|word| (*word).to_owned()).collect())
        };
        let words = [spelled("green", &["green", "greens"]), spelled("t", &[]), spelled("20", &[])];
        assert_eq!(for_fts5(&words), r#"("green" OR "greens") AND "t"* AND "20""#);
        assert_eq!(for_tsquery(&words), "('green' | 'greens') & '20'");
        assert_eq!(for_tsquery(&words[1..2]), "'t':*");
    }
}
