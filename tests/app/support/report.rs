//! What a response reports about the cache: `Cache-Status` (RFC 9211) and `Server-Timing`.

use super::page::Page;

/// The one member of `Cache-Status` that Larder writes.
#[derive(Debug)]
pub struct CacheStatus {
    parameters: Vec<(String, String)>,
}

impl CacheStatus {
    fn of(page: &Page) -> Option<Self> {
        let line = page.header("cache-status")?;
        let mut parts = line.split(';').map(str::trim);
        (parts.next()? == "larder").then(|| Self {
            parameters: parts
                .map(|part| part.split_once('=').unwrap_or((part, "")))
                .map(|(key, value)| (key.to_owned(), value.trim_matches('"').to_owned()))
                .collect(),
        })
    }

    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Returns `hit`, `miss` (looked up, but absent or stale) or `passed` (not looked up).
    pub fn outcome(&self) -> &'static str {
        match self.parameter("fwd") {
            None if self.parameter("hit").is_some() => "hit",
            Some("uri-miss" | "vary-miss" | "miss" | "stale") => "miss",
            _ => "passed",
        }
    }

    pub fn is_stored(&self) -> bool {
        self.parameter("stored").is_some()
    }
}

impl Page {
    #[track_caller]
    pub fn cache(&self) -> CacheStatus {
        CacheStatus::of(self).unwrap_or_else(|| {
            let found = self.header("cache-status");
            panic!("{}: Cache-Status is {found:?}", self.asked)
        })
    }

    /// Asserts the outcome: `hit`, `miss`, `stored` (a miss whose page was stored) or `passed`.
    #[track_caller]
    pub fn assert_cache(&self, expected: &str) -> &Self {
        let status = self.cache();
        let is_so = match expected {
            "stored" => status.outcome() == "miss" && status.is_stored(),
            outcome => status.outcome() == outcome,
        };
        assert!(is_so, "{}: not {expected}, but {status:?}", self.asked);
        self
    }

    #[track_caller]
    pub fn timing(&self) -> Timing {
        let header = self.header("server-timing");
        let header = header.unwrap_or_else(|| panic!("{}: no Server-Timing", self.asked));
        Timing::parse(&header)
    }
}

/// `Server-Timing`: what each of the three levels of the cache and the database did.
#[derive(Debug)]
pub struct Timing {
    /// Metric and description. A metric may occur several times.
    metrics: Vec<(String, String)>,
}

impl Timing {
    fn parse(header: &str) -> Self {
        let metrics = outside_quotes(header, ',').into_iter().map(|metric| {
            let mut parts = outside_quotes(metric, ';').into_iter();
            let name = parts.next().unwrap_or("").trim().to_owned();
            let description = parts
                .filter_map(|part| part.trim().strip_prefix("desc="))
                .map(|text| text.trim_matches('"').to_owned())
                .next();
            (name, description.unwrap_or_default())
        });
        Self { metrics: metrics.collect() }
    }

    /// Returns the number of SQL queries, as in `sql;desc="2 queries"`, or 0 without that entry.
    #[track_caller]
    pub fn sql_queries(&self) -> usize {
        let number = |text: &str| text.split(' ').next()?.parse::<usize>().ok();
        self.descriptions_of("sql")
            .map(|text| number(text).unwrap_or_else(|| panic!("how many queries is “{text}”?")))
            .sum()
    }

    /// Reports whether a level has an entry with these words: `says("fragment", "header hit")`.
    pub fn says(&self, level: &str, words: &str) -> bool {
        self.descriptions_of(level).any(|text| text.contains(words))
    }

    #[track_caller]
    pub fn assert_says(&self, level: &str, words: &str) -> &Self {
        assert!(self.says(level, words), "no {level} “{words}” in {self:?}");
        self
    }

    fn descriptions_of(&self, level: &str) -> impl Iterator<Item = &str> {
        let of_level = move |(name, _): &&(String, String)| name == level;
        self.metrics.iter().filter(of_level).map(|(_, text)| text.as_str())
    }
}

fn outside_quotes(text: &str, separator: char) -> Vec<&str> {
    let mut quoted = false;
    text.split(move |c| {
        quoted ^= c == '"';
        c == separator && !quoted
    })
    .collect()
}
