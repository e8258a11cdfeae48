//! The queries and forms that the toolbar receives.

use serde::Deserialize;

use crate::dashboard::forms::named;
use crate::error::PanelError;
use crate::toolbar::panels::mark;
use crate::toolbar::record::{Record, Sql, Summary};

/// The format of the response.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Told {
    format: String,
}

impl Told {
    /// Reports whether the client asked for JSON.
    pub fn is_json(&self) -> bool {
        self.format == "json"
    }
}

/// Which requests of the history are wanted. An empty field wants all; what is no number limits nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct HistoryQuery {
    format: String,
    /// A part of path and query.
    path: String,
    /// `404`, or `4xx`.
    status: String,
    /// The mark, such as `hit`.
    outcome: String,
    /// More milliseconds than this.
    slower: String,
    /// More queries than this.
    queries: String,
}

impl HistoryQuery {
    /// Reports whether the client asked for JSON.
    pub fn is_json(&self) -> bool {
        self.format == "json"
    }

    /// Reports whether it wants this request.
    pub fn wants(&self, request: &Summary) -> bool {
        let is_at_most =
            |limit: &str, figure: f64| limit.parse().is_ok_and(|most: f64| figure <= most);
        let mark = mark(request.outcome);
        request.target.to_lowercase().contains(&self.path.trim().to_lowercase())
            && request.status.to_string().starts_with(self.status.trim_end_matches('x'))
            && (self.outcome.is_empty() || mark.eq_ignore_ascii_case(&self.outcome))
            && !is_at_most(&self.slower, request.took.as_secs_f64() * 1e3)
            && !is_at_most(&self.queries, request.queries as f64)
    }
}

/// The entry or tag to purge.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PurgeForm {
    key: String,
    tag: String,
    /// `end` ends the lifetime of an entry; any other value deletes it.
    how: String,
    /// The page to go back to, a path of this site.
    pub back: String,
}

/// The target of a purge.
pub enum Purge<'f> {
    /// The key of an entry to delete.
    Key(&'f str),
    /// The key of an entry whose lifetime ends; it may still be served if a rebuild fails.
    End(&'f str),
    /// The name of a tag, as people know it, whose dependents are invalidated.
    Tag(&'f str),
}

impl PurgeForm {
    /// Returns the target of the purge.
    pub fn what(&self) -> Result<Purge<'_>, PanelError> {
        match (self.key.as_str(), self.tag.as_str()) {
            ("", "") => Err(PanelError::Unprocessable("A key or a tag is required.")),
            ("", "!") => Ok(Purge::Tag("everything")),
            // A table's reset tag is invalidated together with the tag of the table.
            ("", tag) => Ok(Purge::Tag(tag.strip_suffix('!').unwrap_or(tag))),
            (key, "") if self.how == "end" => Ok(Purge::End(named(key)?)),
            (key, "") => Ok(Purge::Key(named(key)?)),
            _ => Err(PanelError::Unprocessable("Give a key or a tag, not both.")),
        }
    }
}

/// The page to rebuild at its next request.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct BypassForm {
    /// A path of this site.
    pub back: String,
}

/// The statement to explain.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ExplainQuery {
    /// The id of the request.
    pub id: String,
    n: String,
}

impl ExplainQuery {
    /// Returns the statement, if there is one.
    pub fn of<'r>(&self, record: &'r Record) -> Option<&'r Sql> {
        let place: Option<usize> = self.n.parse().ok();
        place.and_then(|place| record.sql.get(place))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::web;

    use super::*;
    use crate::toolbar::stories;

    #[test]
    fn the_history_is_filtered_by_each_field() {
        let (hit, miss) = (stories::hit().summary(), stories::miss().summary());
        let redirect = stories::redirect().summary();
        let wanted = |query: &str| {
            let query = web::Query::<HistoryQuery>::from_query(query).unwrap().into_inner();
            [&hit, &miss, &redirect].map(|request| query.wants(request))
        };
        assert_eq!(wanted(""), [true; 3]);
        assert_eq!(wanted("status=3xx"), [false, false, true]);
        assert_eq!(wanted("status=200"), [true, true, false]);
        assert_eq!(wanted("outcome=hit"), [true, false, false]);
        assert_eq!(wanted("queries=1"), [false, true, false]);
        assert_eq!(wanted("slower=8"), [false, true, false]);
        assert_eq!(wanted("path=POSTS"), [false, false, true]);
        assert_eq!(wanted("slower=soon"), [true; 3]);
    }

    #[test]
    fn a_purge_names_a_key_or_a_tag() {
        let asked = |key: &str, tag: &str, how: &str| {
            let (key, tag, how) = (key.into(), tag.into(), how.into());
            let form = PurgeForm { key, tag, how, back: String::new() };
            form.what().ok().map(|what| match what {
                Purge::Key(key) => format!("key {key}"),
                Purge::End(key) => format!("end {key}"),
                Purge::Tag(tag) => format!("tag {tag}"),
            })
        };
        let what = |key: &str, tag: &str| asked(key, tag, "");
        assert_eq!(asked("a", "", "end"), Some("end a".into()));
        assert_eq!(what("a", ""), Some("key a".into()));
        assert_eq!(what("", "posts#7"), Some("tag posts#7".into()));
        assert_eq!(what("", "posts!"), Some("tag posts".into()));
        assert_eq!(what("", "!"), Some("tag everything".into()));
        assert_eq!(what("", ""), None);
        assert_eq!(what("a", "b"), None);
    }
}
