//! Pages that list, show and delete the entries of the cache.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::audit::Door;
use super::forms::{DeleteForm, EntriesQuery, KINDS, KeyForm};
use super::{Dashboard, SECTION, address, entry_at, service, words};
use crate::cache::fragment::filters;
use crate::cache::inspect::{Body, Description, Kind, MOST, TagStamp, Verdict, Wanted};
use crate::cache::stamps::{Stamps, StampsResult};
use crate::cache::{Key, Tag};
use crate::error::AppError;
use crate::site::form::{Form, Query};
use crate::site::pagination::{PageLink, Pagination};
use crate::site::render::{Layout, dressed, grouped, html};
use crate::site::visitor::Visitor;
use crate::site::{flash, redirect};
use crate::state::State;

/// Entries on a page.
const SIZE: u64 = 25;

const PATH: &str = "/cache/entries";

type Answer = Result<HttpResponse, AppError>;

#[derive(Template)]
#[template(path = "dashboard/entries.html")]
struct IndexPage {
    layout: Layout,
    query: EntriesQuery,
    rows: Vec<Row>,
    total: u64,
    is_whole: bool,
    /// Why the shared store's entries are missing.
    trouble: Option<String>,
    pagination: Pagination,
}

impl IndexPage {
    fn kinds(&self) -> [Kind; 4] {
        KINDS
    }

    /// Formats the total: `1,200 entries`.
    fn counted(&self) -> String {
        words::counted(self.total, "entry", "entries")
    }

    /// Returns the address where the tag of the search can be invalidated, if there is one.
    fn invalidation(&self) -> Option<String> {
        let tag = words::steered(&self.query.tag);
        (!tag.is_empty()).then(|| address("/cache/invalidate", "tag", tag))
    }

    fn most(&self) -> String {
        grouped(MOST as u64)
    }
}

/// An entry, formatted for the templates.
struct Row {
    /// The name in the key, such as `products.list`.
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
    fn of(tag: &TagStamp, current: &StampsResult) -> Self {
        let name = words::tag(&tag.tag);
        let id = Tag::from(tag.tag.clone());
        let now = |current: &Arc<Stamps>| {
            let stamp = current.stamp(&id);
            words::stamp(&TagStamp::from(&(id.clone(), stamp)))
        };
        Self {
            name: name.to_owned(),
            href: address(PATH, "tag", name),
            kept: words::stamp(tag),
            now: current.as_ref().ok().map(now),
        }
    }

    fn has_moved(&self) -> bool {
        self.now.as_ref().is_some_and(|now| *now != self.kept)
    }
}

impl Row {
    fn of(told: Description, current: &StampsResult) -> Self {
        let printed = &told.listed.key;
        let name = printed.split(':').next().unwrap_or_default().to_owned();
        let tags = told.tags.iter().map(|tag| TagRow::of(tag, current)).collect();
        Self { name, parts: Key::parts_of(printed), tags, told }
    }

    fn kind(&self) -> &'static str {
        self.told.listed.kind.name()
    }

    fn bytes(&self) -> String {
        words::bytes(self.told.bytes)
    }

    fn worth(&self) -> String {
        words::worth(&self.told)
    }

    fn href(&self) -> String {
        let key = self.told.listed.name.as_ref().unwrap_or(&self.told.listed.key);
        entry_at(key)
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

/// Lists entries: `GET /cache/entries?like=products.*&level=query`.
pub async fn index(
    state: web::Data<State>,
    visitor: Visitor,
    Query(query): Query<EntriesQuery>,
) -> Answer {
    let page = query.page().ok_or(AppError::NotFound)?;
    let (pattern, kind) = (query.pattern()?, query.kind()?);
    let (skip, take) = (((page - 1) * SIZE) as usize, SIZE as usize);
    let wanted = Wanted { pattern: &pattern, kind, tag: query.tag(), skip, take };
    let inspection = state.cache.inspect();
    let (found, current) = (inspection.list(&wanted).await, inspection.current().await);
    let carried = [("like", &query.like), ("tag", &query.tag), ("level", &query.level)];
    let carried = carried.into_iter().filter(|(_, value)| !value.is_empty());
    let carried = carried.map(|(name, value)| (name, value.clone())).collect();
    let pagination = Pagination::new(page, found.total, SIZE, PATH, carried).checked()?;
    let page = IndexPage {
        layout: Layout::new(&visitor, SECTION, "Entries"),
        query,
        rows: found.rows.into_iter().map(|told| Row::of(told, &current)).collect(),
        total: found.total,
        is_whole: found.is_whole,
        trouble: found.trouble.map(|error| error.to_string()),
        pagination,
    };
    html(&state, StatusCode::OK, &page).await
}

/// The page of one key, with each place that stores it.
#[derive(Template)]
#[template(path = "dashboard/entry.html")]
struct ShowPage {
    layout: Layout,
    key: String,
    name: String,
    parts: Vec<(String, String)>,
    places: Vec<Row>,
}

/// Shows one key: `GET /cache/entry?key=motd`.
pub async fn show(
    state: web::Data<State>,
    visitor: Visitor,
    Query(query): Query<KeyForm>,
) -> Answer {
    let found = service::look_at(&state, query.key()?).await?;
    let current = state.cache.inspect().current().await;
    let places: Vec<Row> = found.into_iter().map(|told| Row::of(told, &current)).collect();
    let first = places.first().map(|row| (row.name.clone(), row.parts.clone()));
    let (name, parts) = first.unwrap_or_default();
    let layout = Layout::new(&visitor, SECTION, "Entry");
    let key = query.key()?.to_owned();
    html(&state, StatusCode::OK, &ShowPage { layout, key, name, parts, places }).await
}

/// Deletes one key: `POST /cache/entry/delete`.
pub async fn delete(
    request: HttpRequest,
    state: web::Data<State>,
    board: web::Data<Dashboard>,
    Form(form): Form<DeleteForm>,
) -> Answer {
    let door = Door::of(&request, &form.back);
    let done = match service::delete(&state, &board, form.key()?, door).await {
        Err(AppError::Absent(_)) => {
            "Nothing was stored here under this key. If another instance had an entry, that is deleted."
        }
        done => done
            .map(|()| "Deleted. An entry is deleted on every instance and rebuilt on next use.")?,
    };
    Ok(flash::redirect(redirect::local_path(&form.back), done))
}

dressed!(IndexPage, ShowPage);
