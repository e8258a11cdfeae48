//! The translation of Redis's errors into store errors.

use std::time::Duration;

use deadpool_redis::{
    PoolError,
    redis::{ErrorKind, RedisError, ServerErrorKind},
};

use super::StoreError;

/// Reports whether the server is failing, as opposed to refusing one command.
pub(super) fn is_outage(error: &RedisError) -> bool {
    use ServerErrorKind as S;
    match error.kind() {
        // A server that became a replica is read-only: the next call has to find the new primary.
        ErrorKind::Server(kind) => {
            matches!(kind, S::BusyLoading | S::ClusterDown | S::MasterDown | S::ReadOnly)
        }
        ErrorKind::Extension => false,
        // The client's own kinds: no connection, a broken one, or a protocol error.
        _ => true,
    }
}

/// Reports whether the connection was already dead when it was used.
pub(super) fn is_stale(error: &RedisError) -> bool {
    error.is_connection_dropped()
}

/// Translates the error of a command; `limit` is the time that was allowed, for timeouts.
pub(super) fn of_command(error: RedisError, limit: Duration) -> StoreError {
    if error.is_timeout() {
        return StoreError::Timeout { after: limit };
    }
    // A slot that moved on while the request followed it, or whose keys are on two servers meanwhile.
    if is_outage(&error) || error.is_cluster_error() {
        return StoreError::Unavailable(Box::new(error));
    }
    let text = error.detail().unwrap_or_default();
    match error.code() {
        Some("OOM") => StoreError::Full,
        Some("WRONGTYPE") => StoreError::NotInteger,
        _ if text.contains("not an integer") => StoreError::NotInteger,
        _ if text.contains("overflow") => StoreError::Overflow,
        _ => StoreError::Refused(error.to_string()),
    }
}

pub(super) fn of_pool(error: PoolError, limit: Duration) -> StoreError {
    match error {
        PoolError::Closed => StoreError::Closed,
        PoolError::Timeout(_) => StoreError::Timeout { after: limit },
        PoolError::Backend(error) => of_command(error, limit),
        other => StoreError::Unavailable(Box::new(other)),
    }
}
