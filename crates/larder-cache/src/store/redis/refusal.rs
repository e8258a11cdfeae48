//! What Redis's errors mean.

use std::time::Duration;

use deadpool_redis::{
    PoolError,
    redis::{ErrorKind, RedisError, ServerErrorKind},
};

use super::StoreError;

/// Whether the server could not do its work, as opposed to: would not do this.
pub(super) fn is_outage(error: &RedisError) -> bool {
    use ServerErrorKind as S;
    match error.kind() {
        ErrorKind::Server(kind) => matches!(kind, S::BusyLoading | S::ClusterDown | S::MasterDown),
        ErrorKind::Extension => false,
        // The client's own kinds: no connection, a broken one, or one that speaks another language.
        _ => true,
    }
}

/// Whether this connection was already dead when it was used.
pub(super) fn is_stale(error: &RedisError) -> bool {
    error.is_connection_dropped()
}

/// - `limit` — the time that was allowed, for errors that say it is over.
pub(super) fn of_command(error: RedisError, limit: Duration) -> StoreError {
    if error.is_timeout() {
        return StoreError::Timeout { after: limit };
    }
    if is_outage(&error) {
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
