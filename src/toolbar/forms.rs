//! The queries and forms that the toolbar receives.

use serde::Deserialize;

use crate::dashboard::forms::named;
use crate::db::binds::Bind;
use crate::db::explain::can_be_explained;
use crate::error::AppError;
use crate::toolbar::record::{Record, Sql};

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
    pub fn what(&self) -> Result<Purge<'_>, AppError> {
        match (self.key.as_str(), self.tag.as_str()) {
            ("", "") => Err(AppError::Unprocessable("A key or a tag is required.")),
            ("", "!") => Ok(Purge::Tag("everything")),
            // A table's reset tag is invalidated together with the tag of the table.
            ("", tag) => Ok(Purge::Tag(tag.strip_suffix('!').unwrap_or(tag))),
            (key, "") if self.how == "end" => Ok(Purge::End(named(key)?)),
            (key, "") => Ok(Purge::Key(named(key)?)),
            _ => Err(AppError::Unprocessable("Give a key or a tag, not both.")),
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
    /// Returns the statement and its binds, or why it cannot be explained.
    pub fn of<'r>(&self, record: &'r Record) -> Result<(&'r Sql, Vec<Bind>), &'static str> {
        let place: Option<usize> = self.n.parse().ok();
        let sql = place.and_then(|place| record.sql.get(place));
        let sql = sql.ok_or("There is no such statement.")?;
        if !can_be_explained(&sql.sql) || sql.sql.ends_with('…') {
            return Err("Only a whole SELECT is explained.");
        }
        let binds: Vec<Bind> = sql.binds.iter().map(|bind| Bind::read(bind)).collect();
        if binds.iter().any(|bind| matches!(bind, Bind::Opaque(_))) {
            return Err("One of its values cannot be bound again: only numbers and strings can.");
        }
        Ok((sql, binds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toolbar::sample::{query, record};

    #[test]
    fn only_a_recorded_select_is_explained() {
        let mut one = record();
        one.sql = vec![
            query("SELECT ?", "7"),
            query("DELETE FROM a", "7"),
            query("SELECT ?", "2026-01-01 0:00"),
        ];
        let ask = |n: &str| ExplainQuery { id: String::new(), n: n.into() }.of(&one).map(|_| ());
        assert_eq!(ask("0"), Ok(()));
        for n in ["1", "2", "3", "-1", "", "x"] {
            assert!(ask(n).is_err(), "{n}");
        }
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
        assert_eq!(what("", "products#7"), Some("tag products#7".into()));
        assert_eq!(what("", "products!"), Some("tag products".into()));
        assert_eq!(what("", "!"), Some("tag everything".into()));
        assert_eq!(what("", ""), None);
        assert_eq!(what("a", "b"), None);
    }
}
