//! Every table, key and lifetime of the accounts.
//!
//! Who has signed in is asked on each of their requests, so it is kept as any query is: until the table of
//! sessions changes, by any writer. A sign-out counts at once, everywhere. It is kept in this
//! process only: an identity is never taken from a store to which others can write.

use std::time::Duration;

use super::model::Secret;
use crate::cache::key::Key;
use crate::cache::policy::Policy;
use crate::site::digest;
use crate::versions::Table;

/// Who may sign in.
pub const ACCOUNTS: Table = Table::named("accounts");

/// Who has.
pub const SESSIONS: Table = Table::named("sessions");

/// Which programs act for them.
pub const TOKENS: Table = Table::named("tokens");

/// A browser stays signed in for so long. Django: `SESSION_COOKIE_AGE`.
pub const SESSION_AGE: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// Whose a session or token is. That it is nobody's is not kept: strangers choose what they show.
pub const KNOWN: Policy = Policy::fresh_for(Duration::from_secs(60 * 60)).local_only();

/// The key of a session.
pub fn session(shown: &Secret) -> Key {
    Key::named("accounts.session").part("of", named(shown)).build()
}

/// The key of a token.
pub fn token(shown: &Secret) -> Key {
    Key::named("accounts.token").part("of", named(shown)).build()
}

/// By what it is named in keys, which people are shown: not by the digest that the database has.
fn named(shown: &Secret) -> String {
    digest::of(["accounts.key", &shown.digest()])
}
