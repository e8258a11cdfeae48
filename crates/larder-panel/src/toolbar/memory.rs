//! The toolbar's memory: the last requests, their invalidations, and the pages to rebuild.
//!
//! - It is bounded in every way; the oldest record is removed first.
//! - A record may be composed when it is first asked for, since most requests are never looked at.
//! - It belongs to this process only: nothing is stored in the cache or in the database.
//! - A page is rebuilt once, for the same visitor, and only within the next seconds.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant, SystemTime};

use super::record::{Record, Summary};
use crate::cache::{Stamp, Tag};
use crate::moves::Move;
use crate::request_id::RequestId;

/// Most requests that are stored.
pub const RECORDS: usize = 200;

/// About the most bytes that they take; the newest is stored in any case.
const BYTES: usize = 32 << 20;

/// Most invalidated tags that are stored.
const MOVES: usize = 1_000;

/// Most pages that wait to be rebuilt.
const BYPASSES: usize = 16;

/// How long a bypass waits for its request.
const NEXT: Duration = Duration::from_secs(10);

/// The stored records.
#[derive(Debug, Default)]
pub struct Memory {
    remembered: Mutex<Remembered>,
}

#[derive(Debug, Default)]
struct Remembered {
    /// The newest first.
    records: VecDeque<Arc<Kept>>,
    /// What they take.
    bytes: usize,
    moves: VecDeque<(Move, SystemTime, RequestId)>,
    bypasses: VecDeque<Bypass>,
}

/// A record that is composed when it is first asked for.
#[derive(Debug)]
struct Kept {
    id: RequestId,
    /// About how many bytes it takes, composed or not.
    bytes: usize,
    record: LazyLock<Arc<Record>, Composing>,
}

type Composing = Box<dyn FnOnce() -> Arc<Record> + Send>;

#[derive(Debug)]
struct Bypass {
    client: Option<IpAddr>,
    target: String,
    since: Instant,
}

impl Memory {
    /// Stores the record of a request.
    pub fn keep(&self, record: Arc<Record>) {
        let (id, bytes) = (record.id, record.bytes);
        self.keep_later(id, bytes, move || record);
    }

    /// Stores the record of the request with this id, which is composed when it is first asked for and takes about
    /// `bytes` before and after.
    pub fn keep_later(
        &self,
        id: RequestId,
        bytes: usize,
        compose: impl FnOnce() -> Arc<Record> + Send + 'static,
    ) {
        let kept = Arc::new(Kept { id, bytes, record: LazyLock::new(Box::new(compose)) });
        let remembered = &mut *self.remembered.lock().unwrap();
        remembered.bytes += bytes;
        remembered.records.push_front(kept);
        while remembered.records.len() > RECORDS
            || (remembered.bytes > BYTES && remembered.records.len() > 1)
        {
            let oldest = remembered.records.pop_back();
            remembered.bytes -= oldest.map_or(0, |oldest| oldest.bytes);
        }
    }

    /// Returns the record with this id, if it is still stored.
    pub fn find(&self, id: RequestId) -> Option<Arc<Record>> {
        let kept = self.kept().into_iter().find(|kept| kept.id == id)?;
        Some(LazyLock::force(&kept.record).clone())
    }

    /// Returns all records, the newest first.
    pub fn history(&self) -> Vec<Arc<Record>> {
        self.kept().iter().map(|kept| LazyLock::force(&kept.record).clone()).collect()
    }

    /// Returns what is stored, the newest first, so that nothing is composed under the lock.
    fn kept(&self) -> Vec<Arc<Kept>> {
        self.remembered.lock().unwrap().records.iter().cloned().collect()
    }

    /// Returns the rows of the history.
    pub fn summaries(&self) -> Vec<Summary> {
        self.history().iter().map(|record| record.summary()).collect()
    }

    /// Stores which tags a request invalidated.
    pub fn moved(&self, moves: &[Move], by: RequestId) {
        let mut remembered = self.remembered.lock().unwrap();
        let now = SystemTime::now();
        moves.iter().for_each(|moved| remembered.moves.push_front((moved.clone(), now, by)));
        remembered.moves.truncate(MOVES);
    }

    /// Returns when this tag got this stamp and from which request, if this process answered it.
    pub fn mover_of(&self, tag: &Tag, to: Stamp) -> Option<(SystemTime, RequestId)> {
        let remembered = self.remembered.lock().unwrap();
        let mut moves = remembered.moves.iter();
        let found = moves.find(|(moved, ..)| moved.tag == *tag && moved.to == to);
        found.map(|(_, at, by)| (*at, *by))
    }

    /// Makes the next request of `client` for `target`, path and query, rebuild its page.
    pub fn bypass_next(&self, client: Option<IpAddr>, target: &str) {
        let mut remembered = self.remembered.lock().unwrap();
        let bypass = Bypass { client, target: target.to_owned(), since: Instant::now() };
        remembered.bypasses.push_front(bypass);
        remembered.bypasses.truncate(BYPASSES);
    }

    /// Reports whether this request is to rebuild its page; a bypass is used once.
    pub fn take_bypass(&self, client: Option<IpAddr>, target: &str) -> bool {
        let mut remembered = self.remembered.lock().unwrap();
        let bypasses = &mut remembered.bypasses;
        bypasses.retain(|bypass| bypass.since.elapsed() < NEXT);
        let mut places = bypasses.iter();
        let place = places.position(|bypass| bypass.client == client && bypass.target == target);
        place.is_some_and(|place| bypasses.remove(place).is_some())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::toolbar::sample::record;

    #[test]
    fn the_oldest_is_forgotten_first() {
        let memory = Memory::default();
        let ids: Vec<_> = (0..RECORDS + 3).map(|_| RequestId::new()).collect();
        for id in &ids {
            memory.keep(Arc::new(Record { id: *id, ..record() }));
        }
        assert_eq!(memory.history().len(), RECORDS);
        assert!(memory.find(ids[2]).is_none() && memory.find(ids[3]).is_some());
        assert_eq!(memory.summaries()[0].id, ids[RECORDS + 2], "the newest first");
    }

    #[test]
    fn large_records_are_fewer() {
        let memory = Memory::default();
        for bytes in [BYTES / 2, BYTES / 2, 1, 2 * BYTES, 5] {
            memory.keep(Arc::new(Record { bytes, ..record() }));
        }
        let left: Vec<_> = memory.history().iter().map(|record| record.bytes).collect();
        assert_eq!(left, [5]);
        memory.keep(Arc::new(Record { bytes: 7, ..record() }));
        assert_eq!(memory.history().len(), 2);
        memory.keep_later(RequestId::new(), 2 * BYTES, || Arc::new(record()));
        assert_eq!(memory.history().len(), 1, "also if it is not composed yet");
    }

    #[test]
    fn a_record_is_composed_once_and_only_if_it_is_asked_for() {
        let (memory, composed) = (Memory::default(), Arc::new(AtomicUsize::new(0)));
        let ids = [RequestId::new(), RequestId::new()];
        for id in ids {
            let composed = composed.clone();
            memory.keep_later(id, 1, move || {
                composed.fetch_add(1, Ordering::Relaxed);
                Arc::new(Record { id, ..record() })
            });
        }
        assert_eq!(composed.load(Ordering::Relaxed), 0);
        for _ in 0..2 {
            assert_eq!(memory.find(ids[0]).map(|record| record.id), Some(ids[0]));
            assert_eq!(composed.load(Ordering::Relaxed), 1, "the other one is not looked at");
        }
        assert_eq!(memory.history().len(), 2);
        assert_eq!(composed.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_page_is_rebuilt_once_and_for_the_same_visitor() {
        let memory = Memory::default();
        let peer = |text: &str| Some(text.parse().unwrap());
        memory.bypass_next(peer("127.0.0.1"), "/?q=tea");
        assert!(!memory.take_bypass(peer("::1"), "/?q=tea"));
        assert!(!memory.take_bypass(peer("127.0.0.1"), "/"));
        assert!(memory.take_bypass(peer("127.0.0.1"), "/?q=tea"));
        assert!(!memory.take_bypass(peer("127.0.0.1"), "/?q=tea"));
    }

    #[test]
    fn the_request_that_invalidated_a_tag_is_found_by_its_stamp() {
        let memory = Memory::default();
        let (by, stamp) = (RequestId::new(), |count| Stamp { count, nonce: count });
        let tag = Tag::named("tea");
        memory.moved(&[Move { tag: tag.clone(), from: stamp(1), to: stamp(2) }], by);
        assert_eq!(memory.mover_of(&tag, stamp(2)).map(|(_, by)| by), Some(by));
        assert_eq!(memory.mover_of(&tag, stamp(3)), None, "another write has changed it since");
    }
}
