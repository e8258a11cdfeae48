//! The templates panel: which templates rendered, and which of their fragments came from the cache.

use askama::Template;

use super::super::record::Record;
use super::Panel;
use crate::figures::{bytes, count, took};

#[derive(Template)]
#[template(path = "toolbar/templates.html")]
pub struct Templates<'a> {
    templates: Vec<Row<'a>>,
    kept: usize,
    fragments: usize,
}

struct Row<'a> {
    name: &'a str,
    took: String,
    bytes: String,
    fragments: &'a [(String, bool)],
}

impl<'a> Templates<'a> {
    pub fn new(record: &'a Record) -> Self {
        let fragments = || record.templates.iter().flat_map(|template| &template.fragments);
        let templates = record.templates.iter().map(|template| Row {
            name: &template.name,
            took: took(template.took),
            bytes: bytes(template.bytes),
            fragments: &template.fragments,
        });
        Self {
            templates: templates.collect(),
            kept: fragments().filter(|(_, is_kept)| *is_kept).count(),
            fragments: fragments().count(),
        }
    }
}

impl Templates<'_> {
    /// Returns `2 fragments`.
    fn of_fragments(&self) -> String {
        count(self.fragments as u64, "fragment", "fragments")
    }
}

impl Panel for Templates<'_> {
    const TITLE: &'static str = "Templates";

    fn subtitle(&self) -> String {
        match self.templates.len() as u64 {
            0 => "none rendered".to_owned(),
            n => {
                format!("{n} rendered, {}", self.of_fragments())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toolbar::stories;

    #[test]
    fn fragments_are_counted_and_nothing_rendered_is_said() {
        let record = stories::miss();
        assert_eq!(Templates::new(&record).subtitle(), "1 rendered, 2 fragments");
        assert_eq!(Templates::new(&stories::hit()).subtitle(), "none rendered");
    }
}
