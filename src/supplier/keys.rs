//! Every key and lifetime of the supplier.
//!
//! No table tells when its prices change, so time is all there is to go by.

use std::time::Duration;

use crate::cache::key::Key;
use crate::cache::policy::Policy;

/// A visitor waits so long for new prices where there are old ones.
const PATIENCE: Duration = Duration::from_secs(1);

/// And so long where there are none.
const PATIENCE_AT_FIRST: Duration = Duration::from_secs(5);

/// An upstream in trouble is left alone for so long, or for a fifth of the time that prices are fresh for.
const PAUSE: Duration = Duration::from_secs(10);

/// Old prices are better than none for so long.
const USEFUL: Duration = Duration::from_secs(24 * 60 * 60);

/// The prices: fresh for `lifetime`, fetched again in its last fifth.
pub fn prices_policy(lifetime: Duration) -> Policy {
    Policy::fresh_for(lifetime)
        .refresh_before(lifetime / 5)
        .stale_if_error(USEFUL)
        .retry_after(PAUSE.min(lifetime / 5))
        .soft_timeout(PATIENCE)
        .hard_timeout(PATIENCE_AT_FIRST)
}

/// The key of the prices of the supplier of this name.
pub fn prices(name: &str) -> Key {
    Key::named("supplier.prices").part("from", name).build()
}
