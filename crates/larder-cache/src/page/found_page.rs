//! A page that a lookup found, with its key and its entry: how old it is, and for what it may be used.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::status::CacheStatus;
use super::stored::{Page, Stored};
use crate::Cache;
use crate::entry::Entry;
use crate::event::{Event, Outcome};
use crate::http::freshness::Use;
use crate::key::Key;
use crate::level::Level;

/// A page that a lookup found.
pub(super) struct FoundPage {
    pub key: Key,
    pub page: Arc<Page>,
    pub entry: Arc<Entry>,
    /// When it was found.
    pub at: Instant,
}

impl FoundPage {
    /// Returns the page that an entry holds, if it holds one.
    pub(super) fn of(key: &Key, entry: Arc<Entry>) -> Option<Self> {
        let stored = entry.body::<Stored>()?;
        let Stored::Page(page) = &*stored else { return None };
        Some(Self { key: key.clone(), page: page.clone(), entry, at: Instant::now() })
    }

    /// Reports a hit, which began at `began`; returns the age in seconds, and the status.
    pub(super) fn report_hit(
        &self,
        cache: &Cache,
        began: std::time::Instant,
    ) -> (u64, CacheStatus) {
        let ended = self.at.into_std();
        let took = ended.saturating_duration_since(began);
        let event = Event::new(Level::Page, &self.key, Outcome::Hit, took).ended_at(ended);
        cache.report(event.of(&self.entry));
        let (age, remaining) = (self.age_then(), self.entry.remaining_at(self.at));
        let ttl = self.page.freshness.lifetime.saturating_sub(age).min(remaining);
        (age.as_secs(), CacheStatus::Hit { ttl: ttl.as_secs() })
    }

    pub(super) fn age(&self) -> Duration {
        self.page.initial_age.saturating_add(self.entry.age())
    }

    /// Returns the age that it had when it was found.
    pub(super) fn age_then(&self) -> Duration {
        self.page.initial_age.saturating_add(self.entry.age_at(self.at))
    }

    /// Reports whether this expired page may be served because rebuilding it failed.
    pub(super) fn is_for_errors(&self) -> bool {
        let (freshness, age) = (&self.page.freshness, self.age());
        match freshness.at(age) {
            Use::WhileRevalidating | Use::IfError => true,
            // Fresh by age, but expired early: by hand or by a value it was built from.
            Use::Fresh => freshness.end() > freshness.lifetime,
            Use::Never => false,
        }
    }

    /// Reports whether this page was stored only to be validated before each use.
    pub(super) fn is_for_validation(&self) -> bool {
        self.page.initial_age >= self.page.freshness.end()
    }

    pub(super) fn usage(&self) -> Use {
        self.page.freshness.at(self.age())
    }

    /// Returns for what it could be used when it was found.
    pub(super) fn usage_then(&self) -> Use {
        self.page.freshness.at(self.age_then())
    }
}
