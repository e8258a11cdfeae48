//! The cache keys and lifetimes of the supplier.
//!
//! The prices depend on no table, so only time makes them stale.

use std::time::Duration;

use crate::cache::{Key, Policy};

/// How long a visitor waits for new prices while old ones are stored.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long a visitor waits while no prices are stored.
const PATIENCE_AT_FIRST: Duration = Duration::from_secs(5);

/// The pause after a failed call, but at most a fifth of the freshness lifetime.
const PAUSE: Duration = Duration::from_secs(10);

/// How long stale prices are served while the upstream fails.
const USEFUL: Duration = Duration::from_secs(24 * 60 * 60);

/// Returns the policy of the prices: fresh for `lifetime`, refreshed in its last fifth.
pub fn prices_policy(lifetime: Duration) -> Policy {
    Policy::fresh_for(lifetime)
        .refresh_before(lifetime / 5)
        .stale_if_error(USEFUL)
        .retry_after(PAUSE.min(lifetime / 5))
        .soft_timeout(PATIENCE)
        .hard_timeout(PATIENCE_AT_FIRST)
}

/// Returns the key of the prices from the upstream with this name.
pub fn prices(name: &str) -> Key {
    Key::named("supplier.prices").part("from", name).build()
}
