//! Finds repeated statements.
//!
//! - Similar statements have the same text; duplicates have the same text and the same values.
//! - Transactions and stamps are in no group.
//! - Groups are named A, B, C … in the order of their first statement.

use std::collections::HashMap;
use std::time::Duration;

use super::super::record::Sql;

/// At least two statements of the same text.
#[derive(Debug, Clone)]
pub struct Group {
    /// `A`, `B` …, `AA` after `Z`.
    pub name: String,
    /// One of six looks.
    pub look: usize,
    /// The positions of its statements in the record.
    pub members: Vec<usize>,
    /// Number of members that have a duplicate.
    pub duplicates: usize,
    pub took: Duration,
}

/// Returns all groups.
pub fn groups(sql: &[Sql]) -> Vec<Group> {
    let mut order: Vec<Vec<usize>> = Vec::new();
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for (n, statement) in sql.iter().enumerate().filter(|(_, s)| s.kind.is_asked_for()) {
        let place = *seen.entry(&statement.sql).or_insert_with(|| {
            order.push(Vec::new());
            order.len() - 1
        });
        order[place].push(n);
    }
    order.retain(|members| members.len() > 1);
    order.into_iter().enumerate().map(|(n, members)| Group::new(n, members, sql)).collect()
}

/// Reports whether the same statement ran with the same values elsewhere in the request.
pub fn is_duplicate(n: usize, sql: &[Sql]) -> bool {
    let this = &sql[n];
    let is_same = |other: &Sql| other.sql == this.sql && other.binds == this.binds;
    this.kind.is_asked_for()
        && sql.iter().enumerate().any(|(place, other)| place != n && is_same(other))
}

impl Group {
    fn new(n: usize, members: Vec<usize>, sql: &[Sql]) -> Self {
        let mut values: HashMap<&[String], usize> = HashMap::new();
        members.iter().for_each(|place| *values.entry(&sql[*place].binds).or_default() += 1);
        Self {
            name: name(n),
            look: n % 6,
            duplicates: values.values().filter(|times| **times > 1).sum(),
            took: members.iter().map(|place| sql[*place].took).sum(),
            members,
        }
    }

    /// Returns the callers of its statements, each once.
    pub fn callers<'a>(&self, sql: &'a [Sql]) -> Vec<&'a str> {
        let mut callers: Vec<&str> =
            self.members.iter().filter_map(|n| sql[*n].caller.as_deref()).collect();
        callers.sort_unstable();
        callers.dedup();
        callers
    }
}

fn name(n: usize) -> String {
    let letter = char::from(b'A' + (n % 26) as u8);
    std::iter::repeat_n(letter, n / 26 + 1).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::record::SqlKind;
    use super::*;

    fn sql(kind: SqlKind, text: &str, bind: &str) -> Sql {
        Sql {
            sql: text.to_owned(),
            binds: vec![bind.to_owned()],
            kind,
            at: Duration::ZERO,
            took: Duration::from_millis(2),
            rows: None,
            error: None,
            connection: "reader",
            caller: Some("src/posts/queries.rs:12".to_owned()),
            for_key: None,
            trace: None,
        }
    }

    fn sample() -> Vec<Sql> {
        let query = |text, bind| sql(SqlKind::Query, text, bind);
        vec![
            query("b", "1"),
            query("a", "1"),
            query("a", "2"),
            query("once", "1"),
            query("b", "9"),
            query("a", "1"),
            sql(SqlKind::Transaction, "BEGIN", ""),
            sql(SqlKind::Transaction, "BEGIN", ""),
        ]
    }

    #[test]
    fn similar_have_one_text_and_duplicates_one_text_and_values() {
        let sql = sample();
        let groups = groups(&sql);
        let told: Vec<_> =
            groups.iter().map(|g| (g.name.as_str(), g.members.len(), g.duplicates)).collect();
        assert_eq!(told, [("A", 2, 0), ("B", 3, 2)]);
        assert_eq!(groups[1].took, Duration::from_millis(6));
        assert_eq!(groups[1].callers(&sql), ["src/posts/queries.rs:12"]);
        let duplicates: Vec<_> = (0..sql.len()).filter(|n| is_duplicate(*n, &sql)).collect();
        assert_eq!(duplicates, [1, 5]);
    }

    #[test]
    fn what_the_site_did_not_ask_for_is_in_no_group() {
        let sql = sample().split_off(6);
        assert!(groups(&sql).is_empty());
        assert!(!is_duplicate(0, &sql));
    }

    #[test]
    fn there_are_names_for_more_groups_than_letters() {
        assert_eq!([name(0), name(25), name(26)], ["A", "Z", "AA"]);
    }
}
