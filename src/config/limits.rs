//! Settings of the time that clients have, and of the connections.

use std::num::NonZeroU32;
use std::time::Duration;

use clap::Args;

use crate::site::connection::Limits;
use crate::site::form::Deadlines;

/// How long an idle connection stays open between two requests; browsers reuse it.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// The time limit from the first byte of a request, or from the connection on for its first, to the end of its head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Default limits in seconds: first byte of a body, whole body, client reads some of its response.
const TIMEOUTS: [u64; 3] = [10, 30, 30];

/// Time limits for clients, and the limit on connections.
#[derive(Debug, Clone, Args)]
pub struct LimitsConfig {
    /// Time limit for a body's first byte, in seconds, 1 to 3600; after it the client gets 408.
    #[arg(long, env = "LARDER_BODY_START_TIMEOUT", value_name = "SECONDS", default_value_t = TIMEOUTS[0], value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub body_start_timeout: u64,

    /// Time limit for a request's whole body, in seconds, 1 to 3600; after it the client gets 408.
    #[arg(long, env = "LARDER_BODY_TIMEOUT", value_name = "SECONDS", default_value_t = TIMEOUTS[1], value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub body_timeout: u64,

    /// How long a client may read nothing of its response, in seconds, 1 to 3600.
    ///
    /// After it the connection is closed. Work for a client that has disconnected also ends after
    /// this time.
    #[arg(long, env = "LARDER_WRITE_TIMEOUT", value_name = "SECONDS", default_value_t = TIMEOUTS[2], value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub write_timeout: u64,

    /// Maximum number of open connections; further ones wait. The default is 5000.
    ///
    /// The process's limit on open files lowers it.
    #[arg(long, env = "LARDER_MAX_CONNECTIONS", value_name = "N")]
    pub max_connections: Option<NonZeroU32>,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        let [body_start_timeout, body_timeout, write_timeout] = TIMEOUTS;
        Self { body_start_timeout, body_timeout, write_timeout, max_connections: None }
    }
}

impl LimitsConfig {
    /// Returns the time limits for request bodies.
    pub fn bodies(&self) -> Deadlines {
        let [first, whole] = [self.body_start_timeout, self.body_timeout].map(Duration::from_secs);
        Deadlines { first, whole }
    }

    /// Returns the other time limits of a connection.
    pub fn connections(&self) -> Limits {
        let write = Duration::from_secs(self.write_timeout);
        Limits { head: HEAD_TIMEOUT, write, idle: KEEP_ALIVE }
    }
}
