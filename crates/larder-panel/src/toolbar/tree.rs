//! Lookups as a tree: page ⊃ fragment ⊃ query.
//!
//! - A lookup during a build is a child of that build.
//! - A write is named as the cause of a miss only if that is certain: the stamp that the write left must be
//!   the stamp that the rebuilt entry depends on.

use std::time::SystemTime;

use super::node::{self, Known, Node};
use super::record::{Build, CacheNode, Level, Miss};
use crate::cache::{self, Key, Stamp, Tag, event};
use crate::request_id::RequestId;

/// Returns when this tag got this stamp, or when that was noticed, and from which request, if it is known.
pub type Mover<'m> = &'m dyn Fn(&Tag, Stamp) -> Option<(SystemTime, Option<RequestId>)>;

/// Returns the lookups as a tree, each below the build that needed it.
pub fn tree(nodes: &[Node], mover: Mover<'_>) -> Vec<CacheNode> {
    let parents: Vec<Option<usize>> = (0..nodes.len()).map(|at| parent(nodes, at)).collect();
    below(None, nodes, &parents, mover)
}

fn below(
    above: Option<usize>,
    nodes: &[Node],
    parents: &[Option<usize>],
    mover: Mover<'_>,
) -> Vec<CacheNode> {
    let places = (0..nodes.len()).filter(|at| parents[*at] == above);
    places.map(|at| branch(&nodes[at], below(Some(at), nodes, parents, mover), mover)).collect()
}

/// Returns the index of the build that caused the lookup `nodes[at]`.
///
/// A fragment whose data are loaded before it is built is reported after them.
fn parent(nodes: &[Node], at: usize) -> Option<usize> {
    let key = nodes[at].parent.as_ref()?;
    let is_it = |node: &Node| node.key == *key && node.making.is_some();
    let before = nodes[..at].iter().rposition(is_it);
    let is_fragment = |node: &Node| node.level == cache::Level::Fragment && is_it(node);
    let is_of_fragment = nodes[at].level == cache::Level::Query;
    let after = || nodes[at + 1..].iter().position(is_fragment).map(|place| at + 1 + place);
    before.or_else(|| is_of_fragment.then(after).flatten())
}

fn branch(node: &Node, children: Vec<CacheNode>, mover: Mover<'_>) -> CacheNode {
    let raw = node.kept_under.as_ref().unwrap_or(&node.key);
    let is_served = node.kept.is_none();
    let entry = node.entry.as_ref();
    let mut outcome = node::outcome(node);
    if let super::record::Outcome::Miss(Miss::Invalidated { tag, at, by }) = &mut outcome {
        let stamps = entry.map(|entry| entry.stamps.as_slice()).unwrap_or_default();
        let now = stamps.iter().find(|(known, _)| known.as_str() == tag.as_str());
        let known = now.and_then(|(known, stamp)| mover(known, *stamp));
        (*at, *by) = (known.map(|(at, _)| at), known.and_then(|(_, by)| by));
    }
    let waited = node.outcome == event::Outcome::Collapsed;
    CacheNode {
        level: match node.level {
            cache::Level::Page => Level::Page,
            cache::Level::Fragment => Level::Fragment,
            cache::Level::Query => Level::Query,
        },
        name: node.key.name().to_owned(),
        key: Key::parts_of(raw.as_str()),
        raw_key: raw.to_string(),
        outcome,
        store: node.store,
        at: node.at,
        took: node.took,
        making: node.making,
        waited: waited.then_some(node.took),
        behind: (node.behind != 0).then_some(RequestId(node.behind)),
        kept: node.kept.clone(),
        bytes: entry.map(|entry| entry.bytes),
        age: entry.filter(|_| is_served).map(|entry| entry.age),
        left: entry.map(|entry| entry.left),
        tags: entry.map(tags).unwrap_or_default(),
        saved: entry.filter(|_| is_served).map(build),
        children,
        trace: node.trace.clone(),
        caller: node.caller.map(|caller| format!("{}:{}", caller.file(), caller.line())),
    }
}

fn tags(entry: &Known) -> Vec<String> {
    entry.stamps.iter().map(|(tag, _)| tag.to_string()).collect()
}

/// Returns the cost of building the entry.
pub fn build(entry: &Known) -> Build {
    Build {
        queries: entry.cost.queries,
        took: entry.cost.took,
        at: entry.made,
        by: (entry.cost.by != 0).then_some(RequestId(entry.cost.by)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::cache::{Builder, InProcess, Policy};
    use crate::toolbar::record::Outcome;

    const TEA: Tag = Tag::named("tea");

    #[tokio::test]
    async fn a_lookup_during_a_build_is_its_child() {
        let versions = Arc::new(InProcess::new());
        let listener = Arc::new(crate::toolbar::recorder::Recorder);
        let cache = Builder::default().listener(listener).open(versions.clone());
        let policy = Policy::fresh_for(Duration::from_secs(60));
        let key = |name| Key::named(name).build();
        let ask = async || {
            let inner = async || {
                versions.reads(&[TEA]);
                Ok::<_, ()>(1)
            };
            let outer = async || cache.get_or_set(&key("inner"), &policy, inner).await.map(|n| *n);
            cache.get_or_set(&key("outer"), &policy, outer).await.unwrap();
            cache.get_or_set(&key("beside"), &policy, inner).await.unwrap();
        };
        let ((), recorded) = crate::toolbar::recorder::record(0, Instant::now(), ask()).await;
        let tree = tree(&recorded.nodes, &|_, _| None);
        let names: Vec<_> = tree.iter().map(|node| node.name.as_str()).collect();
        assert_eq!(names, ["outer", "beside"]);
        assert_eq!(tree[0].children[0].name, "inner");
        assert_eq!(tree[0].outcome, Outcome::Miss(Miss::Never));
        assert_eq!(tree[0].children[0].tags, ["!", "tea"]);

        versions.bump(&[TEA]);
        let ((), recorded) = crate::toolbar::recorder::record(0, Instant::now(), ask()).await;
        let (then, by) = (SystemTime::now(), RequestId::new());
        let mover =
            |tag: &Tag, stamp: Stamp| (*tag == TEA && stamp.count == 1).then_some((then, Some(by)));
        let tree = super::tree(&recorded.nodes, &mover);
        let expected = Miss::Invalidated { tag: "tea".into(), at: Some(then), by: Some(by) };
        assert_eq!(tree[0].outcome, Outcome::Miss(expected));
    }
}
