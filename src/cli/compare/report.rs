//! What the shop reports of a request in `Server-Timing`: SQL queries, and lookups of each level.

use std::ops::AddAssign;

use serde::Serialize;

/// SQL queries and lookups, of one request or of several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The number of SQL queries.
    pub sql: u64,
    /// Level one: pages.
    pub page: LookUps,
    /// Level two: fragments.
    pub fragment: LookUps,
    /// Level three: queries.
    pub query: LookUps,
}

/// The lookups of one level.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct LookUps {
    /// Lookups that found an entry.
    pub hits: u64,
    /// Lookups that found none.
    pub misses: u64,
}

impl Report {
    /// Parses the head of a response; a head without `Server-Timing` counts nothing.
    pub fn of(head: &str) -> Self {
        let mut report = Self::default();
        let headers = head.lines().filter_map(|line| line.split_once(": "));
        let timing = headers.filter(|(name, _)| name.eq_ignore_ascii_case("server-timing"));
        for metric in timing.flat_map(|(_, value)| value.split(", ")) {
            let (name, rest) = metric.split_once(';').unwrap_or((metric, ""));
            // The shop writes the descriptions itself; none contains a quote.
            let told = rest.split('"').nth(1).unwrap_or_default();
            match name {
                "sql" => report.sql = number(told),
                "page" => report.page = LookUps::of(told),
                "fragment" => report.fragment = LookUps::of(told),
                "query" => report.query = LookUps::of(told),
                _ => {}
            }
        }
        report
    }
}

impl LookUps {
    /// Counts the lookups in `site.header hit / site.footer miss`.
    fn of(told: &str) -> Self {
        let count = |word| told.split(" / ").filter(|one| one.ends_with(word)).count() as u64;
        Self { hits: count("hit"), misses: count("miss") }
    }
}

/// Parses the number in `2 queries`.
fn number(told: &str) -> u64 {
    told.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

impl AddAssign for Report {
    fn add_assign(&mut self, other: Self) {
        self.sql += other.sql;
        self.page += other.page;
        self.fragment += other.fragment;
        self.query += other.query;
    }
}

impl AddAssign for LookUps {
    fn add_assign(&mut self, other: Self) {
        self.hits += other.hits;
        self.misses += other.misses;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_counts_queries_and_lookups() {
        let head = "HTTP/1.1 200 OK\r\nserver-timing: total;dur=3.392, sql;desc=\"2 queries\";dur=0.480, \
                    page;desc=\"miss\";dur=0.000, \
                    fragment;desc=\"site.header hit / site.footer miss\";dur=0.164\r\n\r\n";
        let expected = Report {
            sql: 2,
            page: LookUps { hits: 0, misses: 1 },
            fragment: LookUps { hits: 1, misses: 1 },
            query: LookUps::default(),
        };
        assert_eq!(Report::of(head), expected);
        assert_eq!(Report::of("HTTP/1.1 200 OK\r\nage: 0\r\n\r\n"), Report::default());
    }
}
