//! Finds the tables that a statement mentions, by its words.
//!
//! - A word in a text, in a comment, after `AS` or after the dot of another table is no table.
//! - In doubt a word that is the name of a table is one: a column of that name is qualified,
//!   `events.guests`.
//! - Tables that a function or a view of the database reads by itself are not seen.

use std::collections::BTreeSet;

/// Names of schemas: the word after their dot is a table.
const SCHEMAS: [&str; 2] = ["public", "main"];

/// A piece of a statement.
#[derive(Debug, PartialEq, Eq)]
enum Token {
    /// A word or a quoted name, in lower case.
    Word(String),
    /// Any other character but white space.
    Sign(char),
}

/// Returns the names known to `is_table` that `sql` mentions as tables.
pub fn tables(sql: &str, is_table: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let tokens = tokens(sql);
    let word = |place: usize| match tokens.get(place) {
        Some(Token::Word(word)) => Some(word.as_str()),
        _ => None,
    };
    let before = |place: usize| place.checked_sub(1).and_then(word);
    let aliases: BTreeSet<&str> =
        (0..tokens.len()).filter(|place| before(*place) == Some("as")).filter_map(word).collect();
    let is_mention = |place: usize, name: &str| {
        let is_behind_dot = place > 0 && tokens[place - 1] == Token::Sign('.');
        if is_behind_dot {
            return place.checked_sub(2).and_then(word).is_some_and(|of| SCHEMAS.contains(&of));
        }
        let is_source = matches!(before(place), Some("from" | "join"));
        // After `FROM` or `JOIN` it is a table even where an alias has the same name.
        is_source || !aliases.contains(name)
    };
    let names = (0..tokens.len()).filter_map(|place| Some((place, word(place)?)));
    let mentioned = names.filter(|(place, name)| is_table(name) && is_mention(*place, name));
    mentioned.map(|(_, name)| name.to_owned()).collect()
}

fn tokens(sql: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' => quoted(rest, first),
            '"' | '`' => {
                let length = quoted(rest, first);
                tokens.push(Token::Word(rest[..length].trim_matches(first).to_lowercase()));
                length
            }
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            _ if is_of_word(first) => {
                let length = rest.find(|letter| !is_of_word(letter)).unwrap_or(rest.len());
                tokens.push(Token::Word(rest[..length].to_lowercase()));
                length
            }
            _ => {
                if !first.is_whitespace() {
                    tokens.push(Token::Sign(first));
                }
                first.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    tokens
}

/// Returns the length of the quoted text at the beginning, with its quotes.
///
/// A doubled quote inside reads as the end of one text and the beginning of another.
fn quoted(text: &str, quote: char) -> usize {
    text[1..].find(quote).map_or(text.len(), |end| end + 2)
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_mentions(sql: &str, expected: &[&str]) {
        let known = ["products", "product_counts", "events", "guests"];
        let found = tables(sql, |name| known.contains(&name));
        assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), expected, "{sql}");
    }

    #[test]
    fn tables_are_found_however_they_are_written() {
        let cases: [(&str, &[&str]); 9] = [
            ("SELECT `products`.`id` FROM `products` WHERE `products`.`id` = ?", &["products"]),
            (r#"SELECT "products"."id" FROM "public"."products""#, &["products"]),
            (
                "select * from PRODUCTS p join Product_Counts c on true",
                &["product_counts", "products"],
            ),
            ("SELECT 1 FROM events, guests", &["events", "guests"]),
            ("SELECT (SELECT count(*) FROM guests) FROM events", &["events", "guests"]),
            (
                "SELECT id FROM events WHERE id IN (SELECT event_id FROM main.guests)",
                &["events", "guests"],
            ),
            ("WITH guests AS (SELECT * FROM guests) SELECT 1", &["guests"]),
            ("SELECT count(*) AS guests FROM guests", &["guests"]),
            ("/* why */ SELECT 1 -- so\nFROM guests", &["guests"]),
        ];
        cases.iter().for_each(|(sql, expected)| assert_mentions(sql, expected));
    }

    #[test]
    fn what_only_looks_like_a_table_is_none() {
        for sql in [
            "SELECT 'products', 'it''s products', 'from guests'",
            "SELECT 1 -- products",
            "SELECT 1 /* from guests */",
            "SELECT e.guests, \"e\".\"guests\" FROM e",
            "SELECT count(*) AS guests FROM e ORDER BY guests",
            "SELECT guests_of, my_products, products2 FROM e",
            "SELECT 'never closed, products",
            "SELECT 1 /* never closed, products",
            "",
        ] {
            assert_mentions(sql, &[]);
        }
    }
}
