//! Loads within loads, and which of them wait for which.
//!
//! - A load that asks for its own key, by itself or through other loads, would wait for itself. It
//!   gets an error at once ([`circle`]), with the keys in between.
//! - Two requests whose loads ask for each other's key would wait for each other. The one that
//!   notices does not wait ([`wait_for`]) but loads by itself. If the cycle is real, it then meets
//!   its own key, so there is no false alarm.
//! - Pages, fragments, queries and values share one lineage, whichever caches they are in.
//!
//! Not seen: what a load does in a task that it spawns itself. There the timeout of
//! [`super::flight`] ends the waiting.

use std::fmt;
use std::sync::{Arc, Weak};

use super::sync::{Mutex, task_local};

task_local! {
    static CURRENT: Arc<Load>;
}

/// A load, and the one that it runs within.
#[derive(Debug)]
pub(super) struct Load {
    /// Distinguishes the keys of one cache from those of another.
    place: usize,
    keys: Vec<Box<str>>,
    within: Option<Arc<Load>>,
    /// The loads that it waits for, itself or through a nested load. [`Waiting`] removes them.
    waits_for: Mutex<Vec<Weak<Load>>>,
}

/// The error for a load that asks for its own key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the load of {0} asks for itself ({1}): what it needs has to be loaded under another key, or without \
     the cache"
)]
pub struct Circle(String, Path);

/// Keys, from a load to the one within it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Path(Vec<String>);

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" → "))
    }
}

impl Load {
    /// Creates a load of these keys, within the current load if there is one.
    pub(crate) fn new<'k>(place: usize, keys: impl IntoIterator<Item = &'k str>) -> Arc<Self> {
        let (keys, within) = (keys.into_iter().map(Into::into).collect(), current());
        Arc::new(Self { place, keys, within, waits_for: Mutex::default() })
    }

    /// Creates a load without a flight.
    ///
    /// # Errors
    /// [`Circle`], if the current load is loading one of the keys.
    pub(crate) fn begin<'k>(
        place: usize,
        keys: impl IntoIterator<Item = &'k str> + Clone,
    ) -> Result<Arc<Self>, Circle> {
        match keys.clone().into_iter().find_map(|key| circle(place, key)) {
            Some(circle) => Err(circle),
            None => Ok(Self::new(place, keys)),
        }
    }

    /// Runs `work` as the current load.
    pub(crate) async fn run<W: Future>(self: &Arc<Self>, work: W) -> W::Output {
        CURRENT.scope(self.clone(), work).await
    }

    fn is_of(&self, place: usize, key: &str) -> bool {
        self.place == place && self.keys.iter().any(|known| **known == *key)
    }
}

fn current() -> Option<Arc<Load>> {
    CURRENT.try_with(Clone::clone).ok()
}

/// Returns the current load and those around it, innermost first.
fn lineage() -> impl Iterator<Item = Arc<Load>> {
    std::iter::successors(current(), |load| load.within.clone())
}

/// Returns the path from the current load back to `key`, if it is loading `key` already.
pub(super) fn circle(place: usize, key: &str) -> Option<Circle> {
    let mut path = vec![key.to_owned()];
    for load in lineage() {
        if load.is_of(place, key) {
            path.push(key.to_owned());
            path.reverse();
            return Some(Circle(key.to_owned(), Path(path)));
        }
        path.push(load.keys.join(", "));
    }
    None
}

/// Records that the current load waits for `load`; `None` if it would wait for itself.
pub(super) fn wait_for(load: &Arc<Load>) -> Option<Waiting> {
    let waiting = Waiting { who: lineage().collect(), what: Arc::downgrade(load) };
    // Recorded before the check: of two loads that begin to wait for each other at the same time,
    // at least one then sees the other.
    for who in &waiting.who {
        who.waits_for.lock().unwrap().push(waiting.what.clone());
    }
    (!waiting.is_for_itself(load)).then_some(waiting)
}

/// Loads that wait for another one, until this is dropped.
#[derive(Debug)]
pub(super) struct Waiting {
    who: Vec<Arc<Load>>,
    what: Weak<Load>,
}

impl Waiting {
    fn is_for_itself(&self, load: &Arc<Load>) -> bool {
        let (mut seen, mut next) = (Vec::new(), vec![load.clone()]);
        while let Some(load) = next.pop() {
            if self.who.iter().any(|who| Arc::ptr_eq(who, &load)) {
                return true;
            }
            if !seen.iter().any(|seen| Arc::ptr_eq(seen, &load)) {
                next.extend(load.waits_for.lock().unwrap().iter().filter_map(Weak::upgrade));
                seen.push(load);
            }
        }
        false
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        for who in &self.who {
            let mut waits_for = who.waits_for.lock().unwrap();
            if let Some(place) = waits_for.iter().position(|what| what.ptr_eq(&self.what)) {
                waits_for.swap_remove(place);
            }
        }
    }
}

#[cfg(test)]
mod tests;
