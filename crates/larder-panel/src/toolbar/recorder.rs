//! Records what the cache did, and what was logged, during the running request.
//!
//! - Outside of a recording, nothing is printed or copied.
//! - A recording belongs to its task, and to the tasks in which the cache loads for it: requests that run at the same
//!   time never mix.
//! - It is bounded; events that do not fit are counted.

use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use foldhash::HashMap;

use super::node::{Known, Node, unasked};
use super::record::{LogLine, Store, ValueCall};
use crate::cache::Level;
use crate::cache::event::{self, Event};
use crate::cache::values::call;

/// Lookups that a recording holds.
const NODES: usize = 1_000;

/// Calls to values that it holds.
const CALLS: usize = 500;

/// Lines of the log that it holds.
const LINES: usize = 200;

/// The recording of one request.
#[derive(Debug, Default)]
pub struct Recorded {
    /// Lookups, in the order in which they ended.
    pub nodes: Vec<Node>,
    /// Calls to values, in the order in which they were answered.
    pub values: Vec<ValueCall>,
    /// Lines of the log, in order.
    pub lines: Vec<LogLine>,
    /// How long each freshness check took.
    pub checks: Vec<Duration>,
    /// Number of lookups for which there was no room.
    pub left_out: u64,
    /// Number of calls to values for which there was no room.
    pub values_left_out: u64,
    /// Number of lines of the log for which there was no room.
    pub lines_left_out: u64,
}

/// The recording of a request that is being answered. Clones are the same recording.
#[derive(Clone)]
struct Recording {
    began: Instant,
    recorded: Arc<Mutex<Recorded>>,
}

tokio::task_local! {
    static CURRENT: Recording;
}

/// The recordings of all requests that are being answered, by their numbers: for loads in tasks of their own.
static RUNNING: LazyLock<Mutex<HashMap<u64, Recording>>> = LazyLock::new(Mutex::default);

/// Ends a recording, also if its request is dropped.
struct Running(u64);

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.lock().unwrap().remove(&self.0);
    }
}

/// Runs `work`, the request of this number that began at `began`, and returns its result with its recording.
pub async fn record<T>(
    number: u64,
    began: Instant,
    work: impl Future<Output = T>,
) -> (T, Recorded) {
    let recording = Recording { began, recorded: Arc::default() };
    RUNNING.lock().unwrap().insert(number, recording.clone());
    let _running = Running(number);
    let done = CURRENT.scope(recording.clone(), work).await;
    let recorded = std::mem::take(&mut *recording.recorded.lock().unwrap());
    (done, recorded)
}

/// Lets `hear` add to the recording of this task, or of the request of this number.
fn with(number: u64, hear: impl FnOnce(&mut Recorded, Duration)) {
    let here = CURRENT.try_with(Recording::clone).ok();
    let there = || RUNNING.lock().unwrap().get(&number).cloned();
    if let Some(recording) = here.or_else(|| (number != 0).then(there).flatten()) {
        let now = recording.began.elapsed();
        hear(&mut recording.recorded.lock().unwrap(), now);
    }
}

/// Adds a line of the log to the recording of the running request, if there is one.
pub fn line(make: impl FnOnce(Duration) -> LogLine) {
    let _ = CURRENT.try_with(|recording| {
        // A line logged while another is being recorded is dropped: it is not worth a panic.
        let Ok(mut recorded) = recording.recorded.try_lock() else { return };
        if recorded.lines.len() < LINES {
            recorded.lines.push(make(recording.began.elapsed()));
        } else {
            recorded.lines_left_out += 1;
        }
    });
}

/// Records an event of the cache; does nothing outside of a request.
pub fn hear(event: &Event<'_>) {
    with(event.maker, |recorded, now| recorded.hear(event, now));
}

/// Records a freshness check; does nothing outside of a request. Reports whether there is one.
pub fn hear_check(took: Duration) -> bool {
    let is_observed = CURRENT.try_with(|_| ()).is_ok();
    if is_observed {
        with(0, |recorded, _| recorded.checks.push(took));
    }
    is_observed
}

/// Records a call to a value; does nothing outside of a request.
pub fn hear_call(call: &call::Call<'_>) {
    with(0, |recorded, now| recorded.hear_call(call, now));
}

/// A listener that records only.
#[cfg(test)]
#[derive(Debug, Default)]
pub struct Recorder;

#[cfg(test)]
impl crate::cache::Listener for Recorder {
    fn on(&self, event: &Event<'_>) {
        hear(event);
    }

    fn on_value(&self, call: &call::Call<'_>) {
        hear_call(call);
    }
}

impl Recorded {
    fn hear(&mut self, event: &Event<'_>, now: Duration) {
        match &event.outcome {
            event::Outcome::Stored(bytes) => self.end(event, now, Ok(u64::from(*bytes))),
            event::Outcome::NotStored(why) => self.end(event, now, Err((*why).to_owned())),
            // A page from the shared store is reported twice: when it is found, and when it is served.
            event::Outcome::Hit if self.is_answered(event) => {}
            _ => self.push(Node::of(event, now)),
        }
    }

    fn hear_call(&mut self, call: &call::Call<'_>, now: Duration) {
        if self.values.len() >= CALLS {
            self.values_left_out += 1;
            return;
        }
        self.values.push(ValueCall {
            operation: call.operation.name(),
            key: call.name.to_owned(),
            store: if call.store == "memory" { Store::Memory } else { Store::Shared },
            outcome: match call.outcome {
                call::CallOutcome::Outage(trouble) => format!("outage: {}", trouble.name()),
                outcome => outcome.name().to_owned(),
            },
            at: now.saturating_sub(call.took),
            took: call.took,
        });
    }

    fn push(&mut self, node: Node) {
        if self.nodes.len() < NODES {
            self.nodes.push(node);
        } else {
            self.left_out += 1;
        }
    }

    fn is_answered(&self, event: &Event<'_>) -> bool {
        let last = self.nodes.last();
        event.level == Level::Page
            && last.is_some_and(|last| {
                last.outcome == event::Outcome::SharedHit && last.key == *event.key
            })
    }

    /// Records the end of a build. A variant of a page is stored under another key than was looked up.
    fn end(&mut self, event: &Event<'_>, now: Duration, kept: Result<u64, String>) {
        let is_it = |node: &&mut Node| node.level == event.level && node.is_open();
        let same = self.nodes.iter().rposition(|node| {
            node.level == event.level && node.is_open() && node.key == *event.key
        });
        let node = match same {
            Some(place) => Some(&mut self.nodes[place]),
            None if event.level == Level::Page => self.nodes.iter_mut().rev().find(is_it),
            None => None,
        };
        let Some(node) = node else { return self.push(unasked(event, now, kept)) };
        if node.key != *event.key {
            node.kept_under = Some(event.key.clone());
        }
        node.making = Some(event.took);
        node.kept = Some(kept);
        node.entry = event.entry.map(Known::of);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::{Builder, Cache, InProcess, Key, Policy};
    use crate::toolbar::node::outcome;
    use crate::toolbar::record::Outcome;

    fn cache() -> Cache {
        let builder = Builder::default().name("larder").listener(Arc::new(Recorder));
        builder.open(Arc::new(InProcess::new()))
    }

    async fn ask(cache: &Cache, name: &'static str) {
        let (key, policy) = (Key::named(name).build(), Policy::fresh_for(Duration::from_secs(9)));
        cache.get_or_set(&key, &policy, async || Ok::<_, ()>(None::<u8>)).await.unwrap();
    }

    #[tokio::test]
    async fn calls_to_values_are_recorded_and_nothing_else_is_of_them() {
        let cache = cache();
        let ((), recorded) = record(0, Instant::now(), async {
            cache.values().set("visits", &1, Duration::from_secs(9)).await.unwrap();
            cache.values().incr("visits", 1).await.unwrap();
            cache.values().get::<i64>("none").await.unwrap();
        })
        .await;
        let calls = recorded.values.iter();
        let calls: Vec<_> =
            calls.map(|call| (call.operation, call.key.as_str(), call.outcome.as_str())).collect();
        let (visits, none) = ("larder:values:1:visits", "larder:values:1:none");
        assert_eq!(
            calls,
            [("set", visits, "done"), ("incr", visits, "done"), ("get", none, "miss")]
        );
        assert!(recorded.nodes.is_empty());
    }

    #[tokio::test]
    async fn a_recording_is_the_tasks_own() {
        let cache = cache();
        ask(&cache, "before").await;
        let record_one = |name| {
            let cache = cache.clone();
            record(0, Instant::now(), async move {
                ask(&cache, name).await;
                tokio::task::yield_now().await;
                ask(&cache, name).await;
            })
        };
        let (((), one), ((), other)) = tokio::join!(record_one("one"), record_one("other"));
        for (recorded, name) in [(one, "one"), (other, "other")] {
            let keys: Vec<_> = recorded.nodes.iter().map(|node| node.key.as_str()).collect();
            assert_eq!(keys, [name, name]);
        }
    }

    #[tokio::test]
    async fn a_miss_and_its_end_are_one_node_and_a_hit_says_what_it_holds() {
        let cache = cache();
        let ((), recorded) = record(0, Instant::now(), async {
            ask(&cache, "nothing").await;
            ask(&cache, "nothing").await;
        })
        .await;
        let [miss, hit] = &recorded.nodes[..] else { panic!("{recorded:?}") };
        assert!(miss.making.is_some() && matches!(miss.kept, Some(Ok(_))));
        assert!(miss.caller.is_some_and(|caller| caller.file().ends_with("recorder.rs")));
        assert_eq!(outcome(hit), Outcome::HitNothing);
        assert_eq!(hit.store, Some(Store::Memory));
    }

    #[tokio::test]
    async fn it_is_bounded() {
        let cache = cache();
        let ((), recorded) = record(0, Instant::now(), async {
            for _ in 0..NODES + 5 {
                ask(&cache, "again").await;
            }
        })
        .await;
        assert_eq!((recorded.nodes.len(), recorded.left_out), (NODES, 5));
    }
}
