//! A request that is being answered, and the observations of it.

use std::time::{Duration, Instant, SystemTime};

use super::incoming::Incoming;
use super::recorder::Recorded;
use crate::cache::meter::Spent;
use crate::moves::Move;
use crate::rendered::Rendered;
use crate::request_id::RequestId;
use crate::sql::Logged;

/// A request that is being answered.
pub struct Watched {
    pub id: RequestId,
    /// `None` if it has no row in the history.
    pub incoming: Option<Incoming>,
    pub began: SystemTime,
    pub started: Instant,
    /// The time that the toolbar has taken so far.
    pub own: Duration,
}

/// The observations of a request.
pub struct Seen {
    pub recorded: Recorded,
    pub logged: Logged,
    pub spent: Spent,
    pub rendered: Vec<Rendered>,
    pub moved: Vec<Move>,
    /// Processor time of the request's own task.
    pub processor: Duration,
    pub wall: Duration,
}
