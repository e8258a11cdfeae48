//! Records what the cache did, and what was logged, during the running request.
//!
//! - Outside of a recording, nothing is printed or copied.
//! - A recording belongs to its task: requests that run at the same time never mix.
//! - It is bounded; events that do not fit are counted.

use std::cell::RefCell;
use std::time::{Duration, Instant};

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
    /// Number of lookups for which there was no room.
    pub left_out: u64,
    /// Number of calls to values for which there was no room.
    pub values_left_out: u64,
    /// Number of lines of the log for which there was no room.
    pub lines_left_out: u64,
}

struct Recording {
    began: Instant,
    recorded: RefCell<Recorded>,
}

tokio::task_local! {
    static CURRENT: Recording;
}

/// Runs `work`, a request that began at `began`, and returns its result with its recording.
pub async fn record<T>(began: Instant, work: impl Future<Output = T>) -> (T, Recorded) {
    let recording = Recording { began, recorded: RefCell::default() };
    CURRENT
        .scope(recording, async {
            let done = work.await;
            (done, CURRENT.with(|recording| recording.recorded.take()))
        })
        .await
}

/// Adds a line of the log to the recording of the running request, if there is one.
pub fn line(make: impl FnOnce(Duration) -> LogLine) {
    let _ = CURRENT.try_with(|recording| {
        // A line logged while another is being recorded is dropped: it is not worth a panic.
        let Ok(mut recorded) = recording.recorded.try_borrow_mut() else { return };
        if recorded.lines.len() < LINES {
            recorded.lines.push(make(recording.began.elapsed()));
        } else {
            recorded.lines_left_out += 1;
        }
    });
}

/// Records an event of the cache; does nothing outside of a request.
pub fn hear(event: &Event<'_>) {
    let _ = CURRENT.try_with(|recording| {
        let now = recording.began.elapsed();
        recording.recorded.borrow_mut().hear(event, now);
    });
}

/// Records a call to a value; does nothing outside of a request.
pub fn hear_call(call: &call::Call<'_>) {
    let _ = CURRENT.try_with(|recording| {
        let now = recording.began.elapsed();
        recording.recorded.borrow_mut().hear_call(call, now);
    });
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
    use std::sync::Arc;

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
        let ((), recorded) = record(Instant::now(), async {
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
            record(Instant::now(), async move {
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
        let ((), recorded) = record(Instant::now(), async {
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
        let ((), recorded) = record(Instant::now(), async {
            for _ in 0..NODES + 5 {
                ask(&cache, "again").await;
            }
        })
        .await;
        assert_eq!((recorded.nodes.len(), recorded.left_out), (NODES, 5));
    }
}
