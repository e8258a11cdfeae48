//! Sealed values of a shared store: reading them, and noticing that the secret was replaced.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::{Error, Readable, StampSource, Values, plain};
use crate::codec::{self, CodecError, Guard};
use crate::store::number;

/// How long values may still be sealed under a secret that was replaced.
const NOTICED_AFTER: Duration = Duration::from_secs(1);

/// The check whether the secret was replaced: its source, and when it was last asked.
pub(super) struct Rotation {
    versions: Option<Arc<dyn StampSource>>,
    looked: Mutex<Option<Instant>>,
}

impl Rotation {
    /// Asks `versions`, which replace the secret before they return stamps; `None` never asks.
    pub(super) fn noticed_by(versions: Option<Arc<dyn StampSource>>) -> Self {
        Self { versions, looked: Mutex::default() }
    }

    /// Returns the source if it is to be asked now: at most once in [`NOTICED_AFTER`].
    fn due(&self) -> Option<&Arc<dyn StampSource>> {
        let versions = self.versions.as_ref()?;
        let mut looked = self.looked.lock().unwrap();
        if looked.is_some_and(|looked| looked.elapsed() < NOTICED_AFTER) {
            return None;
        }
        *looked = Some(Instant::now());
        Some(versions)
    }
}

impl std::fmt::Debug for Rotation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rotation")
    }
}

/// The result of decoding bytes.
pub(super) enum Read<T> {
    Value(T),
    /// The bytes are not a value of this type sealed for this name.
    Garbage,
}

impl<T> Read<T> {
    pub(super) fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Garbage => None,
        }
    }
}

impl Values {
    /// Takes over a replaced secret, by asking for the current stamps at most once a second.
    ///
    /// Entries do not need this: their freshness check asks for the current stamps anyway.
    pub(super) async fn keep_up(&self) {
        if let Some(versions) = self.shared.rotation.due() {
            // If the database does not answer, the present secret stays in use.
            let _ = versions.current().get().await;
        }
    }

    /// Decodes bytes; logs a warning if they are not a readable value.
    pub(super) fn read<T: Readable>(&self, name: &str, bytes: &Bytes) -> Read<T> {
        match plain::read(self.slot(name), bytes) {
            Ok(value) => Read::Value(value),
            Err(error) => {
                let store = self.store().name();
                tracing::warn!(cache.key = ?name, cache.store = store, "unreadable: {error}");
                Read::Garbage
            }
        }
    }

    /// Reseals the bytes of one name for another; returns `None` if they need no seal.
    pub(super) fn sealed_for(
        &self,
        (from, to): (&str, &str),
        bytes: &Bytes,
    ) -> Result<Option<Bytes>, CodecError> {
        if matches!(self.shared.guard, Guard::Process) || number::whole(bytes).is_some() {
            return Ok(None);
        }
        codec::reseal(self.slot(from), self.slot(to), bytes).map(Some)
    }
}

/// Returns the error for a value that cannot be moved: for the caller it is absent.
pub(super) fn absent(key: &str) -> Error {
    Error::Absent { key: key.to_owned() }
}
