//! Reports whether the client for which something is built is still connected.
//!
//! - The server notes this for all that runs on behalf of a connection ([`Client::scope`]); no
//!   socket is asked here.
//! - A client that has closed its side may still be reading: its build continues, and only its lead
//!   over others is lost (`flight`).
//! - Without a note of the server, and for work on behalf of no client, the client never leaves.

use super::sync::{Signal, task_local};

task_local! {
    static CLIENT: Client;
}

/// The client of a connection. Clones are the same client.
#[derive(Debug, Clone, Default)]
pub struct Client(Signal);

impl Client {
    /// Returns the client on whose behalf this runs; outside of a scope, one that never leaves.
    pub fn current() -> Self {
        CLIENT.try_with(Clone::clone).unwrap_or_default()
    }

    /// Runs `work` on behalf of this client.
    pub async fn scope<W: Future>(&self, work: W) -> W::Output {
        CLIENT.scope(self.clone(), work).await
    }

    /// Records that the client has closed its side of the connection.
    pub fn leave(&self) {
        self.0.set();
    }

    /// Reports whether the client has closed its side.
    pub fn has_left(&self) -> bool {
        self.0.is_set()
    }

    /// Waits until the client has closed its side.
    pub async fn left(&self) {
        self.0.wait().await;
    }
}
