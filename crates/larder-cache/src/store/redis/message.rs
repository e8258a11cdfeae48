//! What is sent to a server in one round trip.

use deadpool_redis::redis::{
    Cmd, Pipeline, RedisFuture, RedisResult, ScriptInvocation, Value,
    aio::{ConnectionLike, MultiplexedConnection},
};
use tokio::time::Instant;

/// A message, and how it is sent.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) message: Message<'a>,
    /// Whether it may be sent twice. Otherwise the server may have executed it before a failure.
    pub(super) is_repeatable: bool,
    /// Whether the server is only taking over the slot of the key, and refuses others who use it.
    pub(super) is_asking: bool,
    /// When the caller stops waiting.
    pub(super) until: Instant,
}

/// What one round trip sends.
#[derive(Clone, Copy)]
pub(super) enum Message<'a> {
    Command(&'a Cmd),
    Commands(&'a Pipeline),
    Script(&'a ScriptInvocation<'a>),
}

impl Request<'_> {
    pub(super) async fn send(self, mut handle: MultiplexedConnection) -> RedisResult<Value> {
        if self.is_asking {
            return self.message.send(&mut Asking(handle)).await;
        }
        self.message.send(&mut handle).await
    }
}

impl Message<'_> {
    async fn send(self, handle: &mut (impl ConnectionLike + Send)) -> RedisResult<Value> {
        match self {
            Self::Command(command) => command.query_async(handle).await,
            Self::Commands(pipeline) => pipeline.query_async(handle).await,
            Self::Script(script) => script.invoke_async(handle).await,
        }
    }
}

/// A connection on which `ASKING` precedes each command, in the same write.
///
/// `ASKING` holds for the next command only, which might be another caller's otherwise.
struct Asking(MultiplexedConnection);

impl ConnectionLike for Asking {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            let mut both = Pipeline::new();
            both.cmd("ASKING").add_command(command.clone());
            // The answer to `ASKING` is skipped.
            let answers = self.0.req_packed_commands(&both, 1, 1).await?;
            Ok(answers.into_iter().next().unwrap_or(Value::Nil))
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        self.0.req_packed_commands(pipeline, offset, count)
    }

    fn get_db(&self) -> i64 {
        self.0.get_db()
    }
}
