//! Calls to Redis: bounded in time, counted, sent to the server that has the key.
//!
//! - *ask*: the command is sent again if the open connection turns out to be dead (the server was
//!   restarted).
//! - *tell*: the command is sent once, since the server may have executed it before the failure.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use deadpool_redis::redis::{
    Cmd, FromRedisValue, Pipeline, RedisResult, ScriptInvocation, Value, cmd, from_redis_value,
};
use futures_util::future::try_join_all;
use tokio::time::Instant;

use super::{
    RedisConfig, StoreError,
    cluster::{Cluster, Primaries, Signature},
    message::{Message, Request},
    names,
    pool::Limits,
    refusal,
    server::Server,
    source::Source,
};
use crate::{meter, store::budget};

/// Sends calls to the server, or to those of a cluster.
pub(super) struct Caller {
    servers: Servers,
    timeout: Duration,
    is_closed: AtomicBool,
}

enum Servers {
    One(Arc<Server>),
    Cluster(Box<Cluster>),
}

/// A call that is allowed to wait, and whose time is counted.
struct Call {
    until: Instant,
    counted: meter::RoundTrip,
    _spending: budget::Spending,
}

impl Caller {
    pub(super) fn open(config: &RedisConfig) -> Result<Self, &'static str> {
        let limits = Limits { lanes: config.connections.max(1), timeout: config.timeout };
        let servers = match Cluster::open(&config.url, limits) {
            Some(cluster) => cluster
                .map(|cluster| Servers::Cluster(Box::new(cluster)))
                .ok_or("no address of a Redis Cluster; use redis-cluster://HOST:PORT,HOST:PORT")?,
            None => Servers::One(Arc::new(Server::new(Source::open(&config.url, limits)?, limits))),
        };
        Ok(Self { servers, timeout: config.timeout, is_closed: AtomicBool::new(false) })
    }

    /// Reports whether the keys are on several servers, where a command has keys of one tag only.
    pub(super) fn is_cluster(&self) -> bool {
        matches!(self.servers, Servers::Cluster(_))
    }

    /// Sends a command on the key with this name that may be sent twice.
    pub(super) async fn ask<T: FromRedisValue>(
        &self,
        name: &str,
        command: &Cmd,
    ) -> Result<T, StoreError> {
        self.call(name, Message::Command(command), true).await
    }

    /// Sends a command on the key with this name that must not be sent twice.
    pub(super) async fn tell<T: FromRedisValue>(
        &self,
        name: &str,
        command: &Cmd,
    ) -> Result<T, StoreError> {
        self.call(name, Message::Command(command), false).await
    }

    /// Runs a script on the key with this name, which is sent once.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        name: &str,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, StoreError> {
        self.call(name, Message::Script(script), false).await
    }

    /// Sends commands that may be sent twice, in one round trip, and returns a result for each.
    ///
    /// Each command comes with the name of its key.
    pub(super) async fn ask_each<T: FromRedisValue>(
        &self,
        commands: &[(String, Cmd)],
    ) -> Result<Vec<Result<T, StoreError>>, StoreError> {
        let call = self.begin()?;
        let answers = match &self.servers {
            Servers::One(server) => {
                let mut pipeline = Pipeline::new();
                pipeline.ignore_errors();
                for (_, command) in commands {
                    pipeline.add_command(command.clone());
                }
                let answer = server.send(call.request(Message::Commands(&pipeline), true)).await;
                call.end(answer).and_then(|answer| self.read(answer))
            }
            Servers::Cluster(cluster) => {
                let sent = commands.iter().map(|(name, command)| {
                    let request = call.request(Message::Command(command), true);
                    cluster.send(names::slot(name), request)
                });
                let answers = try_join_all(sent).await;
                call.end(answers)
            }
        };
        Ok(answers?.into_iter().map(|answer| self.read(answer)).collect())
    }

    /// Sends a command that may be sent twice to one of the primaries.
    pub(super) async fn ask_at<T: FromRedisValue>(
        &self,
        server: &Server,
        command: &Cmd,
    ) -> Result<T, StoreError> {
        let call = self.begin()?;
        let request = call.request(Message::Command(command), true);
        let answer = match &self.servers {
            Servers::One(_) => server.send(request).await,
            Servers::Cluster(cluster) => cluster.send_to(server, request).await,
        };
        call.end(answer).and_then(|answer| self.read(answer))
    }

    /// Returns the servers that have the keys, for which those of a cluster are asked.
    pub(super) async fn primaries(&self) -> Result<Primaries, StoreError> {
        match &self.servers {
            Servers::One(server) => {
                Ok(Primaries { servers: vec![server.clone()], signature: Signature::default() })
            }
            Servers::Cluster(cluster) => {
                let call = self.begin()?;
                let primaries = cluster.primaries(call.until).await;
                call.end(primaries)
            }
        }
    }

    /// Reports whether slots of a cluster are being moved, or were moved since it was `before`.
    pub(super) async fn have_slots_moved(&self, before: Signature) -> Result<bool, StoreError> {
        if !self.is_cluster() {
            return Ok(false);
        }
        let now = self.primaries().await?;
        let mut command = cmd("CLUSTER");
        command.arg("NODES");
        let nodes = now.servers.iter().map(|server| self.ask_at(server, &command));
        let nodes: Vec<String> = try_join_all(nodes).await?;
        // A server lists the slots that it is moving, and no other's, in brackets.
        let mut words = nodes.iter().flat_map(|text| text.split(' '));
        let is_moving = words.any(|word| word.starts_with('['));
        Ok(is_moving || now.signature != before)
    }

    /// Closes the connections; later calls are refused.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Relaxed);
        match &self.servers {
            Servers::One(server) => server.close(),
            Servers::Cluster(cluster) => cluster.close(),
        }
    }

    pub(super) fn is_paused(&self) -> bool {
        match &self.servers {
            Servers::One(server) => server.is_paused(),
            Servers::Cluster(cluster) => cluster.is_paused(),
        }
    }

    async fn call<T: FromRedisValue>(
        &self,
        name: &str,
        message: Message<'_>,
        is_repeatable: bool,
    ) -> Result<T, StoreError> {
        let call = self.begin()?;
        let request = call.request(message, is_repeatable);
        let answer = match &self.servers {
            Servers::One(server) => server.send(request).await,
            Servers::Cluster(cluster) => cluster.send(names::slot(name), request).await,
        };
        call.end(answer).and_then(|answer| self.read(answer))
    }

    /// Begins a call, unless the request has no time left.
    fn begin(&self) -> Result<Call, StoreError> {
        if self.is_closed.load(Relaxed) {
            return Err(StoreError::Closed);
        }
        let left = budget::left().unwrap_or(self.timeout);
        if left.is_zero() {
            return Err(StoreError::Exhausted);
        }
        Ok(Call {
            until: Instant::now() + left.min(self.timeout),
            counted: meter::round_trip(),
            _spending: budget::spend(),
        })
    }

    fn read<T: FromRedisValue>(&self, answer: RedisResult<Value>) -> Result<T, StoreError> {
        let value = answer.map_err(|error| refusal::of_command(error, self.timeout))?;
        from_redis_value(value).map_err(|error| StoreError::Refused(error.to_string()))
    }
}

impl Call {
    fn request<'a>(&self, message: Message<'a>, is_repeatable: bool) -> Request<'a> {
        Request { message, is_repeatable, is_asking: false, until: self.until }
    }

    fn end<T>(self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        if matches!(answer, Err(StoreError::Paused { .. })) {
            self.counted.forget();
        }
        answer
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The servers are left out: their addresses may hold a password.
        f.debug_struct("Caller").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
