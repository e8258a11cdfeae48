//! The tree page ⊃ fragment ⊃ query, as steps that a template walks.
//!
//! - Templates cannot recurse, so the tree is flat, with explicit ends of its lists.
//! - Each list that begins ends.
//! - The tag *everything* is left out, since every entry depends on it.

use std::time::SystemTime;

use super::super::record::{CacheNode, Miss, Outcome, Record};
use super::banner::{ago, cost};
use super::timeline::Span;
use super::words;
use crate::figures::{bytes, lasts, took};
use crate::trace::Trace;

/// The tag *everything*; the names of reset tags end with it, too. See `cache::tag`.
const EVERYTHING: &str = "!";

/// A step through the tree.
pub enum Step<'a> {
    /// A node begins.
    Node(Box<Node<'a>>),
    /// The children of the node before follow.
    Inward,
    /// The children end.
    Outward,
    /// The node ends.
    End,
}

/// A lookup as it is shown.
pub struct Node<'a> {
    pub level: &'static str,
    pub name: &'a str,
    pub key: &'a [(String, String)],
    pub raw_key: &'a str,
    pub mark: &'static str,
    pub look: &'static str,
    pub why: String,
    /// When its tag was invalidated, and by which request.
    pub culprit: Option<(String, Option<String>)>,
    pub span: Span,
    pub took: String,
    pub facts: Vec<String>,
    pub tags: Vec<&'a str>,
    /// Those of them that staff can invalidate.
    pub movable: Vec<&'a str>,
    pub caller: Option<&'a str>,
    pub trace: Option<&'a Trace>,
    /// The request that it waited for.
    pub behind: Option<String>,
}

/// Returns all steps through what the cache did.
pub fn walk(record: &Record) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    for node in &record.cache {
        push(node, record, &mut steps);
    }
    steps
}

fn push<'a>(node: &'a CacheNode, record: &'a Record, steps: &mut Vec<Step<'a>>) {
    steps.push(Step::Node(Box::new(Node::new(node, record))));
    if !node.children.is_empty() {
        steps.push(Step::Inward);
        node.children.iter().for_each(|child| push(child, record, steps));
        steps.push(Step::Outward);
    }
    steps.push(Step::End);
}

impl<'a> Node<'a> {
    fn new(node: &'a CacheNode, record: &Record) -> Self {
        let (mark, look) = words::mark(&node.outcome);
        // Waiting is part of the lookup.
        let looking = node.took.max(node.waited.unwrap_or_default());
        let whole = looking + node.making.unwrap_or_default();
        Self {
            level: words::level(node.level),
            name: &node.name,
            key: &node.key,
            raw_key: &node.raw_key,
            mark,
            look,
            why: words::why(&node.outcome),
            culprit: culprit(node, record.began),
            span: Span::new(node.at, whole, record.time.wall),
            took: took(whole),
            facts: facts(node, record),
            tags: tags(node).collect(),
            movable: tags(node).filter(|tag| !tag.ends_with(EVERYTHING)).collect(),
            caller: node.caller.as_deref(),
            trace: node.trace.as_ref(),
            behind: node.behind.map(|id| id.to_string()),
        }
    }
}

fn culprit(node: &CacheNode, now: SystemTime) -> Option<(String, Option<String>)> {
    let Outcome::Miss(Miss::Invalidated { at, by, .. }) = &node.outcome else { return None };
    Some((ago((*at)?, now), by.map(|id| id.to_string())))
}

/// Returns the tags of a node without *everything*.
fn tags(node: &CacheNode) -> impl Iterator<Item = &str> {
    node.tags.iter().map(String::as_str).filter(|tag| *tag != EVERYTHING)
}

fn facts(node: &CacheNode, record: &Record) -> Vec<String> {
    let mut facts = vec![format!("lookup {}", took(node.took))];
    facts.extend(node.store.map(|store| format!("found in {}", words::store(store))));
    facts.extend(node.saved.map(|build| format!("saved {}", cost(build))));
    facts.extend(node.making.map(|making| format!("built in {}", took(making))));
    facts.extend(node.waited.map(|time| format!("waited {}", took(time))));
    let waits = record.waits.iter().filter(|wait| wait.for_key.as_ref() == Some(&node.raw_key));
    facts.extend(waits.map(|wait| format!("waited {} for a connection", took(wait.took))));
    match &node.kept {
        Some(Ok(size)) => facts.push(format!("stored {}", bytes(*size))),
        Some(Err(why)) => facts.push(format!("not stored: {}", words::rule(why))),
        None => facts.extend(node.bytes.map(bytes)),
    }
    facts.extend(node.age.map(|age| format!("{} old", lasts(age))));
    facts.extend(node.left.map(|left| format!("{} left", lasts(left))));
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toolbar::{record, stories};

    #[test]
    fn each_list_that_begins_ends() {
        for record in stories::all() {
            let mut open = (0, 0);
            for step in walk(&record) {
                match step {
                    Step::Node(_) => open.0 += 1,
                    Step::End => open.0 -= 1,
                    Step::Inward => open.1 += 1,
                    Step::Outward => open.1 -= 1,
                }
                assert!(open.0 >= 0 && open.1 >= 0);
            }
            assert_eq!(open, (0, 0));
        }
    }

    #[test]
    fn the_tag_everything_is_left_out() {
        let mut record = stories::miss();
        record.cache[0].tags = ["!", "posts!", "posts"].map(str::to_owned).to_vec();
        let Step::Node(node) = &walk(&record)[0] else { panic!("a node comes first") };
        assert_eq!(node.tags, ["posts!", "posts"]);
        assert_eq!(node.movable, ["posts"]);
    }

    #[test]
    fn a_wait_for_a_connection_stands_at_the_entry_that_was_built() {
        let mut record = stories::miss();
        let (pool, took) = ("reader", std::time::Duration::from_millis(7));
        let for_key = Some(record.cache[0].raw_key.clone());
        record.waits.push(record::Wait { pool, at: took, took, for_key });
        let told = walk(&record).into_iter().filter_map(|step| match step {
            Step::Node(node) => Some(node.facts.join(", ").matches("waited 7.0 ms for a").count()),
            _ => None,
        });
        assert_eq!(told.sum::<usize>(), 1);
    }

    #[test]
    fn waiting_is_part_of_the_lookup() {
        let mut record = stories::hit();
        record.cache[0].waited = Some(record.cache[0].took);
        record.cache[0].behind = Some(record.id);
        let Step::Node(node) = &walk(&record)[0] else { panic!("a node comes first") };
        assert_eq!(node.took, took(record.cache[0].took));
        assert_eq!(node.behind, Some(record.id.to_string()));
    }
}
