//! What a statement is for, judged by its text; used by the metrics and by the toolbar.
//!
//! - Only the text decides, and only its first bytes are read.

use std::fmt::{self, Write};

/// The query that checks a pooled connection before it is used.
pub(super) const IS_ALIVE: &str = "SELECT 1 -- alive?";

/// What a statement is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Reads data.
    Query,
    /// Changes data, or the schema.
    Write,
    /// Begins or ends a transaction, or checks whether a connection is alive.
    Transaction,
    /// Reads stamps, whether they changed or which triggers change them; or changes them explicitly.
    Stamps,
}

/// Bytes of a statement that are examined.
const HEAD: usize = 160;

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Query, Self::Write, Self::Transaction, Self::Stamps];

    /// Returns the name, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Write => "write",
            Self::Transaction => "transaction",
            Self::Stamps => "stamps",
        }
    }

    /// Returns the kind of a statement that can be printed.
    pub(super) fn of(statement: impl fmt::Display) -> Self {
        let mut head = Head { bytes: [0; HEAD], length: 0 };
        // Writing fails as soon as the buffer is full, which ends the printing.
        let _ = write!(head, "{statement}");
        Self::of_text(head.text())
    }

    fn of_text(text: &str) -> Self {
        const TRANSACTION: [&str; 5] = ["BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE"];
        const STAMPS: [&str; 3] = ["cache_versions", "cache_bump", "larder_v2_fold"];
        const QUERY: [&str; 5] = ["SELECT", "WITH", "PRAGMA", "EXPLAIN", "VALUES"];
        let text = text.trim_start();
        let begins = |words: &[&str]| {
            words.iter().any(|word| {
                text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
            })
        };
        if begins(&TRANSACTION) || begins(&[IS_ALIVE]) {
            Self::Transaction
        } else if STAMPS.iter().any(|name| text.contains(name)) {
            Self::Stamps
        } else if begins(&QUERY) {
            Self::Query
        } else {
            Self::Write
        }
    }
}

/// A buffer for the first bytes of a printed statement.
struct Head {
    bytes: [u8; HEAD],
    length: usize,
}

impl Head {
    /// Returns the text, without a character that was cut in two.
    fn text(&self) -> &str {
        let bytes = &self.bytes[..self.length];
        match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
        }
    }
}

impl Write for Head {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = HEAD - self.length;
        let taken = text.len().min(room);
        self.bytes[self.length..self.length + taken].copy_from_slice(&text.as_bytes()[..taken]);
        self.length += taken;
        if text.len() > room { Err(fmt::Error) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_statement_has_its_kind() {
        let cases = [
            ("SELECT \"products\".\"id\" FROM \"products\"", Kind::Query),
            (" select 1", Kind::Query),
            ("WITH RECURSIVE x AS (SELECT 1) SELECT * FROM x", Kind::Query),
            ("INSERT INTO products VALUES (?)", Kind::Write),
            ("UPDATE products SET title = ?", Kind::Write),
            ("DELETE FROM products", Kind::Write),
            ("CREATE TABLE t (id INTEGER)", Kind::Write),
            ("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", Kind::Transaction),
            ("COMMIT", Kind::Transaction),
            (IS_ALIVE, Kind::Transaction),
            ("SELECT \"cache_versions\".\"tag\" FROM \"cache_versions\"", Kind::Stamps),
            ("SELECT cache_bump($1)", Kind::Stamps),
            ("SELECT larder_v2_fold($1)", Kind::Stamps),
            ("LOCK TABLE products", Kind::Write),
            ("", Kind::Write),
        ];
        for (text, kind) in cases {
            assert_eq!(Kind::of(text), kind, "{text}");
        }
    }

    #[test]
    fn no_more_than_the_head_of_a_statement_is_read() {
        let long = format!("SELECT {} FROM cache_versions", "é".repeat(HEAD));
        assert_eq!(Kind::of(&long), Kind::Query);
    }
}
