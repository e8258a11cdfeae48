//! Policies: how long an entry is fresh, and what may be served when it cannot be rebuilt.
//!
//! - The stamps keep entries right, not the lifetime: that only bounds the memory of entries that
//!   are no longer requested.
//! - Serving an old entry, because its lifetime is over or its data has changed, is never the
//!   default. Each way is chosen by name and reported as an event. Everything built from an old
//!   entry is marked, and not stored.
//! - The periods "after its end" count from the end of the lifetime, even if the data changed
//!   before that.
//! - Every duration is capped at 68 years, so that no moment is too late to compute.

use std::time::Duration;

use super::random;

/// The longest duration of a policy: 2^31 seconds, as in HTTP. RFC 9111 §1.2.2.
const LONGEST: Duration = Duration::from_secs(1 << 31);

/// How long an entry is fresh, and how it may be used afterwards.
///
/// ```
/// use std::time::Duration;
///
/// use larder_cache::Policy;
///
/// const RATES: Policy = Policy::fresh_for(Duration::from_secs(60))
///     .stale_if_error(Duration::from_secs(3600))
///     .local_only();
/// ```
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
    is_exact: bool,
}

impl Policy {
    /// Creates a policy: entries are fresh for `lifetime`, unless their data changes first.
    ///
    /// `Duration::MAX` means that only a change of the data ends them. Source: Django's `timeout`,
    /// where `None` is for ever.
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
            is_exact: false,
        }
    }

    /// Stores entries in this process only: the shared store is neither written nor read.
    ///
    /// This is for identities and permissions, since they could be forged in the shared store.
    pub const fn local_only(mut self) -> Self {
        self.is_local = true;
        self
    }

    /// Serves the old entry for `grace` after its end if building a new one fails.
    ///
    /// Source: RFC 5861 §4.
    pub const fn stale_if_error(mut self, grace: Duration) -> Self {
        self.stale_if_error = bounded(grace);
        self
    }

    /// Serves the old entry at once for `grace` after its end, and rebuilds it meanwhile.
    ///
    /// This needs a load that outlives its caller:
    /// [`Cache::get_or_refresh`](super::Cache::get_or_refresh).
    ///
    /// Source: RFC 5861 §3.
    pub const fn stale_while_revalidate(mut self, grace: Duration) -> Self {
        self.stale_while_revalidate = bounded(grace);
        self
    }

    /// Rebuilds an entry in the background if it is requested within `head_start` of its end.
    ///
    /// This needs a load that outlives its caller:
    /// [`Cache::get_or_refresh`](super::Cache::get_or_refresh).
    pub const fn refresh_before(mut self, head_start: Duration) -> Self {
        self.refresh_before = bounded(head_start);
        self
    }

    /// Does not repeat a failed load for `pause`, while there is an old entry that may be served.
    ///
    /// So a failing source is not asked once per caller. This needs a load that outlives its
    /// caller: [`Cache::get_or_refresh`](super::Cache::get_or_refresh).
    pub const fn retry_after(mut self, pause: Duration) -> Self {
        self.retry_after = bounded(pause);
        self
    }

    /// Serves the old entry, if it is still useful, to a caller that has waited for `patience`.
    ///
    /// The load continues, and its result is stored. This needs
    /// [`Cache::get_or_refresh`](super::Cache::get_or_refresh).
    pub const fn soft_timeout(mut self, patience: Duration) -> Self {
        self.soft_timeout = Some(patience);
        self
    }

    /// Returns a timeout error to a caller that has waited for `patience`.
    ///
    /// The load continues, and its result is stored. This needs
    /// [`Cache::get_or_refresh`](super::Cache::get_or_refresh).
    pub const fn hard_timeout(mut self, patience: Duration) -> Self {
        self.hard_timeout = Some(patience);
        self
    }

    /// Returns the longest time that an entry may be served as fresh.
    pub const fn lifetime(&self) -> Duration {
        self.fresh_for
    }

    /// Reports whether entries stay in this process.
    pub(super) const fn is_local(&self) -> bool {
        self.is_local
    }

    /// Returns how long after its end an entry may be served if a load fails.
    pub(super) const fn grace_on_error(&self) -> Duration {
        self.stale_if_error
    }

    /// Returns how long after its end an entry may be served while it is rebuilt.
    pub(super) const fn grace_while_revalidating(&self) -> Duration {
        self.stale_while_revalidate
    }

    /// Returns how long before its end an entry is rebuilt.
    pub(super) const fn head_start(&self) -> Duration {
        self.refresh_before
    }

    /// Returns how long a failed load is not repeated.
    pub(super) const fn pause(&self) -> Duration {
        self.retry_after
    }

    /// Returns how long a caller waits before it takes an old entry.
    pub(super) const fn patience_for_new(&self) -> Option<Duration> {
        self.soft_timeout
    }

    /// Returns how long a caller waits at most.
    pub(super) const fn patience(&self) -> Option<Duration> {
        self.hard_timeout
    }

    /// Takes no jitter off the lifetime, since it includes a window for stale answers.
    #[cfg(feature = "actix")]
    pub(super) const fn exact(mut self) -> Self {
        self.is_exact = true;
        self
    }

    /// Takes up to a tenth off the lifetime at random: entries built together expire separately.
    pub(super) fn jittered(mut self) -> Self {
        if self.is_exact {
            return self;
        }
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
