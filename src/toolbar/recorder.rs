//! Keeps what the cache did in the request that is running.

use std::cell::RefCell;
use std::time::Duration;

use crate::cache::event::{Event, Listener, Outcome};
use crate::cache::level::Level;

/// A look-up and what came of it.
#[derive(Debug, Clone)]
pub struct Lookup {
    /// On which level.
    pub level: Level,
    /// The key's name, such as `products.list`.
    pub name: String,
    /// `hit`, `miss` or `stale`.
    pub outcome: &'static str,
    /// How long it took.
    pub took: Duration,
}

tokio::task_local! {
    static CURRENT: RefCell<Vec<Lookup>>;
}

/// Runs `work` and answers the look-ups that it made, in order.
pub async fn record<T>(work: impl Future<Output = T>) -> (T, Vec<Lookup>) {
    let recording = RefCell::new(Vec::new());
    CURRENT
        .scope(recording, async {
            let done = work.await;
            (done, CURRENT.with(RefCell::take))
        })
        .await
}

/// Listens to the cache; silent outside of a request.
#[derive(Debug, Default)]
pub struct Recorder;

impl Listener for Recorder {
    fn on(&self, event: &Event<'_>) {
        let outcome = match event.outcome {
            Outcome::Hit | Outcome::FarHit | Outcome::Collapsed => "hit",
            Outcome::Stale(_) => "stale",
            Outcome::Miss(_) => "miss",
            Outcome::Stored(_)
            | Outcome::NotStored(_)
            | Outcome::Unreadable
            | Outcome::Outage(_)
            | Outcome::Refreshing
            | Outcome::TimedOut => return,
        };
        let _ = CURRENT.try_with(|lookups| {
            let name = event.key.name().to_owned();
            let lookup = Lookup { level: event.level, name, outcome, took: event.took };
            lookups.borrow_mut().push(lookup);
        });
    }
}
