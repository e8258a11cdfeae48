//! The fragments of one render: fetched before it, looked up and stored during it.

use std::cell::RefCell;
use std::fmt::{self, Display, Write};
use std::panic::Location;
use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::declaration::Fragment;
use super::personal;
use crate::Cache;
use crate::cache::Built;
use crate::dependencies::Dependencies;
use crate::entry::Entry;
use crate::event::{Event, Miss, Outcome};
use crate::hole;
#[cfg(feature = "inspect")]
use crate::inspect::{Body, Describe, start};
use crate::key::{Key, KeyBuilder};
use crate::level::Level;
use crate::policy::Policy;
use crate::stamps::Stamps;
use crate::tracking;

/// The HTML of a fragment, escaped where necessary.
#[derive(Debug, Serialize, Deserialize)]
pub struct Html(pub(crate) String);

impl Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(feature = "inspect")]
impl Describe for Html {
    const LEVEL: Level = Level::Fragment;

    fn describe(&self, letters: usize) -> Body {
        Body::Fragment(start(self.0.as_bytes(), letters))
    }
}

impl Html {
    /// Takes HTML in which everything that a visitor wrote is escaped, as a template engine returns it.
    pub fn from_escaped(html: impl Into<String>) -> Self {
        Self(html.into())
    }

    /// Returns the HTML, which a template prints as it is.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Renders `body`.
    pub(super) fn of(body: impl Display) -> Result<Self, fmt::Error> {
        let mut html = String::with_capacity(512);
        // Not `to_string`, which panics if a body fails.
        hole::within_fragment(|| write!(html, "{body}"))?;
        html.shrink_to_fit();
        Ok(Self(html))
    }
}

/// The fragments of a page that is about to be rendered.
#[derive(Default)]
pub struct Prefetched {
    /// `None` if the level is off: then everything is built, and nothing is stored.
    level: Option<(Cache, Arc<Stamps>)>,
    /// The place in the source that fetched them.
    caller: Option<&'static Location<'static>>,
    /// By their declarations, which are compared without making keys of them.
    found: RefCell<Vec<(KeyBuilder, Found)>>,
    missed: RefCell<Vec<(KeyBuilder, Missing)>>,
    /// The dependencies of the fragments that are being rendered, the outermost first.
    open: RefCell<Vec<Dependencies>>,
}

/// A fragment that was found, and its entry.
type Found = (Arc<Html>, Arc<Entry>);

/// A declared fragment that has to be built.
struct Missing {
    key: Key,
    policy: Policy,
    reads_data: bool,
    is_personal: bool,
    miss: Miss,
    /// The dependencies of its data.
    dependencies: Dependencies,
}

impl Prefetched {
    /// Fetches the declared fragments that are valid.
    ///
    /// They come from the local tier, or from the shared tier in one round trip for all that read
    /// data.
    pub(super) async fn fetch(
        cache: &Cache,
        current: Arc<Stamps>,
        declared: impl IntoIterator<Item = Fragment>,
        caller: &'static Location<'static>,
    ) -> Self {
        let mut prefetched = Self::default();
        let mut asked_for = Vec::new();
        for fragment in declared {
            let Fragment { key: declared, policy, reads_data, is_personal } = fragment;
            let key = cache.own(&declared.key()).into_owned();
            let miss = match cache.lookup::<Html>(Level::Fragment, &key, &current, Some(caller)) {
                Ok(found) => {
                    prefetched.take(declared, found);
                    continue;
                }
                Err(missed) => missed.miss,
            };
            if reads_data && !policy.is_local() {
                asked_for.push((declared.clone(), key.clone()));
            }
            let dependencies = Dependencies::on_everything(&current);
            let missing = Missing { key, policy, reads_data, is_personal, miss, dependencies };
            prefetched.missed.get_mut().push((declared, missing));
        }
        let keys: Vec<&Key> = asked_for.iter().map(|(_, key)| key).collect();
        let recalled = cache.recall_many::<Html>(Level::Fragment, &keys, &current, caller).await;
        for ((declared, _), found) in asked_for.iter().zip(recalled) {
            if let Some(found) = found {
                prefetched.missed.get_mut().retain(|(missed, _)| missed != declared);
                prefetched.take(declared.clone(), found);
            }
        }
        prefetched.level = Some((cache.clone(), current));
        prefetched.caller = Some(caller);
        prefetched
    }

    fn take(&mut self, declared: KeyBuilder, found: Found) {
        tracking::record(found.1.dependencies());
        self.found.get_mut().push((declared, found));
    }

    /// Loads the data that `fragment` prints, or returns `None` if the fragment was found.
    ///
    /// The fragment depends on all that `load` reads.
    ///
    /// # Errors
    /// Those of `load`, unchanged.
    ///
    /// # Panics
    /// If `load` loads the data of this same fragment, which would never end.
    pub async fn load<T, E>(
        &mut self,
        fragment: Fragment,
        load: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        let declared = fragment.key;
        if self.found.get_mut().iter().any(|(found, _)| *found == declared) {
            return Ok(None);
        }
        let missing = self.missed.get_mut().iter_mut().find(|(missed, _)| *missed == declared);
        let (Some((cache, current)), Some((_, missing))) = (&self.level, missing) else {
            return load().await.map(Some);
        };
        let key = &missing.key;
        let within = cache.begin([key]);
        let work = within.run(load());
        let (loaded, dependencies) = tracking::track_for(key, current.clone(), work).await;
        missing.dependencies.merge(&dependencies);
        loaded.map(Some)
    }

    /// Returns the fragment that was found, or renders its body and stores that.
    pub fn show(&self, fragment: Fragment, body: impl Display) -> Result<Arc<Html>, fmt::Error> {
        let declared = fragment.key;
        let found = self.found.borrow();
        if let Some((_, (html, entry))) = found.iter().find(|(found, _)| *found == declared) {
            self.record(entry.dependencies());
            return Ok(html.clone());
        }
        drop(found);
        // Only declared fragments are stored: an undeclared one was never looked up.
        let place = self.missed.borrow().iter().position(|(missed, _)| *missed == declared);
        let Some(place) = place else {
            return Ok(Arc::new(personal::within(false, || Html::of(body))?));
        };
        let (declared, missing) = self.missed.borrow_mut().swap_remove(place);
        self.make(declared, missing, body)
    }

    fn make(
        &self,
        declared: KeyBuilder,
        missing: Missing,
        body: impl Display,
    ) -> Result<Arc<Html>, fmt::Error> {
        let (key, started) = (&missing.key, Instant::now());
        self.open.borrow_mut().push(missing.dependencies);
        let html = personal::within(missing.is_personal, || Html::of(body));
        let mut dependencies = self.open.borrow_mut().pop().unwrap_or_default();
        let html = Arc::new(html?);
        let Some((cache, current)) = &self.level else { return Ok(html) };
        let event =
            Event::new(Level::Fragment, key, Outcome::Miss(missing.miss), started.elapsed());
        cache.report(event.asked_at(self.caller));
        let made = Built {
            body: html.clone(),
            dependencies: dependencies.clone(),
            size: html.0.len(),
            started,
            current: current.clone(),
        };
        let entry = if missing.reads_data {
            cache.store(Level::Fragment, key, &missing.policy, made, None)
        } else {
            cache.store_here(Level::Fragment, key, &missing.policy, made)
        };
        match entry {
            Some(entry) => {
                self.record(entry.dependencies());
                self.found.borrow_mut().push((declared, (html.clone(), entry)));
            }
            None => {
                // The queries were counted already when its data was loaded.
                dependencies.take_queries();
                self.record(&dependencies);
            }
        }
        Ok(html)
    }

    /// Records dependencies in the fragment around this one, or else in the page.
    fn record(&self, dependencies: &Dependencies) {
        match self.open.borrow_mut().last_mut() {
            Some(around) => around.merge(dependencies),
            None => tracking::record(dependencies),
        }
    }
}
