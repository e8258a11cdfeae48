//! Changes of stamps that no request of this process is known to have made: when they were noticed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use crate::cache::stamps::Stamps;
use crate::cache::{Stamp, Tag};

/// Most changes that are remembered.
const MOST: usize = 1_000;

/// The stamps that were seen last, and how they came about.
#[derive(Debug, Default)]
pub struct Noticed(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    stamps: Option<Arc<Stamps>>,
    /// The newest first.
    changes: VecDeque<(Tag, Stamp, SystemTime)>,
}

impl Noticed {
    /// Compares the current stamps with those that were seen last.
    pub fn notice(&self, current: &Arc<Stamps>) {
        let mut seen = self.0.lock().unwrap();
        let seen = &mut *seen;
        let last = seen.stamps.replace(current.clone());
        let Some(last) = last.filter(|last| last.id() != current.id()) else { return };
        let now = SystemTime::now();
        let changed = current.stamps().filter(|(tag, stamp)| last.stamp(tag) != *stamp);
        changed.for_each(|(tag, stamp)| seen.changes.push_front((tag.clone(), stamp, now)));
        seen.changes.truncate(MOST);
    }

    /// Returns when it was noticed that this tag has this stamp.
    pub fn at(&self, tag: &Tag, stamp: Stamp) -> Option<SystemTime> {
        let seen = self.0.lock().unwrap();
        let mut changes = seen.changes.iter();
        changes.find(|(known, to, _)| known == tag && *to == stamp).map(|(_, _, at)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_noticed_once() {
        let noticed = Noticed::default();
        let stamps = |count| {
            let stamp = Stamp { count, nonce: count };
            Arc::new(Stamps::new([(Tag::ANY, stamp), (Tag::named("tea"), stamp)]))
        };
        let tea = |count| noticed.at(&Tag::named("tea"), Stamp { count, nonce: count });
        noticed.notice(&stamps(1));
        assert_eq!(tea(1), None, "it was so before the first look");
        noticed.notice(&stamps(2));
        let at = tea(2).expect("it was noticed");
        noticed.notice(&stamps(2));
        assert_eq!((tea(2), tea(3)), (Some(at), None));
    }
}
