//! Policies: how long something may be kept, and what may be done when it cannot be made.
//!
//! - A policy bounds the memory of what nobody asks for; it is not what keeps entries right. That is
//!   done by the stamps.
//! - Serving what is known to be old, because its time is over or because its data has changed, is never
//!   the default: each way of it is asked for by name, is told as an event, and marks what is made from
//!   it, which is not kept.
//! - "After its end" counts from the end of the lifetime, also where the data has changed before.
//! - For ever is 68 years: what is longer is that long, and no moment is too late to be reckoned.
//! - Pages go by the lifetime only.

use std::time::Duration;

use super::random;

/// The longest time of a policy, 2^31 seconds, as in HTTP. RFC 9111 §1.2.2.
const LONGEST: Duration = Duration::from_secs(1 << 31);

/// How long an entry is fresh, and how useful it is afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    fresh_for: Duration,
    stale_if_error: Duration,
    stale_while_revalidate: Duration,
    refresh_before: Duration,
    retry_after: Duration,
    soft_timeout: Option<Duration>,
    hard_timeout: Option<Duration>,
    is_local: bool,
}

impl Policy {
    /// Kept for so long, unless what it was made from changes first; `Duration::MAX` for as long as that.
    ///
    /// Source: Django's `timeout`, of which `None` is for ever.
    pub const fn fresh_for(lifetime: Duration) -> Self {
        Self {
            fresh_for: bounded(lifetime),
            stale_if_error: Duration::ZERO,
            stale_while_revalidate: Duration::ZERO,
            refresh_before: Duration::ZERO,
            retry_after: Duration::ZERO,
            soft_timeout: None,
            hard_timeout: None,
            is_local: false,
        }
    }

    /// Keeps it in this process only: it is neither written to the shared store nor taken from it.
    ///
    /// For identities and permissions: the shared store is one more place from which they could be forged.
    pub const fn local_only(mut self) -> Self {
        self.is_local = true;
        self
    }

    /// For so long after its end the old entry is served where making a new one fails.
    ///
    /// Source: RFC 5861 §4.
    pub const fn stale_if_error(mut self, grace: Duration) -> Self {
        self.stale_if_error = bounded(grace);
        self
    }

    /// For so long after its end the old entry is served at once, and made anew meanwhile.
    ///
    /// Needs a load that outlives its caller: [`Cache::get_or_refresh`](super::Cache::get_or_refresh).
    ///
    /// Source: RFC 5861 §3.
    pub const fn stale_while_revalidate(mut self, grace: Duration) -> Self {
        self.stale_while_revalidate = bounded(grace);
        self
    }

    /// So long before its end it is made anew in the background, when somebody asks for it.
    ///
    /// Needs a load that outlives its caller: [`Cache::get_or_refresh`](super::Cache::get_or_refresh).
    pub const fn refresh_before(mut self, head_start: Duration) -> Self {
        self.refresh_before = bounded(head_start);
        self
    }

    /// For so long after a load has failed it is not tried again, while there is an entry that callers may
    /// have instead: a source in trouble is not asked by each of them.
    ///
    /// Needs a load that outlives its caller: [`Cache::get_or_refresh`](super::Cache::get_or_refresh).
    pub const fn retry_after(mut self, pause: Duration) -> Self {
        self.retry_after = bounded(pause);
        self
    }

    /// After so long a caller takes the old entry, if there is a useful one; the load goes on and what
    /// it brings is kept. Needs [`Cache::get_or_refresh`](super::Cache::get_or_refresh).
    pub const fn soft_timeout(mut self, patience: Duration) -> Self {
        self.soft_timeout = Some(patience);
        self
    }

    /// After so long a caller is told that it took too long; the load goes on and what it brings is
    /// kept. Needs [`Cache::get_or_refresh`](super::Cache::get_or_refresh).
    pub const fn hard_timeout(mut self, patience: Duration) -> Self {
        self.hard_timeout = Some(patience);
        self
    }

    /// The longest time an entry may be served as fresh.
    pub const fn lifetime(&self) -> Duration {
        self.fresh_for
    }

    /// Whether the shared store has nothing to do with it.
    pub(super) const fn is_local(&self) -> bool {
        self.is_local
    }

    /// How long after its end an entry may replace a failure.
    pub(super) const fn grace_on_error(&self) -> Duration {
        self.stale_if_error
    }

    /// How long after its end an entry may be served while it is made anew.
    pub(super) const fn grace_while_revalidating(&self) -> Duration {
        self.stale_while_revalidate
    }

    /// How long before its end it is made anew.
    pub(super) const fn head_start(&self) -> Duration {
        self.refresh_before
    }

    /// How long a load that has failed is not tried again.
    pub(super) const fn pause(&self) -> Duration {
        self.retry_after
    }

    /// How long a caller waits before it takes an old entry.
    pub(super) const fn patience_for_new(&self) -> Option<Duration> {
        self.soft_timeout
    }

    /// How long a caller waits at all.
    pub(super) const fn patience(&self) -> Option<Duration> {
        self.hard_timeout
    }

    /// The same, with up to a tenth of its lifetime taken off at random: what was made together does
    /// not end together.
    pub(super) fn jittered(mut self) -> Self {
        let chance = random::u64() % 1_000;
        self.fresh_for -= self.fresh_for / 10_000 * u32::try_from(chance).unwrap_or(0);
        self
    }
}

const fn bounded(time: Duration) -> Duration {
    if time.as_secs() < LONGEST.as_secs() { time } else { LONGEST }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_takes_off_at_most_a_tenth() {
        for lifetime in [Duration::from_secs(100), Duration::MAX] {
            let policy = Policy::fresh_for(lifetime);
            let lifetimes: Vec<_> = (0..100).map(|_| policy.jittered().lifetime()).collect();
            let range = policy.lifetime() / 10 * 9..=policy.lifetime();
            assert!(lifetimes.iter().all(|lifetime| range.contains(lifetime)));
            assert!(lifetimes.iter().any(|lifetime| *lifetime != lifetimes[0]));
        }
    }
}
