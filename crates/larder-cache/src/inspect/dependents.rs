//! Counts the dependents of tags: how many entries a write makes stale.

use std::sync::Arc;

use crate::entry::Entry;
use crate::tag::{Stamp, Tag};

/// Counts the entries that depend on each tag at this stamp: pages, fragments, queries.
pub(super) fn count(
    entries: impl Iterator<Item = Arc<Entry>>,
    tags: &[(Tag, Stamp)],
) -> Vec<[u64; 3]> {
    let mut counts = vec![[0; 3]; tags.len()];
    for entry in entries {
        let level = entry.level() as usize;
        for (place, tag) in tags.iter().enumerate() {
            counts[place][level] += u64::from(entry.stamps().contains(tag));
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::dependencies::Dependencies;
    use crate::level::Level;
    use crate::policy::Policy;

    #[test]
    fn a_dependent_has_the_tag_at_that_stamp() {
        let stamp = |count| Stamp { count, nonce: count };
        let entry = |count| {
            let mut dependencies = Dependencies::default();
            dependencies.add(Tag::named("tea"), stamp(count));
            let policy = Policy::fresh_for(Duration::from_secs(60));
            Arc::new(Entry::new(Level::Query, Arc::new(1), dependencies, &policy, 1))
        };
        let entries = [entry(1), entry(1), entry(2)];
        let tags = [(Tag::named("tea"), stamp(1)), (Tag::named("milk"), stamp(1))];
        assert_eq!(count(entries.into_iter(), &tags), [[0, 0, 2], [0, 0, 0]]);
    }
}
