//! One call to Redis: bounded in time, counted by the breaker, on the lane of this thread.
//!
//! - *ask*: may be sent again when a kept connection turns out to be dead (the server was
//!   restarted).
//! - *tell*: may not; it may have been done.

use std::{fmt, sync::Arc, time::Duration};

use deadpool_redis::{
    Manager, Pool, PoolConfig, Runtime, Timeouts,
    redis::{
        AsyncConnectionConfig, Cmd, FromRedisValue, Pipeline, RedisResult, ScriptInvocation, Value,
        aio::MultiplexedConnection, from_redis_value,
    },
};
use tokio::time::timeout;

use super::{
    RedisConfig, StoreError,
    lane::{self, Lane, Link},
    refusal,
};
use crate::{
    meter,
    store::{
        breaker::{Breaker, Permit},
        budget,
    },
};

/// Takes calls to the server.
pub(super) struct Caller {
    pool: Pool,
    lanes: Box<[Lane]>,
    breaker: Breaker,
    timeout: Duration,
}

/// What is sent in one go.
enum Message<'a> {
    Command(&'a Cmd),
    Commands(&'a Pipeline),
    Script(&'a ScriptInvocation<'a>),
}

/// How often a message may be sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sent {
    Once,
    AgainIfStale,
}

impl Caller {
    pub(super) fn open(config: &RedisConfig) -> Result<Self, StoreError> {
        let lanes = config.connections.max(1);
        Ok(Self {
            pool: pool(config, lanes)?,
            lanes: (0..lanes).map(|_| Lane::default()).collect(),
            breaker: Breaker::default(),
            timeout: config.timeout,
        })
    }

    /// The answer to a command that may be sent twice.
    pub(super) async fn ask<T: FromRedisValue>(&self, command: &mut Cmd) -> Result<T, StoreError> {
        let message = Message::Command(command);
        read(self.call(message, Sent::AgainIfStale).await?)
    }

    /// The answers to commands that may be sent twice, each for itself.
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

    /// The answer to a command that must not be sent twice.
    pub(super) async fn tell<T: FromRedisValue>(&self, command: &mut Cmd) -> Result<T, StoreError> {
        read(self.call(Message::Command(command), Sent::Once).await?)
    }

    /// The answer of a script, which is sent once.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        script: &mut ScriptInvocation<'_>,
    ) -> Result<T, StoreError> {
        read(self.call(Message::Script(script), Sent::Once).await?)
    }

    /// Drops the connections; later calls are refused.
    pub(super) fn close(&self) {
        self.pool.close();
        for lane in &self.lanes {
            lane.close();
        }
    }

    /// Whether the breaker is open.
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
            // Whether it is slow or gone cannot be told from here; a new connection will tell.
            lane.discard(link);
        }
        self.conclude(permit, &answer);
        answer
    }

    /// Sends a message, once more if the connection had died unnoticed; notes the connection in
    /// `used`.
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
                .link(&self.pool)
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

    /// How long this call may take.
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

    /// Whether Redis had time to answer and did not. A call that was cut short because its request had
    /// little time left tells nothing about Redis.
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
        // Not the pool: its address may hold a password.
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

/// A pool with room for connections that are being replaced while their last calls still end.
fn pool(config: &RedisConfig, lanes: usize) -> Result<Pool, StoreError> {
    let refuse = |error: &dyn fmt::Display| StoreError::Refused(error.to_string());
    let connection = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(config.timeout))
        .set_response_timeout(Some(config.timeout));
    let manager = Manager::new_with_config(config.url.as_str(), connection)
        .map_err(|error| refuse(&error))?;
    let mut settings = PoolConfig::new(lanes * 2);
    settings.timeouts = Timeouts {
        wait: Some(config.timeout / 4),
        create: Some(config.timeout),
        recycle: Some(config.timeout / 2),
    };
    Pool::builder(manager)
        .config(settings)
        .runtime(Runtime::Tokio1)
        .build()
        .map_err(|error| refuse(&error))
}
