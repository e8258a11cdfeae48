//! A lock that instances share, for as long as a lease.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use bytes::Bytes;

use super::told::{Operation, Outcome};
use super::{Error, Values, name};
use crate::store::Lifetime;

/// A lock that is held. It ends with its lease, or when it is released; dropping it does nothing,
/// because releasing takes a round trip.
#[derive(Debug)]
#[must_use = "release it, or wait for the end of its lease"]
pub struct Lock {
    values: Values,
    name: String,
    /// Random: only who holds the lock can release it, not who held it before the lease ended.
    token: Bytes,
}

impl Values {
    /// Takes the lock of this name, unless somebody holds it. The same lock for every version.
    ///
    /// - `lease` — how long it is held at most, however its holder ends. At least a millisecond.
    ///
    /// A lock in a cache saves work; it cannot keep two holders apart for ever: the store may
    /// forget it.
    ///
    /// # Source
    /// django-redis `lock`; Redis `SET NX PX`.
    pub async fn lock(&self, key: &str, lease: Duration) -> Result<Option<Lock>, Error> {
        let name = name::bounded(format!("{}lock:{key}", self.shared.front));
        let token = token();
        let call = self.begin(Operation::Lock);
        let lease = lease.max(Duration::from_millis(1));
        let lease = Lifetime::of(lease).expect("a millisecond is a lifetime");
        let taken = self.store().lock(&name, &token, lease).await;
        let taken = taken.map_err(|e| self.failed(e));
        let is_ours = call.answer(&name, taken, |is_ours| Outcome::taken(*is_ours))?;
        Ok(is_ours.then(|| Lock { values: self.clone(), name, token }))
    }
}

impl Lock {
    /// Lets go; whether it was still held. `false` means that the lease had ended, and that
    /// somebody else may have been at work.
    pub async fn release(self) -> Result<bool, Error> {
        let call = self.values.begin(Operation::Release);
        let released = self.values.store().unlock(&self.name, &self.token).await;
        let released = released.map_err(|e| self.values.failed(e));
        call.answer(&self.name, released, |was_held| Outcome::done(*was_held))
    }
}

/// 128 random bits, as text. Unique is enough: who can read the store needs no token.
pub(super) fn token() -> Bytes {
    let half = || RandomState::new().hash_one(std::thread::current().id());
    format!("{:016x}{:016x}", half(), half()).into()
}
