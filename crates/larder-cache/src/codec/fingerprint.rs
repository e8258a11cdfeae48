//! What a type looks like to serde, as a number: nobody keeps a schema version by hand.
//!
//! - Names of structs, fields and variants count, and their order: bincode writes order, not names.
//! - Field types count as serde sees them: a `u32` that becomes a `u64` is another type.
//! - The payloads of all enum variants count.
//! - What serde cannot see does not: a price in cents that becomes a price in euros needs
//!   [`Fingerprint::revision`].

use std::{
    any::{TypeId, type_name},
    collections::HashMap,
    fmt,
    sync::{LazyLock, RwLock},
};

use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::xxh3_64;

use super::{CodecError, survey};

/// Fingerprints found so far. A type that cannot be read back is known as such.
static KNOWN: LazyLock<RwLock<HashMap<TypeId, Result<Fingerprint, CodecError>>>> =
    LazyLock::new(Default::default);

/// An odd number with many bits set: revisions of one type differ all over.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// The shape of a type, as a number. Equal shapes have equal numbers in every build.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// The shape of `T`; found once per type and process, about 20 ns afterwards.
    ///
    /// # Errors
    /// [`CodecError::Unreadable`] if bincode could never read a `T` back: `#[serde(flatten)]`,
    /// `untagged`, internally tagged enums, `serde_json::Value`.
    pub fn of<T: DeserializeOwned + 'static>() -> Result<Self, CodecError> {
        let id = TypeId::of::<T>();
        if let Some(known) = KNOWN.read().unwrap().get(&id) {
            return known.clone();
        }
        // Outside the lock: a type's own `Deserialize` may ask for a fingerprint itself.
        let found = find::<T>();
        KNOWN.write().unwrap().insert(id, found.clone());
        found
    }

    /// The same shape with another meaning. Revision 0 is the shape itself.
    pub const fn revision(self, revision: u16) -> Self {
        Self(self.0 ^ (revision as u64).wrapping_mul(SPREAD))
    }

    /// The number, for keys and listings.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The fingerprint that had this number.
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// Everything serde asks for when it reads a `T`, as text: what the fingerprint is the hash of.
///
/// For tests and for people who wonder why a fingerprint changed.
pub fn shape<T: DeserializeOwned>() -> Result<String, CodecError> {
    survey::of::<T>()
        .map_err(|reason| CodecError::Unreadable { type_name: type_name::<T>(), reason })
}

fn find<T: DeserializeOwned>() -> Result<Fingerprint, CodecError> {
    Ok(Fingerprint(xxh3_64(shape::<T>()?.as_bytes())))
}
