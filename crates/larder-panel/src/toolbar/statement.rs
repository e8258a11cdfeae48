//! Decides which binds of a statement are secrets, by the columns that they belong to.
//!
//! - A statement is split into clauses at `WHERE`, `AND`, `SET` and the like. A bind is a secret if its
//!   clause names a secret column, on either side, in a list or in a function.
//! - The tuples of `VALUES` follow the list of columns. Without such a list, or if the column is not clear,
//!   every bind is treated as a secret.
//! - Text literals within the statement are treated as binds are.

use crate::secrets::{HIDDEN, is_named};

/// Keywords that end a clause.
const CLAUSES: [&str; 27] = [
    "SELECT",
    "FROM",
    "WHERE",
    "AND",
    "OR",
    "SET",
    "HAVING",
    "ON",
    "VALUES",
    "LIMIT",
    "OFFSET",
    "ORDER",
    "GROUP",
    "BY",
    "RETURNING",
    "UNION",
    "EXCEPT",
    "INTERSECT",
    "INSERT",
    "INTO",
    "UPDATE",
    "DELETE",
    "JOIN",
    "USING",
    "WITH",
    "CONFLICT",
    "DO",
];

/// A part of a statement.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Token<'s> {
    /// The last part of a name, without quotes; and whether it was quoted.
    Name(&'s str, bool),
    /// A placeholder of a bind, with its number if it has one.
    Bind(Option<usize>),
    /// A text literal.
    Text,
    Sign(char),
}

/// A token, and its position.
type Placed<'s> = (Token<'s>, std::ops::Range<usize>);

/// Returns the statement without secret literals, and which of its binds are secrets.
pub fn redacted(sql: &str, binds: usize) -> (String, Vec<bool>) {
    let tokens = tokens(sql);
    let secret = secrets(&tokens);
    let (mut shown, mut from) = (String::with_capacity(sql.len()), 0);
    let mut hidden = vec![false; binds];
    let (mut next, mut is_odd) = (0, false);
    for ((token, at), is_secret) in tokens.iter().zip(&secret) {
        match token {
            Token::Text if *is_secret => {
                shown.push_str(&sql[from..at.start]);
                shown.push_str(&format!("'{HIDDEN}'"));
                from = at.end;
            }
            Token::Bind(number) => {
                let place = number.map_or(next, |number| number.wrapping_sub(1));
                next = next.max(place.wrapping_add(1));
                match hidden.get_mut(place) {
                    Some(hidden) => *hidden |= is_secret,
                    None => is_odd = true,
                }
            }
            _ => {}
        }
    }
    shown.push_str(&sql[from..]);
    // The number of placeholders differs from that of the binds, so it is not clear which bind is which.
    if (is_odd || next != binds) && secret.contains(&true) {
        hidden.fill(true);
    }
    (shown, hidden)
}

/// Returns for each token whether it belongs to a secret column.
fn secrets(tokens: &[Placed<'_>]) -> Vec<bool> {
    let mut secret = vec![false; tokens.len()];
    let mut start = 0;
    let mut before = false;
    for end in 0..=tokens.len() {
        if end < tokens.len() && !ends_clause(tokens, end) {
            continue;
        }
        let clause = start..end;
        let mut names = tokens[clause.clone()].iter().filter_map(|(token, _)| match token {
            Token::Name(name, is_quoted) if *is_quoted || !is_clause(name) => Some(*name),
            _ => None,
        });
        let has_names = names.clone().next().is_some();
        // In `token BETWEEN ? AND ?` the part after `AND` belongs to the clause before it.
        let goes_on = !has_names && is_word(tokens.get(start), "AND");
        before = names.any(is_named) || (before && goes_on);
        secret[clause].fill(before);
        start = end;
    }
    by_columns(tokens, &mut secret);
    secret
}

fn is_word(token: Option<&Placed<'_>>, word: &str) -> bool {
    matches!(token, Some((Token::Name(name, false), _)) if name.eq_ignore_ascii_case(word))
}

fn is_clause(name: &str) -> bool {
    CLAUSES.iter().any(|word| name.eq_ignore_ascii_case(word))
}

/// Reports whether a clause ends before this token: at a keyword, or at the comma before `column =`.
fn ends_clause(tokens: &[Placed<'_>], at: usize) -> bool {
    match tokens[at].0 {
        Token::Name(name, false) => is_clause(name),
        Token::Sign(',') => {
            let behind = tokens.get(at + 1).map(|(token, _)| *token);
            let sign = tokens.get(at + 2).map(|(token, _)| *token);
            matches!((behind, sign), (Some(Token::Name(..)), Some(Token::Sign('='))))
        }
        _ => false,
    }
}

/// Marks the values of an `INSERT` by its list of columns.
fn by_columns(tokens: &[Placed<'_>], secret: &mut [bool]) {
    let place = |from: usize, word| (from..tokens.len()).find(|at| is_word(tokens.get(*at), word));
    let Some(into) = place(0, "INTO") else { return };
    let list = into + 2;
    let columns = match tokens.get(list) {
        Some((Token::Sign('('), _)) => columns(&tokens[list + 1..]),
        _ => Vec::new(),
    };
    let Some(values) = place(list, "VALUES") else {
        // The result of a SELECT goes into these columns; without a list, into any column.
        if columns.is_empty() || columns.iter().any(|name| is_named(name)) {
            secret[into..].fill(true);
        }
        return;
    };
    let (mut depth, mut column) = (0, 0);
    for at in values + 1..tokens.len() {
        match tokens[at].0 {
            Token::Sign('(') => {
                depth += 1;
                column = if depth == 1 { 0 } else { column };
            }
            Token::Sign(')') => depth -= 1,
            Token::Sign(',') if depth == 1 => column += 1,
            Token::Name(name, false) if depth == 0 && is_clause(name) => return,
            _ if depth > 0 => {
                secret[at] |= columns.get(column).is_none_or(|name| is_named(name));
            }
            _ => {}
        }
    }
}

/// Returns the names up to the end of a list.
fn columns<'s>(tokens: &[Placed<'s>]) -> Vec<&'s str> {
    let inside = tokens.iter().take_while(|(token, _)| *token != Token::Sign(')'));
    let names = inside.filter_map(|(token, _)| match token {
        Token::Name(name, _) => Some(*name),
        _ => None,
    });
    names.collect()
}

/// Returns the tokens of a statement; of `a.b.c` only `c`, which is the column.
fn tokens(sql: &str) -> Vec<Placed<'_>> {
    let mut tokens: Vec<Placed<'_>> = Vec::new();
    let mut at = 0;
    while let Some(first) = sql[at..].chars().next() {
        let rest = &sql[at..];
        let (token, length) = match first {
            '"' | '`' => quoted(rest, first, |name| Token::Name(name, true)),
            '[' => quoted(rest, ']', |name| Token::Name(name, true)),
            '\'' => quoted(rest, '\'', |_| Token::Text),
            '?' | '$' => {
                let digits = digits(&rest[1..]);
                (Some(Token::Bind(rest[1..=digits].parse().ok())), 1 + digits)
            }
            '-' if rest.starts_with("--") => (None, rest.find('\n').unwrap_or(rest.len())),
            '/' if rest.starts_with("/*") => {
                (None, rest.find("*/").map_or(rest.len(), |end| end + 2))
            }
            _ if first.is_alphabetic() || first == '_' => {
                let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'));
                let end = end.unwrap_or(rest.len());
                (Some(Token::Name(&rest[..end], false)), end)
            }
            _ if first.is_whitespace() => (None, first.len_utf8()),
            _ => (Some(Token::Sign(first)), first.len_utf8()),
        };
        if let Some(token) = token {
            // Replaces the qualifier before it.
            let is_part = matches!(token, Token::Name(..))
                && matches!(tokens.last(), Some((Token::Sign('.'), _)));
            if is_part {
                tokens.pop();
                if matches!(tokens.last(), Some((Token::Name(..), _))) {
                    tokens.pop();
                }
            }
            tokens.push((token, at..at + length));
        }
        at += length.max(1);
    }
    tokens
}

fn digits(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len())
}

/// Returns the text between two quotes; a doubled quote does not end it.
fn quoted<'s>(
    text: &'s str,
    end: char,
    token: impl Fn(&'s str) -> Token<'s>,
) -> (Option<Token<'s>>, usize) {
    let mut at = 1;
    while let Some(found) = text[at..].find(end) {
        at += found + 1;
        if !text[at..].starts_with(end) {
            return (Some(token(&text[1..at - 1])), at);
        }
        at += 1;
    }
    (Some(token(&text[1..])), text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sql: &str, expected: &str) {
        let expected: Vec<bool> = expected.chars().map(|mark| mark == 'x').collect();
        assert_eq!(redacted(sql, expected.len()).1, expected, "{sql}");
    }

    #[test]
    fn a_bind_is_a_secret_by_its_column() {
        let cases = [
            (
                "SELECT * FROM `accounts` WHERE `accounts`.`password_hash` = ? AND `accounts`.`id` = ?",
                "x-",
            ),
            (r#"SELECT "a"."id" FROM "a" WHERE ("a"."token_hash" = $1) LIMIT $2"#, "x-"),
            (r#"UPDATE "a" SET "password_hash" = $1, "name" = $2 WHERE "a"."id" = $3"#, "x--"),
            ("UPDATE a SET name = ?, digest = lower(?) WHERE id = ?", "-x-"),
            ("UPDATE a SET (name, token) = (?, ?) WHERE id = ?", "xx-"),
            ("INSERT INTO a (name, token_hash, n) VALUES (?, ?, ?), (?, ?, ?)", "-x--x-"),
            (
                "INSERT INTO \"public\".\"a\" (\"n\", \"digest\") VALUES ($1, lower($2)) RETURNING id",
                "-x",
            ),
            ("INSERT INTO a (n, t) VALUES (?, ?) ON CONFLICT (n) DO UPDATE SET secret = ?", "--x"),
            ("INSERT INTO accounts VALUES (?, ?)", "xx"),
            ("INSERT INTO a (n, token) SELECT ?, ? FROM b", "xx"),
            ("INSERT INTO a (n, m) SELECT ?, ? FROM b", "--"),
            ("SELECT 1 FROM a WHERE token IN (?, ?) AND n IN (?, ?)", "xx--"),
            ("SELECT 1 FROM a WHERE ? = token AND n = ?", "x-"),
            ("SELECT 1 FROM a WHERE token BETWEEN ? AND ? OR n BETWEEN ? AND ?", "xx--"),
            ("SELECT 1 FROM a WHERE \"Token\" LIKE ? ESCAPE ?", "xx"),
            ("SELECT 1 FROM a WHERE [pass word] = ? AND n = ?", "x-"),
            ("SELECT 1 FROM a WHERE token = ANY($2) AND n = $1", "-x"),
            ("SELECT ? AS token, n FROM a", "x"),
            ("SELECT 1 FROM tokens WHERE tokens.account_id = ?", "-"),
            ("DELETE FROM sessions WHERE sessions.token_hash = ?", "x"),
            ("EXPLAIN QUERY PLAN SELECT 1 FROM a WHERE token = ?", "x"),
            ("SELECT 1 FROM a WHERE n = '?' /* ? */ AND token = ? -- ?", "x"),
            ("SELECT id FROM posts WHERE title LIKE ? LIMIT ? OFFSET ?", "---"),
        ];
        for (sql, expected) in cases {
            check(sql, expected);
        }
    }

    #[test]
    fn all_binds_are_secrets_if_their_columns_are_unclear() {
        assert_eq!(redacted("SELECT 1 WHERE token = ?", 3).1, [true; 3]);
        assert_eq!(redacted("SELECT 1 WHERE n = ?", 3).1, [false; 3]);
    }

    #[test]
    fn texts_of_the_statement_are_hidden_as_binds_are() {
        let sql = "UPDATE a SET token = 'it''s é', n = 'tea' WHERE id = ?";
        assert_eq!(redacted(sql, 1).0, "UPDATE a SET token = '…', n = 'tea' WHERE id = ?");
        assert_eq!(redacted("'", 0).0, "'");
        assert_eq!(redacted("é\"ü", 0).0, "é\"ü");
    }
}
