//! One server: its connections, and the breaker that counts its failures.

use std::sync::Arc;

use deadpool_redis::redis::{RedisResult, Value};
use tokio::time::{Instant, timeout};

use super::{
    StoreError,
    lane::{self, Lane, Link},
    message::Request,
    pool::Limits,
    refusal,
    source::Source,
};
use crate::store::breaker::{Breaker, Permit};

/// A server to which requests are sent on the lane of the thread.
pub(super) struct Server {
    source: Source,
    lanes: Box<[Lane]>,
    breaker: Breaker,
    limits: Limits,
}

/// What a server answered, which may be a refusal. The error is that there was no answer.
pub(super) type Answer = Result<RedisResult<Value>, StoreError>;

impl Server {
    pub(super) fn new(source: Source, limits: Limits) -> Self {
        let lanes = (0..limits.lanes).map(|_| Lane::default()).collect();
        Self { source, lanes, breaker: Breaker::default(), limits }
    }

    /// Sends a request.
    pub(super) async fn send(&self, request: Request<'_>) -> Answer {
        let admitted = self.breaker.admit();
        let permit = admitted.map_err(|retry_in| StoreError::Paused { retry_in })?;
        let allowed = request.until.saturating_duration_since(Instant::now());
        let lane = &self.lanes[lane::of_this_thread(self.lanes.len())];
        let mut used = None;
        let answer = match timeout(allowed, self.send_on(lane, request, &mut used)).await {
            Ok(answer) => answer,
            Err(_) => Err(StoreError::Timeout { after: allowed }),
        };
        if let (true, Some(link)) = (self.is_silence(&answer), &used) {
            // A slow connection and a dead one look alike from here: the next call opens a new one.
            lane.discard(link);
        }
        self.conclude(permit, &answer);
        answer
    }

    pub(super) fn is_paused(&self) -> bool {
        self.breaker.is_open()
    }

    /// Closes the connections; later requests are refused.
    pub(super) fn close(&self) {
        self.source.close();
        for lane in &self.lanes {
            lane.close();
        }
    }

    /// Sends a request, a second time if the open connection was dead and the request permits it.
    ///
    /// The connection is written to `used`, so that the caller has it even after a timeout.
    async fn send_on(
        &self,
        lane: &Lane,
        request: Request<'_>,
        used: &mut Option<Arc<Link>>,
    ) -> Answer {
        loop {
            let is_first = used.is_none();
            let (link, was_open) = lane
                .link(&self.source)
                .await
                .map_err(|error| refusal::of_pool(error, self.limits.timeout))?;
            let link = used.insert(link);
            let error = match request.send(link.handle()).await {
                Err(error) if refusal::is_outage(&error) => error,
                answer => return Ok(answer),
            };
            lane.discard(link);
            let may_repeat = is_first && was_open && request.is_repeatable;
            if !(may_repeat && refusal::is_stale(&error)) {
                return Err(refusal::of_command(error, self.limits.timeout));
            }
        }
    }

    /// Reports whether the server had time to answer and did not.
    ///
    /// A timeout cut to less than half by the request's budget is no evidence against the server.
    fn is_silence(&self, answer: &Answer) -> bool {
        let limit = self.limits.timeout;
        matches!(answer, Err(StoreError::Timeout { after }) if *after * 2 >= limit)
    }

    fn conclude(&self, permit: Permit<'_>, answer: &Answer) {
        match answer {
            Err(StoreError::Timeout { .. }) if !self.is_silence(answer) => drop(permit),
            Err(StoreError::Closed) => drop(permit),
            Err(error) if error.is_outage() => permit.failed(),
            _ => permit.succeeded(),
        }
    }
}
