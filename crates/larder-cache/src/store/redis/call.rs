//! Calls to Redis: bounded in time, counted by the breaker, sent on the lane of the thread.
//!
//! - *ask*: the command is sent again if the open connection turns out to be dead (the server was
//!   restarted).
//! - *tell*: the command is sent once, since the server may have executed it before the failure.

use std::{fmt, sync::Arc, time::Duration};

use deadpool_redis::redis::{
    Cmd, FromRedisValue, Pipeline, RedisResult, ScriptInvocation, Value,
    aio::MultiplexedConnection, from_redis_value,
};
use tokio::time::timeout;

use super::{
    RedisConfig, StoreError,
    lane::{self, Lane, Link},
    refusal,
    source::Source,
};
use crate::{
    meter,
    store::{
        breaker::{Breaker, Permit},
        budget,
    },
};

/// Sends calls to the server.
pub(super) struct Caller {
    source: Source,
    lanes: Box<[Lane]>,
    breaker: Breaker,
    timeout: Duration,
}

/// What one round trip sends.
enum Message<'a> {
    Command(&'a Cmd),
    Commands(&'a Pipeline),
    Script(&'a ScriptInvocation<'a>),
}

/// Whether a message may be sent twice.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sent {
    Once,
    AgainIfStale,
}

impl Caller {
    pub(super) fn open(config: &RedisConfig) -> Result<Self, &'static str> {
        let lanes = config.connections.max(1);
        Ok(Self {
            source: Source::open(config, lanes)?,
            lanes: (0..lanes).map(|_| Lane::default()).collect(),
            breaker: Breaker::default(),
            timeout: config.timeout,
        })
    }

    /// Sends a command that may be sent twice.
    pub(super) async fn ask<T: FromRedisValue>(&self, command: &mut Cmd) -> Result<T, StoreError> {
        let message = Message::Command(command);
        read(self.call(message, Sent::AgainIfStale).await?)
    }

    /// Sends commands that may be sent twice, in one round trip, and returns a result for each.
    pub(super) async fn ask_all(
        &self,
        commands: impl Iterator<Item = Cmd>,
    ) -> Result<Vec<Result<(), StoreError>>, StoreError> {
        let mut pipeline = Pipeline::new();
        pipeline.ignore_errors();
        for command in commands {
            pipeline.add_command(command);
        }
        let message = Message::Commands(&pipeline);
        let answers: Vec<RedisResult<()>> = read(self.call(message, Sent::AgainIfStale).await?)?;
        let answers = answers.into_iter();
        Ok(answers
            .map(|answer| answer.map_err(|error| refusal::of_command(error, self.timeout)))
            .collect())
    }

    /// Sends a command that must not be sent twice.
    pub(super) async fn tell<T: FromRedisValue>(&self, command: &mut Cmd) -> Result<T, StoreError> {
        read(self.call(Message::Command(command), Sent::Once).await?)
    }

    /// Runs a script, which is sent once.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        script: &mut ScriptInvocation<'_>,
    ) -> Result<T, StoreError> {
        read(self.call(Message::Script(script), Sent::Once).await?)
    }

    /// Closes the connections; later calls are refused.
    pub(super) fn close(&self) {
        self.source.close();
        for lane in &self.lanes {
            lane.close();
        }
    }

    pub(super) fn is_paused(&self) -> bool {
        self.breaker.is_open()
    }

    async fn call(&self, message: Message<'_>, sent: Sent) -> Result<Value, StoreError> {
        let allowed = self.allowed()?;
        let permit = self.admit()?;
        let _spending = budget::spend();
        let _counted = meter::round_trip();
        let lane = &self.lanes[lane::of_this_thread(self.lanes.len())];
        let mut used = None;
        let answer = match timeout(allowed, self.send(lane, message, sent, &mut used)).await {
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

    /// Sends a message, a second time if the open connection was dead and `sent` permits it.
    ///
    /// The connection is written to `used`, so that the caller has it even after a timeout.
    async fn send(
        &self,
        lane: &Lane,
        message: Message<'_>,
        sent: Sent,
        used: &mut Option<Arc<Link>>,
    ) -> Result<Value, StoreError> {
        loop {
            let is_first = used.is_none();
            let (link, was_open) = lane
                .link(&self.source)
                .await
                .map_err(|error| refusal::of_pool(error, self.timeout))?;
            let link = used.insert(link);
            let error = match message.send(link.handle()).await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            if refusal::is_outage(&error) {
                lane.discard(link);
            }
            let may_repeat = is_first && was_open && sent == Sent::AgainIfStale;
            if !(may_repeat && refusal::is_stale(&error)) {
                return Err(refusal::of_command(error, self.timeout));
            }
        }
    }

    /// Returns how long this call may take.
    fn allowed(&self) -> Result<Duration, StoreError> {
        let left = budget::left().unwrap_or(self.timeout);
        if left.is_zero() {
            return Err(StoreError::Exhausted);
        }
        Ok(left.min(self.timeout))
    }

    fn admit(&self) -> Result<Permit<'_>, StoreError> {
        let admitted = self.breaker.admit();
        admitted.map_err(|retry_in| StoreError::Paused { retry_in })
    }

    /// Reports whether Redis had time to answer and did not.
    ///
    /// A timeout cut to less than half by the request's budget is no evidence against Redis.
    fn is_silence(&self, answer: &Result<Value, StoreError>) -> bool {
        matches!(answer, Err(StoreError::Timeout { after }) if *after * 2 >= self.timeout)
    }

    fn conclude(&self, permit: Permit<'_>, answer: &Result<Value, StoreError>) {
        match answer {
            Err(StoreError::Timeout { .. }) if !self.is_silence(answer) => drop(permit),
            Err(StoreError::Closed) => drop(permit),
            Err(error) if error.is_outage() => permit.failed(),
            _ => permit.succeeded(),
        }
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The source is left out: its address may hold a password.
        f.debug_struct("Caller")
            .field("lanes", &self.lanes.len())
            .field("breaker", &self.breaker)
            .field("timeout", &self.timeout)
            .finish()
    }
}

impl Message<'_> {
    async fn send(&self, mut handle: MultiplexedConnection) -> RedisResult<Value> {
        match self {
            Self::Command(command) => command.query_async(&mut handle).await,
            Self::Commands(pipeline) => pipeline.query_async(&mut handle).await,
            Self::Script(script) => script.invoke_async(&mut handle).await,
        }
    }
}

fn read<T: FromRedisValue>(value: Value) -> Result<T, StoreError> {
    from_redis_value(value).map_err(|error| StoreError::Refused(error.to_string()))
}
