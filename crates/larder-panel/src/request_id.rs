//! Ids of requests, which connect a log line, a response and what was recorded of a request.
//!
//! - An id is unique in its process, and most likely among all processes.
//! - Code that runs on behalf of a request can read its id, which need not be passed along.

use std::fmt;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::task::futures::TaskLocalFuture;

/// The id of a request: 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId(pub u64);

/// The counter of ids, which starts at a random number.
static NEXT: LazyLock<AtomicU64> =
    LazyLock::new(|| AtomicU64::new(getrandom::u64().expect("the system gives random numbers")));

tokio::task_local! {
    static CURRENT: RequestId;
}

impl RequestId {
    /// Returns an id that this process has not used before.
    pub fn new() -> Self {
        // The product with an odd constant stays unique, and makes consecutive ids look different.
        Self(NEXT.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// Runs synchronous `work` on behalf of the request with this id.
    pub fn enter<T>(self, work: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self, work)
    }

    /// Runs `work` on behalf of the request with this id.
    pub fn scope<W: Future>(self, work: W) -> TaskLocalFuture<Self, W> {
        CURRENT.scope(self, work)
    }

    /// Returns the id of the current request, if there is one.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(|id| *id).ok()
    }
}

impl Default for RequestId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl serde::Serialize for RequestId {
    /// Serializes the id as it is printed.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl std::str::FromStr for RequestId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_requests_have_one_name() {
        let ids: std::collections::HashSet<_> = (0..10_000).map(|_| RequestId::new()).collect();
        assert_eq!(ids.len(), 10_000);
    }

    #[test]
    fn a_name_is_read_as_it_is_printed() {
        let id = RequestId::new();
        assert_eq!(id.to_string().len(), 16);
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[tokio::test]
    async fn what_runs_on_behalf_of_a_request_knows_its_name() {
        let id = RequestId::new();
        assert_eq!(id.scope(async { RequestId::current() }).await, Some(id));
        assert_eq!(id.enter(RequestId::current), Some(id));
        assert_eq!(RequestId::current(), None);
    }
}
