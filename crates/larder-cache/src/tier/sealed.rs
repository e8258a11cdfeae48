//! An entry as bytes: stamps and end in front of the body, sealed for the entry's name.
//!
//! - The seal is checked first, then the stamps, then the body is decoded.

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

/// What stands in front of a sealed body.
#[derive(Serialize, Deserialize)]
pub(crate) struct Header {
    pub stamps: Vec<(Tag, Stamp)>,
    /// In which epoch of its key its load began.
    pub epoch: Epoch,
    /// Milliseconds since 1970.
    pub born: u64,
    /// Milliseconds since 1970.
    pub expires: u64,
    /// Queries that ran for it.
    pub queries: u32,
    /// Microseconds that its making took.
    pub took: u64,
}

/// Why there is nothing to take.
pub(crate) enum Nothing {
    /// Not there, or not true any more.
    Absent,
    /// There, but not readable: why, in few words.
    Unreadable(&'static str),
    /// The store is in trouble.
    Outage(Trouble),
}

impl From<CodecError> for Nothing {
    fn from(error: CodecError) -> Self {
        Self::Unreadable(error.name())
    }
}

/// Seals an entry for its place.
pub(crate) fn seal<T: Body>(
    slot: Slot<'_>,
    header: &Header,
    body: &T,
) -> Result<Bytes, CodecError> {
    codec::seal(slot, Fingerprint::of::<T>()?, &codec::header(header)?, body)
}

/// The entry in `bytes`; its body is decoded only if its stamps are those of `current`.
pub(crate) fn unseal<T: Body>(
    level: Level,
    slot: Slot<'_>,
    bytes: &Bytes,
    current: &Stamps,
) -> Result<(Arc<T>, Entry), Nothing> {
    meter::coding(|| decode(level, slot, bytes, current))
}

fn decode<T: Body>(
    level: Level,
    slot: Slot<'_>,
    bytes: &Bytes,
    current: &Stamps,
) -> Result<(Arc<T>, Entry), Nothing> {
    let sealed = codec::open(slot, bytes)?;
    let header: Header = sealed.header_as()?;
    let mut dependencies = Dependencies::default();
    header.stamps.into_iter().for_each(|(tag, stamp)| dependencies.add(tag, stamp));
    if dependencies.stamps().iter().all(|(tag, _)| *tag != Tag::EVERYTHING) {
        // Every entry depends on the generation; what says otherwise was not written by us.
        return Err(Nothing::Unreadable("no generation"));
    }
    let now = unix_millis(SystemTime::now());
    let is_removed = header.epoch != header.epoch.now(current.epochs());
    if is_removed || dependencies.first_changed(current).is_some() || header.expires <= now {
        return Err(Nothing::Absent);
    }
    let body = Arc::new(sealed.value::<T>(Fingerprint::of::<T>()?)?);
    let age = Duration::from_millis(now.saturating_sub(header.born));
    let expires = Instant::now() + Duration::from_millis(header.expires - now);
    let born = Instant::now().checked_sub(age).unwrap_or_else(Instant::now);
    let (plain, _) = sealed.payload_bytes();
    dependencies.asked(header.queries);
    let entry = Entry::restored(level, body.clone(), dependencies, born, expires, plain)
        .since(header.epoch)
        .built_in(Duration::from_micros(header.took), 0)
        .holding_nothing(codec::is_nothing(&*body));
    Ok((body, entry))
}

pub(crate) fn unix_millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
