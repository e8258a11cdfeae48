//! Reading and changing the remaining time of a value, as in django-redis.

use std::time::SystemTime;

use super::call::{CallOutcome, Operation};
use super::{Error, Timeout, Values};
use crate::store::Ttl;

impl Values {
    /// Returns the remaining time of a key.
    ///
    /// # Source
    /// django-redis `ttl`, `pttl`; Redis `PTTL`.
    pub async fn ttl(&self, key: &str) -> Result<Ttl, Error> {
        let name = self.name(key);
        let call = self.begin(Operation::Ttl);
        let left = self.store().ttl(&name).await.map_err(|e| self.failed(e));
        call.answer(&name, left, |left| CallOutcome::done(*left != Ttl::Absent))
    }

    /// Removes the timeout of a value, and returns whether there is a value.
    ///
    /// # Source
    /// django-redis `persist`.
    pub async fn persist(&self, key: &str) -> Result<bool, Error> {
        self.touch(key, Timeout::Never).await
    }

    /// Lets a value expire at `moment`, by this computer's clock; returns whether there is a value.
    ///
    /// A moment in the past deletes the value.
    ///
    /// # Source
    /// django-redis `expire_at`.
    pub async fn expire_at(&self, key: &str, moment: SystemTime) -> Result<bool, Error> {
        self.touch(key, Timeout::at(moment)).await
    }
}
