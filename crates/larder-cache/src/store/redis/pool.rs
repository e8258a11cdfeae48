//! Connections to one server, and their limits.

use std::time::Duration;

use deadpool_redis::{
    Manager, Pool, PoolConfig, Runtime, Timeouts,
    redis::{AsyncConnectionConfig, ErrorKind, IntoConnectionInfo, RedisError},
};

/// The limits of the connections.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) lanes: usize,
    pub(super) timeout: Duration,
}

impl Limits {
    pub(super) fn connection(self) -> AsyncConnectionConfig {
        AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timeout))
            .set_response_timeout(Some(self.timeout))
    }
}

/// Returns a pool of connections to one server, none of them open yet.
pub(super) fn pool(server: impl IntoConnectionInfo, limits: Limits) -> Result<Pool, RedisError> {
    let manager = Manager::new_with_config(server, limits.connection())?;
    // Twice the lanes: a connection that is being replaced lives until its last calls end.
    let mut settings = PoolConfig::new(limits.lanes * 2);
    settings.timeouts = Timeouts {
        wait: Some(limits.timeout / 4),
        create: Some(limits.timeout),
        recycle: Some(limits.timeout / 2),
    };
    let pool = Pool::builder(manager).config(settings).runtime(Runtime::Tokio1).build();
    pool.map_err(|_| (ErrorKind::InvalidClientConfig, "no runtime").into())
}
