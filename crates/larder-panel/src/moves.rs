//! The tags that the writes of a request have invalidated.

use crate::cache::{Stamp, Tag};

/// A tag that was invalidated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Move {
    pub tag: Tag,
    /// Its stamp before.
    pub from: Stamp,
    /// Its stamp now.
    pub to: Stamp,
}

/// Runs `work` and returns the tags that its writes invalidated, in order.
#[cfg(feature = "sql")]
pub(crate) async fn observe<T>(work: impl Future<Output = T>) -> (T, Vec<Move>) {
    let (done, moves) = larder_sql::moves::observe(work).await;
    let moves =
        moves.into_iter().map(|moved| Move { tag: moved.tag, from: moved.from, to: moved.to });
    (done, moves.collect())
}

/// Runs `work`. Without a database no writes are observed.
#[cfg(not(feature = "sql"))]
pub(crate) async fn observe<T>(work: impl Future<Output = T>) -> (T, Vec<Move>) {
    (work.await, Vec::new())
}
