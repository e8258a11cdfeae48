//! Records which tags the writes of a request have invalidated, for an observer.
//!
//! - Stamps are compared within the transaction that writes, and only while there is an observer.

use std::cell::RefCell;
use std::collections::HashSet;

use diesel::QueryResult;
use larder_cache::stamps::Stamps;
use larder_cache::{Stamp, Tag};

use crate::db::{Conn, log};
use crate::driver::now;
use crate::stamps::{self, Schema};

/// A tag that was invalidated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The tag.
    pub tag: Tag,
    /// Its stamp before.
    pub from: Stamp,
    /// Its stamp now.
    pub to: Stamp,
}

tokio::task_local! {
    static CURRENT: RefCell<Vec<Move>>;
}

/// Runs `work` and returns the tags that its writes invalidated, in order.
pub async fn observe<T>(work: impl Future<Output = T>) -> (T, Vec<Move>) {
    CURRENT
        .scope(RefCell::default(), async {
            let done = work.await;
            (done, CURRENT.with(RefCell::take))
        })
        .await
}

/// Reports whether there is an observer.
pub(super) fn is_observed() -> bool {
    CURRENT.try_with(|_| ()).is_ok()
}

/// Hands the invalidated tags to the observer, if there is one.
pub(super) fn tell(moves: Vec<Move>) {
    let _ = CURRENT.try_with(|current| current.borrow_mut().extend(moves));
}

/// Runs `work`, a part of a transaction that writes, and finds out which tags it invalidates.
pub(super) fn within<T>(
    conn: &mut Conn,
    work: impl FnOnce(&mut Conn) -> QueryResult<T>,
) -> QueryResult<(T, Vec<Move>)> {
    let before = log::without_logging(|| now(stamps::all(conn, Schema::default())))?;
    let done = work(conn)?;
    let after = log::without_logging(|| now(stamps::all(conn, Schema::default())))?;
    Ok((done, between(&before, &after)))
}

/// Returns the tags whose stamps differ, without the tag that changes with all others.
fn between(before: &Stamps, after: &Stamps) -> Vec<Move> {
    let tags: HashSet<&Tag> = before.stamps().chain(after.stamps()).map(|(tag, _)| tag).collect();
    let moves = tags.into_iter().filter(|tag| **tag != Tag::ANY).filter_map(|tag| {
        let (from, to) = (before.stamp(tag), after.stamp(tag));
        (from != to).then(|| Move { tag: tag.clone(), from, to })
    });
    let mut moves: Vec<Move> = moves.collect();
    moves.sort_by(|one, other| one.tag.cmp(&other.tag));
    moves
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_another_stamp_has_moved() {
        let stamp = |count| Stamp { count, nonce: count };
        let named = |name| Tag::named(name);
        let before =
            Stamps::new([(Tag::ANY, stamp(2)), (named("a"), stamp(1)), (named("b"), stamp(1))]);
        let after = Stamps::new([
            (Tag::ANY, stamp(4)),
            (named("a"), stamp(1)),
            (named("b"), stamp(2)),
            (named("c"), stamp(1)),
        ]);
        let moved = between(&before, &after);
        let tags: Vec<_> = moved.iter().map(|moved| moved.tag.as_str()).collect();
        assert_eq!(tags, ["b", "c"]);
        assert_eq!((moved[1].from, moved[1].to), (Stamp::NONE, stamp(1)));
    }

    #[tokio::test]
    async fn outside_of_an_observer_nothing_is_recorded() {
        assert!(!is_observed());
        let ((), moves) = observe(async { assert!(is_observed()) }).await;
        assert_eq!(moves, []);
    }
}
