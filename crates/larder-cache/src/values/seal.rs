//! Values of a shared store and their seals: reading them, and noticing that the secret was replaced.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::{Error, Readable, Values, Versions, plain};
use crate::codec::{self, CodecError, Guard};
use crate::store::number;

/// For so long values may be sealed under a secret that was replaced.
const NOTICED_AFTER: Duration = Duration::from_secs(1);

/// Who notices that the secret was replaced, and when they last looked.
pub(super) struct Rotation {
    versions: Option<Arc<dyn Versions>>,
    looked: Mutex<Option<Instant>>,
}

impl Rotation {
    /// By these, where there are any: they replace the secret before they answer a view.
    pub(super) fn noticed_by(versions: Option<Arc<dyn Versions>>) -> Self {
        Self { versions, looked: Mutex::default() }
    }

    /// Who is to be asked now.
    fn due(&self) -> Option<&Arc<dyn Versions>> {
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

/// What bytes are of which a value was wanted.
pub(super) enum Read<T> {
    Value(T),
    /// Not a value of this type that was sealed for this name.
    Garbage,
}

impl<T> Read<T> {
    /// The value, if it is one.
    pub(super) fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Garbage => None,
        }
    }
}

impl Values {
    /// Lets a secret that was replaced count: asks, at most once a second, who notices that.
    ///
    /// Entries need no such thing, since they are judged by a view that was asked for.
    pub(super) async fn keep_up(&self) {
        if let Some(versions) = self.shared.rotation.due() {
            // Where the database does not answer, the present secret goes on.
            let _ = versions.fresh().get().await;
        }
    }

    /// The value of these bytes; nothing, and a warning, if they are something else.
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

    /// The bytes under one name as they are to lie under another; none where they need no seal.
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

/// That a value cannot be moved: to its caller it is none.
pub(super) fn absent(key: &str) -> Error {
    Error::Absent { key: key.to_owned() }
}
