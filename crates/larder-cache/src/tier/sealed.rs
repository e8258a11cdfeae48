//! An entry as bytes: a header with stamps and end, then the body, sealed for its name.
//!
//! - The seal is checked first, then the stamps; only then is the body decoded.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::codec::{self, CodecError, Fingerprint, Slot};
use crate::dependencies::Dependencies;
use crate::entry::{Body, Entry};
use crate::level::Level;
use crate::meter;
use crate::removal::Epoch;
use crate::stamps::Stamps;
use crate::store::Trouble;
use crate::tag::{Stamp, Tag};

/// The header of a sealed entry.
#[derive(Serialize, Deserialize)]
pub(crate) struct Header {
    pub stamps: Vec<(Tag, Stamp)>,
    /// The epoch of its key in which its load began.
    pub epoch: Epoch,
    /// Milliseconds since 1970.
    pub born: u64,
    /// Milliseconds since 1970.
    pub expires: u64,
    /// The number of queries that ran for it.
    pub queries: u32,
    /// How long building it took, in microseconds.
    pub took: u64,
}

/// What decides whether a shared entry may be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Validation {
    /// Its stamps, which all processes see, and its lifetime.
    ByStamps,
    /// Its lifetime alone: the stamps of the process that built it mean nothing here.
    ByLifetime,
}

/// Why the store has no usable entry.
pub(crate) enum Nothing {
    /// There is none, or it is no longer valid.
    Absent,
    /// It cannot be read, for this reason.
    Unreadable(&'static str),
    /// The store did not answer.
    Outage(Trouble),
}

impl From<CodecError> for Nothing {
    fn from(error: CodecError) -> Self {
        Self::Unreadable(error.name())
    }
}

/// Seals an entry for its name in the store.
pub(crate) fn seal<T: Body>(
    slot: Slot<'_>,
    header: &Header,
    body: &T,
) -> Result<Bytes, CodecError> {
    codec::seal(slot, Fingerprint::of::<T>()?, &codec::header(header)?, body)
}

/// Opens the entry in `bytes`; decodes its body only if it is valid at the stamps `current`.
pub(crate) fn unseal<T: Body>(
    level: Level,
    slot: Slot<'_>,
    bytes: &Bytes,
    by: (&Stamps, Validation),
) -> Result<(Arc<T>, Entry), Nothing> {
    meter::coding(|| decode(level, slot, bytes, by))
}

fn decode<T: Body>(
    level: Level,
    slot: Slot<'_>,
    bytes: &Bytes,
    (current, validation): (&Stamps, Validation),
) -> Result<(Arc<T>, Entry), Nothing> {
    let sealed = codec::open(slot, bytes)?;
    let header: Header = sealed.header_as()?;
    let mut dependencies = Dependencies::default();
    header.stamps.into_iter().for_each(|(tag, stamp)| dependencies.add(tag, stamp));
    if dependencies.stamps().iter().all(|(tag, _)| *tag != Tag::EVERYTHING) {
        // Every entry depends on this tag, so this one was not written by an instance.
        return Err(Nothing::Unreadable("no generation"));
    }
    let now = unix_millis(SystemTime::now());
    let epoch = header.epoch.now(current.epochs());
    if validation == Validation::ByLifetime {
        // From here on it is as if this process had just built it.
        dependencies = Dependencies::on_everything(current);
    }
    let is_removed = validation == Validation::ByStamps && header.epoch != epoch;
    if is_removed || dependencies.first_changed(current).is_some() || header.expires <= now {
        return Err(Nothing::Absent);
    }
    let body = Arc::new(sealed.value::<T>(Fingerprint::of::<T>()?)?);
    let age = Duration::from_millis(now.saturating_sub(header.born));
    let expires = Instant::now() + Duration::from_millis(header.expires - now);
    let born = Instant::now().checked_sub(age).unwrap_or_else(Instant::now);
    let size = codec::footprint(&*body);
    dependencies.asked(header.queries);
    let entry = Entry::restored(level, body.clone(), dependencies, born, expires, size)
        .since(epoch)
        .built_in(Duration::from_micros(header.took), 0)
        .holding_nothing(codec::is_nothing(&*body));
    Ok((body, entry))
}

pub(crate) fn unix_millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
