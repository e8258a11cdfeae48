//! The figures of `GET /cache`, collected at once.
//!
//! - A shared store that does not answer is one of the figures: the page is shown nevertheless.
//! - Collecting them costs one freshness check, and one request to the store.

use std::time::{Duration, Instant};

use super::chart::{self, Bar};
use super::history::{LEVELS, Minute};
use super::words::{address, by_level, entry_at, percent, span, stamp, steered, tag, worth};
use crate::cache::Level;
use crate::cache::inspect::{Dependents, Description, Inspection, LookUps, Share};
use crate::cache::store::StoreError;
use crate::figures::{bytes, count, grouped, took};
use crate::metrics::Loads;
use crate::state::PanelState;

/// The number of tags shown.
const TAGS: usize = 50;

/// All figures.
pub struct Overview {
    pub levels: Vec<OfLevel>,
    pub is_whole: bool,
    pub bytes: u64,
    pub limit_bytes: Option<u64>,
    pub evicted: u64,
    pub store: StoreState,
    pub invalidations: u64,
    pub view_age: Option<Duration>,
    pub answered: u64,
    pub unavailable: u64,
    pub slowest: Vec<Top>,
    pub most_saved: Vec<Top>,
    pub tags: Vec<TagRow>,
    pub tags_left_off: usize,
}

pub struct OfLevel {
    pub level: Level,
    pub look_ups: LookUps,
    pub hour: Vec<Minute>,
    pub bars: Vec<Bar>,
    pub loads: Loads,
    pub share: Share,
}

/// An entry of a ranking.
pub struct Top {
    pub key: String,
    pub kind: &'static str,
    pub href: String,
    pub worth: String,
}

/// A tag and its dependents.
pub struct TagRow {
    pub name: String,
    pub stamp: String,
    pub entries: String,
    /// Lists the dependents.
    pub href: String,
    /// Invalidates the tag.
    pub invalidation: String,
}

/// The state of the shared store.
pub enum StoreState {
    /// None is configured.
    Off,
    /// The store answers in this time.
    Answers(Duration),
    /// The circuit breaker is open, since the store did not answer.
    Paused,
    /// The store does not answer, for this reason.
    Silent(String),
}

/// Collects all figures.
pub async fn look(state: &PanelState) -> Overview {
    let (inspection, counts) = (state.cache.inspect(), &state.counts);
    let store = store(&inspection).await;
    let checks = &counts.metrics.checks;
    let (view_age, (answered, unavailable)) = (checks.age(), checks.counted());
    let mut summary = inspection.summary().await;
    let memory = inspection.memory().unwrap_or_default();
    let all_tags = summary.tags.len();
    summary.tags.retain(|dependents| dependents.all() > 0);
    summary.tags.truncate(TAGS);
    let tags_left_off = all_tags - summary.tags.len();
    let look_ups = counts.stats.look_ups().into_iter();
    let levels = LEVELS.into_iter().zip(look_ups).zip(summary.shares);
    let of_level = |((level, look_ups), share)| {
        let hour = counts.history.hour(level);
        let (bars, loads) = (chart::bars(&hour), counts.metrics.loads_of(level));
        OfLevel { level, look_ups, hour, bars, loads, share }
    };
    Overview {
        levels: levels.map(of_level).collect(),
        is_whole: summary.is_whole,
        bytes: memory.bytes,
        limit_bytes: memory.limit_bytes,
        evicted: memory.evicted,
        store,
        invalidations: state.audit.invalidations(),
        view_age,
        answered,
        unavailable,
        slowest: summary.slowest.iter().map(|entry| Top::of(&state.at, entry)).collect(),
        most_saved: summary.most_saved.iter().map(|entry| Top::of(&state.at, entry)).collect(),
        tags: summary.tags.iter().map(|tag| TagRow::of(&state.at, tag)).collect(),
        tags_left_off,
    }
}

async fn store(inspection: &Inspection) -> StoreState {
    let began = Instant::now();
    match inspection.probe().await {
        None => StoreState::Off,
        Some(Ok(())) => StoreState::Answers(began.elapsed()),
        Some(Err(StoreError::Paused { .. })) => StoreState::Paused,
        Some(Err(error)) if inspection.is_paused() == Some(true) => {
            StoreState::Silent(format!("{error}; it is paused"))
        }
        Some(Err(error)) => StoreState::Silent(error.to_string()),
    }
}

impl Top {
    fn of(at: &str, entry: &Description) -> Self {
        let key = entry.listed.key.clone();
        let (kind, href) = (entry.listed.kind.name(), entry_at(at, &key));
        Self { key, kind, href, worth: worth(entry) }
    }
}

impl TagRow {
    fn of(at: &str, dependents: &Dependents) -> Self {
        let name = tag(&dependents.stamp.tag);
        Self {
            name: name.to_owned(),
            stamp: stamp(&dependents.stamp),
            entries: by_level(dependents.entries),
            href: address(&format!("{at}/cache/entries"), "tag", name),
            invalidation: address(
                &format!("{at}/cache/invalidate"),
                "tag",
                steered(&dependents.stamp.tag),
            ),
        }
    }
}

impl OfLevel {
    pub fn heading(&self) -> &'static str {
        match self.level {
            Level::Page => "Pages",
            Level::Fragment => "Fragments",
            Level::Query => "Queries",
        }
    }

    pub fn explained(&self) -> &'static str {
        match self.level {
            Level::Page => "Whole responses. A hit runs no query and renders no template.",
            Level::Fragment => "Parts of templates.",
            Level::Query => "Results of queries, looked up when a page is built.",
        }
    }

    /// Returns the number of lookups since the start.
    pub fn asked(&self) -> u64 {
        self.look_ups.hits + self.look_ups.misses + self.look_ups.stale
    }

    /// Returns the hit ratio since the start.
    pub fn rate(&self) -> String {
        percent(self.look_ups.hits, self.asked())
    }

    /// Returns the hits and lookups of the last hour.
    pub fn last_hour(&self) -> (u64, u64) {
        let hits = self.hour.iter().map(|minute| minute.hits).sum();
        (hits, self.hour.iter().map(Minute::look_ups).sum())
    }

    /// Returns the hit ratio of the last hour.
    pub fn rate_of_hour(&self) -> String {
        let (hits, asked) = self.last_hour();
        percent(hits, asked)
    }

    /// Returns the minutes with any event, the current one first.
    pub fn busy(&self) -> impl Iterator<Item = &Minute> {
        self.hour.iter().rev().filter(|minute| minute.look_ups() + minute.loads > 0)
    }

    /// Returns the upper bound of the p95 build time.
    pub fn p95(&self) -> String {
        match (self.loads.count, self.loads.p95) {
            (0, _) => "–".to_owned(),
            (_, Some(bound)) => format!("≤ {}", took(bound)),
            (_, None) => "> 10 s".to_owned(),
        }
    }

    /// Returns the hits and lookups since the start, such as `12 of 14`.
    pub fn of_all(&self) -> String {
        format!(
            "{} of {}",
            count(self.look_ups.hits, "hit", "hits"),
            count(self.asked(), "lookup", "lookups")
        )
    }

    /// Returns the hits and lookups of the last hour.
    pub fn of_hour(&self) -> String {
        let (hits, asked) = self.last_hour();
        format!("{} of {}", count(hits, "hit", "hits"), count(asked, "lookup", "lookups"))
    }

    pub fn loads(&self) -> String {
        grouped(self.loads.count)
    }

    /// Returns the number and the bytes of the stored entries.
    pub fn kept(&self) -> String {
        let Share { entries, bytes: taken } = self.share;
        format!("{}, {}", count(entries, "entry", "entries"), bytes(taken))
    }

    pub fn mean(&self) -> String {
        if self.loads.count == 0 { "–".to_owned() } else { took(self.loads.mean) }
    }
}

impl Overview {
    /// Returns the bytes of all entries, and the limit on them.
    pub fn room(&self) -> String {
        let limit = self.limit_bytes.map_or_else(|| "any number".to_owned(), bytes);
        format!("{} of {limit}", bytes(self.bytes))
    }

    pub fn evictions(&self) -> String {
        grouped(self.evicted)
    }

    /// Returns the state of the shared store in a few words.
    pub fn store_state(&self) -> String {
        match &self.store {
            StoreState::Off => "off".to_owned(),
            StoreState::Answers(time) => format!("connected, {}", took(*time)),
            StoreState::Paused => "breaker open".to_owned(),
            StoreState::Silent(_) => "unavailable".to_owned(),
        }
    }

    pub fn store_explained(&self) -> String {
        match &self.store {
            StoreState::Off => "This process shares its entries with no other instance.".to_owned(),
            StoreState::Answers(_) => {
                "Round trip measured just now. Entries are looked up there when \
                this process has none."
                    .to_owned()
            }
            StoreState::Paused => "Redis failed several times in a row. For a moment the \
                cache does not wait for it; pages are built without it."
                .to_owned(),
            StoreState::Silent(why) => format!("Pages are built without it: {why}."),
        }
    }

    /// Returns the time since the last successful freshness check.
    pub fn validated_ago(&self) -> String {
        let ago = |age: Duration| span(u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
        self.view_age.map_or_else(|| "not yet".to_owned(), |age| format!("{} ago", ago(age)))
    }

    /// Returns the number of freshness checks, and how many of them failed.
    pub fn questions(&self) -> String {
        let failed = grouped(self.unavailable);
        format!("{}, {failed} failed", grouped(self.answered + self.unavailable))
    }

    /// Returns the used share of the memory limit.
    pub fn filled(&self) -> String {
        self.limit_bytes.map_or_else(|| "–".to_owned(), |limit| percent(self.bytes, limit))
    }
}
