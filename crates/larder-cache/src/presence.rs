//! Whether the client is still there on whose behalf something is made.
//!
//! - The server says so, for all that runs on behalf of a connection ([`Client::scope`]); nothing here asks
//!   a socket.
//! - A client that has closed its side may still be reading: what is made for it goes on, and only its lead
//!   over others is lost ([`super::flight`]).
//! - Where the server says nothing, and for what runs on behalf of no client, the client never leaves.

use super::sync::{Signal, task_local};

task_local! {
    static CLIENT: Client;
}

/// The client of a connection. Clones are the same client.
#[derive(Debug, Clone, Default)]
pub struct Client(Signal);

impl Client {
    /// Runs `work` on behalf of this client.
    pub async fn scope<W: Future>(&self, work: W) -> W::Output {
        CLIENT.scope(self.clone(), work).await
    }

    /// Notes that it has closed its side of the connection.
    pub fn leave(&self) {
        self.0.set();
    }

    /// Whether it has.
    pub fn has_left(&self) -> bool {
        self.0.is_set()
    }

    /// Comes when it has.
    pub async fn left(&self) {
        self.0.wait().await;
    }
}

/// The client on whose behalf this runs; outside of a scope one that never leaves.
pub(super) fn current() -> Client {
    CLIENT.try_with(Clone::clone).unwrap_or_default()
}
