//! Describes something that is stored: in memory as it is, in a store as sealed bytes.
//!
//! - Envelope and header are read without knowing the type; bodies only of the cache's own types.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::description::{Body, BuildCost, Description, Kind, Listed, TagStamp, Verdict};
use super::reader::BodyReader;
use crate::codec::{self, CodecError, Slot};
use crate::dependencies::Dependencies;
use crate::entry::{self, Entry};
use crate::stamps::{Stamps, StampsResult};
use crate::store::Ttl;
use crate::store::number::whole;
use crate::tier::sealed::{Header, unix_millis};
use crate::tier::shared::ParsedKey;
use crate::values::plain;

/// Returns the kind of the thing with this name in the store.
pub(super) fn kind_named(readers: &[BodyReader], parsed: ParsedKey<'_>) -> Kind {
    let mut readers = readers.iter();
    match readers.find(|reader| reader.reads(parsed.fingerprint)) {
        _ if parsed.is_lock => Kind::Lock,
        Some(reader) => reader.level().into(),
        None => Kind::Query,
    }
}

/// Describes an entry in memory, with the first `letters` characters of its body.
pub(super) fn at_entry(
    readers: &[BodyReader],
    listed: Listed,
    entry: &Arc<Entry>,
    current: &StampsResult,
    letters: usize,
) -> Description {
    let body = readers.iter().find_map(|reader| reader.in_memory(entry, letters));
    let body = body.unwrap_or(Body::Opaque);
    Description { body, ..outline(listed, entry, current) }
}

/// Describes an entry in memory, without its body.
pub(super) fn outline(listed: Listed, entry: &Entry, current: &StampsResult) -> Description {
    let verdict = match current {
        Err(unavailable) => Verdict::Unknown(unavailable.to_string()),
        Ok(current) => match entry.validate(current) {
            entry::Validity::Fresh => Verdict::Valid,
            entry::Validity::Expired => Verdict::Expired,
            entry::Validity::Deleted => Verdict::Deleted,
            entry::Validity::Invalidated(tag) => Verdict::Changed(tag.to_string()),
        },
    };
    Description {
        listed,
        fingerprint: None,
        bytes: entry.size().into(),
        age_ms: Some(millis(entry.age())),
        left_ms: Some(millis(entry.remaining())),
        tags: entry.stamps().iter().map(TagStamp::from).collect(),
        verdict,
        hits: Some(entry.hits()),
        cost: BuildCost::of(entry.cost()),
        body: Body::Opaque,
    }
}

/// Describes a shared entry, with the time that the store keeps it for.
pub(super) fn at_sealed(
    readers: &[BodyReader],
    slot: Slot<'_>,
    listed: Listed,
    (bytes, ttl): (&Bytes, Ttl),
    current: &StampsResult,
    letters: usize,
) -> Description {
    open(readers, slot, listed.clone(), bytes, current, letters).unwrap_or_else(|error| {
        Description {
            listed,
            fingerprint: None,
            bytes: bytes.len() as u64,
            age_ms: None,
            left_ms: left(ttl),
            tags: Vec::new(),
            verdict: unopened(&error),
            hits: None,
            cost: None,
            body: Body::Opaque,
        }
    })
}

/// Returns the verdict on bytes that could not be opened: unknown without the secret.
fn unopened(error: &CodecError) -> Verdict {
    match error {
        CodecError::NoSecret => Verdict::Unknown(format!("{error}: it is in the database")),
        _ => Verdict::Unreadable(error.to_string()),
    }
}

fn left(ttl: Ttl) -> Option<u64> {
    match ttl {
        Ttl::In(left) => Some(millis(left)),
        Ttl::Absent => Some(0),
        Ttl::Forever => None,
    }
}

fn open(
    readers: &[BodyReader],
    slot: Slot<'_>,
    listed: Listed,
    bytes: &Bytes,
    current: &StampsResult,
    letters: usize,
) -> Result<Description, CodecError> {
    let sealed = codec::open(slot, bytes)?;
    let header: Header = sealed.header_as()?;
    let now = unix_millis(SystemTime::now());
    Ok(Description {
        listed,
        fingerprint: Some(sealed.fingerprint().to_string()),
        bytes: bytes.len() as u64,
        age_ms: Some(now.saturating_sub(header.born)),
        left_ms: Some(header.expires.saturating_sub(now)),
        tags: header.stamps.iter().map(TagStamp::from).collect(),
        verdict: match current {
            Err(unavailable) => Verdict::Unknown(unavailable.to_string()),
            Ok(current) => validate(header, now, current),
        },
        hits: None,
        cost: None,
        body: readers
            .iter()
            .find_map(|reader| reader.in_store(&sealed, letters))
            .unwrap_or(Body::Opaque),
    })
}

/// Validates a sealed entry as an instance does that finds it.
fn validate(header: Header, now: u64, current: &Stamps) -> Verdict {
    let mut dependencies = Dependencies::default();
    header.stamps.into_iter().for_each(|(tag, stamp)| dependencies.add(tag, stamp));
    let now_epoch = header.epoch.now(current.epochs());
    match dependencies.first_changed(current) {
        _ if !header.epoch.has_same_deletions(now_epoch) => Verdict::Deleted,
        Some(tag) => Verdict::Changed(tag.to_string()),
        None if header.expires <= now || header.epoch != now_epoch => Verdict::Expired,
        None => Verdict::Valid,
    }
}

/// Describes a value or a lock.
pub(super) fn at_value(slot: Slot<'_>, listed: Listed, (bytes, ttl): (&Bytes, Ttl)) -> Description {
    let (body, verdict) = match (listed.kind, whole(bytes)) {
        (Kind::Lock, _) => (Body::Opaque, Verdict::Valid),
        (_, Some(number)) => (Body::Number(number), Verdict::Valid),
        (_, None) => match plain::read::<String>(slot, bytes) {
            Ok(text) => (Body::Text(text), Verdict::Valid),
            Err(CodecError::Schema { .. }) => (Body::Opaque, Verdict::Valid),
            Err(error) => (Body::Opaque, unopened(&error)),
        },
    };
    let sealed = codec::open(slot, bytes).ok();
    Description {
        listed,
        fingerprint: sealed.map(|sealed| sealed.fingerprint().to_string()),
        bytes: bytes.len() as u64,
        age_ms: None,
        left_ms: left(ttl),
        tags: Vec::new(),
        verdict,
        hits: None,
        cost: None,
        body,
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
