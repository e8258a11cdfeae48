//! Pages that list, show and delete the entries of the cache.

use std::sync::Arc;

use actix_web::{Error, HttpRequest, HttpResponse, web};
use askama::Template;

use super::audit::Door;
use super::forms::{DeleteForm, EntriesQuery, KINDS, KeyForm};
use super::pages::html;
use super::pagination::Pagination;
use super::words::{address, entry_at};
use super::{service, words};
use crate::cache::inspect::{Body, Description, Kind, MOST, TagStamp, Verdict, Wanted};
use crate::cache::stamps::{Stamps, StampsResult};
use crate::cache::{Key, Tag};
use crate::error::PanelError;
use crate::figures::{self, grouped};
use crate::form::{Form, Query};
use crate::redirect::local_path;
use crate::state::PanelState;

/// Entries on a page.
const SIZE: u64 = 25;

type Answer = Result<HttpResponse, Error>;

#[derive(Template)]
#[template(path = "dashboard/entries.html")]
struct IndexPage<'a> {
    at: &'a str,
    may_write: bool,
    query: EntriesQuery,
    rows: Vec<Row>,
    total: u64,
    is_whole: bool,
    /// Why the shared store's entries are missing.
    trouble: Option<String>,
    pagination: Pagination,
}

impl IndexPage<'_> {
    fn kinds(&self) -> [Kind; 4] {
        KINDS
    }

    /// Formats the total: `1,200 entries`.
    fn counted(&self) -> String {
        figures::count(self.total, "entry", "entries")
    }

    /// Returns the address where the tag of the search can be invalidated, if there is one.
    fn invalidation(&self) -> Option<String> {
        let tag = words::steered(&self.query.tag);
        (!tag.is_empty()).then(|| address(&format!("{}/cache/invalidate", self.at), "tag", tag))
    }

    fn most(&self) -> String {
        grouped(MOST as u64)
    }
}

/// An entry, formatted for the templates.
struct Row {
    /// The address of its page.
    href: String,
    /// The name in the key, such as `posts.list`.
    name: String,
    /// The parameters in the key, such as `page`, `2`.
    parts: Vec<(String, String)>,
    tags: Vec<TagRow>,
    told: Description,
}

struct TagRow {
    name: String,
    /// The address that lists all entries that depend on the tag.
    href: String,
    /// The stamp that was stored with the entry, and the current one, if it is known.
    kept: String,
    now: Option<String>,
}

impl TagRow {
    fn of(at: &str, tag: &TagStamp, current: &StampsResult) -> Self {
        let name = words::tag(&tag.tag);
        let id = Tag::from(tag.tag.clone());
        let now = |current: &Arc<Stamps>| {
            let stamp = current.stamp(&id);
            words::stamp(&TagStamp::from(&(id.clone(), stamp)))
        };
        Self {
            name: name.to_owned(),
            href: address(&format!("{at}/cache/entries"), "tag", name),
            kept: words::stamp(tag),
            now: current.as_ref().ok().map(now),
        }
    }

    fn has_moved(&self) -> bool {
        self.now.as_ref().is_some_and(|now| *now != self.kept)
    }
}

impl Row {
    fn of(at: &str, told: Description, current: &StampsResult) -> Self {
        let printed = &told.listed.key;
        let name = printed.split(':').next().unwrap_or_default().to_owned();
        let tags = told.tags.iter().map(|tag| TagRow::of(at, tag, current)).collect();
        let href = entry_at(at, told.listed.name.as_ref().unwrap_or(printed));
        Self { href, name, parts: Key::parts_of(printed), tags, told }
    }

    fn kind(&self) -> &'static str {
        self.told.listed.kind.name()
    }

    fn bytes(&self) -> String {
        figures::bytes(self.told.bytes)
    }

    fn worth(&self) -> String {
        words::worth(&self.told)
    }

    fn state(&self) -> String {
        words::state(&self.told.verdict)
    }

    fn is_valid(&self) -> bool {
        self.told.verdict == Verdict::Valid
    }

    fn age(&self) -> String {
        self.told.age_ms.map_or_else(|| "–".to_owned(), words::span)
    }

    fn left(&self) -> String {
        self.told.left_ms.map_or_else(|| "no expiry".to_owned(), words::span)
    }
}

/// Lists entries: `GET /cache/entries?like=posts.*&level=query`.
pub async fn index(
    request: HttpRequest,
    state: web::Data<PanelState>,
    Query(query): Query<EntriesQuery>,
) -> Answer {
    let page = query.page().ok_or(PanelError::NotFound)?;
    let (pattern, kind) = (query.pattern()?, query.kind()?);
    let (skip, take) = (((page - 1) * SIZE) as usize, SIZE as usize);
    let wanted = Wanted { pattern: &pattern, kind, tag: query.tag(), skip, take };
    let inspection = state.cache.inspect();
    let (found, current) = (inspection.list(&wanted).await, inspection.current().await);
    let carried = [("like", &query.like), ("tag", &query.tag), ("level", &query.level)];
    let carried = carried.into_iter().filter(|(_, value)| !value.is_empty());
    let carried = carried.map(|(name, value)| (name, value.clone())).collect();
    let (at, may_write) = (state.at.as_str(), (state.hooks.may_write)(&request));
    let path = format!("{at}/cache/entries");
    let pagination = Pagination::new(page, (found.total, SIZE), path, carried)?;
    let page = IndexPage {
        at,
        may_write,
        query,
        rows: found.rows.into_iter().map(|told| Row::of(at, told, &current)).collect(),
        total: found.total,
        is_whole: found.is_whole,
        trouble: found.trouble.map(|error| error.to_string()),
        pagination,
    };
    html(&request, &state, "Entries", &page).await
}

/// The page of one key, with each place that stores it.
#[derive(Template)]
#[template(path = "dashboard/entry.html")]
struct ShowPage<'a> {
    at: &'a str,
    may_write: bool,
    key: &'a str,
    name: String,
    parts: Vec<(String, String)>,
    places: Vec<Row>,
}

/// Shows one key: `GET /cache/entry?key=motd`.
pub async fn show(
    request: HttpRequest,
    state: web::Data<PanelState>,
    Query(query): Query<KeyForm>,
) -> Answer {
    let (at, key) = (state.at.as_str(), query.key()?);
    let found = service::look_at(&state, key).await?;
    let current = state.cache.inspect().current().await;
    let places: Vec<Row> = found.into_iter().map(|told| Row::of(at, told, &current)).collect();
    let first = places.first().map(|row| (row.name.clone(), row.parts.clone()));
    let (name, parts) = first.unwrap_or_default();
    let may_write = (state.hooks.may_write)(&request);
    html(&request, &state, "Entry", &ShowPage { at, may_write, key, name, parts, places }).await
}

/// Deletes one key: `POST /cache/entry/delete`.
pub async fn delete(
    request: HttpRequest,
    state: web::Data<PanelState>,
    Form(form): Form<DeleteForm>,
) -> Answer {
    let door = Door::of(&request, &state.at, &form.back);
    let done = match service::delete(&state, form.key()?, door).await {
        Err(PanelError::Absent(_)) => {
            "Nothing was stored here under this key. If another instance had an entry, that is deleted."
        }
        done => done
            .map(|()| "Deleted. An entry is deleted on every instance and rebuilt on next use.")?,
    };
    Ok((state.hooks.redirect)(local_path(&form.back), done))
}
