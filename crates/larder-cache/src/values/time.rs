//! How long a value still lives, and changing that: beyond Django, as django-redis.

use std::time::SystemTime;

use super::told::{Operation, Outcome};
use super::{Error, Timeout, Values};
use crate::store::Ttl;

impl Values {
    /// What is left of a key's time.
    ///
    /// # Source
    /// django-redis `ttl`, `pttl`; Redis `PTTL`.
    pub async fn ttl(&self, key: &str) -> Result<Ttl, Error> {
        let name = self.name(key);
        let call = self.begin(Operation::Ttl);
        let left = self.store().ttl(&name).await.map_err(|e| self.failed(e));
        call.answer(&name, left, |left| Outcome::done(*left != Ttl::Absent))
    }

    /// Lets a value live until it is deleted or evicted; whether there is one.
    ///
    /// # Source
    /// django-redis `persist`.
    pub async fn persist(&self, key: &str) -> Result<bool, Error> {
        self.touch(key, Timeout::Never).await
    }

    /// Lets a value live until this moment, by this computer's clock; whether there is one. A
    /// moment in the past deletes it.
    ///
    /// # Source
    /// django-redis `expire_at`.
    pub async fn expire_at(&self, key: &str, moment: SystemTime) -> Result<bool, Error> {
        self.touch(key, Timeout::at(moment)).await
    }
}
