//! Finds what a caller wants, or makes the caller the one that builds it: for pages, fragments, queries and
//! values.
//!
//! - The order is: look it up; take a turn among those who want it; wait for the one that builds it; look again.
//! - One caller builds a key at a time, and leads the others ([`flight`](crate::flight)).
//! - What is built after a failed or unstorable build is built by each waiter for itself: taking turns would
//!   only repeat the failure one by one.
//!
//! Not here: the shared tier, which the caller that builds looks at first, and the build itself.

use std::hash::Hash;

use crate::flight::{Landing, Leader, Turn};
use crate::lineage::Circle;

/// The result of a lookup.
pub(crate) enum Look<A, M> {
    /// It is there.
    There(A),
    /// It is to be built by this caller, even if another builds it.
    Alone(M),
    /// It is not there.
    Missing(M),
}

/// What a caller has to do.
pub(crate) enum Found<A, M, K: Eq + Hash, L> {
    /// Nothing: the lookup or another caller's build brought it.
    Answer(A),
    /// Build it, leading the others if there is a leader.
    Build(M, Option<Leader<K, L>>),
    /// Build it or refuse: too many wait for it already.
    Full(M),
    /// Fail: it is being built by this very caller.
    Circle(Circle, M),
}

/// Something that a caller wants, and how it is looked up.
///
/// `Answer` is what the caller gets, `Missed` what a lookup learned that found nothing.
pub(crate) trait Wanted {
    type Key: Eq + Hash;
    type Load: Clone;
    type Answer;
    type Missed;

    /// Looks it up where that costs little.
    async fn look(&self) -> Look<Self::Answer, Self::Missed>;

    /// Takes a turn among those who want it.
    fn turn(&self, missed: &Self::Missed) -> Turn<Self::Key, Self::Load>;

    /// Reports whether a lookup would find something else by now.
    fn is_outdated(&self, missed: &Self::Missed) -> bool;

    /// Returns the answer from what another caller has built, unless it is too old for this one.
    async fn landed(
        &self,
        missed: &Self::Missed,
        load: Self::Load,
        behind: u64,
    ) -> Option<Self::Answer>;

    /// Returns the answer after another caller's build failed, if there is one without building.
    async fn failed(&self, missed: &Self::Missed) -> Option<Self::Answer>;
}

/// Finds what is wanted, or returns what the caller has to do.
///
/// # Cancellation
/// Only this caller is affected; a leader that is dropped makes a waiter lead.
pub(crate) async fn find<W: Wanted>(wanted: &W) -> Found<W::Answer, W::Missed, W::Key, W::Load> {
    loop {
        let missed = match wanted.look().await {
            Look::There(answer) => return Found::Answer(answer),
            Look::Alone(missed) => return Found::Build(missed, None),
            Look::Missing(missed) => missed,
        };
        let ticket = match wanted.turn(&missed) {
            // Another caller landed between this lookup and this turn. Dropped, the leader makes those that
            // wait for it look again, too.
            Turn::Lead(_) if wanted.is_outdated(&missed) => continue,
            Turn::Lead(leader) => return Found::Build(missed, Some(leader)),
            // The caller that builds it waits for something of this one: to wait would be for ever.
            Turn::Alone => return Found::Build(missed, None),
            Turn::Full => return Found::Full(missed),
            Turn::Circle(circle) => return Found::Circle(circle, missed),
            Turn::Wait(ticket) => ticket,
        };
        let behind = ticket.behind();
        let answer = match ticket.arrive().await {
            Landing::Entry(load) => match wanted.landed(&missed, load, behind).await {
                Some(answer) => Some(answer),
                // It was built from older data than this caller may be given.
                None => continue,
            },
            Landing::Failed => wanted.failed(&missed).await,
            Landing::Nothing => None,
            // However often: if all that wait built it then, each slow page would end in a stampede.
            Landing::Lost => continue,
        };
        return match answer {
            Some(answer) => Found::Answer(answer),
            None => Found::Build(missed, None),
        };
    }
}
