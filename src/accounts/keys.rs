//! Every table, key and lifetime of the accounts.
//!
//! The identity of a session is read on each of its requests, so it is cached like any query: until any
//! program changes the table of sessions. A sign-out therefore counts at once, in every instance. The entry
//! stays in the local tier: an identity is never read from a store that other programs can write to.

use std::time::Duration;

use super::model::Secret;
use crate::cache::{Key, Policy};
use crate::site::digest;
use crate::sql::Table;

/// The table of accounts.
pub const ACCOUNTS: Table = Table::named("accounts");

/// The table of sessions, one for each signed-in browser.
pub const SESSIONS: Table = Table::named("sessions");

/// The table of tokens, by which programs act for an account.
pub const TOKENS: Table = Table::named("tokens");

/// How long a browser stays signed in after its last use. Django: `SESSION_COOKIE_AGE`.
pub const SESSION_AGE: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// How long a browser stays signed in at most, however much it is used.
pub const LONGEST_SESSION: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// How much later a session has to end for a write of its new end.
pub const EXTENDED_BY: Duration = Duration::from_secs(24 * 60 * 60);

/// The policy for the identity of a session or a token.
///
/// Unknown secrets are not cached: clients could fill the cache with made-up ones.
pub const KNOWN: Policy = Policy::fresh_for(Duration::from_secs(60 * 60)).local_only();

/// Returns the key of a session.
pub fn session(shown: &Secret) -> Key {
    Key::named("accounts.session").part("of", named(shown)).build()
}

/// Returns the key of a token.
pub fn token(shown: &Secret) -> Key {
    Key::named("accounts.token").part("of", named(shown)).build()
}

/// Hashes the stored digest once more: people see keys, but must not see that digest.
fn named(shown: &Secret) -> String {
    digest::of(["accounts.key", &shown.digest()])
}
