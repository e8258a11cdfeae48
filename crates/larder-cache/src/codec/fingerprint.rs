//! Fingerprints: what a type looks like to serde, as a number.
//!
//! They replace schema versions that are maintained by hand.
//!
//! - Names of structs, fields and variants count, and their order: bincode writes order, not names.
//! - Field types count as serde sees them: a `u32` that becomes a `u64` is another type.
//! - The payloads of all enum variants count.
//! - A change that serde cannot see does not count: a price in cents that becomes a price in euros
//!   needs another key.

use std::{
    any::{TypeId, type_name},
    collections::HashMap,
    fmt,
    sync::{LazyLock, RwLock},
};

use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::xxh3_64;

use super::{CodecError, schema};

/// The fingerprints computed so far, and the errors of types that cannot be read back.
static KNOWN: LazyLock<RwLock<HashMap<TypeId, Result<Fingerprint, CodecError>>>> =
    LazyLock::new(Default::default);

/// The schema of a type as a number; equal schemas have equal numbers in every build.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Fingerprint(u64);

impl Fingerprint {
    /// Returns the fingerprint of `T`, computed once per type and process (about 20 ns afterwards).
    ///
    /// # Errors
    /// [`CodecError::Unreadable`] if bincode could never read a `T` back: `#[serde(flatten)]`,
    /// `untagged`, internally tagged enums, `serde_json::Value`.
    pub(crate) fn of<T: DeserializeOwned + 'static>() -> Result<Self, CodecError> {
        let id = TypeId::of::<T>();
        if let Some(known) = KNOWN.read().unwrap().get(&id) {
            return known.clone();
        }
        // Outside the lock: a type's own `Deserialize` may ask for a fingerprint itself.
        let found = find::<T>();
        KNOWN.write().unwrap().insert(id, found.clone());
        found
    }

    /// Returns the number, for keys and listings.
    pub(crate) const fn number(self) -> u64 {
        self.0
    }

    /// Returns the fingerprint with this number.
    pub(crate) const fn from_number(number: u64) -> Self {
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

/// Returns everything serde requests while it reads a `T`, as text; the fingerprint is its hash.
///
/// For tests, and for finding out why a fingerprint changed.
pub(super) fn schema_of<T: DeserializeOwned>() -> Result<String, CodecError> {
    schema::of::<T>()
        .map_err(|reason| CodecError::Unreadable { type_name: type_name::<T>(), reason })
}

/// Reports whether serde reads a `T` as an option, also within newtypes.
pub(super) fn is_option<T: DeserializeOwned>() -> bool {
    let schema = schema_of::<T>().unwrap_or_default();
    let mut rest = schema.as_str();
    // A newtype is its name and one field in parentheses; a tuple has no name, and a struct lists its fields.
    while let Some((name, inner)) = rest.split_once('(')
        && !name.is_empty()
        && name.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
    {
        rest = inner;
    }
    rest.starts_with('?')
}

fn find<T: DeserializeOwned>() -> Result<Fingerprint, CodecError> {
    Ok(Fingerprint(xxh3_64(schema_of::<T>()?.as_bytes())))
}
