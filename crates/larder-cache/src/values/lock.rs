//! Locks that instances share, each limited by a lease.

use std::time::Duration;

use bytes::Bytes;

use super::call::{CallOutcome, Operation};
use super::{Error, Values, name};
use crate::random;
use crate::store::Lifetime;

/// A lock that is held until it is released or its lease ends.
///
/// Dropping it does nothing, because a release takes a round trip.
#[derive(Debug)]
#[must_use = "release it, or wait for the end of its lease"]
pub struct Lock {
    values: Values,
    name: String,
    /// Random, so that a holder whose lease has ended cannot release the next holder's lock.
    token: Bytes,
}

impl Values {
    /// Takes the lock `key`, or returns `None` if it is held. All versions share the lock.
    ///
    /// - `lease` — the longest time that the lock is held, even if its holder dies. At least 1 ms.
    ///
    /// A lock in a cache saves work. It does not guarantee one holder, since the store may lose it.
    ///
    /// # Source
    /// django-redis `lock`; Redis `SET NX PX`.
    pub async fn lock(&self, key: &str, lease: Duration) -> Result<Option<Lock>, Error> {
        let name = name::bounded(format!("{}lock:{key}", self.front));
        let token = random::token();
        let call = self.begin(Operation::Lock);
        let lease = lease.max(Duration::from_millis(1));
        let lease = Lifetime::of(lease).expect("a millisecond is a lifetime");
        let taken = self.store().lock(&name, &token, lease).await;
        let taken = taken.map_err(|e| self.failed(e));
        let is_ours = call.answer(&name, taken, |is_ours| CallOutcome::taken(*is_ours))?;
        Ok(is_ours.then(|| Lock { values: self.clone(), name, token }))
    }
}

impl Lock {
    /// Releases the lock, and returns whether it was still held.
    ///
    /// `false` means that the lease had ended, and that another holder may have worked meanwhile.
    pub async fn release(self) -> Result<bool, Error> {
        let call = self.values.begin(Operation::Release);
        let released = self.values.store().unlock(&self.name, &self.token).await;
        let released = released.map_err(|e| self.values.failed(e));
        call.answer(&self.name, released, |was_held| CallOutcome::done(*was_held))
    }
}
